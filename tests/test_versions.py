"""One set of versions: what `pyproject.toml` allows, `requirements.txt` pins, conda installs and Colab runs."""

import re
import tomllib

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ALLOWED = {requirement.name: requirement for requirement in map(Requirement, PROJECT["dependencies"])}
DEVELOPERS = {r.name: r for r in map(Requirement, PROJECT["optional-dependencies"]["dev"])}


def pins(file: str) -> dict[str, list[Version]]:
    """The versions that a compiled file pins, by package; several if they depend on the Python."""
    found: dict[str, list[Version]] = {}
    for line in (ROOT / file).read_text().splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            [only] = requirement.specifier
            assert only.operator == "==", line
            found.setdefault(requirement.name.lower(), []).append(Version(only.version))
    return found


@pytest.mark.parametrize("name", ALLOWED)
def test_pins_lie_in_the_projects_ranges(name):
    assert all(ALLOWED[name].specifier.contains(version) for version in pins("requirements.txt")[name])


@pytest.mark.parametrize("name", DEVELOPERS)
def test_developers_pins_lie_in_the_projects_ranges(name):
    assert all(DEVELOPERS[name].specifier.contains(version) for version in pins("requirements-dev.txt")[name])
    assert name not in ALLOWED


def test_developers_have_what_learners_have():
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()
    assert not pins("requirements.txt").keys() & {"pytest", "playwright", "ruff", "nbval"}, "no burden on a learner"


@pytest.mark.parametrize("name", ["torch", "torchvision", "numpy", "matplotlib", "ipywidgets"])
def test_ranges_include_colabs_versions(name):
    assert all(ALLOWED[name].specifier.contains(version) for version in pins("tests/colab/requirements.txt")[name])


def test_conda_installs_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert pip == "pip"
    assert SpecifierSet(re.sub("^python", "", python)) == SpecifierSet(PROJECT["requires-python"])
    assert packages == {"pip": ["-r requirements.txt", "-e ."]}
    assert environment["name"] == PROJECT["name"]


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt", "tests/colab/requirements.txt"])
def test_no_index_is_named(file):
    assert not re.search(r"https?://|--index|--find-links|@ file", (ROOT / file).read_text())
