"""How each exercise went: who solved it, how hard it was, and how well it tells learners apart."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.grading.grade import Exercise
from autograder.grading.results import Result
from autograder.report.records import Record

#: How an exercise can end for a learner, best first.
ENDINGS = ("solved", "wrong", "stopped", "unsolved")
#: Signs for these, so that colour is not needed.
SIGNS = {"solved": "✓", "wrong": "✗", "stopped": "■", "unsolved": "○"}


@dataclass(frozen=True)
class Item:
    """One exercise.

    Attributes:
        number: its place in the notebook, from 1.
        exercise: its check, title and points.
        endings: how it ended, by learner; only learners who have a result.
        share: the share of its points that was earned; None without points or learners.
        discrimination: see ``discrimination``.
    """

    number: int
    exercise: Exercise
    endings: Mapping[str, str]
    share: float | None
    discrimination: float | None

    @property
    def title(self) -> str:
        """Its heading without the number."""
        return self.exercise.title.partition(": ")[2] or self.exercise.title

    def count(self, ending: str) -> int:
        """How many learners' attempts ended this way."""
        return sum(each == ending for each in self.endings.values())


def analyse(exercises: Sequence[Exercise], records: Sequence[Record]) -> list[Item]:
    """The class's results by exercise."""
    return [_item(number, exercise, records) for number, exercise in enumerate(exercises, start=1)]


def ending(result: Result) -> str:
    """How an exercise ended: ``"solved"`` if it earned its points, whoever gave them."""
    if result.right:
        return "solved"
    return result.status if result.status in ENDINGS else "wrong"


def discrimination(scores: Sequence[float], totals: Sequence[float]) -> float | None:
    """The corrected item-total correlation: Pearson's r of the item with the sum of all *other* items.

    For item scores x_i and totals t_i, r(x, t − x) = cov(x, t − x) / (s_x s_{t−x}). Without the correction an item
    would correlate with itself in the total. See S. Henrysson, "Correction of item-total correlations in item
    analysis", Psychometrika 28 (1963), 211–218.

    Returns:
        A number from −1 to 1; None with fewer than three learners, or if the item or the rest is the same for all.
    """
    rest = [total - score for score, total in zip(scores, totals, strict=True)]
    # Equal differences of floats can differ in the last digit: without this, rounding errors would be correlated.
    rest = [round(value, 9) for value in rest]
    if len(scores) < 3 or len(set(scores)) == 1 or len(set(rest)) == 1:
        return None
    return statistics.correlation(scores, rest)


def _item(number: int, exercise: Exercise, records: Sequence[Record]) -> Item:
    taken = [record for record in records if exercise.grade_id in record.results]
    scores = [record.results[exercise.grade_id].score for record in taken]
    possible = exercise.points * len(taken)
    return Item(
        number=number,
        exercise=exercise,
        endings={record.student: ending(record.results[exercise.grade_id]) for record in taken},
        share=sum(scores) / possible if possible else None,
        discrimination=discrimination(scores, [record.score for record in taken]) if exercise.points else None,
    )
