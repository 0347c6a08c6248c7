"""Everything about one learner is deleted, and nothing about anybody else."""

import sqlite3

import pytest
from served import course, engine, site, template
from serving import notebook
from test_build import NAME
from test_parallel import WRONG

from autograder.cli import main
from autograder.grading.nbgrader_apps import course_config
from autograder.grading.record import read_marks
from autograder.serve.lock import only_one


def traces(course, student: str) -> list[str]:
    """Files and rows that name somebody."""
    files = [str(path.relative_to(course.root)) for path in course.root.rglob("*") if student in path.parts]
    dump = sqlite3.connect(course.root / "gradebook.db").iterdump()
    return files + [line for line in dump if f"'{student}'" in line]


@pytest.fixture
def class_(site, course, monkeypatch):
    """Ada and Kim have handed in, and opened their links; something of Ada's came otherwise before."""
    before = course.root / "submitted/ada" / NAME / f"{NAME}.ipynb"
    before.parent.mkdir(parents=True)
    before.write_text("from the LMS")
    for student in ("ada", "kim"):
        browser = site.learner(student)
        site.graded(browser.hand_in(notebook(course, student, negate=WRONG)))
        last = site.graded(browser.hand_in(notebook(course, student)))
        assert browser.get(f"/attempts/{last.id}/feedback").status_code == 200
    monkeypatch.chdir(course.root)
    return site


def test_a_learner_is_listed_then_deleted(class_, course, capsys):
    ada, kim = traces(course, "ada"), traces(course, "kim")
    assert {"attempts", "submitted", "autograded", "feedback", "downloaded"} <= {line.split("/")[0] for line in ada}
    assert main(["forget", "ada"]) == 0
    said = capsys.readouterr().out
    for what in (course.root / "attempts/ada", "1 submission in the gradebook", "2 attempts in the gradebook"):
        assert str(what) in said
    assert "Nothing is deleted yet: add --yes" in said
    assert traces(course, "ada") == ada
    assert main(["forget", "ada", "--yes"]) == 0
    assert traces(course, "ada") == []
    assert traces(course, "kim") == kim
    assert read_marks(course_config(course.root), NAME).keys() == {"kim"}


def test_not_while_a_server_is_running(course, capsys, monkeypatch):
    """It may be grading what would be deleted, and bring some of it back."""
    (course.root / "submitted/ada").mkdir(parents=True)
    monkeypatch.chdir(course.root)
    with only_one(course):
        assert main(["forget", "ada"]) == 0
        assert main(["forget", "ada", "--yes"]) == 1
    assert f"`autograder serve` is running for {course.root}: stop it first." in capsys.readouterr().err
    assert (course.root / "submitted/ada").is_dir()


def test_links_and_sessions_end(site, course, monkeypatch):
    monkeypatch.chdir(course.root)
    link, browser = site.link("ada"), site.browser()
    assert browser.get(link).status_code == 200
    assert main(["forget", "ada", "--yes"]) == 0
    assert [browser.get(address).status_code for address in ("/", link)] == [401, 404]


@pytest.mark.parametrize(
    ("student", "said"),
    [("zoe", "Nothing is kept about zoe"), ("..", "The id '..' cannot be"), ("../kim", "The id '../kim' cannot be")],
)
def test_who_cannot_be_deleted(course, capsys, monkeypatch, student, said):
    (course.root / "submitted/kim").mkdir(parents=True)
    monkeypatch.chdir(course.root)
    assert main(["forget", student, "--yes"]) == 1
    assert capsys.readouterr().err.startswith(f"autograder: {said}")
    assert (course.root / "submitted/kim").is_dir()
    assert (course.root / "solutions").is_dir()
