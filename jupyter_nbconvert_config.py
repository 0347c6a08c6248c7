"""Configuration of `jupyter nbconvert`: cells that are folded in the notebook are folded in its HTML, too.

In JupyterLab's terminals, `jupyter nbconvert --to html` uses it; elsewhere, add `--config` and this file's path.
"""

from autograder.feedback.exporter import FOLDED

c = get_config()
c.HTMLExporter.template_file = FOLDED
