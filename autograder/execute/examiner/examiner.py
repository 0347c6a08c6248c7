"""The examiner: runs a notebook's check cells, has the learner's process run all others, and decides the marks.

A mark is what happened here: a check cell that ran to its end in a process that the learner's code has never touched.
"""

import contextlib
import functools
import io
import json
import linecache
import os
import random
import signal
import socket
import traceback
from collections.abc import Callable
from pathlib import PurePosixPath
from types import CodeType
from typing import Any

import msgpack
import numpy as np
import torch

from autograder.execute.crossing import frames, wire
from autograder.execute.examiner.link import Inplace, Link, Lost, Watching
from autograder.execute.examiner.standins import CannotCross, holds_standin
from autograder.execute.examiner.usage import PERIOD, Clock, Usage
from autograder.execute.limits import Limits
from autograder.notebook.failures import failing_call

#: Random numbers of every check begin here, for everyone and every time.
SEED = 20_240_229
#: What set-up and tools are called in tracebacks.
SETUP = "set-up"
#: How many bytes are kept of the files that learners' code has left in its folder.
MOST_LEFT = 50_000_000
#: How many such files are kept, and how long their paths may be.
MOST_FILES_LEFT, LONGEST_PATH = 500, 1000
#: How many characters are kept of what a check's calls print, if they print too much.
FLOODED = 10_000
#: Characters that are kept of a learner's traceback.
LONGEST_TRACEBACK = 20_000
#: Seconds within which the learner's process must put up its walls.
SETTING_UP = 60


class CheckTimeout(BaseException):
    """The check itself ran too long."""


def tell(job: socket.socket, *message: Any) -> None:
    """Send something to the grader."""
    frames.send(job, msgpack.packb(list(message), unicode_errors="replace"))


def hear(job: socket.socket) -> Any:
    """Receive something from the grader, which is trusted."""
    return msgpack.unpackb(frames.receive(job, largest=2**40), strict_map_key=False)


def is_inside(name: str) -> bool:
    """Whether a file's name, as reported by a learner's process, is a path inside the notebook's folder."""
    path = PurePosixPath(name)
    return name.isprintable() and name == str(path) != "." and not path.is_absolute() and ".." not in path.parts


def receive_terms(job: socket.socket) -> tuple[Limits, dict[str, bytes]]:
    """The first thing that a grader sends: the limits, and the files in the notebook's folder, by path."""
    terms = hear(job)
    return Limits(**terms["limits"]), terms["files"]


