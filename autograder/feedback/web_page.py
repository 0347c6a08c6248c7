"""A notebook as a page of its own, by `jupyter nbconvert --to html`: it needs the network only if its outputs do."""

import re
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets.config import Configurable

from autograder.feedback.formulas import STYLE
from autograder.feedback.renderer import FormulaRenderer

SCRIPT = re.compile(r"<script\b", re.IGNORECASE)
#: A diagram in Markdown.
MERMAID = re.compile(r"^\s*(?:```+|~~~+)\s*mermaid", re.MULTILINE)


@pass_context
class MarkdownWithFormulas(Configurable):
    """In place of nbconvert's filter ``markdown2html``, which leaves formulas to MathJax; it has the same options.

    nbconvert makes one for each exporter, which is its ``parent``.
    """

    def __call__(self, context: Context, text: str) -> str:
        exporter = self.parent
        renderer = FormulaRenderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=exporter.embed_images,
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
            anchor_link_text=exporter.anchor_link_text,
            exclude_anchor_links=exporter.exclude_anchor_links,
            **exporter.lexer_options,
        )
        return MarkdownWithMath(renderer=renderer).render(text)


class FindNeeds(Preprocessor):
    """Tells the template which of nbconvert's libraries, all of them on the network, a notebook cannot do without."""

    def preprocess(self, notebook: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
        outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
        texts += [output["text/markdown"] for output in outputs if "text/markdown" in output]
        scripts = [*texts, *(output["text/html"] for output in outputs if "text/html" in output)]
        resources["formula_style"] = STYLE
        resources["needs_scripts"] = (
            "reveal" in resources  # slides are shown by a script
            or "widgets" in notebook.metadata
            or any("application/javascript" in output for output in outputs)
            or any(map(SCRIPT.search, scripts))
        )
        resources["needs_mermaid"] = any(map(MERMAID.search, texts)) or any(
            "text/vnd.mermaid" in output for output in outputs
        )
        return notebook, resources
