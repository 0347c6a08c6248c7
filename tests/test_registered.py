"""Opening JupyterLab notes only those notebooks in the gradebook that are not in it as they are."""

import shutil
from pathlib import Path

import pytest
from conftest import COURSE

from autograder.cli import main
from autograder.course import Course
from autograder.grading.nbgrader_apps import course_config
from autograder.grading.registered import RECORD, unregistered

NAME = "00_start"


@pytest.fixture
def course(tmp_path: Path, monkeypatch) -> Course:
    """A course of one notebook, noted in its gradebook."""
    course = Course(tmp_path)
    for file in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(COURSE.root / file, tmp_path / file)
    course.solution(NAME).parent.mkdir(parents=True)
    for path in (COURSE.source(NAME), COURSE.solution(NAME)):
        shutil.copy(path, course.solutions / NAME)
    monkeypatch.chdir(tmp_path)
    assert main(["register"]) == 0
    return course


def left(course: Course) -> list[str]:
    return unregistered(course, course_config(course.root))


def test_what_is_noted_is_not_noted_again(course):
    assert left(course) == []


def test_a_changed_notebook_is(course):
    with course.solution(NAME).open("a") as file:
        file.write("\n")
    assert left(course) == [NAME]


def test_another_gradebook_gets_all_of_them(course):
    (course.root / "gradebook.db").unlink()
    assert left(course) == [NAME]


@pytest.mark.parametrize("record", ["", "[]", '{"a": 1}'])
def test_a_spoiled_record_costs_no_more_than_noting_all(course, record):
    (course.root / RECORD).write_text(record)
    assert left(course) == [NAME]


def test_a_notebook_that_is_not_built_yet_is_passed_over(course):
    draft = course.source("11_draft")
    draft.parent.mkdir()
    draft.touch()
    assert left(course) == []
