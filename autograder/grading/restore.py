"""Restore what the gradebook knows about the cells of a submission: type, metadata and, if locked, content."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook

from autograder.source.faults import BEGIN_HIDDEN, END_HIDDEN
from autograder.source.ids import CHECK, EXERCISE

#: The share of words that two texts have in common if one is an edited copy. Two checks of one notebook share fewer.
ALIKE = 0.8
HIDDEN = re.compile(rf"[^\n]*{BEGIN_HIDDEN}.*?{END_HIDDEN}[^\n]*", re.DOTALL)
# A learner's code is not parsed for this: it may not be Python, or be too long or too nested for the parser.
BINDING = re.compile(r"^(?:(?:async +)?def +|class +)(\w+)|^(\w+) *(?::[^=\n]*)?=(?!=)", re.MULTILINE)


@dataclass(frozen=True)
class KnownCell:
    """What the gradebook knows about one of the source's cells.

    Attributes:
        metadata: nbgrader's, schema version 3, with the checksum.
        cell_type: ``"code"`` or ``"markdown"``.
        locked: whether its content belongs to the course: a check or the set-up.
        source: the full text of a locked cell, hidden tests included, or an exercise's stub.
    """

    metadata: Mapping[str, object]
    cell_type: str
    locked: bool
    source: str

    @property
    def prepares(self) -> bool:
        """Whether it is a set-up cell: locked, but neither a check nor a task."""
        return self.locked and not (self.metadata["grade"] or self.metadata["task"])


def read_known(gradebook: Gradebook, assignment: str, notebook_name: str) -> dict[str, KnownCell]:
    """The source's cells as the gradebook has them, by ``grade_id``, in the source's order.

    Args:
        gradebook: an open gradebook.
        assignment: nbgrader's name for the assignment.
        notebook_name: the notebook in it.

    Raises:
        MissingEntry: the gradebook does not know the notebook.
    """
    notebook = gradebook.find_notebook(notebook_name, assignment)
    tasks = {cell.name for cell in notebook.task_cells}
    points = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
    solutions = {cell.name for cell in notebook.solution_cells}
    known = {}
    for cell in notebook.source_cells:
        metadata = {
            "schema_version": 3,
            "grade_id": cell.name,
            "grade": cell.name in points and cell.name not in tasks,
            "solution": cell.name in solutions,
            "locked": cell.locked,
            "task": cell.name in tasks,
            "cell_type": cell.cell_type,
            "checksum": cell.checksum,
        }
        if cell.name in points:
            metadata["points"] = points[cell.name]
        known[cell.name] = KnownCell(metadata, cell.cell_type, cell.locked, cell.source)
    return known


def restore(notebook: NotebookNode, known: Mapping[str, KnownCell]) -> list[str]:
    """Restore each cell of a submission to what it is in the source, whatever happened to it.

    A cell is recognised by its metadata, else by its text, or, if an exercise, by what it defines. Of several copies,
    one counts. Unknown or broken metadata is removed. A missing check is put after its exercise, a missing set-up cell
    at the front.

    Args:
        notebook: the submission; it is modified.
        known: the source's cells by ``grade_id``, in the source's order.

    Returns:
        Sentences about what is missing and cannot be restored: exercises.
    """
    found = _by_metadata(notebook.cells, known)
    found |= _by_text(notebook.cells, known, found)
    bound = _bound(notebook.cells, known, found)
    found |= _by_names(bound, known, found)
    owners = {index: known[grade_id] for grade_id, index in found.items()}
    for index, cell in enumerate(notebook.cells):
        cell.metadata.pop("nbgrader", None)
        if index in owners:
            _give_back(cell, owners[index])
    answers = _answers(notebook.cells, bound, known, found)
    _put_back(notebook, known, found, answers)
    return [
        f"exercise {grade_id.removeprefix(EXERCISE)!r} was not found: its cell is missing or was renamed"
        for grade_id, cell in known.items()
        if cell.metadata["solution"] and grade_id not in answers
    ]


def grade_id_of(cell: NotebookNode) -> str | None:
    """A cell's ``grade_id``, or None if its metadata has no valid one."""
    about = cell.metadata.get("nbgrader")
    grade_id = about.get("grade_id") if isinstance(about, dict) else None
    return grade_id if isinstance(grade_id, str) else None


def released(source: str) -> str:
    """A course cell as learners get it: without hidden tests."""
    return HIDDEN.sub("", source)


def bound_names(source: str) -> set[str]:
    """The names that code defines or assigns at its top level, one to a line, even if it is not valid Python."""
    return {defined or assigned for defined, assigned in BINDING.findall(source)}


def _by_metadata(cells: list[NotebookNode], known: Mapping[str, KnownCell]) -> dict[str, int]:
    """The positions of the cells that say which they are; of copies the last, which comes after all definitions.

    Of copies of the set-up it is the first, because every cell after it needs it.
    """
    found: dict[str, int] = {}
    for index, cell in enumerate(cells):
        grade_id = grade_id_of(cell)
        if grade_id in known and not (grade_id in found and known[grade_id].prepares):
            found[grade_id] = index
    return found


