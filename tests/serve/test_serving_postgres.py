"""The same server on a real PostgreSQL."""

from served import course, engine, template
from serving import Site, notebook
from test_build import NAME
from test_parallel import WRONG
from test_postgres import server, url

from autograder.cli import main
from autograder.grading.nbgrader_apps import course_config
from autograder.grading.record import read_marks
from autograder.serve.attempts import read_attempts
from autograder.serve.tables import Database
from autograder.serve.times import field, now


def test_hand_in_regrade_and_forget(course, engine, url, monkeypatch, capsys):
    monkeypatch.chdir(course.root)
    with Site(course, database=url) as site:
        ada, kim, teacher = site.learner("ada"), site.learner("kim"), site.teacher()
        first = site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG + "\n# \x00")))
        assert (first.score, site.graded(kim.hand_in(notebook(course, "kim"))).score) == (2, 5)
        assert "2 <small>of 5 points" in ada.get(f"/attempts/{first.id}/feedback").text
        assert teacher.fill(f"/teacher/{NAME}", due=field(now(), None)).status_code == 200
        teacher.fill(f"/attempts/{first.id}/again", f"/teacher/{NAME}")
        assert site.graded(teacher.get(f"/attempts/{first.id}")).score == 2
        assert teacher.get("/teacher/marks.csv").status_code == 200
        assert teacher.get(f"/teacher/{NAME}/report").status_code == 200
    assert main(["forget", "ada", "--yes", "--db", url]) == 0
    database = Database(url)
    with database.reading() as connection:
        assert [attempt.student for attempt in read_attempts(connection)] == ["kim"]
    database.close()
    assert read_marks(course_config(course.root, database=url), NAME).keys() == {"kim"}