class Examiner:
    """Runs one notebook.

    Args:
        job: the line to the grader, which sends cells and gets what became of each.
        connection: the line to the learner's process.
        learner: that process's id.
        limits: what the run may cost.
    """

    def __init__(self, job: socket.socket, connection: socket.socket, learner: int, limits: Limits) -> None:
        self.job, self.learner, self.limits = job, learner, limits
        self.link = Link(connection, self._interrupt, limits.output_bytes)
        self.usage = Usage(learner, limits.memory_bytes, self._kill)
        self.connection, self.checking = connection, False
        #: the time that a check still has to end, once its own is up
        self.grace: Clock | None = None
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
        self._share_seeds()

    def _share_seeds(self) -> None:
        """A seed that a check sets applies to the learner's code, too, as it does where both run in one process.

        One that the learner's code sets can be read here, but does not apply: it could be chosen to make a check easy.
        """
        seed_here = torch.manual_seed

        def seed_both(seed: int) -> torch.Generator:
            self.link.seeds.append(int(seed))
            return seed_here(seed)

        torch.manual_seed = seed_both
        torch.initial_seed = lambda: self.link.seeds[-1] if self.link.seeds else self.link.learners_seed

    def run(self) -> None:
        """Greet the learner's process, then run the cells that the grader sends, one by one."""
        said = wire.unpack(frames.receive(self.connection, frames.within(SETTING_UP)))
        if said != ["here"]:
            raise RuntimeError(f"the learner's process could not be set up: {said}")
        tell(self.job, "here", os.getpid())
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, PERIOD, PERIOD)
        while True:
            cell = hear(self.job)
            kind = cell.pop("kind")
            tell(self.job, "cell", getattr(self, f"_run_{kind}")(**cell))

    # Cells

    def _run_setup(self, code: str, seconds: float) -> dict:
        """The set-up cell: on both sides, because checks use its names, too."""
        with contextlib.redirect_stdout(io.StringIO()):  # the learner's process prints the same
            exec(compiled(code, SETUP), self.namespace)
        return self._run_cell(code, seconds, {}, [])

    def _run_cell(self, code: str, seconds: float, pictures: dict[str, str], alone: list[str]) -> dict:
        """Run one of the learner's cells, or an example: in the learner's process."""
        clock = self.link.clock = self.usage.clock(seconds)
        outcome: dict[str, Any] = {"status": "ok", "outputs": [], "count": None}
        try:
            answer = self.link.ask("run", code, pictures, alone)
            outcome["outputs"], flooded = _sound_outputs(answer["outputs"], self.limits.output_bytes)
            outcome["count"] = answer["count"] if _is_count(answer["count"]) else None
            outcome["status"] = "flood" if flooded or answer["too_much"] is True else _status(answer["status"])
        except Lost as lost:
            outcome["status"], outcome["detail"] = self._why(lost), lost.detail
        except Exception:
            outcome["status"] = "protocol"
        outcome["seconds"], outcome["excused"] = round(clock.passed(), 3), round(clock.excused(), 3)
        return outcome

    def _run_files(self, seconds: float) -> dict:
        """The files that the learner's code has left in its folder, by path; none if its process does not answer."""
        self.link.clock = self.usage.clock(seconds)
        try:
            files = dict(self.link.ask("files", MOST_LEFT))
        except (Exception, Lost):
            files = {}
        sound: dict[str, bytes] = {}
        room = MOST_LEFT
        for name, content in list(files.items())[:MOST_FILES_LEFT]:
            if type(name) is str and type(content) is bytes and len(name) < LONGEST_PATH and is_inside(name):
                room -= len(content)
                if room >= 0:
                    sound[name] = content
        return {"files": sound, "seconds": 0.0, "excused": 0.0}

    def _run_check(self, code: str, seconds: float, names: list[str], grade_id: str) -> dict:
        """Run a check cell: here, with the learner's names as stand-ins."""
        clock = self.link.clock = self.usage.clock(seconds)
        self.link.printed, printed = 0, io.StringIO()
        outcome: dict[str, Any] = {"status": "ok", "error": None, "count": None, "outputs": []}
        label = f"check {grade_id}"
        self.link.print = lambda text: print(text, end="")
        self.checking, self.grace = True, None
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                self.link.begin(SEED)
                space = self._space(names)
                exec(compiled(code, label), space)
        except Lost as lost:
            outcome["status"], outcome["detail"] = self._why(lost), lost.detail
            if outcome["status"] == "error":
                outcome["error"] = _told(KeyboardInterrupt("the code interrupted itself"), label, "")
        except CheckTimeout:
            outcome["status"] = "stubborn" if self.link.waiting else "timeout"
            if self.link.waiting:
                self._kill()
        except BaseException as error:
            self.checking = False
            outcome |= {"status": "error", "error": _told(error, label, self._learners_traceback(error))}
        finally:
            self.checking = False
            self.link.watching.clear()
        outcome["printed"] = printed.getvalue()[: FLOODED if outcome["status"] == "flood" else None]
        outcome["seconds"], outcome["excused"] = round(clock.passed(), 3), round(clock.excused(), 3)
        return outcome

    def _learners_traceback(self, error: BaseException) -> str:
        """Where in the learner's code the last request has failed, if that has ended the check.

        Formatting a traceback takes longer than most requests, and checks expect most exceptions. So we ask for it.
        """
        if getattr(error, "learners_request", None) != self.link.tapes:
            return ""
        self.link.clock = self.usage.clock(Link.GRACE)
        try:
            text = self.link.ask("traceback")
        except Lost as lost:
            self._why(lost)
            return ""
        except Exception:
            return ""
        return text[:LONGEST_TRACEBACK] if isinstance(text, str) else ""

    def _space(self, names: list[str]) -> dict[str, Any]:
        """The names that a check sees: the set-up's, and the learner's that it asks for."""
        random.seed(SEED)
        np.random.seed(SEED)
        torch.manual_seed(SEED)
        self.link.seeds.clear()
        space = dict(self.namespace)
        fetched = self.link.ask("fetch", names)
        if not isinstance(fetched, dict):
            raise Lost("protocol", "invalid names")
        space |= {name: fetched[name] for name in names if name in fetched}
        if "inplace" in space:
            space["inplace"] = Inplace
        if "expect" in space:
            space["expect"] = _expecting_nothing_of_the_learners(space["expect"])
        if "Watch" in space:
            _remote_watch(space["Watch"], space["Operation"], self.link)
        return space

    # Limits

    def _why(self, lost: Lost) -> str:
        """How a cell ended for which no answer came."""
        if lost.why == "time":
            return "timeout"
        if lost.why == "output":
            return "flood"
        if lost.why == "interrupt":
            return "error"
        self._kill()
        if self.usage.over_memory:
            return "memory"
        if lost.why == "protocol":
            return "protocol"
        return "stubborn" if lost.detail else "died"

    def _interrupt(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.learner, signal.SIGINT)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.learner, signal.SIGKILL)

    def _look(self, number, frame) -> None:
        """Look at what the learner's processes use; end a check that is still waiting after the link's time is up."""
        self.usage.look()
        if self.checking and self.link.clock.left() <= 0:
            # Counted from here, not from when the time was up: time excused until now may suddenly count after all.
            self.grace = self.grace or self.link.clock.another(2 * Link.GRACE)
            if self.grace.left() <= 0:
                self.checking = False
                raise CheckTimeout


