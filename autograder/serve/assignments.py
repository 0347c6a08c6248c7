"""The course's notebooks as pages and uploads need them, read once and again when they change."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nbformat

from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading.grade import exercises
from autograder.grading.submissions import read_telltales

log = logging.getLogger("autograder.serve")
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Assignment:
    """A notebook that can be handed in.

    Attributes:
        name: what the course calls it.
        title: its heading.
        points: how many it is worth.
        telltales: what it is recognised by, see ``read_telltales``.
    """

    name: str
    title: str
    points: float
    telltales: Mapping[str, str]


def assignments(course: Course) -> dict[str, Assignment]:
    """The notebooks that have been built and have anything to grade, in order."""
    found = map(_find, (course.solution(name) for name in course.names))
    return {one.name: one for one in found if one is not None and one.points}


def _find(solution: Path) -> Assignment | None:
    try:
        return _read(solution, solution.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, CourseError) as error:  # one that is damaged does not close the others
        log.error("%s cannot be read: %s", solution, error)
        return None


@lru_cache(maxsize=256)
def _read(solution: Path, changed: int) -> Assignment:
    texts = [cell.source for cell in nbformat.read(solution, as_version=4).cells if cell.cell_type == "markdown"]
    heading = next((found[1] for text in texts if (found := TITLE.search(text))), solution.stem)
    points = sum(exercise.points for exercise in exercises(solution))
    return Assignment(solution.stem, heading, points, read_telltales(solution))
