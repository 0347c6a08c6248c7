"""What went wrong in wrong answers: the mistakes that checks named, and failures that no check has a name for yet."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autograder.grading.results import FAILED, named_mistake
from autograder.report.items import ending
from autograder.report.records import Record

NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
#: How many answers are shown for each mistake.
SHOWN = 3


@dataclass(frozen=True)
class Mistake:
    """A mistake that one or more learners made in the same exercise.

    Attributes:
        grade_id: the check that found it.
        sentence: the check's sentence that names it; empty if it has no name.
        message: the whole message; if there are several, the most frequent one.
        students: who made it.
        examples: different answers with this mistake, each by a learner who gave it, the most frequent first.
    """

    grade_id: str
    sentence: str
    message: str
    students: tuple[str, ...]
    examples: Mapping[str, str]


def find_mistakes(records: Sequence[Record], same: Callable[[str], object]) -> tuple[list[Mistake], list[Mistake]]:
    """The named mistakes and the nameless ones, each list with the most frequent first.

    Args:
        records: the class.
        same: returns a key for an answer; of answers with the same key, only one is shown.
    """
    named: dict[tuple[str, str], list[Record]] = defaultdict(list)
    nameless: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        for grade_id, result in record.results.items():
            if ending(result) == "wrong" and result.message:
                sentence = named_mistake(result.message)
                groups, key = (named, sentence) if sentence else (nameless, kind(result.message))
                groups[grade_id, key].append(record)
    return (
        _by_frequency(_mistake(grade_id, sentence, who, same) for (grade_id, sentence), who in named.items()),
        _by_frequency(_mistake(grade_id, "", who, same) for (grade_id, _), who in nameless.items()),
    )


def kind(message: str) -> str:
    """What messages about the same failure have in common: their beginning, without numbers and quoted texts."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    first, second = [*lines, "", ""][:2]
    if not first.startswith(FAILED):
        return NUMBER.sub("#", QUOTED.sub("'…'", first))
    if second.startswith(("yours", "expected")):
        second = ""
    return NUMBER.sub("#", f"{first}\n{QUOTED.sub('…', second)}").strip()


def _mistake(grade_id: str, sentence: str, who: Sequence[Record], same: Callable[[str], object]) -> Mistake:
    messages = Counter(record.results[grade_id].message for record in who)
    alike: dict[object, list[Record]] = defaultdict(list)
    for record in who:
        if record.answers.get(grade_id, "").strip():
            alike[same(record.answers[grade_id])].append(record)
    frequent = sorted(alike.values(), key=len, reverse=True)[:SHOWN]
    return Mistake(
        grade_id=grade_id,
        sentence=sentence,
        message=min(messages, key=lambda text: (-messages[text], len(text), text)),
        students=tuple(record.student for record in who),
        examples={group[0].student: group[0].answers[grade_id] for group in frequent},
    )


def _by_frequency(mistakes) -> list[Mistake]:
    return sorted(mistakes, key=lambda mistake: (-len(mistake.students), mistake.grade_id, mistake.message))
