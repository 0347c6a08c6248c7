"""A new notebook, written as ``autograder new`` begins it, builds and passes the tests of every notebook."""

import shutil

import pytest
from conftest import ROOT

from autograder.build.builder import build
from autograder.build.checkup import check_notebook
from autograder.build.skeleton import write_skeleton
from autograder.course import Course
from autograder.errors import CourseError

NAME = "17_attention"


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("*MNIST"))
    (folder / "solutions").mkdir()
    return Course(folder)


def test_skeleton_builds_and_passes(course, capfd):
    assert write_skeleton(course, NAME) == [f"solutions/{NAME}/{NAME}.py", f"solutions/{NAME}/variants.py"]
    assert build(course, NAME) == "run"
    assert check_notebook(course, NAME) == 0, capfd.readouterr().out[-3000:]
    said = capfd.readouterr().out
    assert "no tests ran" not in said
    assert "deselected" not in said or " passed" in said


def test_fault_is_found(course, capfd):
    """A check that accepts a wrong answer, and one that names a mistake nobody makes."""
    text = course.source(NAME).read_text(encoding="utf-8")
    course.source(NAME).write_text(text.replace('expect(x, before, "x is left as it was")\n', "", 1), encoding="utf-8")
    with pytest.raises(CourseError, match=f"run `autograder build {NAME}`"):
        check_notebook(course, NAME)
    build(course, NAME)
    assert check_notebook(course, NAME) != 0
    assert "a wrong answer was accepted" in capfd.readouterr().out


def test_existing_notebook_is_not_overwritten(course):
    before = course.source(NAME).read_bytes()
    with pytest.raises(CourseError, match="exists already"):
        write_skeleton(course, NAME)
    assert course.source(NAME).read_bytes() == before


@pytest.mark.parametrize("name", ["attention", "17-attention", "../17_x", "17_Attention", ""])
def test_bad_name_is_refused(course, name):
    with pytest.raises(CourseError, match="is no name for a notebook"):
        write_skeleton(course, name)