def _status(status: Any) -> str:
    return "ok" if status == "ok" else "error"


def _is_count(value: Any) -> bool:
    return type(value) is int and value in range(2**63)


def _sound_outputs(outputs: Any, most: int) -> tuple[list[str], bool]:
    """The valid ones among a cell's outputs, as the learner's process sends them; and whether there were too many.

    They are JSON, because messages are packed in a format that has no integers beyond 64 bits.

    Args:
        outputs: what should be a list of outputs as the notebook format has them.
        most: how many characters they may have together.
    """
    kept, size = [], 0
    for output in outputs if isinstance(outputs, list) else []:
        try:
            text = json.dumps(output, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            continue
        size += len(text)
        if size > 2 * most:  # characters beyond ASCII count several times
            return kept, True
        kept.append(text)
    return kept, False


def _remote_watch(watch: type, operation: type, link: Link) -> None:
    """Have the notebook's ``Watch`` look at the learner's process instead of this one."""

    def begin(self, operations=True):
        self.operations, self.functions, self._wants_operations = [], [], operations

    def enter(self):
        self._watching = Watching(self.operations, self.functions, self._wants_operations, operation)
        link.watching.append(self._watching)
        return self

    def leave(self, *error):
        link.watching.remove(self._watching)

    watch.__init__, watch.__enter__, watch.__exit__ = begin, enter, leave


def _expecting_nothing_of_the_learners(expect: Callable) -> Callable:
    """The notebook's ``expect``, refusing a learner's object as the expected value: that may answer as it likes."""

    @functools.wraps(expect)
    def strict(actual: Any, expected: Any, *more: Any, **options: Any) -> None:
        if holds_standin(expected):
            raise CannotCross("the expected value contains one of the learner's objects, which can equal anything.")
        expect(actual, expected, *more, **options)

    return strict


@functools.cache
def compiled(code: str, label: str) -> CodeType:
    """A cell, compiled, with its text where tracebacks look for it."""
    name = f"<{label}>"
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    return compile(code, name, "exec")


def _told(error: BaseException, label: str, theirs: str) -> dict:
    """An exception that ended a check: its name, its text, tracebacks here and there, and what kind of end it is."""
    lines = getattr(error, "_render_traceback_", None)
    name = getattr(error, "learners_name", type(error).__name__)
    if lines is not None:
        shown = lines()
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == f"<{label}>"]
        shown = [f"{name}: {error}", *traceback.format_list(frames)]
    return {
        "name": name,
        "text": str(error),
        "traceback": [*shown, *([theirs] if theirs else [])],
        "call": failing_call(error.__traceback__, f"<{label}>"),
        "learners": theirs,
        "expected": lines is not None,
        "cannot_cross": isinstance(error, CannotCross),
    }
