"""The learner's folder: copies of the releases that follow them until the learner edits one."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.course import Course
from autograder.errors import CourseError
from autograder.lab.work import RECORD, fill_work

NAME = "04_linear"


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))  # where trusted notebooks are noted


@pytest.fixture
def course(tmp_path) -> Course:
    course = Course(tmp_path / "course")
    course.source(NAME).parent.mkdir(parents=True)
    course.source(NAME).touch()
    release(course, "first")
    return course


def release(course: Course, text: str, printed: str = "") -> str:
    """Release a notebook whose code is ``text``; returns what its file holds."""
    outputs = [new_output("stream", text=printed)] if printed else []
    cells = [new_markdown_cell("# Title", id="a"), new_code_cell(text, id="b", outputs=outputs)]
    written = nbformat.writes(new_notebook(cells=cells)) + "\n"
    course.release(NAME).parent.mkdir(parents=True, exist_ok=True)
    course.release(NAME).write_text(written, encoding="utf-8")
    return written


def fill(course: Course) -> list[str]:
    return fill_work(course, course.work)


def mine(course: Course, suffix: str = "") -> Path:
    return course.work / NAME / f"{NAME}{suffix}.ipynb"


def edit(path: Path, text: str = "an answer", outputs: list | None = None) -> str:
    """Change a notebook as JupyterLab would: code, metadata and outputs."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.cells[1].source = text
    notebook.cells[1].outputs = outputs or []
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def test_a_notebook_that_is_missing_is_made(course):
    assert fill(course) == []
    assert mine(course).read_bytes() == course.release(NAME).read_bytes()


def test_nothing_happens_the_second_time(course):
    fill(course)
    before = {path: path.stat().st_mtime_ns for path in course.work.rglob("*.ipynb")}
    assert fill(course) == []
    assert {path: path.stat().st_mtime_ns for path in course.work.rglob("*.ipynb")} == before


def test_an_untouched_copy_is_replaced_by_a_newer_release(course):
    fill(course)
    newer = release(course, "second")
    [said] = fill(course)
    assert NAME in said
    assert mine(course).read_text() == newer
    assert not mine(course, ".new").exists()
    assert fill(course) == []


def test_a_notebook_that_was_only_run_counts_as_untouched(course):
    fill(course)
    edit(mine(course), "first", [new_output("stream", text="run by the learner")])
    newer = release(course, "second")
    assert len(fill(course)) == 1
    assert mine(course).read_text() == newer


def test_an_edited_notebook_is_never_overwritten(course):
    fill(course)
    work = edit(mine(course))
    assert fill(course) == []
    newer = release(course, "second")
    [said] = fill(course)
    assert f"{NAME}.new.ipynb" in said
    assert mine(course).read_text() == work
    assert mine(course, ".new").read_text() == newer
    assert fill(course) == []  # each release is offered once


def test_a_newer_release_follows_a_newer_one(course):
    fill(course)
    work = edit(mine(course))
    release(course, "second")
    fill(course)
    third = release(course, "third")
    assert len(fill(course)) == 1
    assert mine(course).read_text() == work
    assert mine(course, ".new").read_text() == third


def test_an_edited_newer_one_is_not_overwritten_either(course):
    fill(course)
    work = edit(mine(course))
    release(course, "second")
    fill(course)
    there = edit(mine(course, ".new"), "another answer")
    third = release(course, "third")
    [said] = fill(course)
    assert f"{NAME}.new-2.ipynb" in said
    assert [mine(course).read_text(), mine(course, ".new").read_text()] == [work, there]
    assert mine(course, ".new-2").read_text() == third


def test_a_deleted_notebook_comes_back_and_a_deleted_newer_one_does_not(course):
    fill(course)
    edit(mine(course))
    newer = release(course, "second")
    fill(course)
    mine(course, ".new").unlink()
    assert fill(course) == []
    assert not mine(course, ".new").exists()
    mine(course).unlink()
    assert fill(course) == []
    assert mine(course).read_text() == newer


def test_new_outputs_alone_are_not_offered_to_who_has_edited(course):
    fill(course)
    work = edit(mine(course))
    release(course, "first", printed="a new output")
    assert fill(course) == []
    assert [path.name for path in course.work.rglob("*.ipynb")] == [f"{NAME}.ipynb"]
    assert mine(course).read_text() == work


@pytest.mark.parametrize("record", ["", "no JSON", "[1]", '{"04_linear/04_linear.ipynb": 3}'])
def test_without_a_readable_record_nothing_is_lost(course, record):
    fill(course)
    work = edit(mine(course))
    (course.work / RECORD).write_text(record)
    assert len(fill(course)) == 1
    assert mine(course).read_text() == work
    assert mine(course, ".new").read_bytes() == course.release(NAME).read_bytes()


def test_without_a_record_an_equal_copy_is_recognised(course):
    fill(course)
    (course.work / RECORD).unlink()
    assert fill(course) == []
    newer = release(course, "second")
    fill(course)
    assert mine(course).read_text() == newer


def test_a_spoiled_notebook_counts_as_edited(course):
    fill(course)
    mine(course).write_bytes(b"\xff{ half a noteb")
    release(course, "second")
    assert len(fill(course)) == 1
    assert mine(course).read_bytes() == b"\xff{ half a noteb"


def test_an_interruption_leaves_whole_files(course, monkeypatch):
    fill(course)
    before = mine(course).read_text()
    release(course, "second")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fill(course)
    monkeypatch.undo()
    assert mine(course).read_text() == before
    fill(course)
    assert mine(course).read_bytes() == course.release(NAME).read_bytes()


def test_a_folder_that_cannot_be_written_to_is_one_line(course):
    course.work.write_text("a file where the folder should be")
    with pytest.raises(CourseError, match=r"^.*work cannot be filled with notebooks: .*\.$"):
        fill(course)


def test_a_full_disk_is_one_line_that_names_the_file(course, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device")  # as the system says it, which names no file

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CourseError) as error:
        fill(course)
    said = f"{course.work} cannot be filled with notebooks: No space left on device ({course.work / RECORD})."
    assert str(error.value) == said


def test_what_is_put_there_is_trusted(course, tmp_path):
    from nbformat.sign import NotebookNotary

    fill(course)
    assert NotebookNotary().check_signature(nbformat.read(mine(course), as_version=4))
    assert json.loads((course.work / RECORD).read_text())
    assert not [path for path in course.work.rglob("*") if path.name.endswith(".unfinished")]
    assert os.environ["JUPYTER_DATA_DIR"] == str(tmp_path / "jupyter")
