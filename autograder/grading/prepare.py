"""Read, restore and run a submission: everything that needs no gradebook, so that several threads can do it at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import nbformat

from autograder.grading.preprocessors import ExecuteSubmission
from autograder.grading.restore import KnownCell, restore
from autograder.grading.runs import Run, note_missing
from autograder.grading.submissions import Submission, read_notebook


@dataclass(frozen=True)
class Prepared:
    """A submission that has been run and can be recorded.

    Attributes:
        submission: what was handed in.
        notebook: the text of the file that counts, as repaired by ``read_notebook``, for nbgrader to read.
        run: the result of running it.
    """

    submission: Submission
    notebook: str
    run: Run


def prepare(
    submission: Submission,
    known: Mapping[str, KnownCell],
    step: ExecuteSubmission,
    folder: dict[str, bytes] | None = None,
) -> Prepared:
    """Do to a submission what nbgrader would do to it before writing marks.

    Args:
        submission: one without a problem.
        known: the source's cells, from ``read_known``.
        step: runs notebooks, as configured.
        folder: the files in its folder, by path, see ``ExecuteSubmission.run``; by default, those that belong there.

    Raises:
        CourseError: the file is no longer a notebook, or this machine cannot run it as configured.
    """
    notebook = read_notebook(submission.path)
    text = nbformat.writes(notebook)
    note = [submission.note] if submission.note else []
    note_missing(notebook, note + restore(notebook, known))
    if folder is None:
        folder = step.folder(known, submission.folder.name, submission.folder)
    report = step.run(notebook, known, folder)
    return Prepared(submission, text, Run(notebook, report))
