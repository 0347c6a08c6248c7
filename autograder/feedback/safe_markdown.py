"""Markdown as safe HTML, with formulas as MathML, coloured code and pasted pictures."""

import html
import re
from collections.abc import Mapping

from jinja2 import pass_context
from jinja2.runtime import Context
from mistune import HTMLRenderer
from nbconvert.filters.markdown_mistune import MarkdownWithMath

from autograder.feedback.code import highlight_python
from autograder.feedback.formulas import as_typed
from autograder.feedback.renderer import FormulaRenderer
from autograder.feedback.safe_html import CUT, clean_html

#: How many characters of a text are read: the parser's time may grow with the square of the length.
LONGEST = 8_000
#: How many formulas of a text are read; further ones are shown as they were typed.
MOST_FORMULAS = 200
PYTHON = frozenset({"python", "py", "python3", "ipython", "ipython3"})
#: These mark the place of a formula while the text around it is cleaned; they are removed from texts.
OPENING, CLOSING = "\ue000", "\ue001"
ATTACHMENT = "attachment:"
TAG_OR_PLACE = re.compile(f"(<[^>]*>)|{OPENING}(\\d+){CLOSING}", re.ASCII)


class _Renderer(FormulaRenderer):
    """Sets formulas aside and colours only Python, because some other lexers take for ever."""

    def __init__(self, attached: Mapping[str, str]):
        super().__init__(escape=False, exclude_anchor_links=True)
        self.attached = dict(attached)
        self.formulas: dict[str, str] = {}

    def block_code(self, code: str, info: str | None = None) -> str:
        if (info or "").strip().lower() in PYTHON:
            return highlight_python(code)
        return f"<pre><code>{html.escape(code)}</code></pre>\n"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if url.startswith(ATTACHMENT):  # each is shown once, however often it is named
            url = self.attached.pop(url.removeprefix(ATTACHMENT), url)
        return HTMLRenderer.image(self, text, url, title)

    def show_formula(self, latex: str, typed: str, display: bool = False) -> str:
        number = str(len(self.formulas))
        few = len(self.formulas) < MOST_FORMULAS
        self.formulas[number] = super().show_formula(latex, typed, display) if few else as_typed(typed)
        return f"{OPENING}{number}{CLOSING}"


def markdown_as_html(text: str, attachments: object = None) -> str:
    """Markdown as safe HTML.

    Args:
        text: the Markdown.
        attachments: pictures pasted into the cell, by name, as the notebook has them.
    """
    attached = _attached(attachments)
    renderer, pictures = _Renderer(attached), sum(map(len, attached.values())) + LONGEST
    shown = text[:LONGEST].replace(OPENING, "").replace(CLOSING, "")
    try:
        rendered = MarkdownWithMath(renderer=renderer).render(shown)
        cleaned = clean_html(rendered, longest=5 * LONGEST, pictures=pictures)
    except Exception:  # a text made to break the parser is shown as it was typed
        return f"<pre>{html.escape(shown)}</pre>"
    whole = TAG_OR_PLACE.sub(lambda found: _put_back(found, renderer.formulas), cleaned)
    return whole + (CUT if len(text) > LONGEST else "")


def _attached(attachments: object) -> dict[str, str]:
    """The pictures among a cell's attachments, as addresses, by name; a notebook may have anything in this place."""
    found = {}
    for name, forms in attachments.items() if isinstance(attachments, dict) else ():
        for kind, data in forms.items() if isinstance(forms, dict) else ():
            if isinstance(data, str):
                found.setdefault(name, f"data:{kind};base64,{data}")
    return found


def _put_back(found: re.Match[str], formulas: dict[str, str]) -> str:
    """The formula for a place, each only once; none inside a tag, where it could end an attribute."""
    tag, number = found.groups()
    return tag.replace(OPENING, "").replace(CLOSING, "") if tag else formulas.pop(number, "")


@pass_context
def clean_markdown(context: Context, text: str) -> str:
    """The filter for templates: Markdown as safe HTML, with the pictures that were pasted into the cell."""
    cell = context.get("cell") or {}
    return markdown_as_html(text, cell.get("attachments"))
