"""Grades for an LMS: the columns that Canvas and Moodle want, safe in a spreadsheet, complete or not written at all."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from nbgrader.api import Gradebook

from autograder.cli import main
from autograder.course import Course
from autograder.errors import CourseError
from autograder.files import write_whole
from autograder.grading.nbgrader_apps import course_config
from autograder.report.canvas import CanvasExporter
from autograder.report.export import export_grades
from autograder.report.moodle import MoodleExporter
from autograder.report.spreadsheet import csv_bytes, inert

LINEAR, LOSS, UNUSED = "04_linear", "05_mse_loss", "06_batch_processing"


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A course whose gradebook has three notebooks, two of them graded for some learners."""
    root = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    for name in (LINEAR, LOSS, UNUSED):
        source = root / "solutions" / name / f"{name}.py"
        source.parent.mkdir(parents=True)
        source.touch()
    with open_gradebook(root) as gradebook:
        for name in (LINEAR, LOSS, UNUSED):
            gradebook.add_assignment(name)
            gradebook.add_notebook(name, name)
            gradebook.add_grade_cell("check-a", name, name, max_score=10, cell_type="code")
            gradebook.add_grade_cell("check-b", name, name, max_score=6, cell_type="code")
        gradebook.add_student("ada", first_name="Ada", last_name="Lovelace", email="ada@x.org", lms_user_id="4711")
        gradebook.add_student("çelik", first_name="Şükrü", last_name="Çelik", email="sc@x.org")
        gradebook.add_student("kim", first_name="서연", last_name="김")
        gradebook.add_student("nobody", first_name="Never", last_name="Came")
        grade(gradebook, "ada", LINEAR, 10, 2.5)
        grade(gradebook, "çelik", LINEAR, 0, 0)
        grade(gradebook, "çelik", LOSS, 10, 6, penalty=3)
        grade(gradebook, "kim", LOSS, 1 / 3, 0, penalty=5)
    return root


@pytest.fixture
def course(template, tmp_path) -> Course:
    """A copy of it, for one test."""
    shutil.copytree(template, tmp_path / "course")
    return Course(tmp_path / "course")


def open_gradebook(root: Path) -> Gradebook:
    course_config(root)  # puts `alembic`, which nbgrader starts, on the path
    return Gradebook(f"sqlite:///{root / 'gradebook.db'}", "torch-nn")


def grade(gradebook: Gradebook, student: str, name: str, *scores: float, penalty: float = 0) -> None:
    gradebook.add_submission(name, student)
    gradebook.find_submission_notebook(name, name, student).late_submission_penalty = penalty
    for cell, score in zip(("check-a", "check-b"), scores, strict=True):
        gradebook.find_grade(cell, name, name, student).auto_score = score
    gradebook.db.commit()


def lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def export(course: Course, exporter, *names: str) -> list[list[str]]:
    path, _ = export_grades(course_config(course.root), exporter, course.root / "grades.csv", list(names))
    return lines(path)


def test_canvas_gets_its_columns_and_the_points_possible(course):
    assert export(course, CanvasExporter) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", LINEAR, LOSS],
        ["    Points Possible", "", "", "", "", "16", "16"],
        ["Lovelace, Ada", "4711", "", "ada", "", "12.5", ""],
        ["김, 서연", "", "", "kim", "", "", "0"],
        ["Çelik, Şükrü", "", "", "çelik", "", "0", "13"],
    ]


def test_moodle_gets_an_identity_and_a_dash_for_no_grade(course):
    assert export(course, MoodleExporter) == [
        ["Username", "First name", "Last name", LINEAR, LOSS],
        ["ada", "Ada", "Lovelace", "12.5", "-"],
        ["kim", "서연", "김", "-", "0"],
        ["çelik", "Şükrü", "Çelik", "0", "13"],
    ]


