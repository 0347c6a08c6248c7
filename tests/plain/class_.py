"""The course of ``course.py`` as nbgrader's files: its sources, what two learners hand in, and grading both ways."""

import contextlib
from pathlib import Path

import nbformat
from conftest import COURSE
from course import LEARNERS_FILES, PARTS, TEACHERS_FILES, Part, Style
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader import preprocessors as steps
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from traitlets.config import Config

from autograder.grading.nbgrader_apps import course_config, course_directory, generate_assignment
from autograder.grading.preprocessors import ExecuteSubmission
from autograder.grading.readable import ReadableAutograde

NAME = "plain"
LEARNERS = ("right", "wrong")
#: Whether a mark is given by a person, and what it is otherwise.
Mark = tuple[bool, float | None]


def _about(grade_id: str, **more) -> dict:
    about = {"schema_version": 3, "grade_id": grade_id, "grade": False, "solution": False, "locked": False}
    return {"nbgrader": about | {"task": False} | more}


def _cells(style: Style) -> list:
    """A style's cells in the source."""
    name, marked = style.name, {"grade": True, "points": style.points}
    solution = f"### BEGIN SOLUTION\n{style.right}\n### END SOLUTION"
    if style.kind == "task":
        return [new_markdown_cell(style.right, metadata=_about(name, task=True, locked=True, points=style.points))]
    if style.kind == "markdown":
        return [new_markdown_cell(style.right, metadata=_about(name, solution=True, **marked))]
    if not style.check:
        return [new_code_cell(solution, metadata=_about(name, solution=True, **marked))]
    return [
        *([new_code_cell(style.before, metadata=_about(f"{name}-before", locked=True))] if style.before else []),
        new_code_cell(solution, metadata=_about(f"{name}-answer", solution=True)),
        *([new_code_cell(style.after)] if style.after else []),
        new_code_cell(style.check, metadata=_about(name, locked=True, **marked)),
    ]


def source(part: Part) -> nbformat.NotebookNode:
    """A part's notebook as its teacher writes it."""
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    cells = [cell for style in part.styles for cell in _cells(style)]
    return new_notebook(cells=[new_markdown_cell(f"# {part.name}"), *cells], metadata=metadata)


def answered(release: Path, part: Part, learner: str) -> nbformat.NotebookNode:
    """The released notebook with all answers right, or all wrong."""
    notebook = nbformat.read(release, as_version=4)
    styles = {style.name: style for style in part.styles}
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("solution"):
            cell.source = getattr(styles[about["grade_id"].removesuffix("-answer")], learner)
    return notebook


def make_course(folder: Path) -> Config:
    """Write the course into ``folder``, release it, and hand in for each of ``LEARNERS``."""
    config = course_config(COURSE.root, workdir=folder)
    _write(folder / "solutions" / NAME, TEACHERS_FILES)
    for part in PARTS:
        nbformat.write(source(part), folder / "solutions" / NAME / f"{part.name}.ipynb")
    generate_assignment(config, NAME)
    for learner in LEARNERS:
        there = folder / "submitted" / learner / NAME
        _write(there, LEARNERS_FILES)
        for part in PARTS:
            release = folder / "notebooks" / NAME / f"{part.name}.ipynb"
            nbformat.write(answered(release, part, learner), there / f"{part.name}.ipynb")
    return config


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def nbgraders_own(config: Config) -> Config:
    """The same course, with nbgrader's own steps instead of ours."""
    own = Config(config)
    own.Autograde.sanitize_preprocessors = [
        steps.ClearOutput,
        steps.DeduplicateIds,
        steps.OverwriteKernelspec,
        steps.OverwriteCells,
        steps.CheckCellMetadata,
    ]
    own.Autograde.autograde_preprocessors = [
        steps.Execute if step is ExecuteSubmission else step for step in config.Autograde.autograde_preprocessors
    ]
    return own


def autograde(config: Config, learner: str, name: str = NAME) -> None:
    """What ``nbgrader autograde`` does for one learner: with our steps, on our class of its step."""
    directory = course_directory(config)
    directory.assignment_id, directory.student_id = name, learner
    ours = ExecuteSubmission in config.Autograde.autograde_preprocessors
    step = (ReadableAutograde if ours else Autograde)(coursedir=directory, config=config)
    step.force = True
    with contextlib.chdir(directory.root):
        step.start()


def read(config: Config, name: str = NAME) -> dict[str, dict[str, Mark]]:
    """For each learner, by ``grade_id``, what the gradebook has."""
    directory = course_directory(config)
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        return {
            one.student.id: {
                grade.name: (grade.needs_manual_grade, grade.auto_score)
                for notebook in one.notebooks
                for grade in notebook.grades
            }
            for one in gradebook.assignment_submissions(name)
        }
