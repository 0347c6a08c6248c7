"""The faults that an author can make in a source, found without running it."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from autograder.source.cells import CHECK_KEYS, EXERCISE_KEYS, FLAGS, KEYS, Cell, Source
from autograder.source.names import defined_names, free_names, parse
from autograder.source.opening import opening_faults

BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
EXERCISE_TITLE = re.compile(r"^### Exercise: (?P<title>.+)$", re.MULTILINE)
#: What is in view of a folded cell's title, in JupyterLab in a window 1200 pixels wide, beside the file browser.
TITLE_WIDTH = 58
#: The title of a check; the build writes it.
CHECK_TITLE = "Check of exercise {number}: {title}"
NAME = re.compile(r"[a-z][a-z0-9_]*")
#: Besides draw_…: what puts a picture on the page.
PICTURES = {"show", "stepper", "kernel_steps"}
#: Besides those: names whose statements draw.
PLOTTING = {"plt", "figure", "fig", "ax", "axes"}
#: Lines of drawing that a cell may show its reader.
PLOTTING_LINES = 10
#: What a notebook with points has at least.
LEAST = {"exercises": 6, "sections (`## …`)": 4, "pictures": 4, "predictions (`# %% predict`)": 3}
RECAP = "## Recap"
QUESTION = "**Before you run it"
IMAGE_WITHOUT_ALT = re.compile(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")[^>]*>")


@dataclass(frozen=True)
class Fault:
    """Something wrong in a source: where, what, and what to do about it."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def find_faults(source: Source, setup_names: set[str]) -> list[Fault]:
    """All faults of a source, by line.

    Args:
        source: the source, read.
        setup_names: what the set-up cell can define.
    """
    found: list[tuple[int, str]] = []
    for cell in source.cells:
        found += _key_faults(cell)
        if cell.kind == "code":
            found += _code_faults(cell)
        elif match := IMAGE_WITHOUT_ALT.search(cell.text):
            line = cell.line + 1 + cell.text[: match.start()].count("\n")
            found.append((line, 'a picture without alternative text: write what it shows into `![…]` or `alt="…"`.'))
    found += _setup_faults(source)
    found += _exercise_faults(source, setup_names)
    found += _prediction_faults(source)
    found += _id_faults(source)
    return [Fault(source.path, line, message) for line, message in sorted(set(found))]


def find_gaps(source: Source) -> list[Fault]:
    """What a notebook as a whole lacks. One without points is a tour, and may be as short as it likes."""
    return [Fault(source.path, line, message) for line, message in _gaps(source)]


def _gaps(source: Source):
    checks = [cell for cell in source.cells if cell.role == "check"]
    if not checks:
        yield 1, "there is no exercise: write one, with a check."
        return
    yield from opening_faults(source)
    if not any(cell.keys.get("points") for cell in checks):
        return
    text = "\n".join(cell.text for cell in source.cells if cell.kind == "markdown")
    sections = re.findall(r"^## .*", text, re.MULTILINE)
    drawn = [
        cell
        for cell in source.cells
        if cell.kind == "code" and re.search(r"\b(show|draw_\w+|kernel_steps|stepper)\(", cell.text)
    ]
    predicted = sum("predict" in cell.flags for cell in source.cells)
    counts = dict(zip(LEAST, (len(checks), len(sections), len(drawn), predicted)))
    for what, least in LEAST.items():
        if counts[what] < least:
            yield 1, f"{counts[what]} {what}: a notebook has at least {least}."
    if not sections or not sections[-1].startswith(RECAP):
        yield source.cells[-1].line, f"the last section must be `{RECAP}`: questions to answer from memory."


