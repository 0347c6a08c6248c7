"""nbconvert's exporter for feedback pages; ``nbgrader_config.py`` has nbgrader's ``generate_feedback`` use it."""

from pathlib import Path

from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import ansi2html
from traitlets.config import Config

from autograder.feedback.code import colours, highlight_python
from autograder.feedback.formulas import STYLE
from autograder.feedback.plain_text import plain
from autograder.feedback.safe_markdown import clean_markdown

TEMPLATES = Path(__file__).parent / "templates"
#: The template of the formgrader's page for one submission: it extends nbgrader's own.
FORMGRADER = str(TEMPLATES / "formgrader" / "course_formgrader.html.j2")
#: The template of `jupyter nbconvert --to html`, which folds the cells that are folded in the notebook.
FOLDED = str(TEMPLATES / "folded" / "course_folded.html.j2")


def terminal_text(text: str) -> str:
    """A terminal's text as HTML, with its colours and nothing else."""
    return ansi2html(plain(text))


#: In place of nbconvert's filters of these names, wherever learners' notebooks are shown.
FILTERS = {
    "markdown2html": clean_markdown,
    "highlight_code": highlight_python,
    "ansi2html": terminal_text,
    "plain": plain,
}


class FeedbackExporter(HTMLExporter):
    """HTML with the marks at the top, then each exercise, then the notebook."""

    def __init__(self, config=None, **kwargs):
        own = Config(config or {})
        # nbgrader and the formgrader set their own template for every HTMLExporter, and this is one.
        own.FeedbackExporter.template_name = "course_feedback"
        own.FeedbackExporter.template_file = "index.html.j2"
        own.FeedbackExporter.extra_template_basedirs = [str(TEMPLATES)]
        own.FeedbackExporter.preprocessors = []
        super().__init__(config=own, **kwargs)
        # Each output has only one form left, so there is nothing to choose.
        filters = FILTERS | {
            "clean_markdown": clean_markdown,
            "filter_data_type": lambda data: list(data),
        }
        for name, own_filter in filters.items():
            self.register_filter(name, own_filter)
        self.environment.globals |= {"colours": colours, "formula_style": STYLE}

    def from_notebook_node(self, nb, resources=None, **kwargs):
        """As nbconvert does it, but without parsing the whole page again, which takes much time and memory."""
        return TemplateExporter.from_notebook_node(self, nb, self._init_resources(resources), **kwargs)
