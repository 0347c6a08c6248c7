"""Configuration of `jupyter nbconvert`: HTML folds the cells that the notebook folds, and shows formulas offline.

In JupyterLab's terminals, `jupyter nbconvert --to html` uses it; elsewhere, add `--config` and this file's path.
"""

from autograder.feedback.exporter import FOLDED
from autograder.feedback.web_page import FindNeeds, MarkdownWithFormulas

c = get_config()
c.HTMLExporter.template_file = FOLDED
c.HTMLExporter.preprocessors = [FindNeeds]
c.HTMLExporter.filters = {"markdown2html": MarkdownWithFormulas}
