"""What teachers do: invite, open and close, follow the class, regrade, take the marks along."""

import csv
import datetime as dt
import io
import re
import socket
import time
from zoneinfo import ZoneInfo

import pytest
from nbgrader.api import Assignment, Gradebook
from served import course, engine, site, template
from serving import PATIENCE, Site, notebook
from sqlalchemy import select
from test_build import NAME
from test_parallel import WRONG, recorded

from autograder.cli import main
from autograder.errors import CourseError
from autograder.grading.nbgrader_apps import course_config
from autograder.serve import tables
from autograder.serve.invitations import find
from autograder.serve.lock import only_one
from autograder.serve.openings import Opening, read_opening
from autograder.serve.settings import Settings
from autograder.serve.start import listen, page_address, teacher_link
from autograder.serve.times import field, now

EVIL = "<b>"
ROSTER = "Name;id\nAda Lovelace;ada\n=Kim;kim\n\u5c0f\u660e;\u5c0f\u660e\n"


@pytest.fixture
def roster(course, monkeypatch):
    monkeypatch.chdir(course.root)
    path = course.root / "class.csv"
    path.write_text(ROSTER, encoding="utf-8")
    return path


def invite(capsys, *arguments: str) -> tuple[int, list[dict[str, str]], str]:
    """The command's exit code, the table that it printed, and what it said."""
    code = main(["invite", *arguments])
    said = capsys.readouterr()
    return code, list(csv.DictReader(io.StringIO(said.out.lstrip("\ufeff")))), said.err


def works(course, link: str) -> str | None:
    """Whose link it is, if it works."""
    database = tables.Database(f"sqlite:///{course.root / 'gradebook.db'}")
    with database.reading() as connection:
        found = find(connection, link.rpartition("/in/")[2])
    database.close()
    return found and found.student


# Invitations


def test_invite_prints_the_roster_with_links(course, roster, capsys):
    code, rows, said = invite(capsys, "class.csv", "--url", "https://hand-in.example.org/")
    assert (code, said) == (0, "")
    assert [(row["Name"], row["id"]) for row in rows] == [
        ("Ada Lovelace", "ada"),
        ("'=Kim", "kim"),
        ("\u5c0f\u660e", "\u5c0f\u660e"),
    ]
    assert all(row["link"].startswith("https://hand-in.example.org/in/") for row in rows)
    assert [works(course, row["link"]) for row in rows] == ["ada", "kim", "\u5c0f\u660e"]


def test_inviting_again_makes_links_only_for_those_who_have_none(course, roster, capsys):
    _, first, _ = invite(capsys, "class.csv")
    roster.write_text(ROSTER + "Zoe;zoe\n", encoding="utf-8")
    code, rows, said = invite(capsys, "class.csv")
    assert (code, [row["id"] for row in rows]) == (0, ["zoe"])
    assert "Learners who already have a link that works: 3; --again makes new links for all." in said
    assert works(course, first[0]["link"]) == "ada"
    _, rows, _ = invite(capsys, "class.csv", "--again")
    assert len(rows) == 4
    assert works(course, first[0]["link"]) is None
    assert works(course, rows[0]["link"]) == "ada"


