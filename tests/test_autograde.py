"""Variants as they are graded: right ones get full marks, wrong ones none and the message that leads to the mistake.

Every variant goes through the engine with its own check, in the company of one answer to each other exercise, as in a
learner's notebook. If the outcome is not what it should be, it is tried once more alone, since company can do harm.
Whole notebooks go through nbgrader's autograde as well: two of right answers, one of wrong ones and an unsolved one,
since what nbgrader does with a mark depends on no variant.
"""

from copy import deepcopy
from functools import cache
from itertools import zip_longest

import nbformat
import pytest
from conftest import COURSE

from autograder.execute import CheckReport, Limits, execute
from autograder.grading.demo import answer, hand_in, pick
from autograder.grading.grade import Row, exercises, grade_class
from autograder.grading.nbgrader_apps import course_config
from autograder.source.variants import Variant, read_variants

VARIANTS = [
    pytest.param(name, variant, id=f"{name}-{variant.exercise}-line{variant.line}")
    for name in COURSE.names
    for variant in read_variants(COURSE.variants(name))
]


@cache
def solution_cells(name: str) -> dict[str, nbformat.NotebookNode]:
    """The cells of the solution that nbgrader knows, by their names, in order."""
    cells = nbformat.read(COURSE.solution(name), as_version=4).cells
    return {cell.metadata.nbgrader.grade_id: cell for cell in cells if "nbgrader" in cell.metadata}


def graded(name: str, *variants: Variant) -> list[tuple[CheckReport, list[str]]]:
    """How each answer's check ended, and the run's problems: one run with set-up, tools, these answers and checks."""
    answers = {f"exercise-{variant.exercise}": variant.text for variant in variants}
    wanted = {"setup", "tools", *answers, *(f"check-{variant.exercise}" for variant in variants)}
    notebook = nbformat.v4.new_notebook()
    for grade_id, cell in solution_cells(name).items():
        if grade_id in wanted:
            notebook.cells.append(deepcopy(cell))
            notebook.cells[-1].source = answers.get(grade_id, cell.source)
    report = execute(notebook, Limits())
    checks = {check.grade_id: check for check in report.checks}
    return [(checks[f"check-{variant.exercise}"], report.problems) for variant in variants]


@cache
def companies(name: str) -> dict[int, tuple[Variant, ...]]:
    """Who runs together, by the line of each: the first variants of all exercises, the second ones, and so on."""
    by_exercise: dict[str, list[Variant]] = {}
    for variant in read_variants(COURSE.variants(name)):
        by_exercise.setdefault(variant.exercise, []).append(variant)
    rows = [tuple(filter(None, row)) for row in zip_longest(*by_exercise.values())]
    return {variant.line: row for row in rows for variant in row}


@cache
def graded_together(name: str, variants: tuple[Variant, ...]) -> dict[int, tuple[CheckReport, list[str]]]:
    return dict(zip((variant.line for variant in variants), graded(name, *variants), strict=True))


def is_as_it_should_be(variant: Variant, check: CheckReport, problems: list[str]) -> bool:
    right = check.status == "right"
    return not problems and right == variant.right and (variant.right or variant.says in check.message)


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_engine_tells_right_from_wrong(name, variant):
    """Behind the walls, where answer and check are two processes, as in the notebook, where they are one."""
    check, problems = graded_together(name, companies(name)[variant.line])[variant.line]
    if not is_as_it_should_be(variant, check, problems):
        [(check, problems)] = graded(name, variant)
    assert problems == []
    assert (check.status == "right") == variant.right, check.message
    assert variant.right or variant.says in check.message


def rounds(name: str) -> dict[str, dict[str, str]]:
    """A class for one notebook: answers by learner."""
    variants = read_variants(COURSE.variants(name))
    right = {f"right-{i}": pick(variants, True, i) for i in range(2)}
    return {"unsolved": {}, **right, "wrong": pick(variants, False, 0)}


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """Graded classes by notebook, each graded when it is first asked for."""
    known: dict[str, dict[str, Row]] = {}

    def get(name: str) -> dict[str, Row]:
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            for learner, answers in rounds(name).items():
                hand_in(answer(COURSE.release(name), answers), folder, learner, name)
            rows = grade_class(COURSE, course_config(COURSE.root, workdir=folder), name)
            known[name] = {row.student: row for row in rows}
        return known[name]

    return get


@pytest.mark.parametrize(("name", "learner"), [(name, learner) for name in COURSE.names for learner in rounds(name)])
def test_variants_get_the_marks_they_deserve(classes, name, learner):
    row = classes(name)[learner]
    right = learner.startswith("right")
    deserved = {exercise.grade_id: exercise.points if right else 0 for exercise in exercises(COURSE.solution(name))}
    assert row.marks == deserved, [result.message for result in row.results]
    assert row.problems == []
    if learner == "unsolved":
        assert {result.status for result in row.results} == {"unsolved"}
