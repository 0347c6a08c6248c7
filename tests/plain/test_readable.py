"""Plain `nbgrader autograde` and the formgrader's button read whatever `autograder grade` reads."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from autograder.grading.nbgrader_apps import course_config, generate_assignment


def notebook(name: str, answer: str) -> nbformat.NotebookNode:
    """A notebook of the assignment ``ps``, whose two notebooks use the same ids, as teachers' often do."""
    about = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    solution = about | {"grade_id": "answer", "solution": True}
    test = about | {"grade_id": "test", "grade": True, "locked": True, "points": 2}
    cells = [
        new_code_cell(answer, metadata={"nbgrader": solution}),
        new_code_cell(f"assert {name} == 1", metadata={"nbgrader": test}),
    ]
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return new_notebook(cells=cells, metadata=metadata)


def answered(name: str) -> str:
    return nbformat.writes(notebook(name, f"{name} = 1"))


def with_odd_ids(text: str) -> str:
    content = json.loads(text)
    for cell in content["cells"]:
        cell["id"] = "not a valid id!"
    return json.dumps(content)


def without_metadata(text: str) -> str:
    return json.dumps({"nbformat": 4, "cells": json.loads(text)["cells"]})


#: What learners hand in for ``one``, by learner: the file's name and its bytes.
HANDED_IN = {
    "as-it-is": ("one.ipynb", answered("one").encode()),
    "bom": ("one.ipynb", answered("one").encode("utf-8-sig")),
    "utf-16": ("one.ipynb", answered("one").encode("utf-16")),
    "numbered": ("one (1).ipynb", answered("one").encode()),
    "copied": ("Copy of one.ipynb", answered("one").encode()),
    "odd-ids": ("one.ipynb", with_odd_ids(answered("one")).encode()),
    "no-metadata": ("one.ipynb", without_metadata(answered("one")).encode()),
}
BROKEN = {"empty": b"", "cut-off": answered("one").encode()[:200]}


def make_course(folder: Path) -> None:
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    (folder / "solutions" / "ps").mkdir(parents=True)
    for name in ("one", "two"):
        stub = f"### BEGIN SOLUTION\n{name} = 1\n### END SOLUTION"
        nbformat.write(notebook(name, stub), folder / "solutions" / "ps" / f"{name}.ipynb")
    generate_assignment(course_config(folder), "ps")
    hand_in = HANDED_IN | {learner: ("one.ipynb", content) for learner, content in BROKEN.items()}
    for learner, (file, content) in hand_in.items():
        there = folder / "submitted" / learner / "ps"
        there.mkdir(parents=True)
        (there / file).write_bytes(content)
        if learner not in BROKEN:
            (there / "two.ipynb").write_text(answered("two"))


def marks(folder: Path) -> dict[str, float]:
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        return {one.student.id: one.score for one in gradebook.assignment_submissions("ps")}


@pytest.fixture
def course(tmp_path):
    make_course(tmp_path)
    return tmp_path


def test_nbgrader_autograde_reads_every_kind_of_file_and_says_in_a_line_what_it_cannot_read(course):
    command = [sys.executable, "-m", "nbgrader", "autograde", "ps"]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, timeout=300)
    assert marks(course) == dict.fromkeys(HANDED_IN, 4), done.stderr
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for learner, why in {"empty": "the file is empty", "cut-off": "the file is not JSON"}.items():
        assert [why in line for line in done.stderr.splitlines() if f"{learner}: " in line] == [True], done.stderr
    handed_in = {path.name for path in (course / "submitted").rglob("*.ipynb")}
    assert handed_in == {"one.ipynb", "two.ipynb", "one (1).ipynb", "Copy of one.ipynb"}
    assert not list(course.glob(".grading-*"))


def test_formgraders_button_reads_every_kind_of_file(course, monkeypatch):
    monkeypatch.chdir(course)
    config = course_config(course)
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    for learner in ("utf-16", "numbered"):
        result = api.autograde("ps", learner)
        assert result["success"], result
        assert marks(course)[learner] == 4
    refused = api.autograde("ps", "empty")
    assert not refused["success"]
    assert "the file is empty" in refused["log"]
    assert api.coursedir.submitted_directory == "submitted"
