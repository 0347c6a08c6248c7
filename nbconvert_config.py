"""For `jupyter nbconvert --config nbconvert_config.py --to html`: cells folded in a notebook are folded there, too."""

from autograder.feedback.exporter import FOLDED

c = get_config()
c.HTMLExporter.template_file = FOLDED
