"""Which of the tests in a teacher's own check failed, in the check's own text; hidden tests are never quoted."""

import ast
from collections.abc import Set

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests

from autograder.execute.grader.words import ANSI, FRAME


def failing_test(check: NotebookNode, markers: ClearHiddenTests) -> str:
    """The visible test at which a bare ``assert`` ended a check, on one line.

    It is empty if the check ended in any other way, if the test is hidden, or if the check's line cannot be told. The
    traceback comes from the learner's process: at worst, it points to another line that the learner can see anyway.

    Args:
        check: a check that has run beside the learner's code.
        markers: what marks hidden tests in this course.
    """
    errors = [output for output in check.outputs if output.output_type == "error"]
    if not errors or errors[-1].ename != "AssertionError" or errors[-1].evalue:
        return ""
    frames = FRAME.findall(ANSI.sub("", "\n".join(errors[-1].traceback)))
    # The first is the check's own statement; those after it are in the functions that it calls.
    number = next((int(line) for count, line in frames if int(count) == check.execution_count), 0)
    lines = check.source.split("\n")
    while lines and not lines[0].strip():  # IPython does not count them
        del lines[0]
    statement = _statement(lines, number)
    return "" if statement & _hidden(lines, markers) else _one_line(lines, statement)


def _hidden(lines: list[str], markers: ClearHiddenTests) -> set[int]:
    """The numbers of the lines in hidden tests, found as nbgrader finds them on release."""
    hidden, inside = set(), False
    for number, line in enumerate(lines, start=1):
        begins = markers.begin_test_delimeter in line
        inside = inside or begins
        if inside:
            hidden.add(number)
        if not begins and markers.end_test_delimeter in line:
            inside = False
    return hidden


def _statement(lines: list[str], number: int) -> set[int]:
    """The numbers of the lines of the innermost statement at a line; of a compound statement, only its first lines."""
    found = {number} if 0 < number <= len(lines) else set()
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):  # such as IPython's own commands
        return set() if lines and lines[0].startswith("%%") else found
    for node in ast.walk(tree):  # outer statements come first
        if isinstance(node, ast.stmt) and node.lineno <= number <= node.end_lineno:
            body = getattr(node, "body", [])
            found = set(range(node.lineno, max(body[0].lineno, node.lineno + 1) if body else node.end_lineno + 1))
    return found


def _one_line(lines: list[str], statement: Set[int]) -> str:
    return " ".join(lines[number - 1].strip() for number in sorted(statement)).strip()