def test_links_in_a_file_are_the_teachers_alone(course, roster, capsys):
    code, rows, said = invite(capsys, "class.csv", "--to", "links.csv")
    path = course.root / "links.csv"
    assert (code, rows, said) == (0, [], "Links (3): links.csv\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text(encoding="utf-8-sig").splitlines()) == 4


def test_links_expire_at_the_end_of_their_last_day(course, roster, capsys, monkeypatch):
    today = dt.date.today()
    _, rows, _ = invite(capsys, "class.csv", "--expires", today.isoformat())
    assert works(course, rows[0]["link"]) == "ada"
    tomorrow = now() + dt.timedelta(days=1)
    monkeypatch.setattr("autograder.serve.invitations.now", lambda: tomorrow)
    assert works(course, rows[0]["link"]) is None


def test_revoke(course, roster, capsys):
    _, rows, _ = invite(capsys, "class.csv")
    assert main(["invite", "--revoke", "ada"]) == 0
    assert "The link of ada no longer works." in capsys.readouterr().out
    assert [works(course, row["link"]) for row in rows] == [None, "kim", "\u5c0f\u660e"]
    assert main(["invite", "--revoke", "ada"]) == 1
    assert "ada has no link" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        ([], ROSTER, "Name a roster, such as `autograder invite class.csv`, or a learner with --revoke."),
        (["class.csv", "--revoke", "ada"], ROSTER, "Name a roster"),
        (["nothing.csv"], ROSTER, "The roster nothing.csv cannot be read: No such file or directory."),
        (["class.csv"], "id\n../x\n", "The roster class.csv has the id '../x', which cannot be a folder's name"),
        (["class.csv"], "id\n" + 101 * "x", f"The id {20 * 'x'}… is longer than 100 bytes: use a shorter one."),
        (["class.csv"], "id,name\n,Ada\n", "The roster class.csv has no ids in the column 'id'."),
        (
            ["class.csv", "--to", "class.csv"],
            ROSTER,
            "class.csv exists: name another file, so that the links in it are",
        ),
        (["class.csv", "--to", "no/links.csv"], ROSTER, "There is no folder no: make it, or name another file."),
    ],
)
def test_invite_says_in_one_line_what_is_wrong(course, roster, capsys, arguments, text, said):
    roster.write_text(text, encoding="utf-8")
    code, rows, err = invite(capsys, *arguments)
    assert (code, rows) == (1, [])
    assert err.startswith(f"autograder: {said}")
    assert err.count("\n") == 1


def test_a_bad_id_invites_nobody(course, roster, capsys):
    roster.write_text(f"id\nada\n{101 * 'x'}\n")
    invite(capsys, "class.csv")
    database = tables.Database(f"sqlite:///{course.root / 'gradebook.db'}")
    with database.reading() as connection:
        assert connection.execute(select(tables.invitations)).all() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["invite", "class.csv", "--expires", "tomorrow"], "'tomorrow' is not a date; write it as 2027-03-01"),
        (["invite", "class.csv", "--url", "hand-in.example.org"], "write one without a path, such as https://"),
        (["serve", "--url", "https://example.org/hand-in"], "write one without a path, such as https://"),
        (["serve", "--port", "70000"], "'70000' is not a port; write a whole number from 1 to 65535"),
        (["serve", "--proxy", "localhost"], "'localhost' is not an IP address; write one such as 127.0.0.1"),
    ],
)
def test_options_that_cannot_be(roster, capsys, arguments, said):
    with pytest.raises(SystemExit):
        main(arguments)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8040"),
        ("::1", "http://[::1]:8040"),
        ("0.0.0.0", f"http://{socket.gethostname()}:8040"),
    ],
)
def test_the_address_of_the_page_where_none_is_named(host, address):
    assert page_address(host, 8040) == address


def test_a_port_in_use_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CourseError, match=rf"Port {port} of 127.0.0.1 cannot be used: .* Name another with --port"):
            listen(Settings(port=port))


