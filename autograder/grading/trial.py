"""Grade a single notebook of your own, without a gradebook: in a temporary course with one learner."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autograder.course import Course, installed_course
from autograder.errors import CourseError
from autograder.files import replace_whole
from autograder.grading.grade import Exercise, Row, exercises, grade_class
from autograder.grading.nbgrader_apps import course_config, generate_feedback
from autograder.grading.submissions import (
    LARGEST,
    likeness,
    read_notebook,
    read_plain,
    read_telltales,
    says_it_is,
)


@dataclass(frozen=True)
class Trial:
    """A notebook that has been tried.

    Attributes:
        name: the course's name for it.
        exercises: its exercises.
        row: the marks.
        write_page: writes the feedback page, beside the notebook or elsewhere if that is not possible; tells where.
    """

    name: str
    exercises: list[Exercise]
    row: Row
    write_page: Callable[[], Path]


@contextmanager
def try_notebook(course: Course, path: Path, execution: dict[str, bool] | None = None) -> Iterator[Trial]:
    """Grade the notebook at ``path``; while this context lasts, the feedback page can be written.

    The file may be in a folder of downloads, so nothing else there is run, and nothing is written through a link: the
    settings are those that came with this package, not those of a folder that looks like a course.

    Args:
        course: the course.
        path: a notebook of the course, under any name.
        execution: settings of ``ExecuteSubmission``, instead of the configured ones.

    Raises:
        CourseError: the file is not a notebook of this course, or cannot be graded.
    """
    if path.is_dir():
        inside = next(iter(sorted(path.glob("*.ipynb"))), path / "04_linear.ipynb")
        raise CourseError(f"{path} is a folder: name one notebook's file, such as {inside}.")
    if not path.is_file():
        raise CourseError(f"{path} does not exist.")
    try:
        name = recognise(course, path)
    except CourseError as error:
        raise CourseError(f"{path}: {error}.") from None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "submitted" / "you" / name / f"{name}.ipynb"
        copy.parent.mkdir(parents=True)
        copy.write_bytes(read_plain(path, LARGEST, "clear its outputs and save it again"))
        config = course_config(installed_course().root, workdir=Path(folder), execution=execution)
        [row] = grade_class(course, config, name)
        if not row.graded:
            raise CourseError(f"{path}: {'; '.join(row.problems)}.")

        def write_page() -> Path:
            generate_feedback(config, name, "you")
            page = Path(folder) / "feedback" / "you" / name / f"{name}.html"
            return place(page, path.with_name(f"{path.stem}.feedback.html"))

        yield Trial(name, exercises(course.solution(name)), row, write_page)


def place(page: Path, wanted: Path) -> Path:
    """Copy a page to where it is wanted, replacing what is there, or, if that is not possible, to a new folder.

    Returns:
        Where it is.
    """
    try:
        replace_whole(wanted, page.read_bytes(), 0o644)
        return wanted
    except OSError:
        return Path(shutil.copyfile(page, Path(tempfile.mkdtemp(prefix="autograder-try-")) / wanted.name))


def recognise(course: Course, path: Path) -> str:
    """Which notebook of the course a file is, going by its exercises and checks, not its name.

    Raises:
        CourseError: it is none of them, or not a notebook at all.
    """
    notebook = read_notebook(path)
    says, names = says_it_is(notebook), [name for name in course.names if course.solution(name).is_file()]
    alike = {name: (likeness(notebook, _telltales(course.solution(name))), name == says) for name in names}
    best = max(alike, key=alike.__getitem__, default=None)
    if best is None or not any(alike[best]):
        raise CourseError(f"it has no exercise or check of any notebook of this course ({', '.join(course.names)})")
    return best


def _telltales(solution: Path) -> dict[str, str]:
    return _telltales_at(solution, solution.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _telltales_at(solution: Path, changed: int) -> dict[str, str]:
    """What a notebook is recognised by. To read all solutions takes long; a process that stays does it once."""
    return read_telltales(solution)
