"""What is in ``submitted/``: find the file that counts, read it, and say what is wrong with it."""

import codecs
import json
import os
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from autograder.errors import CourseError
from autograder.grading.restore import KnownCell, grade_id_of, released

#: A course notebook has about 0.3 MB; anything far larger is runaway output or not a notebook at all.
LARGEST = 50_000_000
#: The most that a file may contain; a course notebook has a hundred cells, 0.2 MB of text and a few thousand values.
MOST_CELLS, MOST_TEXT, MOST_VALUES = 5000, 2_000_000, 1_000_000
#: How many notebooks of one submission are read to find the one that counts.
MOST_NOTEBOOKS = 20
#: What a cell of each type has besides its id, text and metadata.
CELLS = {"code": {"execution_count": None, "outputs": []}, "markdown": {}, "raw": {}}
CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Submission:
    """What one learner handed in for one notebook.

    Attributes:
        student: the learner.
        folder: where it is.
        path: the file in it that counts, or where that should be, if there is none.
        problem: why it cannot be graded, if so, as a sentence.
        note: which file was graded and why, if there was a choice.
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
        telltales: what it is recognised by, see ``read_telltales``.
        students: only these.

    Raises:
        CourseError: there is none, or none by one of ``students``.
    """
    return [find_submission(folder, name, telltales) for folder in find_folders(submitted, name, students)]


def find_folders(submitted: Path, name: str, students: list[str] | None = None) -> list[Path]:
    """The folders that hold the submissions for an assignment, by student.

    Args:
        submitted: nbgrader's folder of submissions, which has them as ``STUDENT/NAME``.
        name: the assignment.
        students: only these.

    Raises:
        CourseError: there is none, or none by one of ``students``.
    """
    there = {folder.parent.name: folder for folder in sorted(submitted.glob(f"*/{name}"))}
    for student in students or []:
        if student not in there:
            raise CourseError(f"{student} has not handed in {name}: {submitted / student / name} does not exist.")
    if not there:
        raise CourseError(f"Nothing to grade: no folder {submitted}/STUDENT/{name}. Collect submissions first.")
    return [there[student] for student in students or there]


def find_submission(folder: Path, name: str, telltales: Mapping[str, str], others: Collection[str] = ()) -> Submission:
    """What one learner handed in: the file of the right name, else the newest whose content is this notebook.

    Args:
        folder: ``submitted/STUDENT/NAME``.
        name: the notebook.
        telltales: what it is recognised by, see ``read_telltales``.
        others: the assignment's other notebooks, which may use the same ids: files named after them are not considered.
    """
    student, right = folder.parent.name, folder / f"{name}.ipynb"
    if student != printable(student):
        return Submission(printable(student), folder, right, "the folder's name is not valid text: rename the folder")
    if folder.is_symlink() or folder.parent.is_symlink():
        return Submission(student, folder, right, "its folder is a link: put the folder itself in its place")
    try:
        files = [
            path
            for path in sorted(folder.iterdir())
            if ".ipynb" in path.name.lower() and path.name[0] != "." and not _is_of(path, name, others)
        ]
    except OSError as error:
        return Submission(student, folder, right, f"what was handed in cannot be read: {error.strerror}")
    many = f"{len(files) - (right in files)} other notebooks" if len(files) > MOST_NOTEBOOKS else ""
    if many:
        files = [right] if right in files else []
    if many and not files:
        return Submission(student, folder, right, f"there is no {right.name}, but {many}: keep the one that counts")
    problems = {path: find_problem(path, name, telltales) for path in files}
    sound = [path for path, problem in problems.items() if problem is None]
    if not sound:
        return Submission(student, folder, right, _why_none(right, problems))
    path = right if right in sound else max(sound, key=lambda path: path.stat().st_mtime_ns)
    unread = f"{right.name} was graded; also handed in, but not read: {many}" if many else None
    return Submission(student, folder, path, note=unread or _why_this(path, right, problems))