def test_answers_are_sent_at_once():
    """The second part of an answer does not wait until the first one has been acknowledged."""
    with (
        listen(Settings(port=0)) as place,
        socket.create_connection(place.getsockname()),
        place.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_machine_that_cannot_run_notebooks_is_one_line(course, monkeypatch, capsys):
    """Before anybody hands in; the teacher's earlier link is not replaced."""

    def cannot(*given, **more):
        raise CourseError("bubblewrap is not installed")

    monkeypatch.setattr("autograder.serve.start.warm_up", lambda isolation, gpu: None)
    monkeypatch.setattr("autograder.serve.start.execute", cannot)
    monkeypatch.chdir(course.root)
    link = teacher_link(course_config(course.root), Settings())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert main(["serve", "--port", str(port)]) == 1
    assert capsys.readouterr().err == "autograder: bubblewrap is not installed\n"
    assert works(course, link) == ""


def test_the_options_are_the_settings(course, monkeypatch, capsys):
    """And the command prints a link that works."""
    started = []
    monkeypatch.setattr("autograder.serve.start.check_machine", lambda config: None)
    monkeypatch.setattr("autograder.serve.start.run_server", lambda *given: started.append(given[2]))
    monkeypatch.chdir(course.root)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"--port {port} --url https://x.org/ --workers 3 --attempts 4 --best --largest 5 --queue 6"
    assert main(["serve", *options.split(), "--proxy", "10.0.0.1", "--zone", "Asia/Seoul"]) == 0
    assert started == [
        Settings(
            port=port,
            url="https://x.org",
            workers=3,
            attempts_an_hour=4,
            which="best",
            largest_upload=5_000_000,
            longest_queue=6,
            proxy="10.0.0.1",
            zone=ZoneInfo("Asia/Seoul"),
        )
    ]
    link = re.search(r"Your own link: (https://x.org/in/\S+)", capsys.readouterr().out)[1]
    assert works(course, link) == ""


def test_one_server_for_a_course(course):
    said = f"`autograder serve` is running for {course.root}: stop it first"
    with only_one(course), pytest.raises(CourseError, match=re.escape(said)), only_one(course):
        pass
    with only_one(course):
        pass


def test_a_folder_that_cannot_be_written_to_is_one_line(course):
    (course.root / ".serve.lock").mkdir()
    with pytest.raises(CourseError, match=r"\.serve\.lock cannot be written: Is a directory"), only_one(course):
        pass


def test_an_error_while_serving_is_not_the_locks(course):
    with pytest.raises(PermissionError), only_one(course):
        raise PermissionError


def test_the_teachers_link(course):
    settings = Settings(url="https://hand-in.example.org")
    link = teacher_link(course_config(course.root), settings)
    assert link.startswith("https://hand-in.example.org/in/")
    assert works(course, link) == ""


# Opening and closing


def opening_of(site) -> tuple[Opening, dt.datetime | None]:
    with site.service.database.reading() as connection:
        due = connection.execute(select(Assignment.duedate).where(Assignment.name == NAME)).scalar()
        return read_opening(connection, NAME), due


def test_dates_are_those_of_the_zone(course, engine):
    with Site(course, zone=ZoneInfo("Asia/Seoul")) as site:
        teacher = site.teacher()
        address = f"/teacher/{NAME}"
        page = teacher.fill(address, due="2031-03-01T09:00", opens="", closes="2031-03-02T09:00").text
        assert opening_of(site) == (Opening(closes=dt.datetime(2031, 3, 2)), dt.datetime(2031, 3, 1))
        assert 'name="due" type="datetime-local" value="2031-03-01T09:00"' in page
        assert "due 2031-03-01 09:00 KST" in site.learner("ada").get(f"/a/{NAME}").text


def test_open_and_close_now(site):
    teacher, ada = site.teacher(), site.learner("ada")
    address, at_once = f"/teacher/{NAME}", f"/teacher/{NAME}/now"
    assert "now closed" in teacher.fill(at_once, address, do="close").text
    assert "This assignment is closed" in ada.get(f"/a/{NAME}").text
    assert "now open" in teacher.fill(at_once, address, do="open").text
    assert "Your notebook" in ada.get(f"/a/{NAME}").text
    assert "now hidden" in teacher.fill(address, hidden="on", closes="2999-01-01T00:00").text
    assert ada.get(f"/a/{NAME}").status_code == 404
    assert "now open" in teacher.fill(at_once, address, do="open").text
    assert opening_of(site)[0].closes is not None, "it is still to close on its day"


def test_closing_now_on_an_old_page_leaves_the_due_date(site):
    """It was changed in another tab, or by nbgrader, since the page was loaded."""
    teacher, address = site.teacher(), f"/teacher/{NAME}"
    csrf, due = teacher.csrf(address), dt.datetime(2031, 3, 1)
    with site.service.database.writing() as connection:
        tables.set_due_date(connection, NAME, due)
    answer = teacher.post(f"{address}/now", data={"csrf": csrf, "due": "", "do": "close"}, files={"none": b""})
    assert "now closed" in answer.text
    assert opening_of(site)[1] == due


def test_saving_keeps_the_seconds_of_a_due_date(site, course, engine):
    """nbgrader's often end with 23:59:59; without them, what was on time would be late."""
    due = now().replace(hour=23, minute=59, second=59, microsecond=0) + dt.timedelta(days=1)
    with site.service.database.writing() as connection:
        tables.set_due_date(connection, NAME, due)
    teacher, address = site.teacher(), f"/teacher/{NAME}"
    entered = re.search(r'name="due" type="datetime-local" value="([^"]+)"', teacher.get(address).text)[1]
    assert "now hidden" in teacher.fill(address, due=entered, hidden="on").text
    assert opening_of(site)[1] == due


@pytest.mark.parametrize("due", ["soon", "0027-03-01T00:00", "9999-12-31T23:59"])
def test_a_date_that_is_none_changes_nothing(site, due):
    page = site.teacher().fill(f"/teacher/{NAME}", due=due, hidden="on")
    assert page.status_code == 422
    assert "that is not a date and time" in page.text
    assert opening_of(site) == (Opening(), None)


def settled(site) -> dict[str, list[bool]]:
    """When nothing is waiting: for each learner which attempt counts, the oldest first."""
    end = time.monotonic() + PATIENCE
    while any(attempt.waiting for attempt in site.attempts()) and time.monotonic() < end:
        time.sleep(0.02)
    counts: dict[str, list[bool]] = {}
    for attempt in reversed(site.attempts()):
        counts.setdefault(attempt.student, []).append(attempt.counts)
    return counts


def test_a_new_due_date_changes_which_attempts_count(site, course, engine, monkeypatch):
    """And nobody else's work is graded again."""
    teacher, address = site.teacher(), f"/teacher/{NAME}"
    hour = dt.timedelta(hours=1)
    start = now().replace(microsecond=0)
    moment = [start]
    monkeypatch.setattr("autograder.serve.upload.now", lambda: moment[0])
    ada, kim = site.learner("ada"), site.learner("kim")
    site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG)))
    site.graded(kim.hand_in(notebook(course, "kim")))
    moment[0] = start + 3 * hour
    site.graded(ada.hand_in(notebook(course, "ada")))
    assert settled(site) == {"ada": [False, True], "kim": [True]}
    engine.ran.clear()
    teacher.fill(address, due=field(start + hour, None))
    assert settled(site) == {"ada": [True, False], "kim": [True]}
    assert (recorded(course), engine.ran) == ({"ada": 2, "kim": 5}, ["ada"])
    teacher.fill(address, due=field(start + 4 * hour, None))
    assert settled(site) == {"ada": [False, True], "kim": [True]}
    assert (recorded(course), engine.ran) == ({"ada": 5, "kim": 5}, ["ada", "ada"])
    teacher.fill(address, due=field(start + 4 * hour, None), hidden="on")
    assert settled(site) == {"ada": [False, True], "kim": [True]}
    assert len(engine.ran) == 2, "the due date is the same"


