"""The gradebook in a real PostgreSQL: a cluster of its own, which is gone afterwards."""
# ruff: noqa: F811 (fixtures of another file)

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from test_build import NAME
from test_follow import THIRD, rename, rewrite
from test_parallel import WRONG, course, edit_check, engine, submit, template  # noqa: F401

from autograder.cli import main
from autograder.course import Course
from autograder.errors import CourseError
from autograder.feedback.pages import write_pages
from autograder.grading.grade import grade_class, register
from autograder.grading.gradebook import check_gradebook
from autograder.grading.nbgrader_apps import course_config

pytestmark = pytest.mark.usefixtures("short_notebooks")

#: Debian's places for it, or wherever the path leads.
PLACES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), *map(Path, os.environ["PATH"].split(os.pathsep))]
HOME = next((folder for folder in PLACES if (folder / "initdb").exists()), None)


def whoever_may() -> dict:
    """PostgreSQL refuses root: another user, as options for subprocess."""
    if os.getuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """A running PostgreSQL; gives the folder of its socket."""
    if HOME is None:
        pytest.skip("there is no PostgreSQL: apt-get install postgresql")
    folder, who = Path(tempfile.mkdtemp(prefix="pg-")), whoever_may()
    if who:
        os.chown(folder, who["user"], who["group"])
    try:
        subprocess.run(
            [HOME / "initdb", "-D", folder / "data", "-U", "teacher", "--auth=trust", "-E", "UTF8", "--locale=C", "-N"],
            check=True, capture_output=True, timeout=300, cwd="/", **who,
        )  # fmt: skip
        settings = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off"]
        running = subprocess.Popen(
            [HOME / "postgres", "-D", folder / "data", *(part for setting in settings for part in ("-c", setting))],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **who,
        )  # fmt: skip
        try:
            wait_for(folder)
            yield folder
        finally:
            running.terminate()
            running.wait(60)
    finally:
        shutil.rmtree(folder)


def wait_for(folder: Path) -> None:
    for _ in range(600):
        try:
            psycopg.connect(host=str(folder), user="teacher", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise TimeoutError("PostgreSQL did not start")


@pytest.fixture
def url(server, request) -> str:
    """A new, empty database."""
    name = f"class_{abs(hash(request.node.name))}"
    with psycopg.connect(host=str(server), user="teacher", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql+psycopg://teacher@/{name}?host={server}"


def run(course: Course, url: str, **options) -> dict:
    return {row.student: row for row in grade_class(course, course_config(course.root, database=url), NAME, **options)}


def test_a_class_is_graded_into_it(course, engine, url, monkeypatch, capsys):
    submit(course, *"abc")
    submit(course, "d", negate=WRONG)
    monkeypatch.chdir(course.root)
    assert main(["grade", NAME, "--db", url]) == 0
    assert main(["grade", NAME, "--db", url]) == 0
    assert "Graded again" not in capsys.readouterr().out
    assert sorted(engine.ran) == [*"abcd"], "what is graded is not graded again"
    submit(course, "d")
    edit_check(course)
    rows = run(course, url)
    assert {student: (row.before, row.score) for student, row in rows.items()} == dict.fromkeys("abc", (5, 9)) | {
        "d": (2, 9)
    }
    assert {row.again for row in rows.values()} == {
        "the notebook's source has changed", "handed in again, the notebook's source has changed"
    }  # fmt: skip
    pages = write_pages(course_config(course.root, database=url), NAME)
    assert all("9 <small>of 9 points</small>" in page.read_text(encoding="utf-8") for page in pages)
    check_gradebook(url)


def test_exercises_come_and_go_in_it(course, engine, url):
    submit(course, "a")
    run(course, url)
    rewrite(course, lambda text: text + THIRD)
    assert run(course, url)["a"].marks == {"check-twice": 2, "check-negate": 3, "check-thrice": 4}
    rewrite(course, rename)
    with pytest.raises(CourseError, match="'check-negate' is gone"):
        register(course, course_config(course.root, database=url), NAME)
    rewrite(course, lambda text: text.replace("minus", "negate"))
    assert run(course, url)["a"].score == 9


def test_a_database_that_is_not_there_is_one_line(server):
    with pytest.raises(CourseError, match='database "nothing" does not exist') as refused:
        check_gradebook(f"postgresql+psycopg://teacher@/nothing?host={server}")
    assert "\n" not in str(refused.value)
