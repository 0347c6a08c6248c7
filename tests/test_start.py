"""``autograder lab`` and ``autograder teach``: the start page, and how JupyterLab is started."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from conftest import COURSE, ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course import Course
from autograder.lab.jupyter import Machine, lab_command, lab_environment, this_machine
from autograder.lab.learner import prepare
from autograder.lab.start_page import read_entry, start_page
from autograder.lab.workspace import FILE, layout

ORDINARY = Machine(linux=True, wsl=False, root=False, browser=True)
PATIENCE = 120


def command(machine: Machine, options: list[str] | None = None) -> list[str]:
    return lab_command(Path("/course/work"), machine, None, options or [])


def test_root_is_allowed_and_nobody_else_needs_to_be():
    assert "--allow-root" in command(Machine(linux=True, wsl=False, root=True, browser=True))
    assert "--allow-root" not in command(ORDINARY)


def test_without_a_display_no_browser_is_opened():
    assert "--no-browser" in command(Machine(linux=True, wsl=False, root=False, browser=False))
    assert "--no-browser" not in command(ORDINARY)


def test_windows_opens_an_address_not_a_file_of_linux():
    assert "--ServerApp.use_redirect_file=False" in command(Machine(linux=True, wsl=True, root=False, browser=True))


def test_options_of_ones_own_count_instead_of_ours():
    given = command(ORDINARY, ["--log-level=INFO", "--port=1"])
    assert [option for option in given if option.startswith("--log-level")] == ["--log-level=INFO"]
    assert given[-1] == "--port=1"


@pytest.mark.parametrize(
    ("system", "release", "environ", "browser", "wsl"),
    [
        ("Linux", "6.1.0", {}, False, False),
        ("Linux", "6.1.0", {"DISPLAY": ":0"}, True, False),
        ("Linux", "6.1.0", {"WAYLAND_DISPLAY": "wayland-0"}, True, False),
        ("Linux", "6.1.0", {"BROWSER": "firefox"}, True, False),
        ("Linux", "5.15.0-microsoft-standard-WSL2", {}, True, True),
        ("Darwin", "23.0.0", {}, True, False),
    ],
)
def test_what_a_machine_can_do(system, release, environ, browser, wsl, monkeypatch):
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.release", lambda: release)
    machine = this_machine(environ)
    assert (machine.browser, machine.wsl, machine.linux) == (browser, wsl, system == "Linux")


def test_the_environment_adds_and_takes_nothing_away():
    before = {"JUPYTER_CONFIG_PATH": "/mine", "HOME": "/home/ada"}
    found = lab_environment(COURSE, ORDINARY, True, before)
    config = found["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert config[0] == str(ROOT)
    assert config[-1] == "/mine"
    assert found["HOME"] == "/home/ada"
    [kernels] = found["JUPYTER_PATH"].split(os.pathsep)
    assert (Path(kernels) / "kernels" / "warm-torch" / "kernel.json").is_file()
    assert before == {"JUPYTER_CONFIG_PATH": "/mine", "HOME": "/home/ada"}


def test_kernels_that_start_warm_are_for_linux():
    mac = Machine(linux=False, wsl=False, root=False, browser=True)
    assert "JUPYTER_PATH" not in lab_environment(COURSE, mac, True, {})


def test_learners_are_not_shown_how_to_make_assignments():
    def disabled(learner: bool) -> list[str]:
        code = (
            "import json; from jupyterlab_server.config import get_page_config as read;"
            "print(json.dumps(read([]).get('disabledExtensions')))"
        )
        found = lab_environment(COURSE, ORDINARY, learner, os.environ)
        done = subprocess.run([sys.executable, "-c", code], env=found, capture_output=True, text=True, check=True)
        return json.loads(done.stdout) or []

    assert "@jupyter/nbgrader:create-assignment" in disabled(True)
    assert "@jupyter/nbgrader:create-assignment" not in disabled(False)


# The start page


def notebook(folder: Path, name: str, opening: str, points: list[int]) -> Path:
    about = {"grade": True, "solution": False, "locked": True, "schema_version": 3, "task": False}
    cells = [new_markdown_cell(opening)]
    cells += [
        new_code_cell("", metadata={"nbgrader": about | {"grade_id": f"check-{i}", "points": worth}})
        for i, worth in enumerate(points)
    ]
    path = folder / "notebooks" / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.writes(new_notebook(cells=cells)), encoding="utf-8")
    source = folder / "solutions" / name / f"{name}.py"
    source.parent.mkdir(parents=True)
    source.touch()
    return path


OPENING = """# Linear layers

After this notebook you can

- compute $s = x\\,w^T$ for a batch
  in one line;
- count parameters.

