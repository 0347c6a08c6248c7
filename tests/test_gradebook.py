"""Whatever is wrong with a gradebook is one line, a non-zero exit code, and nothing half-written."""

import shutil
import sqlite3
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from nbgrader.api import Gradebook

from autograder.cli import main
from autograder.errors import CourseError
from autograder.grading.gradebook import absolute, check_gradebook, database_reason, make_gradebook

NAME = "04_linear"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr("autograder.grading.gradebook.PATIENCE", 0.2)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")  # nbgrader starts alembic by its name


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A gradebook as nbgrader makes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
        path = tmp_path_factory.mktemp("good") / "gradebook.db"
        Gradebook(f"sqlite:///{path}", "torch-nn").close()
    return path


@pytest.fixture
def gradebook(good, tmp_path) -> Path:
    return Path(shutil.copy(good, tmp_path / "gradebook.db"))


def refusal(url: str) -> str:
    with pytest.raises(CourseError) as refused:
        check_gradebook(url)
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_one_that_we_make_is_as_nbgrader_makes_it(good, tmp_path, monkeypatch):
    monkeypatch.setattr("nbgrader.api.get_alembic_version", lambda: pytest.fail("alembic was started"))
    make_gradebook(f"sqlite:///{tmp_path}/new.db")
    Gradebook(f"sqlite:///{tmp_path}/new.db", "torch-nn").close()
    before, after = [list(sqlite3.connect(path).iterdump()) for path in (good, tmp_path / "new.db")]
    assert before == after
    make_gradebook(f"sqlite:///{tmp_path}/new.db")
    assert list(sqlite3.connect(tmp_path / "new.db").iterdump()) == after


def test_a_good_one_and_one_that_is_not_there_yet_are_taken(gradebook, tmp_path):
    check_gradebook(f"sqlite:///{gradebook}")
    check_gradebook(f"sqlite:///{tmp_path}/new.db")
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "not a database URL"),
        ("gradebook.db", "not a database URL"),
        ("postgresql://ada@host:port/class", "not a database URL"),
        ("postgresql//ada:secret@host/class", "not a database URL"),
        ("postgrsql://host/class", "kind of database is unknown"),
        ("mysql+pymysql://host/class", "the Python package pymysql, which connects to it, is not installed"),
        ("sqlite://", "nothing would be kept"),
        ("sqlite:///:memory:", "nothing would be kept"),
        ("sqlite:////no/such/folder/gradebook.db", "the folder /no/such/folder does not exist"),
        (f"sqlite:///{ROOT}", "unable to open database file"),
    ],
)
def test_a_url_that_leads_nowhere(url, says):
    assert says in refusal(url)


def test_a_driver_that_is_missing_is_named_and_a_password_is_not():
    message = refusal("postgresql+asyncpg://ada:secret@nowhere/class")
    assert "asyncpg" in message
    assert "secret" not in message


def test_a_driver_that_is_missing_comes_with_the_way_to_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "python -m pip install 'psycopg[binary]'`" in refusal("postgresql+psycopg://nowhere/class")


def test_relative_paths_become_absolute():
    folder = Path("/a/course")
    assert absolute("sqlite:///new.db", folder) == "sqlite:////a/course/new.db"
    assert absolute("sqlite:///sub/new.db?timeout=1", folder) == "sqlite:////a/course/sub/new.db?timeout=1"
    for url in ("sqlite:////b/new.db", "sqlite://", "postgresql://ada:secret@host/class", "nonsense"):
        assert absolute(url, folder) == url


def test_a_damaged_one(gradebook):
    gradebook.write_bytes(b"not a database at all" * 100)
    assert "damaged" in refusal(f"sqlite:///{gradebook}")


def test_a_locked_one(gradebook):
    other = sqlite3.connect(gradebook, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "another program is writing to it" in refusal(f"sqlite:///{gradebook}")
    other.close()


def test_one_that_may_only_be_read(gradebook):
    assert "is read-only" in refusal(f"sqlite:///file:{gradebook}?mode=ro&uri=true")


@pytest.mark.parametrize(
    ("version", "says"), [("zzzz", "made by a newer nbgrader"), ("50a4d84c131a", "made by an older nbgrader")]
)
def test_one_of_another_nbgrader(gradebook, version, says):
    with sqlite3.connect(gradebook) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", [version])
    assert says in refusal(f"sqlite:///{gradebook}")


def test_one_of_something_else(tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE recipes (name)")
    assert "its tables are not nbgrader" in refusal(f"sqlite:///{tmp_path}/other.db")


@pytest.mark.parametrize("command", ["grade", "feedback"])
def test_a_command_says_it_in_one_line_and_writes_nothing(command, gradebook, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    gradebook.write_bytes(b"not a database at all" * 100)
    before = {path.name for path in ROOT.iterdir()}
    assert main([command, NAME, "--db", f"sqlite:///{gradebook}"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("autograder: The gradebook sqlite:////")
    assert gradebook.read_bytes() == b"not a database at all" * 100
    assert {path.name for path in ROOT.iterdir()} == before


def test_what_goes_wrong_later_is_one_line_too(gradebook, monkeypatch, capsys):
    def fails(*_, **__):
        with sqlite3.connect(gradebook) as database:
            database.execute("DROP TABLE course")
        Gradebook(f"sqlite:///{gradebook}", "torch-nn")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("autograder.grading.grade.grade_class", fails)
    monkeypatch.setattr("nbgrader.api.Base.metadata.create_all", lambda **_: None)
    assert main(["grade", NAME, "--db", f"sqlite:///{gradebook}"]) == 1
    assert capsys.readouterr().err.strip() == (
        f"autograder: The gradebook sqlite:///{gradebook} cannot be used: no such table: course."
    )


def test_reasons_are_short():
    from sqlalchemy.exc import OperationalError

    error = OperationalError("SELECT secret", {}, Exception("connection refused\n\tIs the server running?\n"))
    assert database_reason(error) == "connection refused"
