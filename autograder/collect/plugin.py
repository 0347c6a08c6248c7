"""nbgrader's ``zip_collect`` reads the same names as ``autograder collect``."""

from datetime import UTC
from pathlib import PurePosixPath

from nbgrader.plugins.zipcollect import FileNameCollectorPlugin

from autograder.collect.collect import id_of
from autograder.collect.names import read_paths


class LMSNames(FileNameCollectorPlugin):
    """Whose a file is, by the names that Canvas, Moodle, Blackboard, Brightspace and Google Classroom give."""

    def collect(self, submitted_file: str) -> dict | None:
        """What nbgrader wants to know of a file in ``downloaded/NAME/extracted``; None if it is nobody's notebook."""
        if not submitted_file.lower().endswith(".ipynb"):
            return None
        parts = PurePosixPath(submitted_file).parts
        inside = parts[parts.index("extracted") + 2 :] if "extracted" in parts else ()  # beside the archive's own name
        path, name = PurePosixPath(*(inside or parts[-1:])), self.parent.coursedir.assignment_id
        handed = read_paths([path], [name])[path]
        if handed is None:
            self.log.warning("Nothing in its name says whose this file is: %s", submitted_file)
            return None
        found = {"student_id": id_of(handed.label), "file_id": f"{name}.ipynb"}
        return found | ({"timestamp": handed.when.astimezone(UTC).isoformat()} if handed.when else {})
