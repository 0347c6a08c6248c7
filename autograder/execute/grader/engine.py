"""The entry point: runs a notebook in the engine and puts the results into its cells.

This side knows notebooks; it never runs a learner's code and never loads torch.
"""

import builtins
import contextlib
import importlib.metadata
import json
import platform
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, lru_cache
from typing import Any

from nbformat import NotebookNode, from_dict

from autograder.execute.crossing import frames
from autograder.execute.grader import words
from autograder.execute.grader.beside import error_shown
from autograder.execute.grader.jobs import Job, open_job
from autograder.execute.grader.pictures import (
    Images,
    Pictures,
    about_cell,
    is_check,
    is_ours,
    picture_mark,
    put_pictures,
    reusable,
)
from autograder.execute.grader.report import CellReport, CheckReport, Report
from autograder.execute.grader.words import ANSI
from autograder.execute.limits import BUSIEST, Limits
from autograder.source.ids import CHECK
from autograder.source.names import bound_names, defined_names, parse, read_names

#: The names of the error outputs that the engine writes itself.
TIMEOUT, FLOOD, NOT_RUN = "CellTimeout", "OutputLimit", "NotRun"
#: Statuses after which the learner's process is gone.
GONE = {"died", "memory", "stubborn", "protocol"}
#: Seconds that a cell may take beyond its limit before the examiner itself counts as dead.
PATIENCE = 15
#: Seconds within which the learner's process must say what is in its folder.
FILES_SECONDS = 10
#: How often a notebook gets a new process after its own has died.
RESTARTS = 5
#: MIME types whose data may be any JSON, by the notebook format's schema; for others it is text or a list of lines.
JSON_TYPE = re.compile(r"application/(.*\+)?json$")


class Stopped(Exception):
    """``stop`` was called while a notebook was running."""


class _OutOfTime(Exception):
    """The time for all cells has run out."""


_running: set[Job] = set()
_stopping = threading.Event()


def stop() -> None:
    """End all runs in progress; their ``execute`` raises ``Stopped``."""
    _stopping.set()
    for job in list(_running):
        job.kill()


def execute(
    notebook: NotebookNode,
    limits: Limits,
    *,
    isolation: bool = True,
    gpu: bool = False,
    pictures: Pictures | None = None,
    beside: bool = False,
    files: dict[str, bytes] | None = None,
) -> Report:
    """Run every code cell of ``notebook`` in place, whatever the cells do, and report how it went.

    Check cells (``nbgrader.grade`` in their metadata) run in the examiner, everything else in the learner's process. An
    exception in a cell does not stop the run. When the learner's process dies, the remaining cells run in a new one,
    in which all earlier cells, other than checks, have been run again. Several threads may call this at a time.

    Args:
        notebook: its outputs are replaced.
        limits: what the run may cost.
        isolation: whether learners' code runs behind walls.
        gpu: whether it may use this machine's GPU.
        pictures: those of the course's own cells, which are not drawn again if they would be the same.
        beside: run the checks in the learner's process, as nbgrader does. They can then use whatever the learner's code
            has made, but that code can give itself any marks. Only for notebooks that this course has not built.
        files: the files in the notebook's folder, by path; if checks run beside the learner's code, this is brought up
            to date at the end of the run.

    Raises:
        CourseError: this machine cannot put up walls, or the engine cannot start.
        Stopped: ``stop`` was called.
    """
    if not _running:
        _stopping.clear()
    run = _Run(
        notebook, limits, isolation, gpu, reusable(notebook, pictures or {}), beside, {} if files is None else files
    )
    run.run()
    return run.report


