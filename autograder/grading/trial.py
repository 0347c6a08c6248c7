"""Grade one notebook of one's own, without a gradebook: in a temporary course of one learner."""

import shutil
import tempfile
from pathlib import Path

from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading.grade import Exercise, Row, exercises, grade_class
from autograder.grading.nbgrader_apps import course_config, generate_feedback
from autograder.grading.submissions import read_notebook


def try_notebook(course: Course, path: Path) -> tuple[str, list[Exercise], Row, Path]:
    """Grade the notebook at ``path`` and write the feedback page beside it.

    Returns:
        The course's name for the notebook, its exercises, the marks, and where the page lies.

    Raises:
        CourseError: the file is no notebook of this course, or cannot be graded.
    """
    if not path.is_file():
        raise CourseError(f"{path} does not exist.")
    try:
        name = recognise(course, path)
    except CourseError as error:
        raise CourseError(f"{path}: {error}.") from None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "submitted" / "you" / name / f"{name}.ipynb"
        copy.parent.mkdir(parents=True)
        shutil.copyfile(path, copy)
        config = course_config(course.root, workdir=Path(folder))
        [row] = grade_class(course, config, name)
        if not row.graded:
            raise CourseError(f"{path}: {'; '.join(row.problems)}.")
        generate_feedback(config, name, "you")
        page = path.with_name(f"{path.stem}.feedback.html")
        shutil.copyfile(Path(folder) / "feedback" / "you" / name / f"{name}.html", page)
    return name, exercises(course.solution(name)), row, page


def recognise(course: Course, path: Path) -> str:
    """Which notebook of the course a file is, by its check cells; its name does not matter.

    Raises:
        CourseError: it is none, or no notebook at all.
    """
    notebook = read_notebook(path)
    mine = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells}
    shared = {
        name: len(mine & {exercise.grade_id for exercise in exercises(course.solution(name))}) for name in course.names
    }
    best = max(shared, key=shared.__getitem__, default=None)
    if best is None or shared[best] == 0:
        raise CourseError(f"it has no check cell of any notebook of this course ({', '.join(course.names)})")
    return best
