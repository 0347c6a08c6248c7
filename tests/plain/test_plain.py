"""Assignments in nbgrader's own format get exactly the marks that nbgrader's own ``Execute`` gives them."""

import shutil
from pathlib import Path

import nbgrader
import pytest
from class_ import LEARNERS, NAME, autograde, make_course, nbgraders_own, read
from conftest import COURSE, ROOT
from course import PARTS
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearHiddenTests
from traitlets.config import Config

from autograder.cli import console, main
from autograder.course import Course
from autograder.errors import CourseError
from autograder.execute import Limits, execute
from autograder.execute.examiner.examiner import is_inside
from autograder.grading.assignment import grade_assignment
from autograder.grading.beside import NOTE, runs_beside, settle_beside
from autograder.grading.folder import files_beside
from autograder.grading.grade import register
from autograder.grading.nbgrader_apps import course_config, course_directory, generate_assignment
from autograder.grading.preprocessors import ExecuteSubmission
from autograder.grading.restore import KnownCell, read_known

STYLES = [style for part in PARTS for style in part.styles]
#: The two ways to grade with our steps.
OURS = ("nbgrader autograde", "autograder grade")
#: Styles whose wrong answer gets the same mark as the right one: a person has to tell them apart.
BY_HAND = {"by_a_person", "in_words", "a_task"}


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    """By way of grading and learner, the marks by ``grade_id``."""
    found = {}
    for way in ("nbgrader's own", *OURS):
        folder = tmp_path_factory.mktemp("plain")
        config = make_course(folder)
        config = nbgraders_own(config) if way == "nbgrader's own" else config
        if way == "autograder grade":
            asked, rows = grade_assignment(Course(folder), config, NAME)
            assert [row.student for row in rows] == list(LEARNERS)
            assert {one.grade_id for one in asked} == set(rows[0].marks)
            assert f"still to be graded by hand: {len(BY_HAND)}" in rows[0].problems
            points = [mark or 0 for learner in read(config).values() for _, mark in learner.values()]
            assert sum(row.score for row in rows) == sum(points)
        else:
            for learner in LEARNERS:
                autograde(config, learner)
        found[way] = read(config)
    return found


@pytest.mark.parametrize("way", OURS)
@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_marks_are_nbgraders_own(marks, style, learner, way):
    assert marks[way][learner][style.name] == marks["nbgrader's own"][learner][style.name]


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_the_styles_tell_right_from_wrong(marks, style):
    """By nbgrader's own way, so that the comparison means something."""
    own = {learner: marks["nbgrader's own"][learner][style.name] for learner in LEARNERS}
    if style.name in BY_HAND:
        assert own["right"] == (True, None)
    else:
        assert own["right"] == (False, style.points)
        assert own["wrong"] < own["right"] or style.points == 0


def test_documentation_course_of_nbgrader_gets_nbgraders_own_marks(tmp_path):
    """Two notebooks, with helpers removed by checks, answers in words and plots, and two learners' answers to them."""
    there, found = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide", {}
    for way in ("nbgrader's own", "autograder grade"):
        folder = tmp_path / way
        shutil.copytree(there / "source" / "ps1", folder / "solutions" / "ps1")
        shutil.copytree(there / "submitted", folder / "submitted")
        config = course_config(COURSE.root, workdir=folder)
        if way == "autograder grade":
            grade_assignment(Course(folder), config, "ps1")
        else:
            generate_assignment(config, "ps1")
            for learner in ("bitdiddle", "hacker"):
                autograde(nbgraders_own(config), learner, "ps1")
        found[way] = read(config, "ps1")
    assert len(found["nbgrader's own"]["bitdiddle"]) > 5
    assert found["autograder grade"] == found["nbgrader's own"]