@dataclass
class _Run:
    """One notebook's run through the engine."""

    notebook: NotebookNode
    limits: Limits
    isolation: bool
    gpu: bool
    #: pictures that need not be drawn, by the cell's index
    pictures: Mapping[int, Images]
    #: whether checks run in the learner's process
    beside: bool
    files: dict[str, bytes]
    report: Report = field(default_factory=Report)
    job: Job | None = None
    #: cells that the learner's process has run, and those that it must not run again
    done: list[int] = field(default_factory=list)
    deadly: set[int] = field(default_factory=set)
    by_count: dict[int, NotebookNode] = field(default_factory=dict)
    #: what people call the cells
    names: list[str] = field(default_factory=list)
    #: seconds of the cells' time that count, including cells that were run again; and when the first one began
    spent: float = 0.0
    began: float = 0.0
    #: characters of output that are kept
    written: int = 0

    def run(self) -> None:
        self.report.versions = _versions()
        self.names = words.name_cells(self.notebook.cells)
        self.began = time.monotonic()
        cells = [(i, cell) for i, cell in enumerate(self.notebook.cells) if _is_code(cell)]
        reports = {i: CellReport(i + 1, about_cell(cell).get("grade_id")) for i, cell in cells}
        self.report.cells = list(reports.values())
        known = _setup_names(self.notebook)
        restarts, out_of_time = 0, False
        try:
            for i, cell in cells:
                cell.outputs, cell.execution_count = [], None
                outcome = None
                if not out_of_time and restarts <= RESTARTS:
                    try:
                        outcome = self._attempt(i, cell, known)
                    except _OutOfTime:
                        out_of_time = True
                        self.report.problems.append(words.out_of_time(self.names[i], self.limits))
                if outcome is None:
                    self._not_run(cell, reports[i])
                    continue
                self._note(cell, reports[i], outcome)
                put_pictures(cell, self.pictures.get(i, Images()))
                if outcome["status"] in GONE:
                    restarts += 1
                    self.deadly.add(i)
                    self._hang_up()
                    if restarts > RESTARTS:
                        self.report.problems.append(words.too_often(self.names[i]))
            if self.beside and self.job is not None:
                self._take_files()
        finally:
            self._hang_up()

    def _take_files(self) -> None:
        """Bring ``files`` up to date; if the learner's process does not say what is there, they stay as they are."""
        with contextlib.suppress(frames.Closed):
            self.files |= self._ask({"kind": "files", "seconds": FILES_SECONDS})["files"]

    def _attempt(self, i: int, cell, known: set[str]) -> dict[str, Any]:
        """Run one cell; if there is no process, first start one and repeat the earlier cells.

        Raises:
            _OutOfTime: there is no time left for it.
        """
        self._seconds_left()
        began = time.monotonic()
        try:
            if self.job is None:
                self._start()
            outcome = self._ask(self._request(i, cell, known))
        except frames.Closed:
            if _stopping.is_set():
                raise Stopped from None
            seconds = round(time.monotonic() - began, 3)
            self.spent += seconds
            outcome = {"status": "died", "seconds": seconds, "outputs": [], "printed": "", "error": None, "count": None}
        if not self._is_examined(cell):
            self.done.append(i)
            self._remember(cell, outcome)
        return outcome

    def _is_examined(self, cell) -> bool:
        """Whether a cell is a check that runs in the examiner."""
        return is_check(cell) and not self.beside

    def _remember(self, cell, outcome: dict[str, Any]) -> None:
        """Note a learner's cell under its execution count, which tracebacks use as its name."""
        if outcome["count"] is not None and not is_check(cell):
            self.by_count[outcome["count"]] = cell

    def _start(self) -> None:
        self.job = open_job(asdict(self.limits), self.isolation, self.gpu, self.files, self._ours())
        _running.add(self.job)
        if _stopping.is_set():
            raise frames.Closed
        self.by_count = {}
        for i in self.done:
            if i not in self.deadly:
                again = self._ask(self._request(i, self.notebook.cells[i], set()))
                self._remember(self.notebook.cells[i], again)
                if again["status"] in GONE:  # its death is random, or due to a cell that was left out
                    self.deadly.add(i)
                    raise frames.Closed

    def _ours(self) -> list[str]:
        """The texts of set-up and tools; none in a notebook that this course has not built."""
        return [] if self.beside else [cell.source for cell in self.notebook.cells if is_ours(cell)]

    def _hang_up(self) -> None:
        if self.job is not None:
            _running.discard(self.job)
            self.job.close()
            self.job = None

    def _request(self, i: int, cell, known: set[str]) -> dict[str, Any]:
        seconds, about = self._seconds_left(), about_cell(cell)
        if self._is_examined(cell):
            names = sorted(_asked_names(cell.source) - known)
            return {
                "kind": "check",
                "code": cell.source,
                "seconds": seconds,
                "names": names,
                "grade_id": about["grade_id"],
            }
        if is_ours(cell) and not self.beside:
            return {"kind": "setup", "code": cell.source, "seconds": seconds}
        known = self.pictures.get(i, Images())
        marks = {alt: picture_mark(alt) for alt in known}
        return {"kind": "cell", "code": cell.source, "seconds": seconds, "pictures": marks, "alone": known.alone}

    def _seconds_left(self) -> float:
        """How long the next cell may take.

        Raises:
            _OutOfTime: there is no time left for any.
        """
        total = self.limits.total_seconds
        left = min(total - self.spent, BUSIEST * total - (time.monotonic() - self.began))
        if left <= 0:
            raise _OutOfTime
        return min(self.limits.cell_seconds, left)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self.job.send(request)
        outcome = self.job.hear(BUSIEST * request["seconds"] + PATIENCE)
        self.spent += outcome["seconds"] - outcome["excused"]
        return outcome | {"allowed": request["seconds"]}

    def _note(self, cell, mine: CellReport, outcome: dict[str, Any]) -> None:
        """Put a cell's outcome into the notebook and the report."""
        mine.seconds = outcome["seconds"]
        status = outcome["status"]
        mine.status = {"memory": "died", "stubborn": "timeout", "protocol": "died"}.get(status, status)
        name, seconds = self.names[mine.number - 1], outcome.get("allowed", self.limits.cell_seconds)
        problem = words.problem(status, name, self.limits, seconds, outcome.get("detail", ""))
        if self._is_examined(cell):
            if outcome.get("printed"):
                cell.outputs.append(_stream("stdout", outcome["printed"]))
            if outcome.get("error"):
                error = outcome["error"]
                lines = [words.writable(line) for line in error["traceback"]]
                cell.outputs.append(_error(words.writable(error["name"]), words.writable(error["text"]), lines))
            self._mark(cell, status, outcome.get("error"), problem)
        else:
            raws = map(json.loads, outcome["outputs"] or [])
            cell.outputs = [output for raw in raws if (output := _output(raw)) is not None]
            cell.execution_count = _count(outcome["count"])
            problem = problem or words.limit_met(cell.outputs, name, self.limits)
            if is_check(cell):
                error = error_shown(cell.outputs)
                self._mark(cell, "error" if error and status == "ok" else status, error, problem)
        self._bound_outputs(cell, mine)
        if problem:
            self.report.problems.append(problem)
        if status in ("timeout", "stubborn") and outcome["excused"] >= outcome["allowed"]:
            self.report.crowded = True
        if status not in ("ok", "error"):
            kind = {"timeout": TIMEOUT, "stubborn": TIMEOUT, "flood": FLOOD}.get(status, NOT_RUN)
            cell.outputs.append(_error(kind, problem, [problem]))

    def _bound_outputs(self, cell, mine: CellReport) -> None:
        """Leave out a cell's outputs if they would take the notebook beyond its limit."""
        before, most = self.written, self.limits.total_output_bytes
        self.written += sum(map(_size, cell.outputs))
        if cell.outputs and self.written > most:
            sentence = words.too_much_output(self.limits)
            cell.outputs = [_error(FLOOD, sentence, [sentence])]
            if before <= most:
                self.report.problems.append(sentence)

    def _mark(self, cell, status: str, error: dict | None, problem: str) -> None:
        about = about_cell(cell)
        points = about.get("points") or 0
        if status == "ok":
            check = CheckReport(about["grade_id"], points, points, "right", "")
        elif status == "error":
            exercise = str(about["grade_id"]).removeprefix(CHECK)
            judged, message = words.judgement(error, self.by_count, exercise)
            check = CheckReport(about["grade_id"], points, 0, judged, words.writable(ANSI.sub("", message)))
        else:
            check = CheckReport(about["grade_id"], points, 0, "stopped", problem[0].upper() + problem[1:] + ".")
        self.report.checks.append(check)

    def _not_run(self, cell, mine: CellReport) -> None:
        sentence = "; ".join(["this cell was not run", *self.report.problems[-1:]])
        mine.status = "not run"
        cell.outputs = [_error(NOT_RUN, sentence, [sentence])]
        if is_check(cell):
            self._mark(cell, "not run", None, sentence)


