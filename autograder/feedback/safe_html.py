"""HTML from learners, made safe to show to others: what can run or load something is taken out."""

import html
import re

import bleach
from nbconvert.filters.markdown import markdown2html

TAGS = (
    "a abbr b blockquote br caption cite code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 "
    "h5 h6 hr i img ins kbd li ol p pre q s small span strong sub summary sup table tbody td tfoot th thead tr u ul "
    "var wbr"
)
ATTRIBUTES = {
    "*": ["class", "title"],
    "a": ["href"],
    "img": ["alt", "width", "height", "src"],
    "td": ["colspan", "rowspan", "align"],
}
#: What the course's ``show`` displays. An SVG inside ``<img>`` runs no script and loads nothing.
PICTURE = re.compile(r'<img alt="[^"<>]*" style="[\w:;%.#-]*" src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]+">')


#: Cleaning takes time that grows with the square of a text's length; a longer one is shown as it was typed.
LONGEST = 20_000


def clean_html(text: str) -> str:
    """``text`` with everything dropped that is not plain markup; pictures of the course are left as they are."""
    if PICTURE.fullmatch(text.strip()):
        return text
    if len(text) > LONGEST:
        return f"<pre>{html.escape(text)}</pre>"
    return bleach.clean(
        text,
        tags=frozenset(TAGS.split()),
        attributes=ATTRIBUTES,
        protocols={"https", "http", "mailto", "attachment"},
        strip=True,
    )


def clean_markdown(text: str) -> str:
    """Markdown as safe HTML."""
    return clean_html(markdown2html(text) if len(text) <= LONGEST else text)
