"""HTML from learners, made safe to show to others: nothing runs, nothing is loaded, nothing leaves its place.

The text is read once, from start to end, and written anew, with only the tags and attributes that are listed here, each
tag closed, and everything else as text. How a browser would read the original does not matter, and the time it takes is
proportional to the length.
"""

import html
import re
from dataclasses import dataclass, field

from pygments.token import STANDARD_TYPES

from autograder.feedback.plain_text import plain

_TAGS = (
    "a abbr b blockquote br caption cite code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 "
    "h5 h6 hr i img ins kbd li ol p pre q s small span strong sub summary sup table tbody td tfoot th thead tr u ul "
    "var wbr"
)
TAGS = frozenset(_TAGS.split())
EMPTY = frozenset({"br", "col", "hr", "img", "wbr"})
#: Tags whose content is not text to read.
_DROPPED = (
    "audio canvas embed head iframe math noembed noframes noscript object script select style svg template textarea "
    "title video xmp"
)
DROPPED = frozenset(_DROPPED.split())
#: Which open tags a tag ends, if one of them is the innermost.
ENDS = {
    "p": {"p"},
    "li": {"li"},
    "tr": {"tr"},
    "td": {"td", "th"},
    "th": {"td", "th"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
}
#: The classes that Pygments writes. Any other class could borrow the look of the page around it.
CLASSES = frozenset(name for name in STANDARD_TYPES.values() if name) | {"highlight"}
#: Properties that change the look of an element, and nothing outside it. The size of the text is up to the page.
_STYLES = (
    "background background-color border border-collapse border-radius color display flex-wrap font-style font-weight "
    "gap max-width text-align text-decoration vertical-align white-space width"
)
STYLES = frozenset(_STYLES.split())
STYLE = re.compile(r"(?:[\w#.%+]|\s|(?<=\w)-)+|rgba?\([\d\s.,%]+\)", re.ASCII)
DISPLAY = frozenset({"block", "inline", "inline-block", "flex"})
#: A picture must be in the text itself. An SVG inside ``<img>`` runs no script and loads nothing.
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]++", re.ASCII)
LINK = re.compile(r"(?:https?://|mailto:|#)[^\s\x00-\x20]*", re.IGNORECASE)
NUMBER = re.compile(r"\d{1,4}%?", re.ASCII)

MARKUP = re.compile(r"""<!--|<(/?)([A-Za-z][A-Za-z0-9:-]*+)((?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>""")
ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'=<>`]++))?+""")
#: Tags nested deeper than this are left out: depth makes browsers, and Python's HTML parsers, slow.
DEEPEST = 30
#: How many characters of a text are read, pictures not counted, and how many characters of its pictures.
LONGEST, LARGEST = 20_000, 3_000_000
CUT = "<p><i>Cut here, because it is too long for this page.</i></p>"


def clean_html(text: str, longest: int = LONGEST, pictures: int = LARGEST) -> str:
    """``text`` with everything except plain markup removed.

    Args:
        text: the HTML.
        longest: how many of its characters are read, pictures not counted.
        pictures: how many characters of its pictures are read.
    """
    writer, place, read, absent = _Writer(), 0, 0, set()
    while place < len(text):
        found = MARKUP.search(text, place)
        start = found.start() if found else len(text)
        shown = text[place : min(start, place + longest - read)]
        writer.text(shown)
        read += len(shown)
        if read >= longest or found is None:
            break
        place = found.end()
        if found[0] == "<!--":
            end = text.find("-->", place) if "-->" not in absent else -1
            if end < 0:  # no comment, and nothing further down can be one
                absent.add("-->")
                writer.text(found[0])
            place = end + 3 if end >= 0 else place
            continue
        closing, name, about = found[1], (found[2] or "").lower(), found[3] or ""
        if name == "img" and "data:image/" in about:
            pictures -= len(about)
            about = about if pictures >= 0 else 'alt="too large for this page"'
        else:
            read += len(found[0])
        if name in DROPPED and not closing and name not in absent:
            end = re.compile(rf"</{name}\s*+>", re.IGNORECASE).search(text, place)
            place = end.end() if end else place
            absent |= set() if end else {name}
        elif name in TAGS:
            writer.close(name) if closing else writer.open(name, about)
    writer.close_all()
    return "".join(writer.parts) + (CUT if read >= longest else "")


@dataclass
class _Writer:
    """The cleaned text so far, and the tags open in it."""

    parts: list[str] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)

    def text(self, text: str) -> None:
        self.parts.append(html.escape(plain(html.unescape(text)), quote=False))

    def open(self, name: str, about: str) -> None:
        if self.stack and self.stack[-1] in ENDS.get(name, ()):
            self.close(self.stack[-1])
        if len(self.stack) >= DEEPEST or (name == "a" and "a" in self.stack):
            return
        attributes = {key.lower(): html.unescape(value.strip("\"'")) for key, value in ATTRIBUTE.findall(about)}
        if name == "img":
            self.picture(attributes)
            return
        kept = _kept(name, attributes)
        self.parts.append(f"<{name}{_written(kept)}>")
        if name not in EMPTY:
            self.stack.append(name)

    def picture(self, attributes: dict[str, str]) -> None:
        if PICTURE.fullmatch(attributes.get("src", "").strip()):
            kept = {"alt": attributes.get("alt", ""), "src": attributes["src"].strip()} | _kept("img", attributes)
            self.parts.append(f"<img{_written(kept)}>")
        else:
            what = f": {attributes['alt']}" if attributes.get("alt") else ""
            self.text(f"(a picture that is not in the notebook{what})")

    def close(self, name: str) -> None:
        if name in self.stack:
            while self.stack:
                last = self.stack.pop()
                self.parts.append(f"</{last}>")
                if last == name:
                    break

    def close_all(self) -> None:
        self.parts += [f"</{name}>" for name in reversed(self.stack)]
        self.stack = []


def _kept(name: str, attributes: dict[str, str]) -> dict[str, str]:
    """The attributes that are safe to show."""
    kept = {key: attributes[key] for key in ("title", "align") if key in attributes}
    kept |= {
        key: attributes[key]
        for key in ("width", "height", "colspan", "rowspan", "start")
        if NUMBER.fullmatch(attributes.get(key, ""))
    }
    if classes := " ".join(each for each in attributes.get("class", "").split() if each in CLASSES):
        kept["class"] = classes
    if style := _safe_style(attributes.get("style", "")):
        kept["style"] = style
    if name == "details" and "open" in attributes:
        kept["open"] = ""
    if name == "a" and LINK.fullmatch(attributes.get("href", "").strip()):
        kept |= {"href": attributes["href"].strip(), "rel": "noopener noreferrer", "target": "_blank"}
    return kept


def _safe_style(style: str) -> str:
    """The declarations of a ``style`` attribute that change nothing outside their element."""
    kept = []
    for declaration in style.split(";")[:20]:
        key, _, value = (part.strip() for part in declaration.partition(":"))
        known = key.lower() in STYLES and len(value) <= 60 and STYLE.fullmatch(value)
        if known and (key.lower() != "display" or value in DISPLAY):
            kept.append(f"{key.lower()}:{value}")
    return ";".join(kept)


def _written(attributes: dict[str, str]) -> str:
    return "".join(f' {key}="{html.escape(plain(value))}"' for key, value in attributes.items())
