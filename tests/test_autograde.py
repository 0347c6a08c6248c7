"""Variants as they are graded: right ones get full marks, wrong ones none and the message that leads to the mistake.

Every variant goes through the engine by itself, with its own check. Whole notebooks go through nbgrader's autograde as
well: two of right answers, one of wrong ones and an unsolved one, since what nbgrader does with a mark depends on no
variant.
"""

from pathlib import Path

import nbformat
import pytest
from conftest import COURSE

from autograder.execute import Limits, execute
from autograder.grading.demo import answer, hand_in, pick
from autograder.grading.grade import Row, exercises, grade_class
from autograder.grading.nbgrader_apps import course_config
from autograder.source.variants import Variant, read_variants

VARIANTS = [
    pytest.param(name, variant, id=f"{name}-{variant.exercise}-line{variant.line}")
    for name in COURSE.names
    for variant in read_variants(COURSE.variants(name))
]


def answered(solution: Path, variant: Variant) -> nbformat.NotebookNode:
    """Set-up and tools, one answer, and its check with the hidden tests."""
    wanted = ("setup", "tools", f"exercise-{variant.exercise}", f"check-{variant.exercise}")
    notebook = nbformat.read(solution, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") in wanted]
    notebook.cells[wanted.index(f"exercise-{variant.exercise}")].source = variant.text
    return notebook


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_engine_tells_right_from_wrong(name, variant):
    """Behind the walls, where answer and check are two processes, as in the notebook, where they are one."""
    report = execute(answered(COURSE.solution(name), variant), Limits())
    [check] = report.checks
    assert report.problems == []
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
    graded: dict[str, dict[str, Row]] = {}

    def get(name: str) -> dict[str, Row]:
        if name not in graded:
            folder = tmp_path_factory.mktemp(name)
            for learner, answers in rounds(name).items():
                hand_in(answer(COURSE.release(name), answers), folder, learner, name)
            rows = grade_class(COURSE, course_config(COURSE.root, workdir=folder), name)
            graded[name] = {row.student: row for row in rows}
        return graded[name]

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
