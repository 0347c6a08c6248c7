"""The source of a notebook changes after learners have handed in: marks stay, and a line says what cannot be done."""
# ruff: noqa: F811 (fixtures of another file)

import nbformat
import pytest
from nbgrader.api import Gradebook
from test_build import NAME
from test_parallel import WRONG, course, engine, recorded, run, submit, template  # noqa: F401

from autograder.build.expand import expand
from autograder.cli import main
from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading.grade import register
from autograder.grading.nbgrader_apps import course_config, course_directory
from autograder.source.cells import read_source

pytestmark = pytest.mark.usefixtures("short_notebooks")

NAMES = ("twice", "negate", "thrice")
THIRD = '''
# %% [markdown]
# ### Exercise: Thrice
#
# <details><summary>Hint 1: a product</summary>
#
# Multiply.
#
# </details>

# %% exercise="thrice" difficulty=1 minutes=2
def thrice(x: torch.Tensor) -> torch.Tensor:
    """Three times x."""
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION

# %% check="thrice" points=4
expect(thrice(torch.ones(2)), torch.full((2,), 3.0), "thrice(x)")
### BEGIN HIDDEN TESTS
expect(thrice(torch.ones(3)), torch.full((3,), 3.0), "thrice(x) for three")
### END HIDDEN TESTS
'''


def rewrite(course: Course, edit) -> None:
    source = course.source(NAME)
    source.write_text(edit(source.read_text(encoding="utf-8")), encoding="utf-8")
    nbformat.write(expand(read_source(source), course.data), course.solution(NAME))


def rename(text: str) -> str:
    return text.replace('exercise="negate"', 'exercise="minus"').replace('check="negate"', 'check="minus"')


def gradebook(course: Course) -> Gradebook:
    directory = course_directory(course_config(course.root))
    return Gradebook(directory.db_url, directory.course_id)


def test_a_new_exercise_counts_nothing_until_it_is_graded(course, engine):
    submit(course, "a", "b")
    run(course)
    rewrite(course, lambda text: text + THIRD)
    register(course, course_config(course.root), NAME)
    assert recorded(course) == {"a": 5, "b": 5}, "marks stay"
    with gradebook(course) as book:
        assert book.find_assignment(NAME).max_score == 9
        submission = book.find_submission(NAME, "a")
        assert (submission.score, submission.needs_manual_grade) == (5, False)
        grade_ids = [cell.name for cell in book.find_notebook(NAME, NAME).source_cells]
    assert grade_ids == ["setup", "tools", *(f"{role}-{name}" for name in NAMES for role in ("exercise", "check"))]
    rows = run(course)
    assert engine.ran.count("a") == 2
    assert rows["a"].problems[0] == "exercise 'thrice' was not found: its cell is missing or was renamed"
    assert set(rows["a"].marks) == {"check-twice", "check-negate", "check-thrice"}


def test_an_exercise_nobody_has_points_for_may_go(course, engine):
    submit(course, "a", negate=WRONG)
    run(course)
    rewrite(course, rename)
    register(course, course_config(course.root), NAME)
    with gradebook(course) as book:
        assert {grade.name: grade.score for grade in book.find_submission_notebook(NAME, NAME, "a").grades} == {
            "check-twice": 2,
            "check-minus": 0,
        }
        assert book.find_assignment(NAME).max_score == 5


def test_an_exercise_with_points_stays_and_so_does_everything_else(course, engine, monkeypatch, capsys):
    submit(course, "a", "b")
    run(course)
    before = (course.root / "gradebook.db").read_bytes()
    rewrite(course, lambda text: rename(text) + THIRD)
    monkeypatch.chdir(course.root)
    for command in (["register"], ["grade", NAME]):
        assert main(command) == 1
        [line] = capsys.readouterr().err.splitlines()
        assert "'check-negate' is gone from 99_fixture, but 2 learners have points or comments for it" in line
        assert f"`nbgrader db assignment remove {NAME} --force`" in line
    assert (course.root / "gradebook.db").read_bytes() == before


def test_the_way_out_works(course, engine):
    submit(course, "a", "b")
    run(course)
    rewrite(course, lambda text: rename(text) + THIRD)
    with gradebook(course) as book:
        book.remove_assignment(NAME)  # what `nbgrader db assignment remove` does
    rows = run(course)
    assert set(rows["a"].marks) == {"check-twice", "check-minus", "check-thrice"}


def test_putting_it_back_works_too(course, engine):
    submit(course, "a", "b")
    run(course)
    rewrite(course, lambda text: rename(text) + THIRD)
    with pytest.raises(CourseError):
        run(course)
    rewrite(course, lambda text: text.replace("minus", "negate"))
    assert {student: row.score for student, row in run(course).items()} == {"a": 9, "b": 9}


def test_manual_comments_count_as_well(course, engine):
    submit(course, "a", negate=WRONG)
    run(course)
    with gradebook(course) as book:
        book.find_comment("exercise-negate", NAME, NAME, "a").manual_comment = "Nearly."
        book.db.commit()
    rewrite(course, rename)
    with pytest.raises(CourseError, match="'exercise-negate' is gone from 99_fixture, but 1 learner has"):
        register(course, course_config(course.root), NAME)


@pytest.mark.parametrize("command", ["lab", "teach"])
def test_jupyterlab_opens_whatever_the_gradebook_says(course, engine, monkeypatch, capsys, command):
    submit(course, "a")
    run(course)
    rewrite(course, rename)
    monkeypatch.chdir(course.root)
    opened = []
    monkeypatch.setattr("autograder.lab.jupyter.start_lab", lambda *given: opened.append(given))
    monkeypatch.setattr("autograder.lab.learner.prepare", lambda course: Place())
    main([command])
    assert len(opened) == 1
    assert "is gone from 99_fixture" in capsys.readouterr().err
    (course.root / "gradebook.db").write_bytes(b"not a database" * 100)
    main([command])
    assert len(opened) == 2
    assert "cannot be used" in capsys.readouterr().err


class Place:
    """What `prepare` would have said."""

    said, folder, workspaces = (), None, None


def test_all_other_notebooks_are_registered(course, engine, monkeypatch, capsys):
    other = "98_other"
    course.source(other).parent.mkdir()
    course.source(other).write_text(course.source(NAME).read_text())
    nbformat.write(expand(read_source(course.source(other)), course.data), course.solution(other))
    later = "99_later"
    course.source(later).parent.mkdir()
    course.source(later).write_text(course.source(NAME).read_text())
    nbformat.write(expand(read_source(course.source(later)), course.data), course.solution(later))
    submit(course, "a")
    run(course)
    rewrite(course, rename)
    monkeypatch.chdir(course.root)
    assert main(["register"]) == 1
    assert capsys.readouterr().err.startswith(f"autograder: {NAME}: ")
    with gradebook(course) as book:
        assert {assignment.name for assignment in book.assignments} == {NAME, other, later}


def test_two_courses_in_one_gradebook_do_not_overwrite_each_other(course, engine, monkeypatch, capsys):
    submit(course, "a")
    run(course)
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text().replace('course_id = "torch-nn"', 'course_id = "section-b"'))
    monkeypatch.chdir(course.root)
    assert main(["grade", NAME]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("autograder: 99_fixture in the gradebook belongs to another course, 'torch-nn', which")
    assert engine.ran == ["a"]
