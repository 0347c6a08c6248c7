"""Pictures that need not be drawn again: those of the course's own cells that no learner's code affects.

Drawing is more than half of a notebook's cost. A course cell that does not depend on an answer draws in every
submission what it drew when the course was built, so it gets that picture. Everything else in it runs as usual.
"""

import ast
import builtins
import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from nbformat import NotebookNode

from autograder.source.names import MAGIC, bound_names, defined_names, parse, read_names

#: The names in learners' code are looked up only if it has at most so many characters in total; a notebook of the
#: course has a tenth of that. Parsing code takes a thousand times its size in memory, in a process without limits.
MOST_CODE = 100_000
#: What viewers that strip HTML show.
SVG = "image/svg+xml"
#: The HTML that ``picture``, in a notebook's tools cell, makes from a figure.
IMAGE = re.compile(r'<img alt="([^"]*)" style="[^"]*" src="data:image/svg\+xml;base64,[^"]*">')


class Images(dict[str, str]):
    """A cell's images as HTML, by their alt text.

    Attributes:
        svgs: each of its outputs as one SVG, by the output's plain text.
        alone: the alt texts of the images that are an output by themselves, not one still among others.
    """

    def __init__(self, images: Mapping[str, str] = {}, svgs: Mapping[str, str] = {}, alone: Iterable[str] = ()) -> None:
        super().__init__(images)
        self.svgs, self.alone = dict(svgs), list(alone)


#: For each course cell, by its text: its images.
Pictures = Mapping[str, Images]


def about_cell(cell: NotebookNode) -> dict:
    """nbgrader's metadata of a cell; empty if there is none or if it is another tool's."""
    about = cell.metadata.get("nbgrader")
    return about if isinstance(about, dict) else {}


def is_ours(cell: NotebookNode) -> bool:
    """Whether a cell is the course's but not a check: set-up or tools, which run on both sides."""
    about = about_cell(cell)
    return cell.cell_type == "code" and about.get("locked") is True and about.get("grade") is not True


def is_check(cell: NotebookNode) -> bool:
    """Whether a cell is an automatic check; one that is also a solution is an answer that a person grades."""
    about = about_cell(cell)
    return cell.cell_type == "code" and about.get("grade") is True and about.get("solution") is not True


def drawn_pictures(solution: NotebookNode) -> Pictures:
    """The pictures of an executed solution's own cells: those that are neither answers nor checks."""
    known = {}
    for cell in solution.cells:
        if cell.cell_type == "code" and "nbgrader" not in cell.metadata:
            by_output = [list(IMAGE.finditer(_html(output))) for output in cell.outputs]
            images = [image for output in by_output for image in output]
            alike = Counter(image[1] for image in images)
            bundles = [output.get("data", {}) for output in cell.outputs]
            known[cell.source] = Images(
                {html.unescape(image[1]): image[0] for image in images if alike[image[1]] == 1},
                svgs={bundle["text/plain"]: bundle[SVG] for bundle in bundles if SVG in bundle},
                alone=[html.unescape(output[0][1]) for output in by_output if len(output) == 1],
            )
    return known


def _html(output: NotebookNode) -> str:
    return output.get("data", {}).get("text/html", "")


def reusable(notebook: NotebookNode, known: Pictures) -> dict[int, Images]:
    """For each cell, by its index, that uses nothing of the learner's: the pictures that it is known to draw.

    A learner's cell affects the names that it defines, and those that it reads from outside, whose values it may
    change; a course cell that reads such a name affects others in turn. So does a missing cell: what it would have
    defined may now be something else.
    """
    cells = [(index, cell) for index, cell in enumerate(notebook.cells) if _counts(cell)]
    ours = [cell.source for _, cell in cells if cell.source in known]
    if ours != [source for source in known if source in set(ours)]:
        return {}  # in a different order, or one of them twice
    if sum(len(cell.source) for _, cell in cells if cell.source not in known and not is_ours(cell)) > MOST_CODE:
        return {}
    setup = [cell.source for _, cell in cells if is_ours(cell)]
    given = set(dir(builtins)).union(*(names.defined for source in setup if (names := _names(source))))
    reached = set().union(*(_reach(source, given) or set() for source in known.keys() - set(ours)))
    found = {}
    for index, cell in cells:
        if cell.source in setup:
            continue
        reach = _reach(cell.source, given)
        if reach is None or (cell.source not in known and MAGIC.search(cell.source)):
            break  # a learner's magic, which may do anything
        if cell.source in known and not _names(cell.source).read & reached:
            found[index] = known[cell.source]
        else:
            reached |= reach
    return {index: pictures for index, pictures in found.items() if pictures}


def _counts(cell: NotebookNode) -> bool:
    """Whether a cell runs in the learner's process."""
    return cell.cell_type == "code" and not is_check(cell)


def _reach(code: str, given: set[str]) -> set[str] | None:
    """The names whose values a cell may change, except those of ``given`` that it only reads; None if unknown."""
    names = _names(code)
    return None if names is None else names.defined | (names.taken - given)


def picture_mark(alt: str) -> str:
    """A placeholder for a known picture in a learner's process, which never gets the picture itself."""
    return f"<!-- picture: {html.escape(alt)} -->"


def put_pictures(cell: NotebookNode, pictures: Images) -> None:
    """Replace the marks in an executed cell by their pictures: each once, whatever a learner's process has sent.

    An output that was made of marks alone gets the SVG that it had when the course was built.
    """
    left = dict(pictures)
    for output in cell.outputs if left else []:
        text = output.get("data", {}).get("text/html")
        for alt in [alt for alt in left if isinstance(text, str) and picture_mark(alt) in text]:
            text = text.replace(picture_mark(alt), left.pop(alt), 1)
            output.data["text/html"] = text
            svg = pictures.svgs.get(output.data.get("text/plain"))
            if svg is not None and "<!-- picture: " not in text:
                output.data[SVG] = svg


class _Names:
    """The names that a cell defines for others, all that it reads, and those that it reads but does not define."""

    def __init__(self, tree: ast.Module) -> None:
        everywhere = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
        self.defined, self.read = defined_names(tree) | everywhere, read_names(tree)
        self.taken = self.read - bound_names(tree)


@lru_cache(maxsize=512)
def _names(code: str) -> _Names | None:
    """The names in a cell: empty if it cannot run, None if IPython may see more in it than Python does."""
    try:
        return _Names(parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None if set("%!?") & set(code) else _Names(ast.Module([], []))
