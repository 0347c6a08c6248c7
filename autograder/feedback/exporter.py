"""nbconvert's exporter for feedback pages; nbgrader's ``generate_feedback`` uses it by ``nbgrader_config.py``."""

from pathlib import Path

from nbconvert.exporters import HTMLExporter
from traitlets import default
from traitlets.config import Config

TEMPLATES = Path(__file__).parent / "templates"


class FeedbackExporter(HTMLExporter):
    """HTML with the marks at the top, then each exercise, then the notebook."""

    def __init__(self, config=None, **kwargs):
        super().__init__(config=config, **kwargs)
        # nbgrader and the formgrader configure their own template for every HTMLExporter, which this one is
        own = Config()
        own.FeedbackExporter.template_name = "course_feedback"
        own.FeedbackExporter.extra_template_basedirs = [str(TEMPLATES)]
        self.update_config(own)

    @default("template_name")
    def _template_name_default(self):
        return "course_feedback"
