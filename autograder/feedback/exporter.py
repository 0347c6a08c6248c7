"""nbconvert's exporter for feedback pages; nbgrader's ``generate_feedback`` uses it by ``nbgrader_config.py``."""

from pathlib import Path

from nbconvert.exporters import HTMLExporter
from traitlets.config import Config

from autograder.feedback.safe_html import clean_markdown

TEMPLATES = Path(__file__).parent / "templates"


class FeedbackExporter(HTMLExporter):
    """HTML with the marks at the top, then each exercise, then the notebook."""

    def __init__(self, config=None, **kwargs):
        own = Config(config or {})
        # nbgrader and the formgrader set their own template for every HTMLExporter, and this is one.
        own.FeedbackExporter.template_name = "course_feedback"
        own.FeedbackExporter.extra_template_basedirs = [str(TEMPLATES)]
        super().__init__(config=own, **kwargs)
        self.register_filter("clean_markdown", clean_markdown)