def test_a_due_date_that_nbgrader_has_changed_counts_from_the_next_regrade(site, course):
    """Or an extension: whichever of the attempts is graded again."""
    teacher, ada = site.teacher(), site.learner("ada")
    first = site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG)))
    with site.service.database.writing() as connection:
        tables.set_due_date(connection, NAME, now())
    site.graded(ada.hand_in(notebook(course, "ada")))
    assert settled(site) == {"ada": [True, False]}
    with site.service.database.writing() as connection:
        tables.set_due_date(connection, NAME, None)
    teacher.fill(f"/attempts/{first.id}/again", f"/teacher/{NAME}")
    site.graded(teacher.get(f"/attempts/{first.id}"))
    site.service.queue.call(lambda: None).result(PATIENCE)
    assert settled(site) == {"ada": [False, True]}
    assert recorded(course) == {"ada": 5}


# The class


def test_who_has_handed_in_what(site, course):
    for student, answers in (("ada", {}), ("kim", {"negate": WRONG})):
        site.graded(site.learner(student).hand_in(notebook(course, student, **answers)))
    site.link("zoe")
    site.link(EVIL)
    teacher = site.teacher()
    overview = teacher.get("/").text
    assert f'<a href="/teacher/{NAME}">{NAME}</a>' in overview
    assert '<td class="number">2</td><td class="number">2</td>' in overview
    page = teacher.get(f"/teacher/{NAME}").text
    assert "5 of 5" in page
    assert "2 of 5" in page
    assert "Invited, but nothing handed in (2): &lt;b&gt;, zoe." in page
    [ada] = site.attempts("ada")
    assert teacher.get(f"/attempts/{ada.id}/notebook").content == notebook(course, "ada")


