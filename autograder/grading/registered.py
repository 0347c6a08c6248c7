"""Which notebooks the gradebook has in their current form, so that opening JupyterLab need not register all again."""

import hashlib
import json
from contextlib import suppress

from nbgrader.api import Assignment, Gradebook
from traitlets.config import Config

from autograder.course import Course
from autograder.files import replace_whole
from autograder.grading.gradebook import make_gradebook
from autograder.grading.nbgrader_apps import course_directory

#: In the course's folder: for each gradebook, a hash of each solution registered in it.
RECORD = ".registered.json"


def unregistered(course: Course, config: Config) -> list[str]:
    """The built notebooks that are new or have changed since they were registered in this gradebook."""
    noted, present = _read(course).get(_gradebook(config), {}), _assignments(config)
    built = [name for name in course.names if course.solution(name).is_file()]
    return [name for name in built if name not in present or noted.get(name) != _solution(course, name)]


def note_registered(course: Course, config: Config, name: str) -> None:
    """Record that this gradebook has a notebook's current form; if that fails, the notebook is registered again."""
    record = _read(course)
    record.setdefault(_gradebook(config), {})[name] = _solution(course, name)
    with suppress(OSError):
        replace_whole(course.root / RECORD, json.dumps(record, indent=1).encode())


def _assignments(config: Config) -> set[str]:
    directory = course_directory(config)
    make_gradebook(directory.db_url)
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        return {name for (name,) in gradebook.db.query(Assignment.name)}


def _read(course: Course) -> dict[str, dict[str, str]]:
    try:
        record = json.loads((course.root / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _gradebook(config: Config) -> str:
    """A gradebook's name in the record: a hash, because its URL may contain a password."""
    return hashlib.sha256(course_directory(config).db_url.encode()).hexdigest()[:16]


def _solution(course: Course, name: str) -> str:
    return hashlib.sha256(course.solution(name).read_bytes()).hexdigest()[:16]
