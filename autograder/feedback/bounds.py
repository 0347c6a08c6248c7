"""How much of a notebook is kept and shown, so that a browser can open the page whatever the code has printed."""

from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output

#: The most characters in one text, and in an output with pictures in it.
LONGEST, LARGEST_PICTURE = 20_000, 3_000_000
#: The most characters in all texts of a notebook's outputs, and in all its outputs with pictures.
ALL_TEXT, ALL_PICTURES = 300_000, 20_000_000
OUTPUTS = 100
#: How many cells that are not graded a page shows, and how many characters of their sources in total.
CELLS, ALL_SOURCES = 500, 300_000
TOO_MUCH = "Not shown: {what}."


@dataclass
class _Left:
    """What may still be kept."""

    text: int
    pictures: int = 0


def cut_outputs(notebook: NotebookNode) -> None:
    """Cut outputs that are too long, in place, and leave a sentence where something was cut.

    An error remains an error, because nbgrader reads marks from it. Cutting a second time changes nothing.
    """
    left = _Left(ALL_TEXT, ALL_PICTURES)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            first, more = cell.outputs[:OUTPUTS], cell.outputs[OUTPUTS:]
            errors = [output for output in more if output.output_type == "error"][-1:]
            note = [_note(f"{len(more)} more outputs of this cell")] if len(more) > 2 else more
            cell.outputs = [_kept(output, left) for output in [*first, *note, *errors]]


def cut_cells(notebook: NotebookNode) -> None:
    """Cut sources that are too long to show, in place, and leave out cells if there are too many.

    Graded cells stay: the formgrader has a box for the mark in each of them.
    """
    left, kept, missing = _Left(ALL_SOURCES, ALL_PICTURES), [], 0
    for cell in notebook.cells:
        left.pictures -= len(str(cell.get("attachments", "")))
        if left.pictures < 0:
            cell.pop("attachments", None)
        graded = "nbgrader" in cell.metadata
        if graded or (len(kept) < CELLS and left.text > 0):
            cell.source = _short(cell.source, left) if not is_preparation(cell) else cell.source
            kept.append(cell)
        else:
            missing += 1
    if missing:
        kept.append(new_markdown_cell(TOO_MUCH.format(what=f"more cells of this notebook ({missing})")))
        if notebook.nbformat_minor < 5:
            del kept[-1]["id"]  # cells have ids from format 4.5 on
    notebook.cells = kept


def is_preparation(cell: NotebookNode) -> bool:
    """Whether a cell is the course's set-up or tools: locked, with nothing in it to mark."""
    about = cell.metadata.get("nbgrader", {})
    return bool(about.get("locked")) and not (about.get("grade") or about.get("solution") or about.get("task"))


def _kept(output: NotebookNode, left: _Left) -> NotebookNode:
    if output.output_type == "stream":
        output.text = _short(output.text, left)
    elif output.output_type == "error":
        output.evalue = _short(output.evalue, left)
        output.traceback = [_short(line, left) for line in output.traceback[-100:]]
    else:
        size = sum(len(value) if isinstance(value, str) else len(str(value)) for value in output.data.values())
        if size > min(LARGEST_PICTURE, left.pictures):
            return _note(f"an output of {_amount(size)}, which is too large for the page")
        left.pictures -= size
        if isinstance(output.data.get("text/plain"), str):
            output.data["text/plain"] = _short(output.data["text/plain"], left)
    return output


def shorten(text: str, longest: int) -> str:
    """The start of a text, and a line that says how much is missing; a short text unchanged."""
    if len(text) <= longest or (len(text) <= longest + 60 and text.endswith(" more, not shown.")):
        return text
    return f"{text[:longest]}\n… {_amount(len(text) - longest)} more, not shown."


def _short(text: str, left: _Left) -> str:
    shown = shorten(text, min(LONGEST, left.text))
    left.text = max(0, left.text - min(len(text), LONGEST))
    return shown


def _note(what: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=TOO_MUCH.format(what=what) + "\n")


def _amount(characters: int) -> str:
    return f"{characters / 1e6:.1f} MB" if characters >= 100_000 else f"{characters:,} characters"
