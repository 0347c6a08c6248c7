"""What each check of an autograded notebook found, told in words: for the table and for the feedback pages."""

import re
from dataclasses import dataclass, field

from nbconvert.filters import strip_ansi
from nbgrader import utils

from autograder.execute import STOPPED

HEADING = re.compile(r"^### (Exercise \d+: .+)$", re.MULTILINE)
DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)
FRAME = re.compile(r"Cell In\[(\d+)\],? line (\d+)")


@dataclass
class Result:
    """One exercise on a feedback page.

    Attributes:
        grade_id: of its check.
        title: its heading in the notebook, the check's id if there is none.
        score, points: marks reached and possible.
        status: ``"right"``, ``"wrong"``, ``"unsolved"``, or ``"stopped"`` if a limit or the kernel's death ended it.
        message: what the check said, without its code; empty when it is right.
        hints: the exercise's folded hints, Markdown.
    """

    grade_id: str
    title: str
    score: float
    points: float
    status: str
    message: str
    hints: list[str] = field(default_factory=list)


def results(nb) -> list[Result]:
    """What each check of an autograded notebook found, in the notebook's order."""
    found, text_above = [], ""
    for cell in nb.cells:
        if cell.cell_type == "markdown" and HEADING.search(cell.source):
            text_above = cell.source
        elif utils.is_grade(cell) and cell.cell_type == "code":
            found.append(_result(nb, cell, text_above))
            text_above = ""
    return found


def _result(nb, cell, text_above: str) -> Result:
    about = cell.metadata.nbgrader
    errors = [output for output in cell.outputs if output.output_type == "error"]
    # a limit's own error stands behind the KeyboardInterrupt that it caused
    error = next((output for output in errors if output.ename in STOPPED), errors[0] if errors else None)
    heading = HEADING.search(text_above)
    return Result(
        grade_id=about.grade_id,
        title=heading[1] if heading else about.grade_id,
        score=about.get("score") or 0,
        points=about.points,
        status=_status(error),
        message=_in_words(nb, cell, error) if error is not None else "",
        hints=DETAILS.findall(text_above),
    )


def _status(error) -> str:
    if error is None:
        return "right"
    if error.ename in STOPPED:
        return "stopped"
    return "unsolved" if error.ename == "NotImplementedError" else "wrong"


def _in_words(nb, cell, error) -> str:
    """A failed check's message. Of a traceback only the learner's own line is told: the rest may quote hidden tests."""
    if error.ename == "Unexpected":
        return error.evalue
    if error.ename == "NotImplementedError":
        return "Not solved yet."
    if error.ename in STOPPED:
        return error.evalue[0].upper() + error.evalue[1:] + "."
    if error.ename == "AssertionError" and not error.evalue:
        return "The check found something that is not as the exercise asks."
    message = f"Your code stopped with {error.ename}: {error.evalue}"
    own = [other for other in nb.cells if utils.is_solution(other) and other.get("execution_count")]
    for count, line in reversed(FRAME.findall(strip_ansi("\n".join(error.traceback)))):
        for other in own:
            lines = other.source.splitlines()
            if other.execution_count == int(count) and int(line) <= len(lines):
                return f"{message}\n  in your line {line}:  {lines[int(line) - 1].strip()}"
    return message
