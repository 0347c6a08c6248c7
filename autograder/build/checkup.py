"""Test one notebook: its release runs, variants are told apart, also when graded, and its outputs are reproduced."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import autograder
from autograder.build.builder import check
from autograder.course import Course
from autograder.errors import CourseError

#: The tests that are about notebooks; they run for every notebook of the course.
TESTS = ["test_notebooks.py", "test_variants.py"]
#: Those that grade it, which needs walls.
GRADED = ["test_autograde.py", "test_pictures.py"] if sys.platform == "linux" else []


def check_notebook(course: Course, name: str) -> int:
    """Run the tests of one notebook with pytest, which prints what it finds.

    Returns:
        pytest's exit code.

    Raises:
        CourseError: the notebook is not built, or what an author needs is not installed.
    """
    if stale := check(course, name):
        raise CourseError("\n".join(stale))
    tests = Path(autograder.__file__).parents[1] / "tests"
    if not tests.is_dir() or importlib.util.find_spec("nbval") is None:
        raise CourseError(
            "testing a notebook needs a clone of the course and its developer packages: run `make test` once."
        )
    kernel = "warm-torch" if sys.platform == "linux" else "python3"
    files = [str(tests / test) for test in TESTS + GRADED]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    command += ["--nbval", "--nbval-sanitize-with", str(tests / "nbval.cfg"), "--nbval-kernel-name", kernel]
    command += ["--nbval-kernel-startup-timeout", "180", str(course.solution(name)), "-k", name]
    return subprocess.run(command, cwd=course.root, env=os.environ | {"COURSE_ROOT": str(course.root)}).returncode
