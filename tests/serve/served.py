"""The fixtures of these tests: a course that was never built, an engine that runs nothing, a server."""

import shutil
from collections.abc import Iterator

import pytest
from serving import Site
from test_parallel import Engine, make_registered

from autograder.course import Course


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Course:
    return make_registered(tmp_path_factory.mktemp("served"))


@pytest.fixture
def course(template, tmp_path) -> Course:
    """A copy of it, for one test."""
    shutil.copytree(template.root, tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def engine(monkeypatch) -> Engine:
    engine = Engine(monkeypatch)
    monkeypatch.setattr("autograder.serve.queue.stop", engine.stopped.set)
    return engine


@pytest.fixture
def site(course, engine) -> Iterator[Site]:
    with Site(course) as site:
        yield site