def test_moodle_gets_addresses_only_if_everybody_has_one(course):
    """Moodle gives the points in a line without an address to the learner of the line before."""
    heading, *rows = export(course, MoodleExporter, LINEAR)
    assert heading == ["Username", "First name", "Last name", "Email address", LINEAR]
    assert [row[3] for row in rows] == ["ada@x.org", "sc@x.org"]


def test_only_who_and_what_was_graded_is_exported(course):
    rows = export(course, CanvasExporter, LOSS)
    assert rows[0][5:] == [LOSS]
    assert [row[3] for row in rows[2:]] == ["kim", "çelik"]


def test_a_learner_without_a_name_is_listed_by_id(course):
    with open_gradebook(course.root) as gradebook:
        gradebook.add_student("s-12")
        grade(gradebook, "s-12", LINEAR, 1, 0)
    assert ["s-12", "", "", "s-12", "", "1"] in export(course, CanvasExporter, LINEAR)


HOSTILE = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "＝1+1",
    "\ufeff=1+1",
    '=HYPERLINK("http://x")',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_is_a_text(text):
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Ada", "O'Neil", "Jean-Luc", "a=b", "-", "12", "김"])
def test_other_texts_stay_as_they_are(text):
    assert inert(text) == text


@pytest.mark.parametrize("exporter", [CanvasExporter, MoodleExporter])
def test_no_cell_of_a_hostile_class_is_a_formula(course, exporter):
    with open_gradebook(course.root) as gradebook:
        for number, text in enumerate(HOSTILE):
            about = {"first_name": text, "last_name": text, "email": text, "lms_user_id": text}
            gradebook.add_student(f"{text}{number}", **about)
            grade(gradebook, f"{text}{number}", LINEAR, 1, 2)
    rows = export(course, exporter, LINEAR)
    assert sum("1+1" in cell or "SUM" in cell for row in rows for cell in row) >= 2 * len(HOSTILE[:-1])
    assert [cell for row in rows for cell in row if cell.strip("\ufeff \t\r\n").startswith(tuple("=+-@＝"))] == []


def test_texts_with_commas_quotes_and_lines_stay_one_cell():
    row = ['a "quoted" name', "one,\ntwo", "three\r\nfour"]
    text = csv_bytes([row]).decode("utf-8-sig")
    assert list(csv.reader(text.splitlines(keepends=True))) == [row]


