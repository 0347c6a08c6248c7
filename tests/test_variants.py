"""Each check accepts the right variants and rejects the wrong ones, with the message that leads to the mistake.

Here the cells run in this process, which is fast and names each variant; ``test_autograde.py`` sends them through
nbgrader.
"""

from functools import cache

import pytest
from conftest import COURSE

from autograder.build.expand import expand
from autograder.build.judge import Judge, unreported
from autograder.errors import CourseError
from autograder.source.cells import read_source
from autograder.source.variants import Variant, read_variants


def variants_of(name: str) -> list[Variant]:
    """The variants of a notebook; none if there is no such file, which has a test of its own."""
    try:
        return read_variants(COURSE.variants(name))
    except CourseError:
        return []


@cache
def judge_of(name: str) -> Judge:
    return Judge(expand(read_source(COURSE.source(name)), COURSE.data))


def has_points(name: str) -> bool:
    return any(cell.keys.get("points") for cell in read_source(COURSE.source(name)).cells)


VARIANTS = [
    pytest.param(
        name, variant, id=f"{name}-{variant.exercise}-{'right' if variant.right else 'wrong'}-line{variant.line}"
    )
    for name in COURSE.names
    for variant in variants_of(name)
]


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_check_tells_right_from_wrong(name, variant):
    verdict = judge_of(name).verdict(variant.exercise, variant.text)
    if variant.right:
        assert verdict.accepted, f"a right answer was refused:\n{verdict.message}"
    else:
        assert not verdict.accepted, "a wrong answer was accepted"
        assert variant.says in verdict.message


@pytest.mark.parametrize("name", COURSE.names)
def test_every_exercise_has_enough_variants(name):
    variants = read_variants(COURSE.variants(name))
    exercises = judge_of(name).exercises
    rights, wrongs = (3, 5) if has_points(name) else (1, 1)
    for exercise in exercises:
        right = [variant for variant in variants if variant.exercise == exercise and variant.right]
        wrong = [variant for variant in variants if variant.exercise == exercise and not variant.right]
        assert len(right) >= rights, f"{exercise}: {rights} right variants are needed"
        assert len(wrong) >= wrongs, f"{exercise}: {wrongs} wrong variants are needed"
        assert any(variant.says for variant in wrong), f"{exercise}: say what a message must contain"
    assert {variant.exercise for variant in variants} == set(exercises)


@pytest.mark.parametrize("name", COURSE.names)
def test_every_prepared_mistake_is_told_to_somebody(name):
    assert unreported(judge_of(name), variants_of(name)) == []
