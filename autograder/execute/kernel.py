"""The engine behind ``execute``: a Jupyter kernel for each notebook, driven by nbclient, killed at the end."""

import asyncio
import os
import sys
import time
from functools import cache

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_output

from autograder.execute.report import CellReport, Limits, Report

TIMEOUT = "CellTimeout"
FLOOD = "OutputLimit"
NOT_RUN = "NotRun"
WARM = "warm-torch"
#: The names of the error outputs that this engine writes itself.
STOPPED = frozenset({TIMEOUT, FLOOD, NOT_RUN})
#: Kernels warn on stderr that TCP is not encrypted; this one is reached over the loopback interface alone.
QUIET = "--IPKernelApp.log_level=ERROR"
#: A kernel that ignores this many interrupts in a row will ignore the next one too.
TIMEOUTS_IN_A_ROW = 2
STARTUP_SECONDS = 180


def execute(notebook: nbformat.NotebookNode, limits: Limits, cwd: str | None = None) -> Report:
    """Run every code cell of ``notebook`` in place, whatever the cells do, and say how it went.

    An exception in a cell does not stop the run. A cell that runs too long or prints too much is interrupted and ends
    with an error output; when the kernel dies or cannot be interrupted, the remaining cells are not run, and say so in
    an error output of their own. So a cell without an error output has run to its end.

    Args:
        notebook: its outputs are replaced.
        limits: what the run may cost.
        cwd: the working directory of the kernel.
    """
    report = Report([_cell_report(i, cell) for i, cell in enumerate(notebook.cells) if _is_code(cell)])
    client = _LimitedClient(notebook, limits, report, cwd)
    try:
        client.execute(env=os.environ | {"COURSE_OFFLINE": "1"})
    except DeadKernelError:
        _died(report, "the kernel died")
    except _Stop as stop:
        report.problems.append(str(stop))
    _mark_what_did_not_run(notebook, report)
    return report


class _Stop(Exception):
    """Ends a run early; the message is a sentence for the report."""


class _LimitedClient(NotebookClient):
    """nbclient, with limits on time and output, and a note of each cell's end."""

    def __init__(self, notebook, limits: Limits, report: Report, cwd: str | None) -> None:
        super().__init__(
            notebook,
            kernel_name=_kernel_name(),
            kernel_manager_class=AsyncKernelManager,
            allow_errors=True,
            timeout=limits.cell_seconds,
            startup_timeout=STARTUP_SECONDS,
            interrupt_on_timeout=True,
            error_on_timeout={"ename": TIMEOUT, "evalue": "", "traceback": []},
            extra_arguments=["--HistoryManager.hist_file=:memory:", QUIET],
            shutdown_kernel="immediate",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": cwd}} if cwd else {},
        )
        self.limits, self.report = limits, report
        self.by_number = {cell.number: cell for cell in report.cells}
        self.began = self.cell_began = time.monotonic()
        self.cell_bytes = 0
        self.timeouts_in_a_row = 0
        self.on_cell_execute = self._begin
        self.on_cell_executed = self._end

    def _begin(self, cell, cell_index) -> None:
        self.cell_began, self.cell_bytes = time.monotonic(), 0
        if self.cell_began - self.began > self.limits.total_seconds:
            seconds = self.limits.total_seconds
            raise _Stop(f"the notebook ran longer than {seconds} s and was stopped before cell {cell_index + 1}")

    def _end(self, cell, cell_index, execute_reply) -> None:
        mine = self.by_number[cell_index + 1]
        mine.seconds = round(time.monotonic() - self.cell_began, 3)
        content = execute_reply["content"]
        mine.status = "ok" if content["status"] == "ok" else "error"
        if content.get("ename") == TIMEOUT:
            mine.status = "timeout"
            self.timeouts_in_a_row += 1
            sentence = f"cell {mine.number} ran longer than {self.limits.cell_seconds} s and was stopped"
            self.report.problems.append(sentence)
            cell.outputs.append(_error(TIMEOUT, sentence))
        else:
            self.timeouts_in_a_row = 0
        if self.cell_bytes > self.limits.output_bytes:
            mine.status = "flood"
            sentence = (
                f"cell {mine.number} wrote more than {self.limits.output_bytes / 1e6:g} MB of output and was stopped"
            )
            self.report.problems.append(sentence)
            cell.outputs.append(_error(FLOOD, sentence))
        if content["status"] == "error" and not any(output.output_type == "error" for output in cell.outputs):
            cell.outputs.append(_error(content.get("ename", "Error"), content.get("evalue", "")))
        if self.timeouts_in_a_row == TIMEOUTS_IN_A_ROW:
            raise _Stop(f"cell {mine.number - 1} could not be interrupted: the rest of the notebook was not run")

    def process_message(self, msg, cell, cell_index):
        within = self.cell_bytes <= self.limits.output_bytes
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "update_display_data", "error"):
            self.cell_bytes += len(str(msg["content"]))
            if self.cell_bytes > self.limits.output_bytes:
                if within:
                    self._interrupt()
                return None
        return super().process_message(msg, cell, cell_index)

    def _interrupt(self) -> None:
        """Send the kernel an interrupt without waiting for it; this runs inside nbclient's event loop."""
        self._interrupting = asyncio.ensure_future(self.km.interrupt_kernel())


@cache
def _kernel_name() -> str:
    """The kernel that starts warm, where it is installed; it needs Linux."""
    return WARM if sys.platform == "linux" and WARM in KernelSpecManager().find_kernel_specs() else "python3"


def _is_code(cell) -> bool:
    """Whether there is anything to run: nbclient passes over empty cells without a word."""
    return cell.cell_type == "code" and bool(cell.source.strip())


def _cell_report(index: int, cell) -> CellReport:
    return CellReport(index + 1, cell.metadata.get("nbgrader", {}).get("grade_id"))


def _died(report: Report, sentence: str) -> None:
    last = next((cell for cell in report.cells if cell.status == "not run"), None)
    if last is not None:
        last.status = "died"
        report.problems.append(f"{sentence} in cell {last.number}: the cells after it were not run")


def _mark_what_did_not_run(notebook, report: Report) -> None:
    why_not = "; ".join(["this cell was not run", *report.problems])
    for mine in report.cells:
        if mine.status in ("not run", "died"):
            cell = notebook.cells[mine.number - 1]
            sentence = "the kernel died in this cell" if mine.status == "died" else why_not
            cell.outputs = [*cell.get("outputs", []), _error(NOT_RUN, sentence)]


def _error(name: str, sentence: str):
    return new_output("error", ename=name, evalue=sentence, traceback=[sentence])
