"""A demo class of 12, made from the variants: handed in, graded and given feedback, in a folder of its own."""

from collections.abc import Callable
from pathlib import Path

import nbformat

from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading.grade import Row, exercises, grade_class
from autograder.grading.nbgrader_apps import course_config, generate_feedback
from autograder.source.ids import CHECK, EXERCISE
from autograder.source.variants import Variant, read_variants

STUDENTS = [
    "ada",
    "alan",
    "barbara",
    "hedy",
    "donald",
    "edsger",
    "fei-fei",
    "grace",
    "john",
    "katherine",
    "leslie",
    "radia",
]


def answer(release: Path, answers: dict[str, str]) -> nbformat.NotebookNode:
    """A learner's notebook: the release with some exercises answered (exercise name to code)."""
    notebook = nbformat.read(release, as_version=4)
    for cell in notebook.cells:
        exercise = cell.metadata.get("nbgrader", {}).get("grade_id", "").removeprefix(EXERCISE)
        if exercise in answers:
            cell.source = answers[exercise]
    return notebook


def hand_in(notebook: nbformat.NotebookNode | str, course_folder: Path, student: str, name: str) -> Path:
    """Put a notebook (or any text) where nbgrader puts what it collects."""
    path = course_folder / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook), encoding="utf-8")
    return path


def pick(variants: list[Variant], right: bool, number: int) -> dict[str, str]:
    """For each exercise, right or wrong variant number ``number``, starting over after the last."""
    chosen = {}
    for exercise in dict.fromkeys(variant.exercise for variant in variants):
        mine = [variant for variant in variants if variant.exercise == exercise and variant.right == right]
        chosen[exercise] = mine[number % len(mine)].text
    return chosen


def run_demo(course: Course, name: str, folder: Path, report: Callable[[int, int], None]) -> tuple[list[Row], Path]:
    """Hand in, grade and write feedback for a class of 12 in ``folder``.

    Returns:
        The rows of the table, and the folder of feedback pages.

    Raises:
        CourseError: ``folder`` is not empty, or the notebook is too short for such a class.
    """
    if len(exercises(course.solution(name))) < 2:
        raise CourseError(f"{name} has fewer than two exercises: name another notebook for the demo.")
    if folder.exists() and any(folder.iterdir()):
        raise CourseError(f"{folder} is not empty: name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    for student, notebook in zip(STUDENTS, class_of_12(course, name), strict=True):
        hand_in(notebook, folder, student, name)
    config = course_config(course.root, workdir=folder)
    rows = grade_class(course, config, name, report=report)
    for row in rows:
        if row.graded:
            generate_feedback(config, name, row.student)
    return rows, folder / "feedback"


def class_of_12(course: Course, name: str) -> list[nbformat.NotebookNode | str]:
    """What twelve learners hand in: right, partly right, wrong, blank and broken notebooks."""
    release, variants = course.release(name), read_variants(course.solutions / name / "variants.py")
    right = [pick(variants, True, number) for number in range(2)]
    wrong = [pick(variants, False, number) for number in range(3)]
    order = [exercise.grade_id.removeprefix(CHECK) for exercise in exercises(course.solution(name))]
    half = dict(list(right[0].items())[: len(order) // 2])
    first, second = (_defined(right[0][exercise]) for exercise in order[:2])
    loop = f"def {first}(*arguments, **options):\n    while True:\n        pass"
    flood = f"def {first}(*arguments, **options):\n    while True:\n        print('no end of this ' * 50)"
    death = f"def {second}(*arguments, **options):\n    os._exit(1)"
    truncated = release.read_text(encoding="utf-8")[:5000]
    return [
        answer(release, right[0]),
        answer(release, right[1]),
        answer(release, right[0] | {order[-1]: wrong[0][order[-1]]}),
        answer(release, right[1] | {exercise: wrong[1][exercise] for exercise in order[::2]}),
        answer(release, half),
        answer(release, half | {order[-1]: wrong[2][order[-1]]}),
        answer(release, wrong[0]),
        answer(release, {}),
        answer(release, right[0] | {order[0]: loop}),
        answer(release, right[0] | {order[1]: death}),
        answer(release, right[0] | {order[0]: flood}),
        truncated,
    ]


def _defined(code: str) -> str:
    """The name of the first function or class that ``code`` defines."""
    return next(
        line.split()[1].split("(")[0].rstrip(":") for line in code.splitlines() if line.startswith(("def ", "class "))
    )
