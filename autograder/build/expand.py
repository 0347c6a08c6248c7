"""Expand a source into a notebook: nbgrader's metadata, stable ids, set-up and tools, titles, the badge, the end."""

import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.build.setup_cell import setup_names, setup_text, tools_text
from autograder.errors import CourseError
from autograder.source.cells import UNRELEASED, Cell, Source
from autograder.source.faults import CHECK_TITLE, EXERCISE_TITLE, find_faults
from autograder.source.ids import CHECK, EXERCISE
from autograder.source.names import parse, read_names

DIFFICULTY = {1: "●○○", 2: "●●○", 3: "●●●"}
#: Metadata of a cell whose code is folded, in JupyterLab and on Colab.
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
HAND_IN = """## Hand in

1. Save the notebook and download it. On Google Colab: *File → Download → Download .ipynb*. \
In JupyterLab: *File → Save Notebook*, then *File → Download*.
2. Hand in the file at <{address}>. If that page says that you are not signed in, open your personal link first.

You see your marks there within seconds, and you may hand in again."""


def expand(
    source: Source, data: Path, repository: str = "", branch: str = "main", serve: str = ""
) -> nbformat.NotebookNode:
    """The notebook that a source stands for, not executed.

    Args:
        source: the source, read.
        data: the course's data folder.
        repository: the repository's address for the Colab badge; empty for none.
        branch: its branch.
        serve: where learners hand in; empty for no cell that says so.

    Raises:
        CourseError: the source has faults; the message lists them all.
    """
    faults = find_faults(source, setup_names())
    if faults:
        raise CourseError("\n".join(map(str, faults)))
    used = set().union(*(read_names(parse(cell.text)) for cell in source.cells if cell.kind == "code"))
    headings, labels = _headings(source)
    identities = _identities(source)
    cells = []
    for i, cell in enumerate(source.cells):
        if cell.role == "setup":
            text = setup_text()
        elif i in headings:
            text = EXERCISE_TITLE.sub(lambda _, heading=headings[i]: heading, cell.text)
        elif i in labels:
            text = f'#@title {labels[i]} {{ display-mode: "form" }}\n{cell.text}'
        elif i == 0:
            text = _with_colab(cell.text, source.name, repository, branch)
        else:
            text = cell.text
        make = new_markdown_cell if cell.kind == "markdown" else new_code_cell
        cells.append(make(text, id=identities[i], metadata=_metadata(cell)))
        if cell.role == "setup":
            about = _nbgrader("tools", locked=True)
            cells.append(new_code_cell(tools_text(used, data), id="tools", metadata={"nbgrader": about} | FOLDED))
    if serve and any(cell.keys["points"] for cell in source.cells if cell.role == "check"):
        cells.append(new_markdown_cell(HAND_IN.format(address=f"{serve}/a/{source.name}"), id="hand-in"))
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "autograder": {"notebook": source.name},
    }
    notebook = new_notebook(cells=cells, metadata=metadata)
    notebook.nbformat_minor = 5
    return notebook


def cell_lines(source: Source) -> list[int]:
    """For each cell of the notebook the line of the source that it comes from; the one on handing in has none."""
    return [cell.line for cell in source.cells for _ in range(2 if cell.role == "setup" else 1)]


def _headings(source: Source) -> tuple[dict[int, str], dict[int, str]]:
    """By index of the source's cells: the headings of the texts above exercises, and the titles of folded cells.

    The heading of an exercise has its number, points, difficulty and minutes.
    """
    points = {cell.exercise: cell.keys["points"] for cell in source.cells if cell.role == "check"}
    headings, labels, checks, above = {}, {}, {}, None
    for i, cell in enumerate(source.cells):
        if cell.kind == "markdown":
            above = i
        elif cell.role == "exercise":
            title = EXERCISE_TITLE.search(source.cells[above].text)["title"]
            worth, number = points[cell.exercise], len(checks) + 1
            checks[cell.exercise] = CHECK_TITLE.format(number=number, title=title)
            marks = f"**{worth} point{'s' * (worth != 1)}** · " if worth else ""
            headings[above] = (
                f"### Exercise {number}: {title}\n\n"
                f"{marks}difficulty {DIFFICULTY[cell.keys['difficulty']]} · about {cell.keys['minutes']} minutes"
            )
        elif cell.role == "check":
            labels[i] = checks[cell.exercise]
        elif "folded" in cell.flags:
            labels[i] = str(cell.keys["label"])
    return headings, labels


def _identities(source: Source) -> list[str]:
    """An id for each cell, which an edit elsewhere does not change: the role's, else section and place in it."""
    identities, section, place = [], "opening", 0
    for cell in source.cells:
        heading = re.search(r"^#{1,3} (.+)$", cell.text, re.MULTILINE) if cell.kind == "markdown" else None
        if heading:
            section = re.sub(r"[^a-z0-9]+", "-", heading[1].lower()).strip("-")[:48] or "section"
            place = 0
        place += 1
        if cell.role == "setup":
            identities.append("setup")
        elif cell.exercise:
            identities.append(f"{cell.role}-{cell.exercise}")
        else:
            identities.append(str(cell.keys.get("id", f"{section}-{place}")))
    twice = {identity for identity in identities if identities.count(identity) > 1}
    if twice:
        lines = [cell.line for cell, identity in zip(source.cells, identities) if identity in twice]
        raise CourseError(f"{source.path}:{lines[1]}: two sections have the same heading: change one.")
    return identities


def _metadata(cell: Cell) -> dict:
    tags = ["nbval-ignore-output"] * ("varies" in cell.flags) + [tag for tag in UNRELEASED if tag in cell.flags]
    metadata: dict = {"tags": tags} if tags else {}
    if cell.role == "setup":
        metadata["nbgrader"] = _nbgrader("setup", locked=True)
    if cell.role == "exercise":
        metadata["nbgrader"] = _nbgrader(f"{EXERCISE}{cell.exercise}", solution=True)
    if cell.role == "check":
        about = _nbgrader(f"{CHECK}{cell.exercise}", grade=True, locked=True)
        metadata["nbgrader"] = about | {"points": cell.keys["points"]}
    return metadata | (FOLDED if cell.role == "check" or "folded" in cell.flags else {})


def _nbgrader(grade_id: str, solution=False, grade=False, locked=False) -> dict:
    """What nbgrader notes of a cell."""
    return {
        "schema_version": 3,
        "grade_id": grade_id,
        "solution": solution,
        "grade": grade,
        "locked": locked,
        "task": False,
    }


def _with_colab(text: str, name: str, repository: str, branch: str) -> str:
    """The opening with the badge under its title, or with the sentence that says how to do without."""
    if repository:
        owner = repository.removeprefix("https://github.com/").strip("/")
        address = f"https://colab.research.google.com/github/{owner}/blob/{branch}/notebooks/{name}/{name}.ipynb"
        line = f"[![Open this notebook in Google Colab]({BADGE})]({address})"
    else:
        line = "*On Google Colab: save this file, then choose* File → Upload notebook *there.*"
    title, _, rest = text.partition("\n")
    return f"{title}\n\n{line}\n{rest}"
