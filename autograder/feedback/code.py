"""Code, coloured as Python whatever a notebook says it is: a notebook can name lexers that take for ever."""

from functools import cache

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.feedback.plain_text import plain


def highlight_python(source: str, metadata: object = None) -> str:
    """Code as HTML; in templates it stands in for nbconvert's filter, which also gets the cell's ``metadata``."""
    return highlight(plain(source), _lexer(), HtmlFormatter(cssclass="highlight"))


@cache
def _lexer() -> PythonLexer:
    return PythonLexer()


def colours(style: str) -> str:
    """The CSS of one of Pygments' styles."""
    return HtmlFormatter(style=style).get_style_defs(".highlight")
