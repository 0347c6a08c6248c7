"""Grade an assignment in nbgrader's own format, which may have several notebooks; see ``beside`` for how it is run."""

import copy
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from traitlets.config import Config

from autograder.course import Course
from autograder.errors import CourseError
from autograder.execute import stop, warm_up
from autograder.grading.grade import Exercise, Row
from autograder.grading.nbgrader_apps import course_directory, generate_assignment
from autograder.grading.one_gradebook import one_engine, one_transaction
from autograder.grading.parallel import cores, in_parallel, interrupts_held
from autograder.grading.prepare import Prepared, prepare
from autograder.grading.preprocessors import ExecuteSubmission
from autograder.grading.record import record_all
from autograder.grading.restore import KnownCell, read_known
from autograder.grading.results import read_report, results
from autograder.grading.submissions import Submission, find_folders, find_submission, telltales_of

#: The cells of an assignment's notebooks: by notebook, and by ``grade_id``.
Known = Mapping[str, Mapping[str, KnownCell]]


@dataclass(frozen=True)
class _HandedIn:
    """What one learner handed in: for each notebook, the file that counts, or why there is none."""

    student: str
    notebooks: Mapping[str, Submission]

    @property
    def sound(self) -> dict[str, Submission]:
        return {name: one for name, one in self.notebooks.items() if one.problem is None}

    @property
    def problems(self) -> list[str]:
        several = len(self.notebooks) > 1
        return [
            f"{name}: {one.problem}" if several else str(one.problem)
            for name, one in self.notebooks.items()
            if one.problem is not None
        ]


def grade_assignment(
    course: Course,
    config: Config,
    name: str,
    students: list[str] | None = None,
    workers: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Exercise], list[Row]]:
    """Grade the submissions in ``submitted/`` for one assignment, including those that have been graded before.

    Args:
        course: the course.
        config: its nbgrader configuration.
        name: the assignment, a folder of notebooks in the course's ``solutions``.
        students: grade only these.
        workers: how many submissions run at a time; by default one per core.
        report: called with how many are done, and how many there are.

    Returns:
        What is graded, and a row for each learner. With several notebooks, ids begin with the notebook's name.

    Raises:
        CourseError: there is nothing to grade, or nbgrader rejects the assignment.
    """
    step = ExecuteSubmission(config=config)
    directory = course_directory(config)
    handed_in = find_folders(Path(directory.root) / directory.submitted_directory, name, students)
    warm_up(step.isolation, step.gpu)
    with one_engine():
        with interrupts_held():
            known = register_assignment(course, config, name)
        todo = [_find(folder, known) for folder in handed_in]
        failures: dict[str, Exception] = {}
        work, ready = partial(_prepare, known=known, step=step), [one for one in todo if one.sound]
        report(0, len(ready))
        with closing(in_parallel(work, ready, workers or cores(), stop)) as finished:
            for done, (one, future) in enumerate(finished, start=1):
                with interrupts_held():
                    try:
                        record_all(config, name, future.result())
                    except Exception as error:
                        failures[one.student] = error
                report(done, len(ready))
        rows = [_row(config, name, one, failures.get(one.student)) for one in todo]
    refused = [failure for failure in failures.values() if type(failure) is CourseError]
    if refused and len(refused) == len(todo):
        raise refused[0]  # what needs fixing is the machine or the assignment, not a submission
    return _exercises(known), rows


def register_assignment(course: Course, config: Config, name: str) -> Known:
    """Enter an assignment's cells and points in the gradebook, all or none, as ``nbgrader generate_assignment`` does.

    Returns:
        Its cells, as the gradebook then has them.

    Raises:
        CourseError: nbgrader rejects it.
    """
    directory = course_directory(config)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(course.solutions / name, Path(folder) / "solutions" / name)
        there = copy.deepcopy(config)
        there.CourseDirectory.root, there.CourseDirectory.db_url = folder, directory.db_url
        with one_transaction(course_directory(there)):
            generate_assignment(there, name)
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        notebooks = sorted(notebook.name for notebook in gradebook.find_assignment(name).notebooks)
        return {notebook: read_known(gradebook, name, notebook) for notebook in notebooks}


def _find(folder: Path, known: Known) -> _HandedIn:
    notebooks = {
        name: find_submission(folder, name, telltales_of(cells), known.keys() - {name}) for name, cells in known.items()
    }
    return _HandedIn(next(iter(notebooks.values())).student, notebooks)


def _prepare(one: _HandedIn, known: Known, step: ExecuteSubmission) -> dict[str, Prepared]:
    """Run the notebooks one after the other, each in the folder as the previous one left it."""
    prepared, folder = {}, None
    for name, submission in one.sound.items():
        folder = folder or step.folder(known[name], submission.folder.name, submission.folder)
        prepared[name] = prepare(submission, known[name], step, folder)
    return prepared


def _exercises(known: Known) -> list[Exercise]:
    return [
        Exercise(_key(known, name, grade_id), _key(known, name, grade_id), cell.metadata["points"])
        for name, cells in known.items()
        for grade_id, cell in cells.items()
        if "points" in cell.metadata
    ]


def _key(notebooks: Mapping[str, object], name: str, grade_id: str) -> str:
    return f"{name}/{grade_id}" if len(notebooks) > 1 else grade_id


def _row(config: Config, name: str, one: _HandedIn, failure: Exception | None) -> Row:
    """One learner's row, from the gradebook and the files in ``autograded/``."""
    if failure is not None or not one.sound:
        return Row(one.student, problems=one.problems + ([str(failure)] if failure is not None else []))
    directory = course_directory(config)
    folder = Path(directory.format_path(directory.autograded_directory, one.student, name))
    row = Row(one.student, problems=one.problems)
    waiting = 0
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        for notebook in gradebook.find_submission(name, one.student).notebooks:
            marks = {grade.name: grade.score for grade in notebook.grades}
            row.penalty += notebook.late_submission_penalty or 0
            waiting += sum(grade.needs_manual_grade for grade in notebook.grades)
            row.marks |= {_key(one.notebooks, notebook.name, grade_id): score for grade_id, score in marks.items()}
            if notebook.name in one.sound:
                path = folder / f"{notebook.name}.ipynb"
                found = read_report(path)
                row.problems += found.problems
                row.results += [
                    replace(result, grade_id=_key(one.notebooks, notebook.name, result.grade_id))
                    for result in results(nbformat.read(path, as_version=4), found, marks)
                ]
    if waiting:
        row.problems.append(f"still to be graded by hand: {waiting}")
    return row
