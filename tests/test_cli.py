"""The command line: help with an example for every command, errors in one line."""

import re
import subprocess
import sys
from importlib.metadata import version

import pytest
from conftest import ROOT

from autograder.cli import main

COMMANDS = ["build", "grade", "feedback", "report", "export", "try", "demo", "doctor", "register", "lab", "teach"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert re.search(rf"Example:\n +autograder {command}", capsys.readouterr().out)


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(re.search(rf"^ +{command} ", out, re.MULTILINE) for command in COMMANDS)


def test_help_does_not_wait_for_torch_or_nbgrader():
    code = "import sys, autograder.cli; print('torch' in sys.modules, 'nbgrader' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"autograder {version('torch-nn-course')}\n"


def one_line(capsys) -> str:
    """What a command has said on stderr, which is one line."""
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    return said


@pytest.mark.parametrize(
    "arguments",
    [
        ["build"],
        ["grade", "04_linear"],
        ["feedback", "04_linear"],
        ["report", "04_linear"],
        ["export", "--format=canvas"],
        ["register"],
        ["lab"],
        ["teach"],
    ],
)
def test_outside_a_course_nothing_is_written(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    said = one_line(capsys)
    assert f"{tmp_path} is not inside a course" in said
    assert f"cd {ROOT}" in said


@pytest.mark.parametrize(
    "arguments", [["try", "no.ipynb"], ["build", "--check", "77_nothing"], ["demo", "77_nothing"]], ids=lambda it: it[0]
)
def test_outside_a_course_the_installed_one_is_read_and_named(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"autograder: {tmp_path} is not inside a course; using {ROOT}."
    assert "does not exist" in second or str(ROOT / "solutions") in second


def test_inside_a_course_nothing_is_said_about_it(monkeypatch, capsys):
    monkeypatch.chdir(ROOT / "tests")
    assert main(["try", "no.ipynb"]) == 1
    assert one_line(capsys) == "autograder: no.ipynb does not exist.\n"


@pytest.mark.parametrize(
    "typed",
    [
        "04_linear.ipynb",
        "notebooks/04_linear/04_linear.ipynb",
        "solutions/04_linear/",
        "04_linear.py",
        "04_liner",
        "4_linear",
        "04",
        "Linear",
        "04_linear/other.ipynb",
    ],
)
@pytest.mark.parametrize("command", ["grade", "feedback", "build"])
def test_a_near_miss_is_asked_about(command, typed, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main([command, typed]) == 1
    assert one_line(capsys).endswith("Did you mean 04_linear?\n")


@pytest.mark.parametrize("typed", ["zzz", "", "/", "0"])
def test_what_is_like_nothing_gets_the_list(typed, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main(["grade", typed]) == 1
    said = one_line(capsys)
    assert "there are " in said
    assert "04_linear" in said


def test_a_demo_needs_a_notebook_with_exercises(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main(["demo", "00_start"]) == 1
    assert one_line(capsys).endswith("00_start has fewer than two exercises: name another notebook for the demo.\n")


def test_a_folder_to_try_is_told_what_is_wanted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (tmp_path / "mine.ipynb").touch()
    assert main(["try", str(tmp_path)]) == 1
    said = one_line(capsys)
    assert f"{tmp_path} is a folder" in said
    assert said.endswith(f"name one notebook's file, such as {tmp_path}/mine.ipynb.\n")
