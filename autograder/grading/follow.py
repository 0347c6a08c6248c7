"""The gradebook follows the source: cells may be added or removed after learners have handed in."""

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    Notebook,
    SolutionCell,
    SourceCell,
    TaskCell,
)
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.errors import CourseError

#: The course in gradebooks that were made without naming one.
NO_COURSE = ("", "default_course")


class FollowSource(NbGraderPreprocessor):
    """On release, adds and removes cells in the gradebook before ``SaveCells``, which refuses once work is handed in.

    Until then this does nothing, because ``SaveCells`` writes everything anew.
    """

    def preprocess(self, nb, resources):
        about, course = resources["nbgrader"], CourseDirectory(config=self.config).course_id
        with Gradebook(about["db_url"], course) as gradebook:
            try:
                notebook = gradebook.find_notebook(about["notebook"], about["assignment"])
            except MissingEntry:
                return nb, resources
            _check_course(notebook, course)
            if notebook.submissions:
                follow(gradebook, notebook, nb)
        return nb, resources


def follow(gradebook: Gradebook, notebook: Notebook, source: NotebookNode) -> None:
    """Give a notebook in the gradebook the cells of its source: all of them or, if that fails, none.

    Existing marks are kept. A new check counts 0 for everybody until it is graded.

    Raises:
        CourseError: somebody has points or a comment for a cell that is gone.
    """
    wanted = {
        kind: {cell.metadata.nbgrader.grade_id: cell for cell in source.cells if has(cell)}
        for kind, has in ((GradeCell, utils.is_grade), (SolutionCell, utils.is_solution), (TaskCell, utils.is_task))
    }
    there = {
        (type(cell), cell.name): cell
        for cell in [*notebook.grade_cells, *notebook.solution_cells, *notebook.task_cells]
    }
    gone = [cell for (kind, name), cell in there.items() if name not in wanted[kind]]
    for cell in gone:
        _refuse_if_marked(notebook, cell)
    for cell in gone:
        _remove(gradebook, cell)
    for kind, cells in wanted.items():
        for name, cell in cells.items():
            if (kind, name) not in there:
                _add(gradebook, notebook, kind, name, cell)
    _follow_texts(gradebook, notebook, source)
    gradebook.db.commit()


def _check_course(notebook: Notebook, course: str) -> None:
    other = notebook.assignment.course_id
    if other != course and other not in NO_COURSE:
        raise CourseError(
            f"{notebook.assignment.name} in the gradebook belongs to another course, {other!r}, which {course!r} would "
            "overwrite: give each course a gradebook of its own (CourseDirectory.db_url in nbgrader_config.py)"
        )


def _refuse_if_marked(notebook: Notebook, cell: BaseCell) -> None:
    marked = {grade.notebook_id for grade in cell.grades or [] if grade.score or grade.manual_score is not None}
    marked |= {comment.notebook_id for comment in cell.comments or [] if comment.manual_comment}
    if marked:
        name, who = notebook.assignment.name, "1 learner has" if len(marked) == 1 else f"{len(marked)} learners have"
        raise CourseError(
            f"{cell.name!r} is gone from {name}, but {who} points or comments for it: put it back under this name; "
            f"or, to start over, run `nbgrader db assignment remove {name} --force`, which deletes all of the "
            "notebook's marks and its due date, and then grade again"
        )


def _remove(gradebook: Gradebook, cell: BaseCell) -> None:
    for record in [*(cell.grades or []), *(cell.comments or [])]:
        gradebook.db.delete(record)
    gradebook.db.flush()
    gradebook.db.delete(cell)


def _add(gradebook: Gradebook, notebook: Notebook, kind: type[BaseCell], name: str, cell: NotebookNode) -> None:
    graded, commented = kind in (GradeCell, TaskCell), kind in (SolutionCell, TaskCell)
    about = {"max_score": float(cell.metadata.nbgrader.points), "cell_type": cell.cell_type} if graded else {}
    new = kind(name=name, notebook=notebook, **about)
    gradebook.db.add(new)
    gradebook.db.flush()
    by_a_person = kind is TaskCell or utils.is_solution(cell) or cell.cell_type != "code"
    for submitted in notebook.submissions:
        if graded:
            gradebook.db.add(Grade(cell_id=new.id, notebook_id=submitted.id, needs_manual_grade=by_a_person))
        if commented:
            gradebook.db.add(Comment(cell_id=new.id, notebook_id=submitted.id))


def _follow_texts(gradebook: Gradebook, notebook: Notebook, source: NotebookNode) -> None:
    """If the source has other cells, make empty entries for their texts, in its order; ``SaveCells`` fills them in."""
    cells = {
        cell.metadata.nbgrader.grade_id: cell
        for cell in source.cells
        if utils.is_grade(cell) or utils.is_solution(cell) or utils.is_task(cell) or utils.is_locked(cell)
    }
    if cells.keys() == {cell.name for cell in notebook.source_cells}:
        return
    for old in notebook.source_cells:
        gradebook.db.delete(old)
    gradebook.db.flush()
    for name, cell in cells.items():
        gradebook.db.add(SourceCell(name=name, notebook_id=notebook.id, cell_type=cell.cell_type))
        gradebook.db.flush()
