"""Pairs of learners whose answers are more alike than chance suggests: a place to look, not a verdict."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from autograder.report.normal import normal_form
from autograder.report.records import Record

Form = tuple[str, ...]
#: Two answers are alike if they have at least this share of their tokens in common, in the same order.
ALIKE = 0.9
#: The fewest and most tokens: shorter answers are alike by chance, and longer ones take too long to compare.
FEWEST, MOST = 40, 1_000
#: An answer that is like more than two others, and like more than this share of the class, is simply common.
COMMON = 0.05
#: The first of the code points that are not characters, and how many there are.
FIRST_SURROGATE, SURROGATES = 0xD800, 0x800


@dataclass(frozen=True)
class Likeness:
    """Two answers to one exercise, and how alike they are, from 0 to 1."""

    grade_id: str
    share: float
    answers: tuple[str, str]


@dataclass(frozen=True)
class Pair:
    """Two learners, and their answers that are alike, the longest first."""

    students: tuple[str, str]
    likenesses: tuple[Likeness, ...]

    @property
    def weight(self) -> tuple[int, int]:
        """What pairs are sorted by: in how many exercises they are alike, and how long those answers are."""
        return len(self.likenesses), sum(len(likeness.answers[0]) for likeness in self.likenesses)


def find_pairs(records: Sequence[Record], solutions: Mapping[str, str]) -> list[Pair]:
    """Pairs of learners with at least one answer that is alike and uncommon, the most noteworthy first.

    Answers that are short, like the course's own, like many others, or not Python are left out.

    Args:
        records: the class.
        solutions: the course's answers, by the check's ``grade_id``.
    """
    found: dict[tuple[str, str], list[Likeness]] = defaultdict(list)
    for grade_id, solution in solutions.items():
        answers = {record.student: record.answers[grade_id] for record in records if grade_id in record.answers}
        for (one, other), share in _alike(answers, solution).items():
            found[one, other].append(Likeness(grade_id, share, (answers[one], answers[other])))
    pairs = [
        Pair(students, tuple(sorted(likenesses, key=lambda likeness: -len(likeness.answers[0]))))
        for students, likenesses in found.items()
    ]
    return sorted(pairs, key=lambda pair: (*(-part for part in pair.weight), pair.students))


def _alike(answers: Mapping[str, str], solution: str) -> dict[tuple[str, str], float]:
    """How alike the uncommon answers to one exercise are, by pair of learners."""
    writers: dict[Form, list[str]] = defaultdict(list)
    for student, form in _forms(answers).items():
        writers[form].append(student)
    own = normal_form(solution) or ()
    forms = [form for form in writers if FEWEST <= len(form) <= MOST and _share(form, own) < ALIKE]
    if not forms:
        return {}
    texts = _as_texts(forms)
    shares = cdist(texts, texts, scorer=Indel.normalized_similarity, score_cutoff=ALIKE, dtype=np.float32)
    sizes = np.array([len(writers[form]) for form in forms])
    others = (shares > 0) @ sizes - 1
    few = max(2, COMMON * len(answers))
    pairs = {}
    for row, column in zip(*np.nonzero(np.triu(shares))):
        if others[row] <= few and others[column] <= few:
            mine, theirs = writers[forms[row]], writers[forms[column]]
            both = combinations(mine, 2) if row == column else ((one, other) for one in mine for other in theirs)
            pairs |= {tuple(sorted(pair)): float(shares[row, column]) for pair in both}
    return pairs


def _as_texts(forms: Sequence[Form]) -> list[str]:
    """Each form as a text with one character for each token, because texts are compared many times faster."""
    numbers: dict[str, int] = {}
    coded = ([numbers.setdefault(token, len(numbers)) for token in form] for form in forms)
    return ["".join(chr(code + (code >= FIRST_SURROGATE) * SURROGATES) for code in form) for form in coded]


def _forms(answers: Mapping[str, str]) -> dict[str, Form]:
    """Each learner's answer in normal form; equal texts are parsed only once."""
    by_text = {code: normal_form(code) for code in set(answers.values())}
    return {student: form for student, code in answers.items() if (form := by_text[code]) is not None}


def _share(form: Form, other: Form) -> float:
    return Indel.normalized_similarity(form, other, score_cutoff=ALIKE)