def _by_text(cells: list[NotebookNode], known: Mapping[str, KnownCell], found: Mapping[str, int]) -> dict[str, int]:
    """The positions of locked cells that lost their metadata: for each, the cell most like it, if no more like another.

    Of copies, the one that ``_by_metadata`` would take. Likeness is the share of words that two texts have in common:
    difflib's ratio takes minutes on a text designed to slow it down.
    """
    lost = {
        grade_id: released(cell.source) for grade_id, cell in known.items() if cell.locked and grade_id not in found
    }
    words = {grade_id: _words(text) for grade_id, text in lost.items()}
    longest = max(map(len, lost.values()), default=0)
    claims: dict[str, list[tuple[float, int, int]]] = defaultdict(list)
    for index, cell in enumerate(cells):
        if index in found.values() or len(cell.source) > 3 * longest:
            continue
        mine = _words(cell.source)
        ranking = sorted(((_shared(mine, other), grade_id) for grade_id, other in words.items()), reverse=True)
        (best, grade_id), (second, _) = [*ranking, (0, ""), (0, "")][:2]
        if best >= ALIKE and best > second:
            claims[grade_id].append((best, -index if known[grade_id].prepares else index, index))
    return {grade_id: max(candidates)[2] for grade_id, candidates in claims.items()}


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


def _shared(one: Counter[str], other: Counter[str]) -> float:
    """The share of words that two texts have in common, from 0 to 1."""
    return 2 * (one & other).total() / ((one.total() + other.total()) or 1)


def _bound(cells: list[NotebookNode], known: Mapping[str, KnownCell], found: Mapping[str, int]) -> list[set[str]]:
    """For each cell, the names that it binds, if it can be the answer to an exercise."""
    answering = {index for grade_id, index in found.items() if known[grade_id].metadata["solution"]}
    answering |= {index for index, cell in enumerate(cells) if cell.cell_type == "code"} - set(found.values())
    return [bound_names(cell.source) if index in answering else set() for index, cell in enumerate(cells)]


def _by_names(bound: list[set[str]], known: Mapping[str, KnownCell], found: Mapping[str, int]) -> dict[str, int]:
    """The positions of exercises that lost their metadata: the last cell before the check that defines the names."""
    here: dict[str, int] = {}
    for grade_id, cell in known.items():
        if cell.metadata["solution"] and grade_id not in found:
            names, taken = bound_names(cell.source), {*found.values(), *here.values()}
            places = [i for i in _before_check(grade_id, bound, found) if bound[i] & names and i not in taken]
            if places:
                here[grade_id] = max(places, key=lambda i: (len(bound[i] & names), i))
    return here


def _before_check(grade_id: str, bound: list[set[str]], found: Mapping[str, int]) -> range:
    return range(found.get(CHECK + grade_id.removeprefix(EXERCISE), len(bound)))


def _answers(
    cells: list[NotebookNode], bound: list[set[str]], known: Mapping[str, KnownCell], found: Mapping[str, int]
) -> dict[str, int]:
    """Where each exercise is answered: the last cell that defines what it asks for.

    That is its own cell, one that the learner added right after it, or, if its own cell is gone, another
    exercise's cell into which it was merged.
    """
    answers = {}
    for grade_id, cell in known.items():
        if cell.metadata["solution"]:
            names, own = bound_names(cell.source), found.get(grade_id)
            if own is None:
                places = _before_check(grade_id, bound, found)
            else:
                ends = (i for i in range(own + 1, len(cells)) if cells[i].cell_type != "code" or i in found.values())
                places = range(own, next(ends, len(cells)))
            last = max((i for i in places if bound[i] & names), default=own)
            if last is not None:
                answers[grade_id] = last
    return answers


def _give_back(cell: NotebookNode, known: KnownCell) -> None:
    """Restore ``cell`` to what it is in the source."""
    if cell.cell_type != known.cell_type:
        for key in ("outputs", "execution_count", "attachments"):
            cell.pop(key, None)
        cell.cell_type = known.cell_type
        if known.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if known.locked:
        cell.source = known.source
        # With a learner's tag, such as skip-execution, a check would not run but count as passed.
        cell.metadata = NotebookNode()
    cell.metadata["nbgrader"] = dict(known.metadata)


def _put_back(
    notebook: NotebookNode, known: Mapping[str, KnownCell], found: Mapping[str, int], answers: Mapping[str, int]
) -> None:
    """Add the locked cells that were not found: set-up and tools at the front, checks after answers."""
    front, end = -1, len(notebook.cells) - 1
    behind: dict[int, list[NotebookNode]] = defaultdict(list)
    for grade_id, cell in known.items():
        if cell.prepares and grade_id in found:
            front = max(front, found[grade_id])  # tools need the set-up before them
        elif cell.locked and grade_id not in found:
            place = front if cell.prepares else answers.get(EXERCISE + grade_id.removeprefix(CHECK), end)
            behind[place].append(_new_cell(cell, notebook.nbformat_minor))
    cells = behind[-1]
    for index, cell in enumerate(notebook.cells):
        cells += [cell, *behind[index]]
    notebook.cells = cells


def _new_cell(known: KnownCell, nbformat_minor: int) -> NotebookNode:
    make = new_code_cell if known.cell_type == "code" else new_markdown_cell
    cell = make(known.source, metadata={"nbgrader": dict(known.metadata)})
    if nbformat_minor < 5:
        del cell["id"]  # cells have ids from format 4.5 on
    return cell
