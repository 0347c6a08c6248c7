"""Each check accepts the right variants and rejects the wrong ones, with the message that leads to the mistake.

Here the cells run in this process, which is fast and names each variant; ``test_autograde.py`` sends them through
nbgrader.
"""

import contextlib
import io
import os
from pathlib import Path

import nbformat
import pytest
from conftest import COURSE

from autograder.source.variants import Variant, read_variants

VARIANTS = [
    pytest.param(
        name, variant, id=f"{name}-{variant.exercise}-{'right' if variant.right else 'wrong'}-line{variant.line}"
    )
    for name in COURSE.names
    for variant in read_variants(COURSE.solutions / name / "variants.py")
]


@pytest.fixture(scope="module")
def cells():
    """Code cells of each solution by ``grade_id``, read once."""
    found: dict[str, dict[str, str]] = {}
    for name in COURSE.names:
        notebook = nbformat.read(COURSE.solution(name), as_version=4)
        found[name] = {
            cell.metadata.nbgrader.grade_id: cell.source for cell in notebook.cells if "nbgrader" in cell.metadata
        }
    return found


def outcome(cells: dict[str, str], variant: Variant, tmp_path) -> BaseException | None:
    """Run set-up, variant and check in a fresh namespace; the exception of variant or check, if any."""
    namespace: dict = {"__name__": "__main__"}
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(cells["setup"], namespace)
            try:
                exec(variant.text, namespace)
                exec(cells[f"check-{variant.exercise}"], namespace)
            except Exception as error:
                return error
    finally:
        os.chdir(before)
    return None


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_check_tells_right_from_wrong(cells, name, variant, tmp_path):
    error = outcome(cells[name], variant, tmp_path)
    if variant.right:
        assert error is None, f"a right answer was refused:\n{error}"
    else:
        assert error is not None, "a wrong answer was accepted"
        assert variant.says in f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("name", COURSE.names)
def test_every_exercise_has_enough_variants(cells, name):
    variants = read_variants(COURSE.solutions / name / "variants.py")
    exercises = {grade_id.removeprefix("check-") for grade_id in cells[name] if grade_id.startswith("check-")}
    assert len(exercises) >= 6
    for exercise in exercises:
        right = [variant for variant in variants if variant.exercise == exercise and variant.right]
        wrong = [variant for variant in variants if variant.exercise == exercise and not variant.right]
        assert len(right) >= 2, exercise
        assert len(wrong) >= 3, exercise
        assert sum(bool(variant.says) for variant in wrong) >= 2, f"{exercise}: say what the message must contain"
    assert {variant.exercise for variant in variants} == exercises