**Points**: 5. **Time**: about 45 minutes of reading
and 60 minutes for the 2 exercises. **You need**: 20 minutes of calm.
"""


def test_an_entry_is_read_from_the_notebook_itself(tmp_path):
    entry = read_entry(notebook(tmp_path, "04_linear", OPENING, [2, 3]))
    assert (entry.title, entry.minutes, entry.exercises, entry.points) == ("Linear layers", 105, 2, 5)
    assert entry.goals == ("compute $s = x\\,w^T$ for a batch in one line;", "count parameters.")


def test_an_opening_that_says_little_is_no_error(tmp_path):
    entry = read_entry(notebook(tmp_path, "04_linear", "Hello", []))
    assert (entry.title, entry.minutes, entry.goals, entry.points) == ("04_linear", 0, (), 0)
    assert "no points" in start_page(Course(tmp_path), False)


def test_the_start_page_lists_every_notebook_of_this_course():
    page = start_page(COURSE, True)
    for name in COURSE.names:
        entry = read_entry(COURSE.release(name))
        assert f"[{entry.title}]({name}/{name}.ipynb)" in page
        assert len(entry.goals) >= 3, f"{name} does not say what it teaches"
        assert entry.minutes >= 10, f"{name} does not say how long it takes"
    assert page.index("00_start/00_start.ipynb") < page.index("03_functional_and_relu/")


def test_a_learners_folder_has_all_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    notebook(tmp_path, "00_start", "# Start here", [0])
    notebook(tmp_path, "04_linear", OPENING, [2])
    place = prepare(Course(tmp_path))
    assert place.said == []
    assert {path.name for path in place.folder.iterdir() if path.name[0] != "."} == {
        "00_start",
        "04_linear",
        "START.md",
    }
    saved = json.loads((place.workspaces / FILE).read_text())
    assert saved == layout("START.md", "00_start/00_start.ipynb")
    (place.workspaces / FILE).write_text("the learner's own layout")
    prepare(Course(tmp_path))
    assert (place.workspaces / FILE).read_text() == "the learner's own layout"


def test_the_layout_has_the_name_that_jupyterlab_looks_for():
    from jupyterlab_server.workspaces_handler import WORKSPACE_EXTENSION, slugify

    assert slugify("default") + WORKSPACE_EXTENSION == FILE


# The real thing


@pytest.fixture
def small_course(tmp_path) -> Course:
    """A course of one notebook in a folder of its own."""
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    try:
        from lab import copy_course
    finally:
        sys.path.pop(0)
    (tmp_path / "course").mkdir()
    return copy_course(COURSE, ["00_start"], tmp_path / "course")


def test_lab_starts_without_a_display_on_a_port_that_is_taken(small_course, tmp_path):
    """As whoever runs the tests, root in a container too; it says its address and ends when it is told to."""
    home = {"HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "JUPYTER_PREFER_ENV_PATH": "0"}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DISPLAY", "WAYLAND", "BROWSER"))}
    autograder = Path(sys.executable).with_name("autograder")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = [autograder, "lab", "--", "--ip=127.0.0.1", f"--port={port}"]
        with (tmp_path / "log").open("w") as log:
            server = subprocess.Popen(
                arguments, cwd=small_course.solutions, env=kept | home, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            said, end = "", time.monotonic() + PATIENCE
            while "?token=" not in said and server.poll() is None and time.monotonic() < end:
                time.sleep(0.2)
                said = (tmp_path / "log").read_text()
            assert "http://127.0.0.1:" in said, said
            assert f":{port}/" not in said
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(PATIENCE)
    assert (small_course.work / "START.md").is_file()
    assert (small_course.work / "00_start" / "00_start.ipynb").is_file()
    assert (small_course.root / "gradebook.db").is_file()


@pytest.mark.parametrize("command", ["lab", "teach"])
def test_a_gradebook_that_cannot_be_used_keeps_nobody_from_work(small_course, monkeypatch, capsys, command):
    from autograder import cli
    from autograder.lab import jupyter

    started = []
    monkeypatch.setattr(jupyter, "start_lab", lambda *about: started.append(about))
    monkeypatch.chdir(small_course.root)
    (small_course.root / "gradebook.db").write_text("not a database" * 100)
    cli.main([command])
    assert len(started) == 1
    assert "The gradebook" in capsys.readouterr().err


def test_readmes_map_is_the_courses():
    """Each notebook has a row with the exercises, points and minutes that it says itself."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in COURSE.names:
        entry = read_entry(COURSE.release(name))
        row = next(
            line for line in readme.splitlines() if line.startswith(f"| [{name}](notebooks/{name}/{name}.ipynb)")
        )
        facts = [cell.strip() for cell in row.strip("|").split("|")][2:]
        assert facts == [str(entry.exercises), str(entry.points or "–"), str(entry.minutes)], name
