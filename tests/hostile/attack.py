"""What an attack is, and the notebook that it makes. The attacks stand in ``dishonest.py`` and ``breaking.py``.

An attack is bounded in count and time by its own code, so that a hole in the walls costs a failed test and no more:
loops end after a minute, floods after a fixed number of steps, whatever is started ends by itself within a minute, and
the only address that anything is sent to is the test's own server on 127.0.0.1. Files that an attack leaves have
``hostile`` in their names, processes in their names or arguments. An attack that has got what it must not get prints
the word ``GOT_IN``.
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from conftest import COURSE

from autograder.grading.demo import answer, pick
from autograder.grading.grade import exercises
from autograder.source.variants import read_variants

#: What an attack prints when it got in; written so that the code itself does not contain it.
GOT_IN = "GOT" + "-IN"
#: What an attack prints when it has done what it does; written in the same way.
RAN = "hostile" + "-ran"
FUNCTIONS, LINEAR, MODULES = "03_functional_and_relu", "04_linear", "10_modules"


@dataclass(frozen=True)
class Attack:
    """A notebook that is up to no good.

    Attributes:
        name: for what it does.
        kind: the class of attacks that it belongs to.
        notebook: the notebook that it is made of.
        code: the attacking cell; ``@COURSE@``, ``@REPOSITORY@`` and ``@PORT@`` become what the test knows.
        exercise: whose cell; the notebook's first one if empty.
        place: ``"answer"``: the code is the exercise's cell; ``"cell"``: an extra cell before it, while it has a wrong
            answer (or, if it is earned, a right one); ``"first"``: an extra cell before everything; ``"last"``: one
            behind everything.
        earned: the exercises that are answered right and get full marks; all others get 0.
        edit: does something else to the notebook at the end.
        says: a part of the row's text.
        shows: a part of the executed notebook's outputs. One that breaks something has to say or show that it ran.
        works_unwalled: whether it gains, sees or damages something when it shares an interpreter with the checks.
        at_most: marks may also be lower: it shoots itself in the foot in a way that may cost more.
    """

    name: str
    kind: str
    notebook: str
    code: str = ""
    exercise: str = ""
    place: str = "answer"
    earned: tuple[str, ...] = ()
    edit: Callable[[nbformat.NotebookNode], None] | None = None
    says: str = ""
    shows: str = ""
    works_unwalled: bool = False
    at_most: bool = False

    @property
    def target(self) -> str:
        """The exercise whose cell is attacked."""
        return self.exercise or names(self.notebook)[0]


@cache
def names(notebook: str) -> tuple[str, ...]:
    """The notebook's exercises in order."""
    return tuple(one.grade_id.removeprefix("check-") for one in exercises(COURSE.solution(notebook)))


@cache
def points(notebook: str) -> dict[str, float]:
    """Full marks of the notebook's checks."""
    return {one.grade_id: one.points for one in exercises(COURSE.solution(notebook))}


def all_but(notebook: str, *lost: str) -> tuple[str, ...]:
    """Every exercise of the notebook but those named."""
    return tuple(name for name in names(notebook) if name not in lost)


@cache
def _variants(notebook: str):
    return read_variants(COURSE.solutions / notebook / "variants.py")


def right_answers(notebook: str) -> dict[str, str]:
    return pick(_variants(notebook), True, 0)


def wrong_answers(notebook: str, number: int) -> dict[str, str]:
    return pick(_variants(notebook), False, number)


def answered(notebook: str, answers: dict[str, str]) -> nbformat.NotebookNode:
    """The released notebook with answers, without its examples and pictures: they take most of the time."""
    whole = answer(COURSE.release(notebook), answers)
    whole.cells = [cell for cell in whole.cells if cell.cell_type == "markdown" or "nbgrader" in cell.metadata]
    return whole


def honest_notebook(notebook: str) -> nbformat.NotebookNode:
    """A right answer to everything."""
    return answered(notebook, right_answers(notebook))


def notebook_of(attack: Attack, known: dict[str, str]) -> nbformat.NotebookNode:
    """What is handed in.

    Args:
        attack: the attack.
        known: what stands for the words between ``@`` in its code.
    """
    code = attack.code
    for word, text in known.items():
        code = code.replace(f"@{word}@", text)
    right, wrong = right_answers(attack.notebook), wrong_answers(attack.notebook, zlib.crc32(attack.name.encode()))
    answers = {name: (right if name in attack.earned else wrong)[name] for name in names(attack.notebook)}
    if attack.code and attack.place == "answer":
        answers[attack.target] = code
    notebook = answered(attack.notebook, answers)
    if attack.place != "answer":
        place = {"first": 0, "last": len(notebook.cells)}.get(attack.place)
        if place is None:
            place = notebook.cells.index(cell_of(notebook, f"exercise-{attack.target}"))
        notebook.cells.insert(place, nbformat.v4.new_code_cell(code))
    if attack.edit is not None:
        attack.edit(notebook)
    return notebook


def cell_of(notebook: nbformat.NotebookNode, grade_id: str) -> nbformat.NotebookNode:
    """The cell with nbgrader's name for it."""
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def check_ran(attack: Attack, executed: Path) -> None:
    """What an attack shows is in the executed notebook's outputs; otherwise it has tested nothing."""
    notebook = nbformat.read(executed, as_version=4)
    outputs = json.dumps([cell.get("outputs", []) for cell in notebook.cells], ensure_ascii=False)
    assert attack.says or attack.shows, "nobody sees whether it ran"
    assert attack.shows in outputs, "it did not do what it was to do"