def _is_code(cell) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())


def _setup_names(notebook) -> set[str]:
    """What set-up and tools define; they are restored from the source, as the checks are."""
    texts = [cell.source for cell in notebook.cells if is_ours(cell)]
    return set().union(*map(_defined_names, texts))


@lru_cache(maxsize=64)
def _defined_names(code: str) -> frozenset[str]:
    """The names that a set-up cell defines; cached, because a whole class has the same cells."""
    return frozenset(defined_names(parse(code)))


@lru_cache(maxsize=1024)
def _asked_names(code: str) -> frozenset[str]:
    """The names that a check reads but does not define; cached, because a whole class has the same checks."""
    try:
        tree = parse(code)
    except SyntaxError:
        return frozenset()
    return frozenset(read_names(tree) - bound_names(tree) - set(dir(builtins)))


# Outputs are built without nbformat's own functions, which look up each one in the format's schema.


def _error(name: str, text: str, lines: list[str]):
    return from_dict({"output_type": "error", "ename": name, "evalue": text, "traceback": lines})


def _stream(name: str, text: str):
    return from_dict({"output_type": "stream", "name": name, "text": words.writable(text)})


def _output(raw: Any):
    """A valid output of the notebook format, or None: a learner's process may have made it up."""
    if not isinstance(raw, dict):
        return None
    match raw:
        case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
            return _stream(name, text)
        case {"output_type": "error", "ename": str(name), "evalue": str(text), "traceback": list(lines)}:
            lines = [words.writable(line) for line in lines if isinstance(line, str)]
            return _error(words.writable(name), words.writable(text), lines)
        case {"output_type": "display_data" | "execute_result" as kind, "data": dict(data)}:
            data = {key: value for key, value in data.items() if _is_shown(key, value)}
            metadata = raw.get("metadata") if isinstance(raw.get("metadata"), dict) else {}
            extra = {"execution_count": _count(raw.get("execution_count"))} if kind == "execute_result" else {}
            return from_dict({"output_type": kind, "data": data, "metadata": metadata} | extra)
    return None


def _size(output: NotebookNode) -> int:
    """About how many characters an output has in a file."""
    size, queue = 0, [output]
    while queue:
        value = queue.pop()
        size += len(value) if isinstance(value, str) else 8
        if isinstance(value, dict):
            queue += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            queue += value
    return size


def _count(value: Any) -> int | None:
    """``value`` if it can be an execution count."""
    return value if type(value) is int and value >= 0 else None


def _is_shown(kind: Any, value: Any) -> bool:
    """Whether a notebook may hold ``value`` as data of the MIME type ``kind``."""
    if not isinstance(kind, str):
        return False
    lines = isinstance(value, list) and all(isinstance(line, str) for line in value)
    return isinstance(value, str) or lines or JSON_TYPE.match(kind) is not None


@cache
def _versions() -> dict[str, str]:
    names = ("torch", "torchvision", "numpy", "matplotlib", "ipython", "nbgrader")
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}
