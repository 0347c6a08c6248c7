"""The learner's folder: a copy of every released notebook, kept up to date and never overwritten once it is edited.

What was put there is recorded in ``work/.released.json``: for each file a hash of its cells, by which an unedited copy
is recognised, and a hash of the last release that was handled, so that each release is offered once. Outputs do not
count: a notebook that was only run is unedited, and running the newer one recreates them.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

from autograder.course import Course
from autograder.errors import CourseError
from autograder.files import replace_whole

RECORD = ".released.json"


@dataclass(frozen=True)
class Note:
    """What the record says about a file.

    Attributes:
        cells: a hash of the cells that were put there.
        release: a hash of the last release that was handled.
    """

    cells: str
    release: str


def fill_work(course: Course, folder: Path) -> list[str]:
    """Bring ``folder`` up to date with the course's releases.

    Returns:
        A sentence for each notebook of which there is a newer release.

    Raises:
        CourseError: the folder cannot be written to.
    """
    said: list[str] = []
    try:
        folder.mkdir(exist_ok=True)
        notes = _read_record(folder / RECORD)
        try:
            for name in course.names:
                if course.release(name).is_file():
                    said += _update(course.release(name), folder / name / f"{name}.ipynb", folder, notes)
        finally:
            text = json.dumps({place: asdict(note) for place, note in sorted(notes.items())}, indent=1)
            replace_whole(folder / RECORD, f"{text}\n".encode())
    except OSError as error:
        raise CourseError(f"{folder} cannot be filled with notebooks: {error.strerror} ({error.filename}).") from None
    return said


def _update(release: Path, mine: Path, folder: Path, notes: dict[str, Note]) -> list[str]:
    """Bring one notebook up to date; updates ``notes`` and returns what to tell the learner."""
    text = release.read_text(encoding="utf-8")
    newest = Note(cells_hash(text), _hash(text))
    place = mine.relative_to(folder).as_posix()
    before, name = notes.get(place), release.stem
    if not mine.exists():
        _write_trusted(mine, text)
        notes[place] = newest
        return []
    if before is not None and before.release == newest.release:
        return []
    now = cells_hash(mine.read_text(encoding="utf-8", errors="replace"))
    if now == newest.cells and before is None:  # the record is lost, or it was fetched from the exchange
        notes[place] = newest
        return []
    if now == newest.cells or (before is not None and now == before.cells):
        _write_trusted(mine, text)
        notes[place] = newest
        return [f"{name}: a newer release has replaced your copy, which you had not edited."]
    cells = before.cells if before is not None else ""
    notes[place] = Note(cells, newest.release)
    if cells == newest.cells:  # only outputs or metadata are new
        return []
    beside = _beside(mine, newest, folder, notes)
    _write_trusted(beside, text)
    notes[beside.relative_to(folder).as_posix()] = newest
    return [f"{name}: there is a newer release. Your copy was left as it is; the newer one is beside it: {beside.name}"]


def _beside(mine: Path, newest: Note, folder: Path, notes: dict[str, Note]) -> Path:
    """Where a newer release goes: under a name that is free or whose file the learner has not edited."""
    number = 1
    while True:
        path = mine.with_suffix(".new.ipynb" if number == 1 else f".new-{number}.ipynb")
        note = notes.get(path.relative_to(folder).as_posix())
        if not path.exists():
            return path
        now = cells_hash(path.read_text(encoding="utf-8", errors="replace"))
        if now == newest.cells or (note is not None and now == note.cells):
            return path
        number += 1


def cells_hash(text: str) -> str:
    """A hash of a notebook's cells without outputs and metadata; of the text if it is not a notebook."""
    try:
        cells = json.loads(text)["cells"]
        said = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    except (ValueError, KeyError, TypeError):
        return _hash(text)
    return _hash(json.dumps(said))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _read_record(path: Path) -> dict[str, Note]:
    """The notes; none if the record is missing or damaged, and then every notebook counts as edited."""
    try:
        return {place: Note(**note) for place, note in json.loads(path.read_text(encoding="utf-8")).items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _write_trusted(path: Path, text: str) -> None:
    """Write a notebook and tell Jupyter to trust it, so that pictures and sliders show before anything is run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_whole(path, text.encode())
    with suppress(Exception):  # if Jupyter cannot record that, the outputs show once the cells are run
        NotebookNotary().sign(nbformat.reads(text, as_version=4))
