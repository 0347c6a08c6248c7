"""The Makefile, run on a copy with programs in place of Python and uv that only write down how they were called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

FAKE = """#!/bin/sh
echo "$(basename $0) $*" >> calls
case "$*" in *" -r -") cat > pins;; esac
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    for file in ("Makefile", "requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    for program in ("python", "uv", "autograder", "jupyter"):
        path = tmp_path / ".venv" / "bin" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FAKE)
        path.chmod(0o755)
    return tmp_path


def make(course: Path, *arguments: str) -> list[str]:
    """What was called by ``make`` with these arguments."""
    (course / "calls").unlink(missing_ok=True)
    environment = {key: value for key, value in os.environ.items() if key not in ("TORCH", "MAKEFLAGS", "MFLAGS")}
    subprocess.run(["make", *arguments], cwd=course, env=environment, check=True, capture_output=True, timeout=60)
    return (course / "calls").read_text().splitlines()


def installs(calls: list[str]) -> list[str]:
    return [call for call in calls if call.endswith("-r -")]


def test_lab_is_set_up_once_and_started_each_time(course):
    first = make(course, "lab")
    assert len(installs(first)) == 1
    assert "--torch-backend" not in installs(first)[0]
    assert "nvidia-cudnn-cu13" in (course / "pins").read_text()
    assert first[-1] == "autograder lab --"
    assert make(course, "lab", "OPTIONS=--port=8890") == ["autograder lab -- --port=8890"]
    assert make(course, "teach") == ["autograder teach --"]
    assert make(course, "serve", "OPTIONS=--host 0.0.0.0") == ["autograder serve --host 0.0.0.0"]


def test_the_build_for_the_cpu_leaves_out_cuda_and_is_remembered(course):
    assert "--torch-backend=cpu" in installs(make(course, "lab", "TORCH=cpu"))[0]
    pins = (course / "pins").read_text()
    assert "\ntorch==" in pins
    assert "\njupyterlab==" in pins
    assert not [line for line in pins.splitlines() if line.startswith(("nvidia", "cuda", "triton"))]
    assert "://" not in pins + (course / "Makefile").read_text()
    assert installs(make(course, "lab")) == []
    os.utime(course / "requirements.txt")  # an update
    assert "--torch-backend=cpu" in installs(make(course, "lab"))[0]
    assert "--torch-backend=cpu" in installs(make(course, ".venv/.developer"))[0]


def test_another_pytorch_takes_the_place_of_the_first(course):
    first = make(course, "lab")
    assert not [call for call in first if "uninstall" in call]
    for choice in ("cpu", ""):
        calls = make(course, "lab", f"TORCH={choice}")
        assert "uv pip uninstall --quiet torch torchvision" in calls
        assert ("--torch-backend" in installs(calls)[0]) == bool(choice)
    assert "nvidia-cudnn-cu13" in (course / "pins").read_text()


def test_help_names_every_target(course):
    said = subprocess.run(["make", "help"], cwd=course, check=True, capture_output=True, text=True).stdout
    for target in ("lab", "teach", "serve", "test", "build", "clean"):
        assert f"\n{target} " in f"\n{said}"
