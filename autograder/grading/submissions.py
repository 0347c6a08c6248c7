"""What lies in ``submitted/``: find the file that counts, read it, and say what is wrong with it."""

import codecs
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from autograder.errors import CourseError
from autograder.grading.restore import grade_id_of, released

#: A notebook of the course has about 0.3 MB; whatever is larger by far is output gone wild or no notebook at all.
LARGEST = 50_000_000
#: What a cell of each type has beside its id, text and metadata.
CELLS = {"code": {"execution_count": None, "outputs": []}, "markdown": {}, "raw": {}}
CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Submission:
    """What one learner handed in for one notebook.

    Attributes:
        student: the learner.
        folder: where it lies.
        path: the file in it that counts; where that should be, if there is none.
        problem: why it cannot be graded, as a sentence, if so.
        note: which file was taken and why, if that was a choice.
    """

    student: str
    folder: Path
    path: Path
    problem: str | None = None
    note: str | None = None


def find_submissions(
    submitted: Path, name: str, telltales: Mapping[str, str], students: list[str] | None = None
) -> list[Submission]:
    """The submissions for a notebook, by student.

    Args:
        submitted: nbgrader's folder of submissions: ``submitted/STUDENT/NAME/NAME.ipynb``, under any file name.
        name: the notebook.
        telltales: what it is known by, see ``read_telltales``.
        students: only these.

    Raises:
        CourseError: there is none, or none of a student named.
    """
    there = {folder.parent.name: folder for folder in sorted(submitted.glob(f"*/{name}"))}
    for student in students or []:
        if student not in there:
            raise CourseError(f"{student} has handed in nothing: {submitted / student / name} does not exist.")
    if not there:
        raise CourseError(f"Nothing to grade: no folder {submitted}/STUDENT/{name}. Collect submissions first.")
    return [find_submission(there[student], name, telltales) for student in students or there]


def find_submission(folder: Path, name: str, telltales: Mapping[str, str]) -> Submission:
    """What one learner handed in: the file of the right name, else the newest whose content is this notebook.

    Args:
        folder: ``submitted/STUDENT/NAME``.
        name: the notebook.
        telltales: what it is known by, see ``read_telltales``.
    """
    student, right = folder.parent.name, folder / f"{name}.ipynb"
    if student != printable(student):
        return Submission(printable(student), folder, right, "the folder's name is no text: rename the folder")
    try:
        files = [path for path in sorted(folder.iterdir()) if ".ipynb" in path.name.lower() and path.name[0] != "."]
    except OSError as error:
        return Submission(student, folder, right, f"what was handed in cannot be read: {error.strerror}")
    problems = {path: find_problem(path, name, telltales) for path in files}
    sound = [path for path, problem in problems.items() if problem is None]
    if not sound:
        return Submission(student, folder, right, _why_none(right, problems))
    path = right if right in sound else max(sound, key=lambda path: path.stat().st_mtime_ns)
    return Submission(student, folder, path, note=_why_this(path, right, problems))


def find_problem(path: Path, name: str, telltales: Mapping[str, str]) -> str | None:
    """Why a file that was handed in cannot be graded as the notebook ``name``, as a sentence, or None."""
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(path.parent)):
        return "it is a link to a file outside of what was handed in"
    try:
        notebook = read_notebook(path)
    except CourseError as error:
        return str(error)
    shared, says = likeness(notebook, telltales), says_it_is(notebook)
    if says == name or (shared and (says is None or 2 * shared >= len(telltales))):
        return None
    if says is not None:
        return f"it is the notebook {says}, not {name}"
    return f"it has no exercise and no check of {name}: it is another notebook"


def _why_none(right: Path, problems: Mapping[Path, str | None]) -> str:
    if right in problems:
        return problems[right]
    if not problems:
        return f"there is no {right.name} in what was handed in"
    return f"there is no {right.name}; " + "; ".join(f"{printable(path.name)}: {why}" for path, why in problems.items())


def _why_this(path: Path, right: Path, problems: Mapping[Path, str | None]) -> str | None:
    others = [other for other, problem in problems.items() if problem is None and other != path]
    if path == right:
        left = ", ".join(printable(other.name) for other in others)
        return f"{right.name} was graded; also handed in, but not graded: {left}" if others else None
    why = f"{right.name} cannot be: {problems[right]}" if right in problems else f"there is no {right.name}"
    newest = f", the newest of {len(others) + 1} such files" if others else ""
    return f"{printable(path.name)} was graded{newest}: {why}"


def printable(text: str) -> str:
    """``text`` without what could upset a terminal or a file: names are the learner's choice."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def read_telltales(solution: Path) -> dict[str, str]:
    """What a notebook is known by: the fingerprint of each exercise and check as released, by ``grade_id``.

    Raises:
        CourseError: the solution is not built.
    """
    if not solution.is_file():
        raise CourseError(f"{solution} does not exist: run `autograder build {solution.stem}`.")
    return {
        cell.metadata.nbgrader.grade_id: fingerprint(released(cell.source))
        for cell in nbformat.read(solution, as_version=4).cells
        if any(cell.metadata.get("nbgrader", {}).get(role) for role in ("grade", "solution"))
    }


def fingerprint(text: str) -> str:
    """What is the same in two texts that differ in white space alone."""
    return "".join(text.split())


def likeness(notebook: NotebookNode, telltales: Mapping[str, str]) -> int:
    """How many of a notebook's exercises and checks are in ``notebook``: by their ids, else by their text."""
    ids = {grade_id_of(cell) for cell in notebook.cells} & telltales.keys()
    if ids:
        return len(ids)
    texts = {fingerprint(cell.source) for cell in notebook.cells} - {""}
    return sum(text in texts for text in telltales.values())


