"""What several test files need."""

import os
from pathlib import Path

import pytest

from autograder.build import builder
from autograder.course import Course

ROOT = Path(__file__).resolve().parents[1]
# `autograder check` runs tests of a notebook in another course than this clone, too.
COURSE = Course(Path(os.environ.get("COURSE_ROOT", ROOT)))

# Kernels that tests start inherit this: byte code is cached, nothing is downloaded, no data set on disk is used.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["COURSE_OFFLINE"] = "1"
os.environ["AUTOGRADER_STAY"] = "0"
os.environ["COURSE_DATA"] = str(ROOT / "tests" / "no-data")
# As when grading: the threads of tests that run side by side would wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True)
def same_folder():
    """A test leaves the working directory as it was. nbgrader changes it, so only one thread may run its steps."""
    before = Path.cwd()
    yield
    after = Path.cwd()
    os.chdir(before)
    assert after == before


@pytest.fixture(scope="session")
def course() -> Course:
    return COURSE


@pytest.fixture(scope="module")
def short_notebooks():
    """Notebooks shorter than the course accepts can be built; that rule has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "find_gaps", lambda source: [])
        yield
