"""Run answers against the checks of a notebook, in this process: what the notebook shows a learner, without a kernel.

For the author's own variants only: nothing is walled off here.
"""

import contextlib
import io
import linecache
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType

from nbformat import NotebookNode

from autograder.grading.restore import released
from autograder.grading.results import named_mistake
from autograder.notebook.failures import failure_lines
from autograder.source.ids import CHECK, EXERCISE
from autograder.source.variants import Variant


@dataclass
class Verdict:
    """What became of one answer.

    Attributes:
        accepted: whether the whole check, hidden tests included, ran to its end.
        message: what the learner reads if it did not.
    """

    accepted: bool
    message: str


@dataclass
class Mistakes:
    """The mistakes that a check has prepared: how often each text, and those that no answer could be told by."""

    prepared: Counter[str] = field(default_factory=Counter)
    idle: list[str] = field(default_factory=list)


class Judge:
    """Holds the set-up of one notebook, so that each answer costs no more than itself.

    Args:
        notebook: a solution; it need not be executed.
    """

    def __init__(self, notebook: NotebookNode) -> None:
        self.cells = {
            cell.metadata.nbgrader.grade_id: cell.source for cell in notebook.cells if "nbgrader" in cell.metadata
        }
        self.base: dict = {"__name__": "__main__"}
        self.known: dict[tuple[str, str], Verdict] = {}
        with _quiet():
            for name in ("setup", "tools"):
                _run(self.cells[name], name, self.base)

    @property
    def exercises(self) -> list[str]:
        """The names of the exercises, in order."""
        return [name.removeprefix(CHECK) for name in self.cells if name.startswith(CHECK)]

    def judge(self, exercise: str, answer: str, hidden: bool = True, expect: Callable | None = None) -> Verdict:
        """Run an answer and its check.

        Args:
            exercise: the exercise's name.
            answer: the code of its cell.
            hidden: whether hidden tests run, too.
            expect: what stands in for the notebook's ``expect``.
        """
        check = self.cells[CHECK + exercise]
        space = dict(self.base)
        with _quiet():
            _run(self.cells["setup"], "setup", space)  # the seeds
            space |= {"expect": expect} if expect else {}
            try:
                _run(answer, "answer", space)
                _run(check if hidden else released(check), "check", space)
            except (Exception, SystemExit) as error:
                return Verdict(False, "\n".join(failure_lines(error, sys.exc_info()[2], "<check>")))
        return Verdict(True, "")

    def verdict(self, exercise: str, answer: str) -> Verdict:
        """As ``judge``, hidden tests included; each answer is judged once."""
        if (exercise, answer) not in self.known:
            self.known[exercise, answer] = self.judge(exercise, answer)
        return self.known[exercise, answer]

    def solution(self, exercise: str) -> str:
        """The course's own answer."""
        return self.cells[EXERCISE + exercise]

    def mistakes(self, exercise: str) -> Mistakes:
        """The mistakes that a check can name, from a run with the course's own answer."""
        found, differs, rules = Mistakes(), self.base["_difference"], self.base["Rules"]
        telling: set[str] = set()

        def expect(actual, expected, what="", *, mistakes=None, rtol=None, atol=None, any_type=False) -> None:
            self.base["expect"](actual, expected, what, rtol=rtol, atol=atol, any_type=any_type)
            as_here, before = rules(rtol, atol, any_type), {}
            for text, value in (mistakes or {}).items():
                found.prepared[text] += 1
                if differs(expected, value, as_here) is not None:
                    telling.add(text)
                    twins = [other for other, known in before.items() if differs(known, value, as_here) is None]
                    found.idle += [f"{what}: “{text}” and “{other}” have the same value" for other in twins]
                    before[text] = value

        verdict = self.judge(exercise, self.solution(exercise), expect=expect)
        if not verdict.accepted:
            raise AssertionError(f"{exercise}: the check refuses the course's own answer:\n{verdict.message}")
        found.idle += [f"“{text}” always has the expected value" for text in found.prepared.keys() - telling]
        return found


def unreported(judge: Judge, variants: list[Variant]) -> list[str]:
    """The prepared mistakes that are reported to none of the wrong ``variants``, and those that cannot be reported."""
    told: dict[str, set[str]] = {name: set() for name in judge.exercises}
    for variant in variants:
        if not variant.right:
            told[variant.exercise].add(named_mistake(judge.verdict(variant.exercise, variant.text).message))
    messages = []
    for name in judge.exercises:
        mistakes = judge.mistakes(name)
        messages += [f"{name}: {text}" for text in mistakes.idle]
        messages += [f"{name}: no wrong variant gets “{text}”" for text in mistakes.prepared.keys() - told[name]]
    return messages


def _run(code: str, name: str, space: dict) -> None:
    """Run a cell under a name under which tracebacks find its text."""
    file = f"<{name}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    exec(_compiled(code, file), space)


@lru_cache(maxsize=64)
def _compiled(code: str, file: str) -> CodeType:
    """Set-up and checks run for many answers."""
    return compile(code, file, "exec")


@contextlib.contextmanager
def _quiet():
    """Print nothing, and leave files in a folder that is thrown away."""
    before = os.getcwd()  # noqa: PTH109
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