def test_commands_take_an_assignment_of_several_notebooks(tmp_path, monkeypatch, capsys):
    make_course(tmp_path)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.rmtree(tmp_path / "submitted" / "wrong")
    for part in PARTS[1:]:
        (tmp_path / "submitted" / "right" / NAME / f"{part.name}.ipynb").unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console, "width", 1000)
    assert main(["grade", NAME]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert NOTE in said
    assert "later: there is no later.ipynb in the submission" in said
    assert main(["feedback", NAME]) == 0
    assert (tmp_path / "feedback" / "right" / NAME / "files.html").is_file()
    assert f"STUDENT/{NAME}/NOTEBOOK.html" in capsys.readouterr().out
    assert main(["grade", "planes"]) == 1
    assert f"Did you mean {NAME}?" in capsys.readouterr().err


def test_an_assignment_without_submissions_is_refused_in_the_same_words(tmp_path):
    config, submitted = course_config(COURSE.root, workdir=tmp_path), tmp_path / "submitted"
    with pytest.raises(CourseError) as error:
        grade_assignment(Course(tmp_path), config, "ps1")
    assert str(error.value) == f"Nothing to grade: no folder {submitted}/STUDENT/ps1. Collect submissions first."
    (submitted / "ada" / "ps1").mkdir(parents=True)
    with pytest.raises(CourseError) as error:
        grade_assignment(Course(tmp_path), config, "ps1", ["ada", "eve"])
    assert str(error.value) == f"eve has not handed in ps1: {submitted / 'eve' / 'ps1'} does not exist."


# What runs the checks


@pytest.mark.parametrize("name", COURSE.names)
def test_checks_of_the_courses_own_notebooks_never_run_beside_the_answers(name, tmp_path):
    config = course_config(COURSE.root, workdir=tmp_path)
    register(COURSE, config, name)
    with Gradebook(config.CourseDirectory.db_url) as gradebook:
        known = read_known(gradebook, name, name)
    assert not runs_beside(known)
    for lost in [*known.keys() - {"setup"}]:
        assert not runs_beside({grade_id: cell for grade_id, cell in known.items() if grade_id != lost})


def test_a_teachers_cell_that_is_called_setup_does_not_make_a_notebook_ours():
    def cell(grade_id, **more):
        return KnownCell(
            {"grade_id": grade_id, "grade": False, "solution": False, "task": False, **more}, "code", True, ""
        )

    cells = [cell("setup"), cell("squares", solution=True), cell("correct_squares", grade=True)]
    assert runs_beside({one.metadata["grade_id"]: one for one in cells})


def test_answer_that_a_person_grades_runs_in_the_learners_process():
    """It is a graded cell, as a check is; among the checks it could read what they hide."""
    about = {"grade_id": "essay", "grade": True, "solution": True, "locked": False, "points": 2}
    essay = new_code_cell("import os\nplace = os.getcwd()", metadata={"nbgrader": about})
    check = {"grade_id": "check", "grade": True, "solution": False, "locked": True, "points": 2}
    notebook = new_notebook(cells=[essay, new_code_cell("assert place == '/tmp/work'", metadata={"nbgrader": check})])
    report = execute(notebook, Limits(cell_seconds=10))
    assert [(one.grade_id, one.status) for one in report.checks] == [("check", "right")]


def test_process_that_dies_beside_a_check_costs_that_check_only():
    def check(code, name):
        about = {"grade_id": name, "grade": True, "solution": False, "locked": True, "points": 2}
        return new_code_cell(code, metadata={"nbgrader": about})

    cells = [
        new_code_cell("import os"),
        check("def two():\n    return 2", "defines"),
        check("os._exit(1)", "deadly"),
        check("assert two() == 2", "after"),
        check("while True: pass", "slow"),
    ]
    report = execute(new_notebook(cells=cells), Limits(cell_seconds=3), beside=True)
    assert [one.status for one in report.checks] == ["right", "stopped", "right", "stopped"]


# Files beside the notebook


def test_files_beside_the_notebook_are_the_teachers_then_the_learners_and_never_what_a_link_leads_to(tmp_path):
    config = course_config(COURSE.root, workdir=tmp_path)
    teachers, learners = tmp_path / "solutions" / "a", tmp_path / "submitted" / "l" / "a"
    for folder in (teachers, learners):
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "x.csv").write_text(folder.parts[-2])
        (folder / "nb.ipynb").write_text("{}")
    (teachers / "variants.py").write_text("# learners must not get this")
    (learners / "mine.py").write_text("y = 1")
    (learners / "secret").symlink_to("/etc/passwd")
    (learners / "folder").symlink_to("/etc")
    directory = course_directory(config)
    both = files_beside(directory, "a", learners, 10**6, teachers=True)
    assert both == {"data/x.csv": b"solutions", "mine.py": b"y = 1"}
    assert files_beside(directory, "a", learners, 10**6, teachers=False) == {"data/x.csv": b"l", "mine.py": b"y = 1"}
    assert files_beside(directory, "a", learners, 10, teachers=True) == {
        "data/x.csv": b"solutions",
        "mine.py": b"y = 1",
    }
    with pytest.raises(CourseError, match="disk_bytes"):
        files_beside(directory, "a", learners, 8, teachers=True)
    for number in range(3):
        (learners / f"large-{number}").write_bytes(bytes(9_000_000))
    most = files_beside(directory, "a", learners, 10**9, teachers=True)
    assert sorted(most) == ["data/x.csv", "large-0", "large-1", "mine.py"]
    for number in range(3):
        (learners / f"large-{number}").unlink()
    kept = files_beside(directory, "a", learners, 10**6, teachers=True, learners_own=["data/x.csv"])
    assert kept == {"data/x.csv": b"l", "mine.py": b"y = 1"}


