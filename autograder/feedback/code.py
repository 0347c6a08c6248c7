"""Code, coloured as Python whatever language a notebook names: it could name a lexer that takes for ever."""

import html
import re
from functools import cache

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.feedback.plain_text import plain

#: Pygments takes time that grows with the square of the length of such a gap, so code with one is not coloured.
GAP = re.compile(r"[ \t]{200}")


def highlight_python(source: str, metadata: object = None) -> str:
    """Code as HTML; in templates, this replaces nbconvert's filter, which also gets the cell's ``metadata``."""
    if GAP.search(source):
        return f'<div class="highlight"><pre>{html.escape(plain(source))}</pre></div>'
    return highlight(plain(source), _lexer(), HtmlFormatter(cssclass="highlight"))


@cache
def _lexer() -> PythonLexer:
    return PythonLexer()


def colours(style: str) -> str:
    """The CSS of one of Pygments' styles."""
    return HtmlFormatter(style=style).get_style_defs(".highlight")
