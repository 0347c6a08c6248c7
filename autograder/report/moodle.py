"""Grades for Moodle: *Import → CSV file*, or ``nbgrader export --exporter=autograder.report.moodle.MoodleExporter``."""

from autograder.report.export import GradesExporter
from autograder.report.grades import Grades
from autograder.report.spreadsheet import NO_GRADE, Row


def moodle_rows(grades: Grades) -> list[Row]:
    """The lines of a file for Moodle's gradebook.

    Moodle asks which column identifies a learner, and which grade item each of the others belongs to. The gradebook's
    id is the ``Username``. Email addresses are left out unless everyone has one: Moodle gives the points in a line
    without one to the learner in the previous line.
    """
    addresses = all(learner.email for learner in grades.learners)
    heading: Row = ["Username", "First name", "Last name", *["Email address"] * addresses, *grades.assignments]
    lines = [
        [learner.id, learner.first_name, learner.last_name]
        + [learner.email] * addresses
        + [grades.scores.get((learner.id, name), NO_GRADE) for name in grades.assignments]
        for learner in grades.learners
    ]
    return [heading, *lines]


class MoodleExporter(GradesExporter):
    """nbgrader's plugin."""

    default_to = "grades-moodle.csv"

    def rows(self, grades: Grades) -> list[Row]:
        return moodle_rows(grades)