def test_excel_is_told_that_it_is_utf_8(course):
    export(course, CanvasExporter)
    assert (course.root / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbfStudent,")


def test_numbers_are_rounded_to_two_places_and_whole_ones_have_none():
    assert csv_bytes([[1 / 3, 2.0, 0, -1.5, None]]).decode("utf-8-sig") == "0.33,2,0,-1.5,\r\n"


def test_what_was_there_stays_if_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    path.write_bytes(b"before")

    def half(self, content):
        with self.open("wb") as file:
            file.write(content[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(CourseError, match="cannot be written: No space left on device"):
        write_whole(path, b"after")
    assert [file.name for file in tmp_path.iterdir()] == ["grades.csv"]
    assert path.read_bytes() == b"before"


def test_two_who_write_the_same_file_at_once_do_not_mix(tmp_path, monkeypatch):
    path, write = tmp_path / "grades.csv", Path.write_bytes

    def slow(self, content):
        write(self, content[:2])
        monkeypatch.undo()
        write_whole(path, b"the other's")
        with self.open("ab") as file:
            file.write(content[2:])

    monkeypatch.setattr(Path, "write_bytes", slow)
    write_whole(path, b"the last one's")
    assert path.read_bytes() == b"the last one's"
    assert [file.name for file in tmp_path.iterdir()] == ["grades.csv"]


def test_no_link_is_written_through(tmp_path):
    folder, theirs = tmp_path / "folder", tmp_path / "theirs"
    folder.mkdir()
    theirs.write_bytes(b"before")
    for name in ("grades.csv", ".grades.csv.unfinished"):
        (folder / name).symlink_to(theirs)
    write_whole(folder / "grades.csv", b"after")
    assert theirs.read_bytes() == b"before"
    assert not (folder / "grades.csv").is_symlink()
    assert (folder / "grades.csv").read_bytes() == b"after"


@pytest.mark.parametrize("mode", [None, 0o600, 0o644])
def test_who_may_read_a_file_is_as_asked_else_as_usual(tmp_path, mode):
    (tmp_path / "usual").write_bytes(b"")
    write_whole(tmp_path / "grades.csv", b"", mode)
    usual = (tmp_path / "usual").stat().st_mode & 0o777
    assert (tmp_path / "grades.csv").stat().st_mode & 0o777 == (usual if mode is None else mode)


def test_a_folder_in_the_way_is_told(tmp_path):
    (tmp_path / "grades.csv").mkdir()
    with pytest.raises(CourseError, match=r"grades\.csv cannot be written"):
        write_whole(tmp_path / "grades.csv", b"")
    assert [file.name for file in tmp_path.iterdir()] == ["grades.csv"]


@pytest.mark.parametrize(("exporter", "heading"), [("canvas.Canvas", "Student,ID,"), ("moodle.Moodle", "Username,")])
def test_nbgrader_itself_runs_the_exporters(course, exporter, heading):
    command = ["export", f"--exporter=autograder.report.{exporter}Exporter", "--to", "mine.csv"]
    subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=course.root, check=True, capture_output=True)
    assert (course.root / "mine.csv").read_text(encoding="utf-8-sig").startswith(heading)
    command += ["--assignment", LINEAR, "--student", "ada"]
    subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=course.root, check=True, capture_output=True)
    assert "ada" in (course.root / "mine.csv").read_text(encoding="utf-8-sig").splitlines()[-1]
    assert len(lines(course.root / "mine.csv")) == (3 if "canvas" in exporter else 2)
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command[:-1], "stranger"], cwd=course.root, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "The gradebook has no learner 'stranger'." in done.stderr
    assert "Traceback" not in done.stderr


# The command


def test_the_command_says_where_the_file_is(course, monkeypatch, capsys):
    monkeypatch.chdir(course.root)
    assert main(["export", "--format", "canvas", "--notebook", LINEAR]) == 0
    path = course.root / "reports" / "grades-canvas.csv"
    assert capsys.readouterr().out == f"Learners: 2; {LINEAR}: {path}\n"
    assert len(lines(path)) == 4
    (course.root / "there").mkdir()
    assert main(["export", "--format", "moodle", "there/mine.csv"]) == 0
    assert len(lines(course.root / "there" / "mine.csv")) == 4


def refused(arguments: list[str], capsys) -> str:
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_without_a_gradebook_none_is_made(course, monkeypatch, capsys):
    monkeypatch.chdir(course.root)
    (course.root / "gradebook.db").unlink()
    assert "There is no gradebook" in refused(["export", "--format", "canvas"], capsys)
    assert not (course.root / "gradebook.db").exists()
    assert not (course.root / "reports").exists()


def test_what_nobody_was_graded_for_is_refused(course, monkeypatch, capsys):
    monkeypatch.chdir(course.root)
    said = refused(["export", "--format", "canvas", "--notebook", UNUSED], capsys)
    assert f"Nobody has been graded for {UNUSED}: run `autograder grade {UNUSED}`." in said
    assert "Did you mean 04_linear?" in refused(["export", "--format", "canvas", "--notebook", "04"], capsys)


@pytest.mark.parametrize(
    "arguments",
    [["export", "--format", "canvas", "nowhere/a.csv"], ["report", LINEAR, "--to", "nowhere/a.html"]],
    ids=["export", "report"],
)
def test_a_folder_that_does_not_exist_is_not_made(course, monkeypatch, capsys, arguments):
    monkeypatch.chdir(course.root)
    assert "There is no folder nowhere: make it, or name another file." in refused(arguments, capsys)
    assert not (course.root / "nowhere").exists()


def test_an_unknown_format_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["export", "--format", "excel"])
    assert stopped.value.code == 2
    assert "canvas" in capsys.readouterr().err