def test_check_that_shows_more_than_its_points_is_the_teachers_mistake():
    about = {"grade_id": "generous", "grade": True, "solution": False, "locked": True, "points": 2}
    notebook = new_notebook(cells=[new_code_cell("3", metadata={"nbgrader": about})])
    report = execute(notebook, Limits(cell_seconds=10), beside=True)
    with pytest.raises(CourseError, match="'generous' gives more than its 2 points"):
        settle_beside(notebook, report, ClearHiddenTests())


HIDDEN = "### BEGIN HIDDEN TESTS\nassert sq(4) == 16\n### END HIDDEN TESTS"
IN_WORDS = "The check found something that is not what the exercise asks for."


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("assert sq(1) == 1\nassert sq(3) == 9", "This test failed: assert sq(3) == 9"),
        ("\n\nassert sq(1) == 1\nassert sq(3) == 9\n" + HIDDEN, "This test failed: assert sq(3) == 9"),
        (
            "for x in (1, 3):\n    assert sq(x) == x * x  # a square",
            "This test failed: assert sq(x) == x * x  # a square",
        ),
        (
            "assert all(\n    sq(x) == x * x\n    for x in (1, 3)\n)",
            "This test failed: assert all( sq(x) == x * x for x in (1, 3) )",
        ),
        ("def same(a, b):\n    assert a == b\n\nsame(sq(3), 9)", "This test failed: same(sq(3), 9)"),
        ("%matplotlib inline\nassert sq(3) == 9", "This test failed: assert sq(3) == 9"),
        ("assert sq(3) == 9, 'try 3'", "try 3"),
        ("assert sq(1) == 1\n" + HIDDEN, IN_WORDS),
        ("# BEGIN HIDDEN TESTS\nassert sq(4) == 16\n# END HIDDEN TESTS", IN_WORDS),
        ("def secret():\n    assert sq(4) == 16\n" + HIDDEN.replace("assert sq(4) == 16", "secret()"), IN_WORDS),
        ("%%time\nassert sq(3) == 9", IN_WORDS),
    ],
)
def test_a_visible_test_that_failed_is_quoted_and_a_hidden_one_is_not(code, message):
    about = {"grade_id": "squares", "grade": True, "solution": False, "locked": True, "points": 2}
    check = new_code_cell(code, metadata={"nbgrader": about})
    notebook = new_notebook(cells=[new_code_cell("def sq(x):\n    return x"), check])
    report = execute(notebook, Limits(cell_seconds=10), beside=True)
    settle_beside(notebook, report, ClearHiddenTests())
    assert [(one.status, one.message) for one in report.checks] == [("wrong", message)]


def test_what_marks_hidden_tests_is_what_the_course_says():
    about = {"grade_id": "squares", "grade": True, "solution": False, "locked": True, "points": 2}
    check = new_code_cell("# SECRET\nassert 1 == 2\n# PUBLIC", metadata={"nbgrader": about})
    config = Config({"ClearHiddenTests": {"begin_test_delimeter": "SECRET", "end_test_delimeter": "PUBLIC"}})
    report = ExecuteSubmission(config=config).run(new_notebook(cells=[check]), {}, {})
    assert [one.message for one in report.checks] == [IN_WORDS]


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "a\nb", "./a", "", ".", "..", "a/"])
def test_file_that_a_run_has_left_elsewhere_is_none(name):
    assert is_inside("data/a b.csv")
    assert not is_inside(name)


def test_folder_is_brought_up_to_date_and_holds_no_link():
    """Without walls, too, where the folder is one of this machine's."""
    code = "import os\nopen('b', 'w').write(open('a').read() + '!')\nos.symlink('/etc/passwd', 'link')\nos.chdir('/')"
    for isolation in (True, False):
        files = {"a": b"x"}
        notebook = new_notebook(cells=[new_code_cell(code)])
        execute(notebook, Limits(cell_seconds=10), isolation=isolation, beside=True, files=files)
        assert files == {"a": b"x", "b": b"x!"}
        execute(notebook, Limits(cell_seconds=10), isolation=isolation, files=files)
        assert files == {"a": b"x", "b": b"x!"}
