"""A course stays hidden from learners' code wherever it is, even in a folder that Python or programs are in."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT

from autograder.execute.warm import visible, walls

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
PLACES = ["/usr/src", "/usr/local", "/usr/lib", "/usr/share/fonts", "/opt", sys.prefix, f"{sys.prefix}/lib"]


@pytest.fixture(params=PLACES)
def place(request):
    """A course at a place that walls show, or are close to."""
    folder = Path(request.param) / f"course-of-a-test-{os.getpid()}"
    try:
        (folder / "solutions").mkdir(parents=True)
    except OSError:
        pytest.skip(f"{folder} cannot be made by this user")
    (folder / "nbgrader_config.py").write_text("c = get_config()\n")
    (folder / "solutions" / "secret.py").write_text("answer = 3\n")
    yield folder
    shutil.rmtree(folder)


def seen(*arguments: str) -> str:
    """What a command behind the walls prints."""
    command = walls.command(list(arguments), {"PATH": "/usr/bin:/bin"}, gpu=False)
    return subprocess.run(command, capture_output=True, text=True).stdout


def test_course_is_hidden_wherever_it_lies(place, monkeypatch):
    script = f"{sys.executable} -c 'import torch; print(1)'; find {place}; touch {place}/new && echo written"
    monkeypatch.chdir(place / "solutions")
    said = seen("sh", "-c", script).replace(f"{place}\n", "")
    assert said == "1\n", "Python works, and the course's folder is empty or not there"


def test_package_inside_a_hidden_course_is_seen(place, monkeypatch):
    """As in an editable installation: the course's folder holds the package and its environment, too."""
    package, environment = place / "autograder", place / ".venv"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (environment / "lib").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("")
    monkeypatch.setattr(visible.autograder, "__file__", str(package / "__init__.py"))
    monkeypatch.setattr(sys, "prefix", str(environment))
    monkeypatch.chdir("/")
    names = {line.removeprefix(f"{place}/") for line in seen("find", str(place)).splitlines()} - {str(place)}
    assert names == {"autograder", "autograder/__init__.py", ".venv", ".venv/lib", ".venv/pyvenv.cfg"}


def test_course_is_hidden_where_a_link_shows_it(monkeypatch):
    """Python may be known by another path than its folder has."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        course, link = Path(folder) / "real" / "lib" / "course", Path(folder) / "link"
        (course / "solutions").mkdir(parents=True)
        (course / "nbgrader_config.py").write_text("c = get_config()\n")
        (course.parent / "library.py").write_text("")
        link.symlink_to("real")
        monkeypatch.setattr(sys, "prefix", str(link))
        monkeypatch.chdir(course)
        said = seen("find", str(link / "lib"))
        monkeypatch.chdir("/")
    assert "library.py" in said
    assert "solutions" not in said


def test_this_course_and_what_nbgrader_exchanges_are_hidden():
    said = seen("sh", "-c", f"ls {ROOT} /usr/share /usr/local/share")
    assert "solutions" not in said
    assert "nbgrader" not in said
    assert "autograder" in said, "what Python needs is there"


RUN = '''
import sys, nbformat
from nbformat.v4 import new_code_cell, new_notebook
from autograder.execute import Limits, execute
look = """
import os, torch
folders = [folder for top in {places!r} for folder, inside, _ in os.walk(top) if 'solutions' in inside]
found = [folder for folder in folders if {name!r} in folder]
print(found)
"""
notebook = new_notebook(cells=[new_code_cell(look.format(name=sys.argv[1], places=sys.argv[2:]))])
report = execute(notebook, Limits())
print(report.problems, notebook.cells[0].outputs[0].text)
'''


@pytest.mark.parametrize("place", ["/usr/src", f"{sys.prefix}/lib"], indirect=True)
def test_learner_finds_no_course(place):
    done = subprocess.run(
        [sys.executable, "-c", RUN, place.name, str(place), "/usr", "/opt"],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["[]", "[]"], done.stdout + done.stderr
