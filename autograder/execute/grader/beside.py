"""Checks that have run beside the learner's code: their outputs say what went wrong, as they do for nbgrader."""

import ast
from typing import Any

from nbformat import NotebookNode

from autograder.execute.grader.words import failed_line, numbered_lines
from autograder.source.faults import BEGIN_HIDDEN, END_HIDDEN
from autograder.source.names import parse


def error_shown(check: NotebookNode) -> dict[str, Any] | None:
    """The last exception among a check's outputs, in the form in which the examiner reports one; None if there is none.

    An assertion's message is shown to the learner as the check's author wrote it; for one without a message, it is the
    line of the check, unless that is hidden.
    """
    errors = [output for output in check.outputs if output.output_type == "error"]
    if not errors:
        return None
    error, traceback = errors[-1], "\n".join(errors[-1].traceback)
    asserts = error.ename == "AssertionError"
    text = error.evalue
    if asserts and not text and (code := _failed_code(check, traceback)):
        text = failed_line(code)
    return {
        "name": error.ename,
        "text": text,
        "traceback": error.traceback,
        "call": "",
        "learners": traceback,
        "expected": asserts and bool(text),
        "cannot_cross": False,
    }


def _failed_code(check: NotebookNode, traceback: str) -> str:
    """The check's innermost statement in a traceback; empty if any of it is hidden.

    A learner's code may have written the traceback, so it may only choose among lines that everybody can see.
    """
    lines = check.source.splitlines()
    places = [line for count, line in numbered_lines(traceback) if count == check.execution_count]
    if not places or not 0 < places[-1] <= len(lines):
        return ""
    first, last = _statement(check.source, places[-1])
    if any(line in _hidden(lines) for line in range(first, last + 1)):
        return ""
    return " ".join(line.strip() for line in lines[first - 1 : last])


def _statement(source: str, line: int) -> tuple[int, int]:
    """The first and last line of the innermost statement at a line; for one with a block, of its head."""
    first, last = line, line
    try:
        nodes = [node for node in ast.walk(parse(source)) if isinstance(node, ast.stmt)]
    except SyntaxError:
        return first, last
    for node in nodes:  # outer statements come first
        body = getattr(node, "body", [])
        end = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno
        if node.lineno <= line <= end:
            first, last = node.lineno, end
    return first, last


def _hidden(lines: list[str]) -> set[int]:
    """The numbers of the lines of hidden tests; without an end, they go on to the last line."""
    hidden, inside = set(), False
    for number, line in enumerate(lines, start=1):
        inside = inside or BEGIN_HIDDEN in line
        if inside:
            hidden.add(number)
        inside = inside and END_HIDDEN not in line
    return hidden
