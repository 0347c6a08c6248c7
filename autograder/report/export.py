"""What exporters to an LMS have in common; each is an nbgrader plugin."""

import sys
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin
from traitlets.config import Config

from autograder.errors import CourseError
from autograder.files import write_whole
from autograder.grading.nbgrader_apps import course_directory
from autograder.report.grades import Grades, read_grades
from autograder.report.spreadsheet import Row, csv_bytes


class GradesExporter(ExportPlugin):
    """Writes the gradebook's grades to a CSV file in the form that an LMS imports.

    Attributes:
        default_to: the file, unless ``to`` names another.
    """

    default_to = "grades.csv"

    def rows(self, grades: Grades) -> list[Row]:
        """The file's lines."""
        raise NotImplementedError

    def write(self, gradebook: Gradebook) -> tuple[Path, Grades]:
        """Write the file; returns where it is and what is in it.

        Raises:
            CourseError: there is nothing to write, or it cannot be written.
        """
        path = Path(self.to or self.default_to)
        grades = read_grades(gradebook, [str(name) for name in self.assignment], [str(id) for id in self.student])
        write_whole(path, csv_bytes(self.rows(grades)))
        return path, grades

    def export(self, gradebook: Gradebook) -> None:
        """What ``nbgrader export`` calls."""
        try:
            path, grades = self.write(gradebook)
        except CourseError as error:
            self.log.error(str(error))
            sys.exit(1)
        self.log.info("Learners: %d; their grades are in %s", len(grades.learners), path)


def export_grades(config: Config, exporter: type[GradesExporter], path: Path, names: list[str]) -> tuple[Path, Grades]:
    """Write everybody's grades for the notebooks ``names``, or for all notebooks, to ``path`` with ``exporter``.

    Raises:
        CourseError: there is nothing to write, or it cannot be written.
    """
    directory = course_directory(config)
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        return exporter(to=str(path), assignment=names).write(gradebook)
