"""Formulas as MathML, which browsers show without fetching anything."""

import html
import re
from xml.etree.ElementTree import Element, SubElement, tostring

from latex2mathml.converter import convert_to_element

from autograder.feedback.plain_text import plain

#: A longer formula is shown as it was typed.
LONGEST = 1_000
#: Commands that define others, with which a short formula can become one of any size.
DEFINITION = re.compile(
    r"\\(?:[egx]?def|let|(?:re|provide)?(?:new)?command|(?:re)?newenvironment|DeclareMathOperator)(?![A-Za-z])"
)
#: Operators that the library lacks.
OPERATORS = re.compile(r"\\(arg(?:max|min)?|sgn|sign|softmax)(?![a-zA-Z])")
_TAGS = (
    "math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mstyle merror mpadded mphantom menclose msub msup msubsup "
    "munder mover munderover mmultiscripts mprescripts none mtable mtr mtd"
)
TAGS = frozenset(_TAGS.split())
_ATTRIBUTES = (
    "accent align close columnalign columnlines columnspacing displaystyle display fence form largeop linethickness "
    "lspace maxsize minsize movablelimits mathvariant notation open rowlines rowspacing rspace scriptlevel separator "
    "stretchy symmetric width"
)
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
#: Lengths that are small enough to keep a part inside its formula.
LENGTH = re.compile(r"-?0?\.[0-2]\d*em|[0-5](?:\.\d+)?(?:em|ex|pt)|\d{1,2}px", re.ASCII)
#: Named lengths that browsers no longer know, and their values.
NAMED = {"negativethinmathspace": "-0.167em"}
LENGTHS = frozenset({"lspace", "rspace", "width", "maxsize", "minsize", "rowspacing", "columnspacing", "linethickness"})

#: How pages set formulas: in a font for them, and wide ones in a box of their own.
STYLE = """
math { font-family: "Cambria Math", "STIX Two Math", "Latin Modern Math", math, "Times New Roman", serif; }
math { font-size: 1.03em; }
mtd[columnalign~="left"] { text-align: -webkit-left; } mtd[columnalign~="right"] { text-align: -webkit-right; }
math[display="block"] { margin: .6rem 0; overflow-x: auto; overflow-y: hidden; }
"""


def formula(latex: str, typed: str, display: bool = False) -> str:
    """A formula as MathML; if the library cannot read it, as it was typed, in a code box.

    Args:
        latex: the formula.
        typed: the formula as it was typed, with its delimiters.
        display: whether it is set on a line of its own.
    """
    try:
        if len(latex) > LONGEST or DEFINITION.search(latex) or not latex.strip():
            raise ValueError("not a formula to read")
        known = OPERATORS.sub(r"\\operatorname{\1}", latex)
        root = convert_to_element(known, display="block" if display else "inline")
        if any("\\" in (part.text or "") for part in root.iter()):
            raise ValueError("a command that the library does not know stays as it is")
        return tostring(_safe(root), encoding="unicode")
    except Exception:  # the library raises errors of many kinds, IndexError and RecursionError among them
        return as_typed(typed)


def as_typed(typed: str) -> str:
    """A formula that is not read, in a code box."""
    return f"<code>{html.escape(typed)}</code>"


def _safe(root: Element) -> Element:
    """A copy with only those tags and attributes that formulas need: none that link, style or move anything."""
    copy = Element("math")
    pairs = [(root, copy)]
    while pairs:
        old, new = pairs.pop()
        new.text = plain(html.unescape(old.text)) if old.text else None
        for key, value in old.attrib.items():
            value = NAMED.get(value, value)
            if key in ATTRIBUTES and (key not in LENGTHS or all(map(LENGTH.fullmatch, value.split()))):
                new.set(key, value)
        for child in old:
            pairs.append((child, SubElement(new, child.tag if child.tag in TAGS else "mrow")))
    return copy