def _is_of(path: Path, name: str, others: Collection[str]) -> bool:
    """Whether a file's name says that it is another notebook of the assignment; the longest match decides."""
    said = max((one for one in [name, *others] if one in path.name), key=len, default=name)
    return said != name


def find_problem(path: Path, name: str, telltales: Mapping[str, str]) -> str | None:
    """Why a file that was handed in cannot be graded as the notebook ``name``, as a sentence, or None."""
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(path.parent)):
        return "it is a link to a file outside the submission"
    try:
        return not_this(read_notebook(path), name, telltales)
    except CourseError as error:
        return str(error)


def not_this(notebook: NotebookNode, name: str, telltales: Mapping[str, str]) -> str | None:
    """Why a notebook is not the notebook ``name``, as a sentence, or None if it is."""
    shared, says = likeness(notebook, telltales), says_it_is(notebook)
    if says == name or (shared and (says is None or 2 * shared >= len(telltales))):
        return None
    if says is not None:
        return f"it is the notebook {says}, not {name}"
    return f"it has none of the exercises and checks of {name}: it is another notebook"


def _why_none(right: Path, problems: Mapping[Path, str | None]) -> str:
    if right in problems:
        return problems[right]
    if not problems:
        return f"there is no {right.name} in the submission"
    return f"there is no {right.name}; " + "; ".join(f"{printable(path.name)}: {why}" for path, why in problems.items())


def _why_this(path: Path, right: Path, problems: Mapping[Path, str | None]) -> str | None:
    others = [other for other, problem in problems.items() if problem is None and other != path]
    if path == right:
        left = ", ".join(printable(other.name) for other in others)
        return f"{right.name} was graded; also handed in, but not graded: {left}" if others else None
    why = f"{right.name} cannot be graded: {problems[right]}" if right in problems else f"there is no {right.name}"
    newest = f", the newest of {len(others) + 1} such files" if others else ""
    return f"{printable(path.name)} was graded{newest}: {why}"


def printable(text: str) -> str:
    """``text`` without what could upset a terminal or a file: learners choose the names."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def read_telltales(solution: Path) -> dict[str, str]:
    """What a notebook is recognised by: the fingerprint of each exercise and check as released, by ``grade_id``.

    Raises:
        CourseError: the solution has not been built.
    """
    if not solution.is_file():
        raise CourseError(f"{solution} does not exist: run `autograder build {solution.stem}`.")
    return {
        cell.metadata.nbgrader.grade_id: fingerprint(released(cell.source))
        for cell in nbformat.read(solution, as_version=4).cells
        if any(cell.metadata.get("nbgrader", {}).get(role) for role in ("grade", "solution", "task"))
    }


def telltales_of(known: Mapping[str, KnownCell]) -> dict[str, str]:
    """The same for a notebook in the gradebook."""
    return {
        grade_id: fingerprint(released(cell.source))
        for grade_id, cell in known.items()
        if cell.metadata["grade"] or cell.metadata["solution"] or cell.metadata["task"]
    }


def fingerprint(text: str) -> str:
    """What is the same in two texts that differ only in white space."""
    return "".join(text.split())


def likeness(notebook: NotebookNode, telltales: Mapping[str, str]) -> int:
    """How many of the telltale exercises and checks are in ``notebook``: by their ids, else by their text."""
    ids = {grade_id_of(cell) for cell in notebook.cells} & telltales.keys()
    if ids:
        return len(ids)
    texts = {fingerprint(cell.source) for cell in notebook.cells} - {""}
    return sum(text in texts for text in telltales.values())


def says_it_is(notebook: NotebookNode) -> str | None:
    """Which notebook of a course it claims to be, in the metadata that the build writes."""
    return notebook.metadata.get("autograder", {}).get("notebook")


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook that somebody else wrote, see ``parse_notebook``.

    Raises:
        CourseError: what is wrong with the file, as a sentence.
    """
    return parse_notebook(read_plain(path, LARGEST, "clear its outputs and save it again"))


