"""Grades for Canvas: *Grades → Import*, or ``nbgrader export --exporter=autograder.report.canvas.CanvasExporter``."""

from autograder.report.export import GradesExporter
from autograder.report.grades import Grades, Learner
from autograder.report.spreadsheet import Row

#: Canvas insists on these names in this order.
ABOUT = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def canvas_rows(grades: Grades) -> list[Row]:
    """The lines of a file for Canvas's gradebook.

    Canvas looks for a learner by its own number (``ID``, the gradebook's ``lms_user_id``), then by ``SIS Login ID``
    (the gradebook's id), then by name. It finds an assignment by its title, and creates it if there is none.
    """
    heading: Row = [*ABOUT, *grades.assignments]
    possible: Row = ["    Points Possible", *[""] * 4, *grades.assignments.values()]
    lines = [
        [_name(learner), learner.lms_id, "", learner.id, ""]
        + [grades.scores.get((learner.id, name)) for name in grades.assignments]
        for learner in grades.learners
    ]
    return [heading, possible, *lines]


def _name(learner: Learner) -> str:
    """Last name first, as Canvas writes it."""
    return ", ".join(part for part in (learner.last_name, learner.first_name) if part) or learner.id


class CanvasExporter(GradesExporter):
    """nbgrader's plugin."""

    default_to = "grades-canvas.csv"

    def rows(self, grades: Grades) -> list[Row]:
        return canvas_rows(grades)