def says_it_is(notebook: NotebookNode) -> str | None:
    """Which notebook of a course it says that it is, in the metadata that the build writes."""
    return notebook.metadata.get("autograder", {}).get("notebook")


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook that somebody else wrote, see ``parse_notebook``. Does not open what is no file, or too large.

    Raises:
        CourseError: what is wrong with the file, as a sentence.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CourseError("it is a folder, no file" if stat.S_ISDIR(status.st_mode) else "it is no plain file")
        if status.st_size > LARGEST:
            raise CourseError(
                f"the file has {status.st_size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}: "
                "clear its outputs and save it again"
            )
        return parse_notebook(path.read_bytes())
    except OSError as error:
        raise CourseError(f"the file cannot be read: {error.strerror}") from None


def parse_notebook(data: bytes) -> NotebookNode:
    """The cells of a notebook file, in the present format, with what Jupyter can live with repaired.

    Kept of it are each cell's id, type, text, attachments and ``grade_id``, and which notebook it says it is. All else
    is written anew when it is graded, and could only do harm: outputs, tags, the metadata of other tools.

    Args:
        data: the file: UTF-8, or UTF-16 with its mark at the beginning.

    Raises:
        CourseError: what is wrong with the file, as a sentence.
    """
    text = _decode(data)
    if not text.strip():
        raise CourseError("the file is empty")
    try:
        content = json.loads(text)
    except RecursionError:
        raise CourseError("the file is nested too deeply to be a notebook") from None
    except ValueError:
        raise CourseError("the file is not JSON, so it is no notebook (cut off, or another kind of file)") from None
    taken: set[str] = set()
    cells = [_cell(number, cell, taken) for number, cell in enumerate(_raw_cells(content), start=1)]
    return new_notebook(cells=cells, metadata=_notebook_metadata(content.get("metadata")))


def _decode(data: bytes) -> str:
    utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise CourseError("the file is not UTF-8 text, so it is no notebook") from None


def _raw_cells(content: object) -> list:
    """The cells of a notebook of format 4, or of format 3, which kept them in worksheets.

    Not by nbformat's own upgrade, which raises anything on odd content, and logs.
    """
    if isinstance(content, dict):
        major, cells, sheets = (content.get(key) for key in ("nbformat", "cells", "worksheets"))
        if major == 4 and isinstance(cells, list):
            return cells
        if major == 3 and isinstance(sheets, list):
            inside = [sheet.get("cells") if isinstance(sheet, dict) else None for sheet in sheets]
            if all(isinstance(cells, list) for cells in inside):
                return [_from_format_3(cell) for cell in chain(*inside)]
        if isinstance(major, int) and major > 4:
            raise CourseError(f"the file is a notebook of format {major}: save it in format 4")
    raise CourseError("the file is JSON, but no notebook of format 4")


def _from_format_3(cell: object) -> object:
    if not isinstance(cell, dict):
        return cell
    kind = {"heading": "markdown", "html": "markdown"}.get(str(cell.get("cell_type")), cell.get("cell_type"))
    return cell | {"cell_type": kind, "source": cell.get("input", cell.get("source"))}


def _cell(number: int, cell: object, taken: set[str]) -> NotebookNode:
    """A sound cell made of what a file has as its cell ``number``; ``taken`` are the ids of those before it."""
    if not isinstance(cell, dict):
        raise CourseError(f"cell {number} of the file is no cell")
    kind, metadata, attachments = (cell.get(key) for key in ("cell_type", "metadata", "attachments"))
    if not isinstance(kind, str) or kind not in CELLS:
        raise CourseError(f"cell {number} of the file is of no type that there is")
    identities = chain([cell.get("id")], (f"cell-{number}-{attempt}" for attempt in count()))
    identity = next(i for i in identities if isinstance(i, str) and CELL_ID.fullmatch(i) and i not in taken)
    taken.add(identity)
    text = _text(number, cell.get("source"))
    sound = {"id": identity, "cell_type": kind, "source": text, "metadata": {}} | CELLS[kind]
    about = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = about.get("grade_id") if isinstance(about, dict) else None
    if isinstance(grade_id, str):
        sound["metadata"] = {"nbgrader": {"grade_id": _whole(grade_id)}}
    if kind != "code" and _are_attachments(attachments):
        sound["attachments"] = attachments
    return nbformat.from_dict(sound)


def _text(number: int, source: object) -> str:
    """A cell's text: a string, or a list of its lines; a cell without any is empty."""
    lines = [source or ""] if source is None or isinstance(source, str) else source
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise CourseError(f"cell {number} of the file has something for its text that is none")
    return _whole("".join(lines))


def _whole(text: str) -> str:
    """``text`` with halves of characters joined, or replaced where one is alone: no file could be written with them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _are_attachments(attachments: object) -> bool:
    """Whether they are what Jupyter writes: texts by type, by file name."""
    return isinstance(attachments, dict) and all(
        isinstance(contents, dict)
        and all(
            isinstance(text, str) and _whole(name + kind + text) == name + kind + text
            for kind, text in contents.items()
        )
        for name, contents in attachments.items()
    )


def _notebook_metadata(metadata: object) -> dict:
    ours = metadata.get("autograder") if isinstance(metadata, dict) else None
    name = ours.get("notebook") if isinstance(ours, dict) else None
    return {"language_info": {"name": "python"}} | (
        {"autograder": {"notebook": printable(name)[:80]}} if isinstance(name, str) else {}
    )
