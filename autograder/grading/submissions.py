"""What lies in ``submitted/``: find it, and say what is wrong with a file before nbgrader meets it."""

import json
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.errors import CourseError

#: A notebook of the course has about 0.3 MB; whatever is larger by far is output gone wild or no notebook at all.
LARGEST = 50_000_000


@dataclass(frozen=True)
class Submission:
    """What one learner handed in for one notebook; ``problem`` says why it cannot be graded, if so."""

    student: str
    folder: Path
    problem: str | None = None


def find_submissions(
    submitted: Path, name: str, checks: set[str], students: list[str] | None = None
) -> list[Submission]:
    """The submissions for a notebook, by student.

    Args:
        submitted: nbgrader's folder of submissions: ``submitted/STUDENT/NAME/NAME.ipynb``.
        name: the notebook.
        checks: the ``grade_id``s of its check cells.
        students: only these.

    Raises:
        CourseError: there is none, or none of a student named.
    """
    there = {folder.parent.name: folder for folder in sorted(submitted.glob(f"*/{name}")) if folder.is_dir()}
    for student in students or []:
        if student not in there:
            raise CourseError(f"{student} has handed in nothing: {submitted / student / name} does not exist.")
    if not there:
        raise CourseError(f"Nothing to grade: no folder {submitted}/STUDENT/{name}. Collect submissions first.")
    wanted = students or there
    return [Submission(student, there[student], find_problem(there[student], name, checks)) for student in wanted]


def find_problem(folder: Path, name: str, checks: set[str]) -> str | None:
    """Why the submission in ``folder`` cannot be graded, as a sentence, or None."""
    path = folder / f"{name}.ipynb"
    if not path.is_file():
        others = sorted(other.name for other in folder.glob("*.ipynb"))
        return f"there is no {path.name}" + (f"; rename {others[0]}" if others else " in what was handed in")
    try:
        notebook = read_notebook(path)
    except CourseError as error:
        return str(error)
    found = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells}
    if not found & checks:
        return f"it has none of the {len(checks)} check cells of {name}: another notebook, or a tool removed metadata"
    return None


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """Read a notebook that somebody else wrote.

    Raises:
        CourseError: what is wrong with the file, as a sentence.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise CourseError(
            f"the file has {size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}: clear its outputs and save it again"
        )
    if size == 0:
        raise CourseError("the file is empty")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise CourseError("the file is not UTF-8 text, so it is no notebook") from None
    except (json.JSONDecodeError, RecursionError):
        raise CourseError("the file is not JSON, so it is no notebook (cut off, or another kind of file)") from None
    if not _is_notebook(content):
        raise CourseError("the file is JSON, but no notebook of format 4")
    return nbformat.from_dict(content)


def _is_notebook(content) -> bool:
    return (
        isinstance(content, dict)
        and content.get("nbformat") == 4
        and isinstance(content.get("cells"), list)
        and all(
            isinstance(cell, dict) and "cell_type" in cell and isinstance(cell.get("metadata"), dict)
            for cell in content["cells"]
        )
    )
