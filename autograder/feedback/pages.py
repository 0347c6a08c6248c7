"""Write the feedback pages of a class, through nbgrader's own step and into nbgrader's own folder."""

from collections.abc import Callable
from pathlib import Path

from traitlets.config import Config

from autograder.errors import CourseError
from autograder.grading.nbgrader_apps import StepError, course_directory, generate_feedback
from autograder.grading.one_gradebook import one_engine


def write_pages(
    config: Config,
    name: str,
    students: list[str] | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Write ``feedback/STUDENT/NAME/NOTEBOOK.html`` for every graded learner, or for those named.

    Raises:
        CourseError: nobody has been graded, or somebody named has not; or a page could not be written, but all others
            were.
    """
    directory = course_directory(config)
    root = Path(directory.root)
    graded = sorted({path.parts[-3] for path in (root / directory.autograded_directory).glob(f"*/{name}/*.ipynb")})
    for student in students or []:
        if student not in graded:
            raise CourseError(
                f"{student} has not been graded for {name}: run `autograder grade {name} --student {student}`."
            )
    if not graded:
        raise CourseError(f"Nobody has been graded for {name}: run `autograder grade {name}` first.")
    wanted, pages, failures = students or graded, [], []
    with one_engine():
        for done, student in enumerate(wanted):
            report(done, len(wanted))
            try:
                generate_feedback(config, name, student)
                pages += sorted((root / directory.feedback_directory / student / name).glob("*.html"))
            except StepError as error:
                failures.append(f"{student}: {error}")
    report(len(wanted), len(wanted))
    if failures:
        raise CourseError("; ".join(failures))
    return pages