def read_plain(path: Path, most: int, advice: str) -> bytes:
    """The content of a file that somebody else made, if it is a plain file and not too large.

    Args:
        path: the file; somebody may replace it at any time.
        most: how many bytes it may have.
        advice: what to do if it has more.

    Raises:
        CourseError: what is wrong with the file, as a sentence.
    """
    try:
        # Open without waiting: a pipe that nobody writes to would block. Look at what it is before reading.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise CourseError("it is not a plain file")
            if status.st_size > most:
                size, limit = status.st_size / 1e6, most / 1e6
                raise CourseError(f"the file is {size:.0f} MB, more than {limit:g}: {advice}")
            return file.read(most)
    except IsADirectoryError:
        raise CourseError("it is a folder, not a file") from None
    except OSError as error:
        raise CourseError(f"the file cannot be read: {error.strerror}") from None


def parse_notebook(data: bytes) -> NotebookNode:
    """The cells of a notebook file in the current format, with faults that Jupyter tolerates repaired.

    Keeps each cell's id, type, text, attachments and ``grade_id``, and which notebook it says it is. Everything else
    (outputs, tags, other tools' metadata) is rewritten by grading, and could only do harm.

    Args:
        data: the file: UTF-8, or UTF-16 with a byte order mark.

    Raises:
        CourseError: what is wrong with the file, as a sentence.
    """
    text = _decode(data)
    if not text.strip():
        raise CourseError("the file is empty")
    if sum(text.count(sign) for sign in ",[{") > MOST_VALUES + 1:
        raise CourseError(f"the file has more than {MOST_VALUES} lists and values: clear its outputs and save it again")
    try:
        content = json.loads(text)
    except RecursionError:
        raise CourseError("the file is nested too deeply to be a notebook") from None
    except ValueError:
        raise CourseError("the file is not JSON, so it is not a notebook (cut off, or another kind of file)") from None
    taken: set[str] = set()
    raw = _raw_cells(content)
    if len(raw) > MOST_CELLS:
        raise CourseError(f"it has {len(raw)} cells, more than {MOST_CELLS}: delete those that are not the course's")
    cells = [_cell(number, cell, taken) for number, cell in enumerate(raw, start=1)]
    length = sum(len(cell.source) for cell in cells)
    if length > MOST_TEXT:
        raise CourseError(
            f"its cells have {length / 1e6:.1f} MB of text, more than {MOST_TEXT / 1e6:g}: put data into a file"
        )
    return new_notebook(cells=cells, metadata=_notebook_metadata(content.get("metadata")))


def _decode(data: bytes) -> str:
    utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise CourseError("the file is not UTF-8 text, so it is not a notebook") from None


def _raw_cells(content: object) -> list:
    """The cells of a notebook of format 4, or of format 3, which kept them in worksheets.

    nbformat's own upgrade is not used: on odd content it may raise anything, and it logs.
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
    raise CourseError("the file is JSON, but not a notebook of format 4")


def _from_format_3(cell: object) -> object:
    if not isinstance(cell, dict):
        return cell
    kind = {"heading": "markdown", "html": "markdown"}.get(str(cell.get("cell_type")), cell.get("cell_type"))
    return cell | {"cell_type": kind, "source": cell.get("input", cell.get("source"))}


def _cell(number: int, cell: object, taken: set[str]) -> NotebookNode:
    """A valid cell made from cell ``number`` of a file; ``taken`` are the ids of the cells before it."""
    if not isinstance(cell, dict):
        raise CourseError(f"cell {number} of the file is not a cell")
    kind, metadata, attachments = (cell.get(key) for key in ("cell_type", "metadata", "attachments"))
    if not isinstance(kind, str) or kind not in CELLS:
        raise CourseError(f"cell {number} of the file is of an unknown type")
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
        raise CourseError(f"the source of cell {number} of the file is not text")
    return _whole("".join(lines))


def _whole(text: str) -> str:
    """``text`` with surrogate pairs joined and lone surrogates, which cannot be written to a file, replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _are_attachments(attachments: object) -> bool:
    """Whether they are as Jupyter writes them: for each file name, texts by type."""
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
