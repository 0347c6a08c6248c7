"""What a learner's folder contains before JupyterLab opens it: notebooks, start page, layout."""

from dataclasses import dataclass
from pathlib import Path

from autograder.course import Course
from autograder.errors import CourseError
from autograder.files import replace_whole
from autograder.lab.glossary import glossary_page, read_terms
from autograder.lab.start_page import GLOSSARY, start_page
from autograder.lab.work import fill_work
from autograder.lab.workspace import lay_out

START_PAGE = "START.md"


@dataclass(frozen=True)
class Place:
    """A learner's folder.

    Attributes:
        folder: where it is.
        workspaces: where JupyterLab keeps its layout of it.
        said: what to tell the learner.
    """

    folder: Path
    workspaces: Path
    said: list[str]


def prepare(course: Course) -> Place:
    """Make the learner's folder, or bring it up to date.

    Raises:
        CourseError: it cannot be written to, no notebook has been built, or the glossary cannot be read.
    """
    folder = course.work
    workspaces = folder / ".jupyterlab" / "workspaces"
    first = next((name for name in course.names if course.release(name).is_file()), None)
    if first is None:
        raise CourseError(f"There are no notebooks in {course.notebooks}: run `autograder build`.")
    said = fill_work(course, folder)
    terms = read_terms(course)
    try:
        replace_whole(folder / START_PAGE, start_page(course, bool(terms)).encode())
        if terms:
            replace_whole(folder / GLOSSARY, glossary_page(terms).encode())
        lay_out(workspaces, START_PAGE, f"{first}/{first}.ipynb")
    except OSError as error:
        raise CourseError(f"{folder} cannot be written to: {error.strerror} ({error.filename}).") from None
    return Place(folder, workspaces, said)