def _key_faults(cell: Cell):
    for key in sorted((cell.flags - FLAGS) | (cell.keys.keys() - KEYS)):
        known = ", ".join(sorted(FLAGS | KEYS))
        yield cell.line, f"unknown key `{key}`: known are {known}."
    allowed = {"exercise": EXERCISE_KEYS, "check": CHECK_KEYS}.get(cell.role, set()) | {"id"}
    allowed |= {"label"} if "folded" in cell.flags else set()
    for key in sorted((cell.keys.keys() & KEYS) - allowed):
        place = "a cell that is `folded`" if key == "label" else "the cell with `exercise=…` or `check=…`"
        yield cell.line, f"`{key}` does not belong on this cell: it goes on {place}."
    label = str(cell.keys.get("label", "")).strip()
    if "folded" in cell.flags and not label:
        yield cell.line, 'a folded cell shows its label alone: write `label="what the cell does"`.'
    if len(label) > TITLE_WIDTH:
        yield cell.line, f"the label has {len(label)} characters: at most {TITLE_WIDTH} are in view."
    name = cell.exercise
    if name is not None and not NAME.fullmatch(str(name)):
        yield cell.line, f"the name {name!r} must be lower-case letters, digits and underscores."
    if cell.exercise is not None and cell.kind != "code":
        yield cell.line, "an exercise or a check must be a code cell: drop `[markdown]`."
    if cell.role == "check":
        points = cell.keys.get("points")
        if points is None:
            yield cell.line, "points are missing: write `points=2`."
        elif isinstance(points, bool) or not isinstance(points, int) or points < 0:
            yield cell.line, f"points={points!r} must be a whole number (0 in a notebook without marks)."
    if cell.role == "exercise":
        if cell.keys.get("difficulty") not in (1, 2, 3):
            yield cell.line, "the difficulty is missing: write `difficulty=1` (2, 3)."
        if not isinstance(cell.keys.get("minutes"), int):
            yield cell.line, "the time is missing: write `minutes=5`."


def _code_faults(cell: Cell):
    try:
        tree = parse(cell.text)
    except SyntaxError as error:
        yield cell.line + (error.lineno or 1), f"not valid Python: {error.msg}."
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        line = cell.line + node.lineno
        function = ast.unparse(node.func)
        if function == "plt.show":
            yield line, '`plt.show()` gives a picture without alternative text: write `show(figure, alt="…")`.'
        elif function in PICTURES or (function.startswith("draw_") and function != "draw_grid"):
            given = [keyword.value for keyword in node.keywords if keyword.arg == "alt"]
            given += node.args[1:2] if function == "show" else []
            if not given or (isinstance(given[0], ast.Constant) and not str(given[0].value).strip()):
                yield line, f'`{function}` has no alternative text: add `alt="what the picture shows"`.'
            elif "predict" in cell.flags and "folded" not in cell.flags and not isinstance(given[0], ast.Name):
                yield (
                    line,
                    "the alternative text in this prediction gives it away: draw in a cell"
                    ' `# %% predict folded label="…"` after it.',
                )
    drawing = _plotting_lines(tree)
    if drawing > PLOTTING_LINES and cell.role == "code" and "folded" not in cell.flags:
        yield (
            cell.line,
            f"{drawing} lines of drawing in a cell that learners read ({PLOTTING_LINES} are allowed):"
            ' put them into a cell `# %% folded label="what it draws"`.',
        )


def _plotting_lines(tree: ast.Module) -> int:
    """The lines of the statements that draw."""
    lines: set[int] = set()
    for statement in tree.body:
        names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        if names & (PLOTTING | PICTURES) or any(name.startswith("draw_") for name in names):
            lines |= set(range(statement.lineno, statement.end_lineno + 1))
    return len(lines)


def _prediction_faults(source: Source):
    """Text that gives a prediction away: what follows it must be folded."""
    for i, cell in enumerate(source.cells):
        if "predict" not in cell.flags:
            continue
        text = next((after for after in source.cells[i + 1 :] if "predict" not in after.flags), None)
        if text is None or text.kind != "markdown":
            continue
        first = text.text.lstrip()
        if not first.startswith(("<details>", "#", QUESTION)):
            yield (
                text.line,
                "the text after a prediction gives it away: begin with `<details><summary>Why?</summary>`,"
                f" a heading, or the next `{QUESTION}:**`.",
            )


def _setup_faults(source: Source):
    places = [cell for cell in source.cells if cell.role == "setup"]
    if not places:
        yield 1, "there is no set-up cell: write `# %% setup` on a line of its own after the opening."
    for cell in places[1:]:
        yield cell.line, "a second set-up cell: keep the first alone."
    for cell in places:
        if cell.text.strip():
            yield cell.line, "the set-up cell is written by the build: leave it empty."
    if places and (len(source.cells) < 2 or source.cells[1] is not places[0]):
        yield places[0].line, "the set-up must be the second cell, right after the opening."
    if places:
        for cell in source.cells:
            if cell.kind == "code" and cell.line < places[0].line:
                yield cell.line, "code before the set-up cell: move it below `# %% setup`."


