"""Every variant through nbgrader's real autograde: right ones get full marks, wrong ones none for their exercise."""

import pytest
from conftest import COURSE

from autograder.grading.demo import answer, hand_in, pick
from autograder.grading.grade import exercises, grade_class
from autograder.grading.nbgrader_apps import course_config
from autograder.source.variants import read_variants


def rounds() -> list:
    """(notebook, right or wrong, number) so that every variant of every exercise takes part in one submission."""
    found = []
    for name in COURSE.names:
        variants = read_variants(COURSE.solutions / name / "variants.py")
        for right in (True, False):
            mine = [variant.exercise for variant in variants if variant.right == right]
            most = max(mine.count(exercise) for exercise in mine)
            found += [
                pytest.param(name, right, n, id=f"{name}-{'right' if right else 'wrong'}-{n}") for n in range(most)
            ]
    return found


def grade(folder, name, notebook):
    """Grade one notebook in a course of its own; the row of the table."""
    hand_in(notebook, folder, "somebody", name)
    [row] = grade_class(COURSE, course_config(COURSE.root, workdir=folder), name)
    assert row.graded, row.problems
    return row


@pytest.mark.parametrize(("name", "right", "number"), rounds())
def test_variants_get_the_marks_they_deserve(tmp_path, name, right, number):
    answers = pick(read_variants(COURSE.solutions / name / "variants.py"), right, number)
    row = grade(tmp_path, name, answer(COURSE.release(name), answers))
    deserved = {exercise.grade_id: exercise.points if right else 0 for exercise in exercises(COURSE.solution(name))}
    assert row.marks == deserved, [result.message for result in row.results]
    assert row.problems == []


@pytest.mark.parametrize("name", COURSE.names)
def test_unsolved_notebook_scores_0(tmp_path, name):
    row = grade(tmp_path, name, answer(COURSE.release(name), {}))
    assert set(row.marks.values()) == {0}
    assert {result.status for result in row.results} == {"unsolved"}
