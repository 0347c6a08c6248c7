"""The class, and the two ways to grade it."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import nbformat
from meter import Cost, measure
from nbgrader.api import Gradebook

from autograder.course import Course
from autograder.grading.demo import answer, hand_in, pick
from autograder.source.variants import read_variants

BIN = Path(sys.executable).parent
#: Byte code is cached, as it is for anybody; nothing is downloaded.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | {
    "COURSE_OFFLINE": "1",
    "AUTOGRADER_STAY": "0",
    "PATH": f"{BIN}:{os.environ.get('PATH', '')}",
}
#: As the engine's: a forked process does best with one thread.
WARM = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
STOCK_CONFIG = """c = get_config()
c.CourseDirectory.course_id = "stock"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
"""

Marks = dict[str, dict[str, float]]


@dataclass
class Way:
    """A way to grade a class, and what it has cost so far.

    Attributes:
        name: for the table.
        command: grades the class that lies in the working directory.
        small, large: how many learners the two classes of a round have.
        prepare: makes a folder for the command.
        costs: what each run cost, by size of the class.
        marks: what each learner got in the last run, by check.
    """

    name: str
    command: list[str]
    small: int
    large: int
    prepare: Callable[[Path], None]
    costs: dict[int, list[Cost]] = field(default_factory=dict)
    marks: Marks = field(default_factory=dict)

    def grade(self, name: str, submissions: list[nbformat.NotebookNode]) -> None:
        """Grade a class in a new folder, and note what it cost."""
        with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as place:
            folder = Path(place)
            self.prepare(folder)
            for number, notebook in enumerate(submissions):
                hand_in(notebook, folder, learner(number), name)
            self.costs.setdefault(len(submissions), []).append(measure(self.command, folder, ENVIRONMENT))
            self.marks = read_marks(folder, name, [learner(number) for number in range(len(submissions))])

    def typical(self, figure: str, size: int) -> float:
        """The median of ``figure`` (``"cpu"``, ``"wall"``, ``"peak"``) for a class of ``size``."""
        return median(getattr(cost, figure) for cost in self.costs[size])

    def rounds(self, figure: str) -> list[float]:
        """What one submission costs, the start excluded, in each round."""
        pairs = zip(self.costs[self.small], self.costs[self.large])
        return [(getattr(b, figure) - getattr(a, figure)) / (self.large - self.small) for a, b in pairs]

    def each(self, figure: str) -> float:
        """What one submission costs, the start excluded: the median of the rounds."""
        return median(self.rounds(figure))

    def start(self, figure: str) -> float:
        """What a class of none would cost."""
        return self.typical(figure, self.small) - self.small * self.each(figure)


def ways(course: Course, name: str, stock: int, size: int, workers: int) -> tuple[Way, Way]:
    """nbgrader's own way and ours. Of nbgrader's, one process grades all, as a teacher would have it do.

    Args:
        course: the course.
        name: the notebook.
        stock, size: how many learners each grades in a round.
        workers: how many submissions ours runs at a time.
    """

    def own(folder: Path) -> None:
        _copy(course, name, folder)
        (folder / "nbgrader_config.py").write_text(STOCK_CONFIG, encoding="utf-8")
        measure([str(BIN / "nbgrader"), "generate_assignment", name], folder, ENVIRONMENT)

    grade = [str(BIN / "autograder"), "grade", name, "--workers", str(workers)]
    return (
        Way("nbgrader's own", [str(BIN / "nbgrader"), "autograde", name], 1, stock, own),
        Way("autograder", grade, workers, size, lambda folder: copy_course(course, name, folder)),
    )


def copy_course(course: Course, name: str, folder: Path) -> None:
    """Copy what grading one notebook needs."""
    _copy(course, name, folder)
    shutil.copy(course.root / "nbgrader_config.py", folder)


def _copy(course: Course, name: str, folder: Path) -> None:
    shutil.copytree(course.solutions / name, folder / "solutions" / name)
    shutil.copytree(course.data, folder / "data")


def learner(number: int) -> str:
    """A learner's id."""
    return f"learner{number:03}"


def make_class(course: Course, name: str, size: int) -> list[nbformat.NotebookNode]:
    """Submissions: every fourth is right throughout, in the others every third answer is wrong."""
    release, variants = course.release(name), read_variants(course.solutions / name / "variants.py")
    submissions = []
    for number in range(size):
        right, wrong = pick(variants, True, number), pick(variants, False, number)
        mixed = {
            exercise: wrong[exercise] if number % 4 and (number + place) % 3 == 0 else right[exercise]
            for place, exercise in enumerate(right)
        }
        submissions.append(answer(release, mixed))
    return submissions


def own_cells(course: Course, name: str, submissions: list[nbformat.NotebookNode]) -> float:
    """CPU seconds that the cells of a submission cost by themselves, hidden tests included: the mean of a class."""
    checks = {_grade_id(cell): cell.source for cell in nbformat.read(course.solution(name), 4).cells if _graded(cell)}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        paths = [Path(place) / f"{learner(number)}.ipynb" for number in range(len(submissions))]
        for path, notebook in zip(paths, submissions):
            for cell in notebook.cells:
                cell.source = checks.get(_grade_id(cell), cell.source)
            nbformat.write(notebook, path)
        script = str(Path(__file__).with_name("cells.py"))
        printed = measure([sys.executable, script, *map(str, paths)], Path(place), ENVIRONMENT | WARM).output
    seconds = json.loads(printed.splitlines()[-1])
    return sum(seconds) / len(seconds)


def _grade_id(cell: nbformat.NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _graded(cell: nbformat.NotebookNode) -> bool:
    return cell.metadata.get("nbgrader", {}).get("grade", False)


def try_once(course: Course, name: str) -> Cost:
    """``autograder try`` on a solved notebook; marked is the first line of its table."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as place:
        path = Path(place) / "mine.ipynb"
        nbformat.write(make_class(course, name, 1)[0], path)
        return measure([str(BIN / "autograder"), "try", str(path)], course.root, ENVIRONMENT, mark=name)


def read_marks(folder: Path, name: str, learners: list[str]) -> Marks:
    """The marks of some learners in a gradebook, by learner and check."""
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        found = {student: gradebook.find_submission_notebook(name, name, student) for student in learners}
        return {student: {grade.name: grade.auto_score for grade in one.grades} for student, one in found.items()}
