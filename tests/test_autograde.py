"""Variants through nbgrader's real autograde: right ones get full marks, wrong ones none for their exercise."""

import pytest
from conftest import COURSE

from autograder.grading.demo import answer, hand_in, pick
from autograder.grading.grade import Row, exercises, grade_class
from autograder.grading.nbgrader_apps import course_config
from autograder.source.variants import read_variants

#: Every so-manyth wrong answer goes the whole way, which takes seconds; test_variants.py judges them all.
STRIDE = 12


def rounds(name: str) -> dict[str, dict[str, str]]:
    """A class for one notebook in which right variants and a sample of the wrong ones take part: answers by learner."""
    variants = read_variants(COURSE.solutions / name / "variants.py")
    learners: dict[str, dict[str, str]] = {"unsolved": {}}
    for right in (True, False):
        mine = [variant.exercise for variant in variants if variant.right == right]
        for number in range(0, max(map(mine.count, mine)), 1 if right else STRIDE):
            learners[f"{'right' if right else 'wrong'}-{number}"] = pick(variants, right, number)
    return learners


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
