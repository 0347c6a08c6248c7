"""Checks that have run beside the learner's code: their outputs say what went wrong, as they do for nbgrader."""

from typing import Any

from nbformat import NotebookNode


def error_shown(outputs: list[NotebookNode]) -> dict[str, Any] | None:
    """The last exception among a check's outputs, in the form in which the examiner reports one; None if there is none.

    An assertion's message is shown to the learner as the check's author wrote it.
    """
    errors = [output for output in outputs if output.output_type == "error"]
    if not errors:
        return None
    error = errors[-1]
    return {
        "name": error.ename,
        "text": error.evalue,
        "traceback": error.traceback,
        "call": "",
        "learners": "\n".join(error.traceback),
        "expected": error.ename == "AssertionError" and bool(error.evalue),
        "cannot_cross": False,
    }
