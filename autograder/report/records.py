"""What grading has kept about a class: marks, what each check said, answers, times."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook, Student
from traitlets.config import Config

from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading.grade import Exercise, exercises
from autograder.grading.nbgrader_apps import course_directory
from autograder.grading.record import read_marks
from autograder.grading.results import Result, read_report, results
from autograder.source.ids import CHECK, EXERCISE

#: The label of all cells that are not the course's.
OWN = "cells that learners added or changed"


@dataclass(frozen=True)
class Record:
    """What is known about one graded learner.

    Attributes:
        student: the gradebook's id.
        score: the points, before any late penalty.
        results: what each check found, by the check's ``grade_id``.
        answers: the code of each exercise's cell, by the check's ``grade_id``.
        seconds: how long cells ran, by their labels.
        problems: sentences about limits and about what was handed in.
    """

    student: str
    score: float
    results: Mapping[str, Result]
    answers: Mapping[str, str]
    seconds: Mapping[str, float]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class ClassRecord:
    """A graded class.

    Attributes:
        name: the notebook.
        exercises: its graded exercises, in order.
        solutions: the course's own answers, by the check's ``grade_id``.
        words: the words in the course's code, none of which is hidden as somebody's name.
        cells: the labels of the course's code cells, in order.
        records: the graded learners, by id.
        unreadable: learners with marks whose notebook or report is missing or damaged.
        ungraded: how many submissions have no marks.
        names: all names, ids and addresses of learners in the gradebook.
    """

    name: str
    exercises: tuple[Exercise, ...]
    solutions: Mapping[str, str]
    words: frozenset[str]
    cells: tuple[str, ...]
    records: tuple[Record, ...]
    unreadable: tuple[str, ...]
    ungraded: int
    names: frozenset[str]


def read_class(course: Course, config: Config, name: str) -> ClassRecord:
    """Read what grading has kept about a class in the gradebook and in ``autograded/``. Nothing is run.

    Raises:
        CourseError: nobody has been graded, or no record can be read.
    """
    if not course.solution(name).is_file():
        raise CourseError(f"{course.solution(name)} does not exist: run `autograder build {name}`.")
    directory = course_directory(config)
    solution = nbformat.read(course.solution(name), as_version=4)
    called = _called(solution)
    marks, records, unreadable = read_marks(config, name), [], []
    if not marks:
        raise CourseError(f"Nobody has been graded for {name}: run `autograder grade {name}` first.")
    for student, mine in sorted(marks.items()):
        folder = Path(directory.format_path(directory.autograded_directory, student, name))
        try:
            records.append(_read_record(folder / f"{name}.ipynb", student, mine, called))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, CourseError):
            unreadable.append(student)
    if not records:
        raise CourseError(f"No graded notebook of {name} can be read: run `autograder grade {name} --again`.")
    submitted = Path(directory.root) / directory.submitted_directory
    handed_in = {path.parent.name for path in submitted.glob(f"*/{name}") if path.is_dir()}
    return ClassRecord(
        name=name,
        exercises=tuple(exercises(course.solution(name))),
        solutions=_answers(solution),
        words=frozenset(word for cell in solution.cells if cell.cell_type == "code" for word in words(cell.source)),
        cells=(*dict.fromkeys(called.values()), OWN),
        records=tuple(records),
        unreadable=tuple(unreadable),
        ungraded=len(handed_in - marks.keys()),
        names=_names(config),
    )


def words(text: str) -> list[str]:
    """The words in a text or in code; of names_like_this, the parts."""
    return "".join(c if c.isalnum() else " " for c in text).split()


def _read_record(path: Path, student: str, marks: Mapping[str, float], called: Mapping[str, str]) -> Record:
    """One learner's record.

    The notebook is not validated and its outputs are ignored: they would take most of the time.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        cell["source"] = "".join(cell["source"])
        cell.pop("outputs", None)
    notebook, report = nbformat.from_dict(content), read_report(path)
    seconds: dict[str, float] = {}
    for cell in report.cells:
        key = _key(notebook.cells[cell.number - 1])
        label = called.get(key, OWN)
        seconds[label] = seconds.get(label, 0.0) + cell.seconds
    return Record(
        student=student,
        score=sum(marks.values()),
        results={result.grade_id: result for result in results(notebook, report, dict(marks))},
        answers=_answers(notebook),
        seconds=seconds,
        problems=tuple(report.problems),
    )


def _answers(notebook: NotebookNode) -> dict[str, str]:
    """The exercises' code by their checks' ``grade_id``."""
    found = {_grade_id(cell): cell.source for cell in notebook.cells if utils.is_solution(cell)}
    return {
        CHECK + grade_id.removeprefix(EXERCISE): source
        for grade_id, source in found.items()
        if grade_id.startswith(EXERCISE)
    }


def _called(solution: NotebookNode) -> dict[str, str]:
    """The label of each of the course's code cells, by its key."""
    called = {}
    for number, cell in enumerate(solution.cells, start=1):
        if cell.cell_type == "code":
            first = next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
            what = _grade_id(cell) or first.removeprefix("#@title").partition("{ display-mode")[0].strip()
            called[_key(cell)] = f"{number}: {what if len(what) <= 60 else what[:59] + '…'}"
    return called


def _key(cell: NotebookNode) -> str:
    """What identifies a cell in all copies of a notebook: its ``grade_id``, else its text."""
    return _grade_id(cell) or f"text {cell.source.strip()}"


def _grade_id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def _names(config: Config) -> frozenset[str]:
    directory = course_directory(config)
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        about = gradebook.db.query(
            Student.id, Student.first_name, Student.last_name, Student.email, Student.lms_user_id
        )
        return frozenset(name for row in about for name in row if name)
