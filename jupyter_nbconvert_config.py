"""Configuration of `jupyter nbconvert`: in its HTML those cells are folded that are folded in the notebook.

In JupyterLab's terminals it holds for `jupyter nbconvert --to html`; elsewhere, add `--config` and this file's path.
"""

from autograder.feedback.exporter import FOLDED

c = get_config()
c.HTMLExporter.template_file = FOLDED