def _exercise_faults(source: Source, setup_names: set[str]):
    exercises = {cell.exercise: cell for cell in source.cells if cell.role == "exercise"}
    checks = {cell.exercise: cell for cell in source.cells if cell.role == "check"}
    text_above, texts, number = None, {}, 0
    for i, cell in enumerate(source.cells):
        if cell.kind == "markdown":
            text_above = cell
        if cell.role == "exercise":
            number += 1
            texts[cell.exercise] = text_above.text if text_above is not None else ""
            titles = EXERCISE_TITLE.findall(texts[cell.exercise])
            if len(titles) != 1:
                yield cell.line, "the text above it must have one line `### Exercise: its title`."
            elif "<details>" not in text_above.text:
                yield text_above.line, f"exercise {cell.exercise!r} has no hint: write one in `<details>`."
            yield from ((cell.line, message) for title in titles for message in _wide_title(number, title))
            after = source.cells[i + 1] if i + 1 < len(source.cells) else None
            if after is None or (after.role, after.exercise) != ("check", cell.exercise):
                yield cell.line, f"the check of exercise {cell.exercise!r} must follow right after it."
            yield from _marker_faults(cell, BEGIN_SOLUTION, END_SOLUTION, required=True)
            if cell.exercise not in checks:
                yield (
                    cell.line,
                    f'exercise {cell.exercise!r} has no check: add `# %% check="{cell.exercise}" points=2` below it.',
                )
        if cell.role == "check":
            yield from _marker_faults(cell, BEGIN_HIDDEN, END_HIDDEN, required=bool(cell.keys.get("points")))
            exercise = exercises.get(cell.exercise)
            if exercise is None or exercise.line > cell.line:
                yield cell.line, f"there is no exercise {cell.exercise!r} above this check."
            else:
                yield from _unknown_names(cell, exercise, setup_names)
                yield from _unsaid_prohibitions(cell, exercise, texts.get(cell.exercise, ""))


def _wide_title(number: int, title: str):
    space = TITLE_WIDTH - len(CHECK_TITLE.format(number=number, title=""))
    if len(title) > space:
        yield f"the title has {len(title)} characters: at most {space} are in view above its folded check."


def _marker_faults(cell: Cell, begin: str, end: str, required: bool):
    lines = [line.strip() for line in cell.text.splitlines()]
    order = [line for line in lines if line in (begin, end)]
    if required and not order:
        part = "the part that learners write" if begin == BEGIN_SOLUTION else "the tests with other values"
        yield cell.line, f"no `{begin}` … `{end}`: put them around {part}."
    elif order != [begin, end] * (len(order) // 2):
        yield cell.line, f"`{begin}` and `{end}` do not pair up."


def _unknown_names(check: Cell, exercise: Cell, setup_names: set[str]):
    try:
        tree, known = parse(check.text), setup_names | defined_names(parse(exercise.text))
    except SyntaxError:
        return  # reported already
    for name in sorted(free_names(tree) - known):
        node = next(n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == name)
        yield (
            check.line + node.lineno,
            f"the check uses `{name}`, which neither the set-up nor exercise {check.exercise!r} defines:"
            " define it in the check, or in the exercise.",
        )


def _unsaid_prohibitions(check: Cell, exercise: Cell, text: str):
    """What a check forbids and the exercise does not name: a learner could not know."""
    try:
        tree = parse(check.text)
    except SyntaxError:
        return  # reported already
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "forbidden":
            for name in (argument.value for argument in node.args if isinstance(argument, ast.Constant)):
                if not re.search(rf"\b{re.escape(str(name))}\b", text + exercise.text):
                    yield (
                        check.line + node.lineno,
                        f"the check forbids `{name}`, and exercise {check.exercise!r} does not say so:"
                        " name it in the text above the exercise.",
                    )


def _id_faults(source: Source):
    seen: dict[str, int] = {}
    for cell in source.cells:
        identities = [f"{cell.role} {cell.exercise}"] if cell.exercise is not None else []
        identities += [f"id {cell.keys['id']}"] if "id" in cell.keys else []
        for identity in identities:
            if identity in seen:
                yield cell.line, f"`{identity}` is there twice (first on line {seen[identity]}): give it another name."
            seen.setdefault(identity, cell.line)
