"""Show learners' answers without saying whose they are."""

import builtins
import io
import keyword
import random
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.report.records import words

#: Replaces a name.
NAME = "‹name›"
ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}")
WORD = re.compile(r"[^\W_]+")
#: Characters that no page should have: control characters, and those that change the order in which others are
#: shown, which makes code look different from what it does.
UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
#: Longer answers and messages are cut.
LONGEST, MOST_LINES = 4_000, 60
#: Longer texts are cut before anything else is done with them.
LARGEST = 50_000
_LAYOUT = {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.COMMENT}


def number_learners(students: Iterable[str], chance: random.Random) -> dict[str, str]:
    """A label such as ``"learner 7"`` for each student, numbered at random, so that it gives nothing away."""
    shuffled = sorted(students)
    chance.shuffle(shuffled)
    return {student: f"learner {number}" for number, student in enumerate(shuffled, start=1)}


@dataclass(frozen=True)
class Mask:
    """Takes the learners' names out of what they wrote.

    Attributes:
        hidden: the words of their names, in lower case.
        kept: words of the course and of Python, which are shown as they are: ``max`` is a function, ``Max`` a name.
    """

    hidden: frozenset[str]
    kept: frozenset[str]

    def text(self, text: str) -> str:
        """A message without names, cut if it is long."""
        return showable(self._without_names(text[:LARGEST]))

    def code(self, code: str) -> str:
        """An answer without comments, docstrings and names, cut if it is long."""
        return showable(self._without_names(without_comments(code[:LARGEST])))

    def _without_names(self, text: str) -> str:
        return WORD.sub(lambda word: NAME if self._is_name(word[0]) else word[0], ADDRESS.sub(NAME, text))

    def _is_name(self, word: str) -> bool:
        return word.casefold() in self.hidden and word not in self.kept


def make_mask(names: Iterable[str], course_words: Iterable[str]) -> Mask:
    """The mask for learners with these names, ids and addresses. Parts too short to be recognised as names stay."""
    parts = {part.casefold() for name in names for part in words(name.partition("@")[0])}
    return Mask(
        frozenset(part for part in parts if len(part) >= (4 if part.isdigit() else 3 if part.isascii() else 2)),
        frozenset(course_words) | frozenset(dir(builtins)) | frozenset(keyword.kwlist),
    )


def without_comments(code: str) -> str:
    """``code`` without comments and docstrings, which may say who wrote it, and without lines that are then empty."""
    lines = [f"{line}\n" for line in code.split("\n")]  # the lines that Python sees: no others
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO("".join(lines)).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):  # not Python: what looks like a comment goes
        return _without_empty_lines(line.partition("#")[0] for line in code.split("\n"))
    for place, token in reversed([*enumerate(tokens)]):
        if token.type == tokenize.COMMENT or _is_docstring(tokens, place):
            _take_out(lines, token)
    return _without_empty_lines("".join(lines).split("\n"))


def _is_docstring(tokens: list[tokenize.TokenInfo], place: int) -> bool:
    """Whether a token is a string that is a statement of its own."""
    before = tokens[place - 1].type if place else tokenize.NEWLINE
    after = tokens[place + 1].type if place + 1 < len(tokens) else tokenize.NEWLINE
    ends = {tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER}
    return tokens[place].type == tokenize.STRING and before in _LAYOUT and after in ends


def _take_out(lines: list[str], token: tokenize.TokenInfo) -> None:
    (first, start), (last, end) = token.start, token.end
    rest = lines[last - 1][end:]
    lines[first - 1] = lines[first - 1][:start] + rest
    for number in range(first, last):
        lines[number] = ""


def _without_empty_lines(lines: Iterable[str]) -> str:
    return "\n".join(line.rstrip() for line in lines if line.strip())


def showable(text: str) -> str:
    """A text without characters that no page should have, cut if it is long."""
    lines = UNSHOWN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n")).splitlines()
    kept = "\n".join(lines[:MOST_LINES])[:LONGEST]
    return kept if kept == "\n".join(lines) else f"{kept}\n… ({len(lines)} lines, {len(text):,} characters)"
