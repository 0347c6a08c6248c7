"""Text from learners, without characters that change how the text around them is shown."""

import re

#: Control characters, halves of surrogate pairs, and characters that change the direction of text, with which a line
#: can look different from what it says. The escape character of a colour code stays.
UNSHOWN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    r"|\x1b(?!\[[0-9;]*m)"
)


def plain(text: str) -> str:
    """``text`` with a replacement character for each character that is not to be shown."""
    return UNSHOWN.sub("\N{REPLACEMENT CHARACTER}", text)
