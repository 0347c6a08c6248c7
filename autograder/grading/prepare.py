"""Read, restore and run a submission: all that needs no gradebook, so that threads can do it for several at a time."""

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
        notebook: the text of the file that counts, as ``read_notebook`` makes it sound: what nbgrader shall read.
        run: what came of it.
    """

    submission: Submission
    notebook: str
    run: Run


def prepare(submission: Submission, known: Mapping[str, KnownCell], step: ExecuteSubmission) -> Prepared:
    """Do with a submission what nbgrader would do with it before it writes marks.

    Args:
        submission: one without a problem.
        known: the source's cells, from ``read_known``.
        step: runs notebooks, as configured.

    Raises:
        CourseError: the file is no notebook any more, or this machine cannot run it as configured.
    """
    notebook = read_notebook(submission.path)
    text = nbformat.writes(notebook)
    note = [submission.note] if submission.note else []
    note_missing(notebook, note + restore(notebook, known))
    return Prepared(submission, text, Run(notebook, step.run(notebook)))
