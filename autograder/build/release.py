"""Make the notebook that learners get, by nbgrader's own ``generate_assignment``."""

import shutil
import tempfile
from pathlib import Path

from autograder.course import Course
from autograder.grading.nbgrader_apps import course_config, generate_assignment


def release_text(course: Course, solution: Path) -> str:
    """The text of the released notebook for an executed solution.

    Runs in a temporary course without a gradebook, under the course's own ``nbgrader_config.py``.

    Raises:
        CourseError: nbgrader refuses the notebook.
    """
    name = solution.stem
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "solutions" / name / solution.name
        copy.parent.mkdir(parents=True)
        shutil.copy(solution, copy)
        generate_assignment(course_config(course.root, workdir=Path(folder)), name, database=False)
        return (Path(folder) / "notebooks" / name / solution.name).read_text(encoding="utf-8")
