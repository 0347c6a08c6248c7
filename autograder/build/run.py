"""Run a notebook from its first cell to its last, as a learner with an empty folder and no network would."""

import copy
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from autograder.errors import CourseError
from autograder.execute import Limits, execute

CELL_SECONDS = 300
#: Kernels warn on stderr that TCP is not encrypted; this one is reached over the loopback interface alone.
QUIET = "--IPKernelApp.log_level=ERROR"
STARTUP_SECONDS = 180


def offline_environment(folder: str) -> dict[str, str]:
    """The environment in which notebooks are built: nothing to download, no data on disk, byte code cached.

    One thread, as when grading: two that share tiny tensors spend their time waiting for each other on a busy machine.
    """
    environment = os.environ | {
        "COURSE_OFFLINE": "1",
        "COURSE_DATA": folder,
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def run_notebook(notebook: nbformat.NotebookNode, path: Path, lines: list[int]) -> None:
    """Execute ``notebook`` in place.

    Args:
        notebook: not executed yet.
        path: its source, for messages.
        lines: the line of each cell in that source.

    Raises:
        CourseError: a cell raised an exception, ran too long or wrote to stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            extra_arguments=["--HistoryManager.hist_file=:memory:", QUIET],
            timeout=CELL_SECONDS,
            startup_timeout=STARTUP_SECONDS,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        running = [0]  # the cell that is being run, for the message if the kernel dies in it
        client.on_cell_execute = lambda cell, cell_index: running.append(cell_index)
        try:
            client.execute(env=offline_environment(folder))
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise CourseError(f"{path}:{lines[running[-1]]}: {_reason(notebook.cells[running[-1]], error)}") from None
    for cell, line in zip(notebook.cells, lines):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                raise CourseError(f"{path}:{line}: the cell writes to stderr: {output.text.strip().splitlines()[-1]}")
    notebook.metadata.language_info = {"name": "python"}  # without the version of the machine that built it


def examine_notebook(notebook: nbformat.NotebookNode, path: Path, lines: list[int]) -> None:
    """Run a solution as submissions are graded, so that what a check cannot do there is found here, not with a class.

    Args:
        notebook: a solution; it is left as it is.
        path: its source, for messages.
        lines: the line of each cell in that source.

    Raises:
        CourseError: a check does not pass, or a cell meets a limit.
    """
    examined = copy.deepcopy(notebook)
    report = execute(examined, Limits(cell_seconds=CELL_SECONDS, total_seconds=10 * CELL_SECONDS), isolation=False)
    if report.problems:
        raise CourseError(f"{path}: as submissions are graded, {report.problems[0]}.")
    places = {
        cell.metadata.nbgrader.grade_id: line
        for cell, line in zip(examined.cells, lines)
        if "nbgrader" in cell.metadata
    }
    for check in report.checks:
        if check.status != "right":
            told = check.message.replace("\n", " ")
            raise CourseError(
                f"{path}:{places[check.grade_id]}: the check refuses the solution as submissions are graded: {told}"
                " (docs/checks.md says what a check may do there)."
            )


def _reason(cell, error: Exception) -> str:
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            return f"the cell fails with {output.ename}: {output.evalue}"
    return f"the notebook stops in this cell: {str(error).strip().splitlines()[-1]}"
