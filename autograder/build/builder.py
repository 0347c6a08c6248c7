"""Build the course: each source into its executed solution and its release, or check that they are up to date."""

import copy
import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat

from autograder.build.expand import cell_lines, expand
from autograder.build.release import release_text
from autograder.build.run import examine_notebook, run_notebook
from autograder.course import Course
from autograder.errors import CourseError
from autograder.files import write_whole
from autograder.source.cells import read_source
from autograder.source.faults import find_gaps


def build(course: Course, name: str, again: bool = False) -> str:
    """Build one notebook; run it only if something has changed, or if ``again`` asks for it.

    Returns:
        What was done: ``"run"``, ``"released"`` (the solution was up to date, the release not) or ``"up to date"``.

    Raises:
        CourseError: a fault in the source, a cell that fails, a notebook nbgrader refuses. Nothing is written then.
    """
    expanded, lines = _expanded(course, name)
    done = "up to date"
    solution = course.solution(name)
    if again or not _is_fresh(solution, expanded):
        run_notebook(expanded, course.source(name), lines)
        examine_notebook(expanded, course.source(name), lines)
        expanded.metadata.autograder.content = _content(expanded)
        text = nbformat.writes(expanded) + "\n"
        done = "run"
    else:
        text = solution.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        executed = Path(folder) / solution.name
        executed.write_text(text, encoding="utf-8")
        release = release_text(course, executed)
    if done == "run":
        write_whole(solution, text.encode())
    if _read(course.release(name)) != release:
        write_whole(course.release(name), release.encode())
        done = "run" if done == "run" else "released"
    return done


def check(course: Course, name: str) -> list[str]:
    """What is not as the source of one notebook gives it, as messages; empty if all is up to date.

    Cells and metadata are compared to the letter, stored outputs with their hash, the release as bytes. Nothing is run:
    that the outputs are still what the code gives is for nbval to say.
    """
    try:
        expanded, _ = _expanded(course, name)
    except CourseError as error:
        return [str(error)]
    stale = [] if _is_fresh(course.solution(name), expanded) else [course.solution(name)]
    if not stale and _read(course.release(name)) != release_text(course, course.solution(name)):
        stale = [course.release(name)]
    return [
        f"{path.relative_to(course.root)} is not what its source gives: run `autograder build {name}`."
        for path in stale
    ]


def build_all(course: Course, names: Iterable[str], again: bool, report: Callable[[str, str], None]) -> None:
    """Build several notebooks and tell ``report(name, done)`` after each."""
    for name in names:
        report(name, build(course, name, again))


def _expanded(course: Course, name: str) -> tuple[nbformat.NotebookNode, list[int]]:
    source = read_source(course.source(name))
    if gaps := find_gaps(source):
        raise CourseError("\n".join(map(str, gaps)))
    return expand(source, course.data, *course.repository(), course.serve_address()), cell_lines(source)


def _is_fresh(path: Path, expanded: nbformat.NotebookNode) -> bool:
    """Whether the notebook at ``path`` is ``expanded``, executed, and has not been edited since."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:  # missing, or edited into something that is no notebook
        return False
    stamp = notebook.metadata.get("autograder", {}).pop("content", None)
    return _without_outputs(notebook) == _without_outputs(expanded) and stamp == _content(notebook)


def _without_outputs(notebook: nbformat.NotebookNode) -> dict:
    plain = copy.deepcopy(notebook)
    for cell in plain.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return plain


def _content(notebook: nbformat.NotebookNode) -> str:
    """A hash of a notebook, outputs and all, without the hash that it carries itself."""
    plain = copy.deepcopy(notebook)
    plain.metadata.get("autograder", {}).pop("content", None)
    return hashlib.sha256(nbformat.writes(plain).encode()).hexdigest()[:16]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