def test_marks_for_a_spreadsheet(site, course):
    teacher = site.teacher()
    assert teacher.get("/teacher/marks.csv").status_code == 404
    for student, answers in (("=ada", {}), ("kim", {"negate": WRONG})):
        site.graded(site.learner(student).hand_in(notebook(course, student, **answers)))
    text = teacher.get("/teacher/marks.csv").content.decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [
        ["id", "first name", "last name", f"{NAME} (5)"],
        ["'=ada", "", "", "5"],
        ["kim", "", "", "2"],
    ]


def test_the_report_is_that_of_autograder_report(site, course):
    teacher = site.teacher()
    assert teacher.get(f"/teacher/{NAME}/report").status_code == 404
    site.graded(site.learner("kim").hand_in(notebook(course, "kim", negate=WRONG)))
    page = teacher.get(f"/teacher/{NAME}/report")
    assert page.content == (course.reports / NAME / f"{NAME}.html").read_bytes()
    assert "The sign is the old one." in page.text


def test_marks_that_a_teacher_has_changed_are_shown_when_it_is_graded_again(site, course):
    """With nbgrader's formgrader."""
    attempt = site.graded(site.learner("kim").hand_in(notebook(course, "kim", negate=WRONG)))

    def mark():
        with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
            submission = gradebook.find_submission_notebook(NAME, NAME, "kim")
            [grade] = [one for one in submission.grades if one.max_score == 3]
            grade.manual_score = 2.5
            gradebook.db.commit()

    site.service.queue.call(mark).result(PATIENCE)
    teacher = site.teacher()
    teacher.fill(f"/attempts/{attempt.id}/again", f"/teacher/{NAME}")
    assert site.graded(teacher.get(f"/attempts/{attempt.id}")).score == 4.5
    assert "4.5 <small>of 5 points" in teacher.get(f"/attempts/{attempt.id}/feedback").text


def test_a_damaged_solution_closes_only_its_own_pages(site, course):
    ada, teacher = site.learner("ada"), site.teacher()
    course.solution(NAME).write_text('{"cells": [')
    assert "No assignment is open yet" in ada.get("/").text
    assert (ada.get(f"/a/{NAME}").status_code, teacher.get("/teacher").status_code) == (404, 200)


def test_regrade(site, course, engine):
    attempt = site.graded(site.learner("kim").hand_in(notebook(course, "kim", negate=WRONG)))
    teacher = site.teacher()
    page = teacher.get(f"/attempts/{attempt.id}/feedback").text
    teacher.fill(f"/attempts/{attempt.id}/again", f"/teacher/{NAME}")
    again = site.graded(teacher.get(f"/attempts/{attempt.id}"))
    assert (again.score, again.counts, engine.ran) == (2, True, ["kim", "kim"])
    assert teacher.get(f"/attempts/{attempt.id}/feedback").text == page
    assert recorded(course) == {"kim": 2}


def test_what_could_not_be_graded_is_graded_again_at_once(site, course, engine):
    """When the machine was at fault: nothing that was graded is graded again."""

    def broken(student):
        if student != "zoe":
            raise CourseError("bubblewrap is not installed")

    engine.before = broken
    answers = [site.learner(student).hand_in(notebook(course, student)) for student in ("ada", "kim", "zoe")]
    assert [site.graded(answer).state for answer in answers] == ["failed", "failed", "done"]
    teacher = site.teacher()
    assert "2 attempts could not be graded." in teacher.get(f"/teacher/{NAME}").text
    engine.before = lambda student: None
    engine.ran.clear()
    teacher.fill(f"/teacher/{NAME}/again", f"/teacher/{NAME}")
    assert settled(site) == {"ada": [True], "kim": [True], "zoe": [True]}
    assert sorted(engine.ran) == ["ada", "kim"]
    assert "could not be graded" not in teacher.get(f"/teacher/{NAME}").text


def test_a_solution_that_has_changed_is_registered_before_the_next_is_graded(site, course):
    attempt = site.graded(site.learner("kim").hand_in(notebook(course, "kim")))
    assert attempt.most == 5
    solution = course.solution(NAME)
    solution.write_text(solution.read_text().replace('"points": 3', '"points": 4'))
    attempt = site.graded(site.learner("ada").hand_in(notebook(course, "ada")))
    assert (attempt.score, attempt.most) == (6, 6)
