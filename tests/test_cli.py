"""The command line: help with an example for every command, errors in one line."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT

from autograder.cli import main

COMMANDS = ["build", "grade", "feedback", "try", "demo", "doctor", "register"]


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


def test_outside_a_course_the_installed_one_is_used(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["grade", "77_nothing"]) == 1
    assert str(ROOT / "solutions") in capsys.readouterr().err
