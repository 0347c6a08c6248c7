"""Handing in: stored, queued, graded as `autograder grade` does it, and put where nbgrader finds it."""

import datetime as dt
import hashlib
import io
import threading
from queue import SimpleQueue

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from served import course, engine, site, template
from serving import PATIENCE, Site, held, notebook
from sqlalchemy.exc import OperationalError
from test_build import NAME
from test_parallel import WRONG, autograded, recorded

from autograder.execute import Stopped
from autograder.grading.grade import grade_class
from autograder.grading.nbgrader_apps import course_config
from autograder.grading.record import read_standings
from autograder.serve import attempts as stored
from autograder.serve import marking
from autograder.serve.attempts import Attempt, counting
from autograder.serve.tables import set_due_date
from autograder.serve.times import now

DAY = dt.timedelta(days=1)


def submitted(course, student):
    return course.root / "submitted" / student / NAME


def test_from_the_link_to_the_feedback_and_better_marks(site, course):
    ada = site.learner("ada")
    assert "Not handed in" in ada.get("/").text
    first = site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG)))
    page = ada.get(f"/attempts/{first.id}").text
    assert "<h1>2 <small>of 5 points</small></h1>" in page
    assert "The sign is the old one." in page
    feedback = ada.get(f"/attempts/{first.id}/feedback")
    assert "Feedback on <b>99_fixture</b> for <b>ada</b>" in feedback.text
    assert "2 <small>of 5 points" in feedback.text
    second = site.graded(ada.hand_in(notebook(course, "ada")))
    assert "<h1>5 <small>of 5 points</small></h1>" in ada.get(f"/attempts/{second.id}").text
    assert "<b>5 of 5" in ada.get("/").text
    assert "5 <small>of 5 points" in ada.get(f"/attempts/{second.id}/feedback").text
    assert "2 <small>of 5 points" in ada.get(f"/attempts/{first.id}/feedback").text, "the page on the first is kept"
    assert recorded(course) == {"ada": 5}


class Busy(SimpleQueue):
    """The events of a writer that always has something else to do."""

    def empty(self) -> bool:
        return False


def test_a_page_is_written_before_its_attempt_is_replaced(course, engine):
    site = Site(course)
    site.service.queue._events = Busy()
    with site:
        ada = site.learner("ada")
        first = site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG)))
        assert not first.page(course.root).exists(), "it waits until there is time"
        site.graded(ada.hand_in(notebook(course, "ada")))
        assert "2 <small>of 5 points" in ada.get(f"/attempts/{first.id}/feedback").text


def test_a_submission_is_where_collect_leaves_it(site, course):
    data = notebook(course, "ada")
    attempt = site.graded(site.learner("ada").hand_in(data, name="../../evil.ipynb"))
    assert sorted(path.name for path in submitted(course, "ada").iterdir()) == [f"{NAME}.ipynb", "timestamp.txt"]
    assert (submitted(course, "ada") / f"{NAME}.ipynb").read_bytes() == data
    text = (submitted(course, "ada") / "timestamp.txt").read_text()
    assert text == f"{attempt.received:%Y-%m-%d %H:%M:%S.%f} UTC\n"
    assert not list(course.root.rglob("*evil*"))
    assert (attempt.size, attempt.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_autograder_grade_finds_nothing_to_do_afterwards(course, engine):
    with Site(course) as site:
        for student in ("ada", "kim"):
            site.graded(site.learner(student).hand_in(notebook(course, student, negate=WRONG)))
    rows = grade_class(course, course_config(course.root), NAME)
    assert sorted(engine.ran) == ["ada", "kim"], "the marks rest on the same as before"
    assert {row.student: row.score for row in rows} == {"ada": 2, "kim": 2}


def test_marks_are_those_of_autograder_grade(course, engine):
    with Site(course) as site:
        attempt = site.graded(site.learner("ada").hand_in(notebook(course, "ada", negate=WRONG)))
    [row] = grade_class(course, course_config(course.root), NAME, again=True)
    assert (attempt.score, attempt.most) == (row.score, 5)
    assert [(one["title"], one["score"], one["message"]) for one in attempt.results] == [
        (result.title, result.score, result.message) for result in row.results
    ]


def test_as_colab_saves_it(site, course):
    """Without cell ids, with Colab's own metadata and the state of widgets."""
    saved = nbformat.reads(notebook(course, "ada").decode(), as_version=4)
    saved.nbformat_minor = 0
    saved.metadata = {
        "colab": {"provenance": [], "toc_visible": True},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"1f": {"model_name": "LayoutModel", "state": {}}}},
        "autograder": saved.metadata["autograder"],
    }
    for number, cell in enumerate(saved.cells):
        cell.pop("id")
        cell.metadata = {"id": f"c{number}", "colab": {"base_uri": "https://localhost"}} | cell.metadata
    data = nbformat.writes(saved, version=nbformat.NO_CONVERT).encode()
    assert b'"id": "c0"' in data
    assert site.graded(site.learner("ada").hand_in(data)).score == 5


def test_all_attempts_are_kept_and_what_came_otherwise_is_kept_where_collect_keeps_it(site, course):
    submitted(course, "ada").mkdir(parents=True)
    (submitted(course, "ada") / f"{NAME}.ipynb").write_bytes(b"from the LMS")
    ada = site.learner("ada")
    files = [notebook(course, "ada", negate=f"{WRONG} {number}") for number in range(3)]
    for file in files:
        site.graded(ada.hand_in(file))
    kept = [path.read_bytes() for path in (course.root / "attempts/ada" / NAME).glob("*/*.ipynb")]
    assert sorted(kept) == sorted(files)
    [other] = (course.root / "downloaded" / NAME / "attempts/ada").iterdir()
    assert other.read_bytes() == b"from the LMS"
    assert (course.root / "attempts").stat().st_mode & 0o077 == 0, "nobody else on the machine may read them"


def test_two_tabs_and_two_clicks(site, course, engine):
    """The same file twice is one attempt; two files are two, and never run at the same time."""
    ada = site.learner("ada")
    running, together = [], []

    def before(student):
        running.append(student)
        together.append(len(running))
        engine.stopped.wait(0.1)
        running.remove(student)

    engine.before = before
    same, other = notebook(course, "ada"), notebook(course, "ada", negate=WRONG)
    answers = [ada.hand_in(same), ada.hand_in(same), ada.hand_in(other)]
    graded = [site.graded(answer) for answer in answers]
    assert graded[0].id == graded[1].id != graded[2].id
    assert together == [1, 1]
    assert recorded(course) == {"ada": 2}


REFUSED = {
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), "it is a picture, not a notebook"),
    "a zip file": (b"PK\x03\x04" + bytes(500), "it is a zip file: unpack it"),
    "empty": (b"", "the file is empty"),
    "not JSON": (b"print('hello')", "the file is not JSON"),
    "JSON": (b"[1, 2]", "not a notebook of format 4"),
    "another notebook": (
        nbformat.writes(
            new_notebook(cells=[new_code_cell("1 + 1")], metadata={"autograder": {"notebook": "04_<b>linear</b>"}})
        ).encode(),
        "it is the notebook 04_&lt;b&gt;linear&lt;/b&gt;, not 99_fixture",
    ),
}


def test_what_is_not_this_notebook_is_refused_in_one_line(site):
    ada = site.learner("ada")
    for kind, (data, why) in REFUSED.items():
        answer = ada.hand_in(data)
        assert (answer.status_code, why in answer.text) == (422, True), kind
    assert ada.fill(f"/a/{NAME}").status_code == 422, "no file"
    assert site.attempts() == []
    assert not (site.course.root / "attempts").exists()


def test_attempts_an_hour(course, engine, monkeypatch):
    with Site(course, attempts_an_hour=2) as site:
        ada, kim = site.learner("ada"), site.learner("kim")
        files = [notebook(course, "ada", negate=f"{WRONG} {number}") for number in range(3)]
        assert [ada.hand_in(file).status_code for file in files] == [200, 200, 429]
        page = ada.hand_in(files[2]).text
        assert "you have handed it in 2 times within an hour" in page
        assert "<button disabled>Hand in</button>" in page
        assert kim.hand_in(notebook(course, "kim")).status_code == 200, "it is each learner's own number"
        assert len(list((course.root / "attempts/ada" / NAME).glob("*/*.ipynb"))) == 2
        later = now() + dt.timedelta(minutes=61)
        monkeypatch.setattr("autograder.serve.upload.now", lambda: later)
        assert ada.hand_in(files[2]).status_code == 200


# Which attempt counts


def made(minute: int, score: float = 0) -> Attempt:
    received = dt.datetime(2026, 11, 1, 12, minute)
    return Attempt(f"{minute}", "ada", NAME, received, 1, "", "", state="done", score=score, most=5)


NOON = dt.datetime(2026, 11, 1, 12, 30)


@pytest.mark.parametrize(
    ("which", "due", "minutes", "expected"),
    [
        ("last", None, {10: 5, 20: 1}, 20),
        ("last", NOON, {10: 5, 20: 1, 40: 5}, 20),
        ("last", NOON, {40: 5, 50: 1}, 50),
        ("best", None, {10: 5, 20: 1}, 10),
        ("best", None, {10: 3, 20: 3}, 20),
        ("best", NOON, {10: 2, 40: 5}, 10),
        ("best", NOON, {40: 5, 50: 1}, 40),
    ],
)
def test_which_attempt_counts(which, due, minutes, expected):
    chosen = counting([made(minute, score) for minute, score in minutes.items()], due, which)
    assert chosen.received.minute == expected


def test_a_worse_attempt_changes_nothing_if_the_best_counts(course, engine):
    with Site(course, which="best") as site:
        ada = site.learner("ada")
        good = notebook(course, "ada")
        site.graded(ada.hand_in(good))
        bad = site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG)))
        assert (bad.score, bad.counts) == (2, False)
        assert "This attempt does not count" in ada.get(f"/attempts/{bad.id}").text
        assert recorded(course) == {"ada": 5}
        assert (submitted(course, "ada") / f"{NAME}.ipynb").read_bytes() == good
        assert [attempt.counts for attempt in site.attempts("ada")] == [False, True]


def test_when_the_best_attempt_has_become_worse_another_one_counts(course, engine):
    """Its marks were made again after a change of the course."""
    with Site(course, which="best") as site:
        ada, teacher = site.learner("ada"), site.teacher()
        first = site.graded(ada.hand_in(notebook(course, "ada", twice="def twice(x):  # wrong\n    return x")))
        second = site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG)))
        assert (first.score, first.counts, second.score, second.counts) == (3, True, 2, False)
        solution = course.solution(NAME)
        solution.write_text(solution.read_text().replace('"points": 3', '"points": 1'))
        teacher.fill(f"/attempts/{first.id}/again", f"/teacher/{NAME}")
        assert site.graded(teacher.get(f"/attempts/{first.id}")).score == 1
        site.service.queue.call(lambda: None).result(PATIENCE)
        assert site.graded(teacher.get(f"/attempts/{second.id}")).counts
        assert [attempt.counts for attempt in site.attempts("ada")] == [True, False]
        assert recorded(course) == {"ada": 2}


def test_late_work_counts_only_if_nothing_was_on_time(site, course):
    ada, kim = site.learner("ada"), site.learner("kim")
    site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG)))
    with site.service.database.writing() as connection:
        set_due_date(connection, NAME, now())
    assert not site.graded(ada.hand_in(notebook(course, "ada"))).counts
    assert site.graded(kim.hand_in(notebook(course, "kim"))).counts
    assert "so this counts as late" in kim.get(f"/a/{NAME}").text
    assert recorded(course) == {"ada": 2, "kim": 5}
    standings = site.service.queue.call(lambda: dict(read_standings(site.config, NAME))).result()
    assert standings["kim"].due is not None


def test_late_penalties_are_nbgraders(course, engine):
    (course.root / "late.py").write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\n\n\nclass OnePoint(LateSubmissionPlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n        return 1\n"
    )
    config = course.root / "nbgrader_config.py"
    config.write_text(
        config.read_text()
        + "\nsys.path.insert(0, str(course))\nimport late\nc.AssignLatePenalties.plugin_class = late.OnePoint\n"
    )
    with Site(course) as site:
        with site.service.database.writing() as connection:
            set_due_date(connection, NAME, now() - DAY)
        ada = site.learner("ada")
        attempt = site.graded(ada.hand_in(notebook(course, "ada")))
        assert (attempt.score, attempt.penalty, attempt.final) == (5, 1, 4)
        assert "Points taken off because it was late: 1." in ada.get(f"/attempts/{attempt.id}").text


# The queue


def test_places_in_the_queue_and_a_full_one(course, engine):
    with Site(course, workers=1, longest_queue=2) as site, held(engine):
        browsers = {student: site.learner(student) for student in ("ada", "bob", "kim", "zoe")}
        pages = {}
        for student in ("ada", "bob", "kim"):
            pages[student] = browsers[student].hand_in(notebook(course, student))
            if student == "ada":
                running = threading.Event()
                site.service.queue.call(running.set)
                assert running.wait(PATIENCE)
        assert "Your notebook is being graded." in browsers["ada"].get(pages["ada"].url.path).text
        assert "Your notebook is next." in pages["bob"].text
        assert "Waiting: 1 notebook before yours." in pages["kim"].text
        status = browsers["kim"].get(f"{pages['kim'].url.path}/status").json()
        assert status == {"waiting": True, "text": "Waiting: 1 notebook before yours."}
        full = browsers["zoe"].hand_in(notebook(course, "zoe"))
        assert full.status_code == 503
        assert "2 notebooks are waiting to be graded: try again in a few minutes" in full.text
        assert site.attempts("zoe") == []


def test_a_restart_loses_nothing(course, engine):
    def never_ends(student):
        engine.stopped.wait(PATIENCE)
        raise Stopped

    engine.before = never_ends
    with Site(course, workers=1) as site:
        for student in ("ada", "bob", "kim"):
            site.learner(student).hand_in(notebook(course, student))
        site.service.queue.call(lambda: None).result()
    states = {attempt.student: attempt.state for attempt in site.attempts()}
    assert states == {"ada": "running", "bob": "queued", "kim": "queued"}
    engine.before, engine.ran = lambda student: None, []
    with Site(course) as again:
        graded = {
            one.student: again.graded(again.learner(one.student).get(f"/attempts/{one.id}")) for one in site.attempts()
        }
    assert {student: one.score for student, one in graded.items()} == {"ada": 5, "bob": 5, "kim": 5}
    assert recorded(course) == {"ada": 5, "bob": 5, "kim": 5}


def test_a_broken_one_costs_its_owner_one_answer(site, course, engine, monkeypatch):
    def before(student):
        if student == "ada":
            raise RuntimeError("/secret/path broke")

    engine.before = before
    ada, kim = site.learner("ada"), site.learner("kim")
    broken, fine = ada.hand_in(notebook(course, "ada")), kim.hand_in(notebook(course, "kim"))
    assert site.graded(fine).score == 5
    attempt = site.graded(broken)
    assert attempt.state == "failed"
    page = ada.get(f"/attempts/{attempt.id}").text
    assert "it could not be graded" in page
    assert "/secret" not in page
    teacher = site.teacher()
    assert "RuntimeError: /secret/path broke" in teacher.get(f"/teacher/{NAME}").text
    assert (submitted(course, "ada") / f"{NAME}.ipynb").exists(), "autograder grade can try it"
    engine.before = lambda student: None
    teacher.fill(f"/attempts/{attempt.id}/again", f"/teacher/{NAME}")
    assert site.graded(teacher.get(f"/attempts/{attempt.id}")).score == 5
    assert recorded(course) == {"ada": 5, "kim": 5}


def test_the_writer_goes_on_after_an_error(site, course, monkeypatch):
    monkeypatch.setattr("autograder.serve.queue.set_result", lambda *given: 1 / 0)
    site.learner("ada").hand_in(notebook(course, "ada"))
    site.service.queue.call(lambda: None).result(PATIENCE)
    with pytest.raises(ZeroDivisionError):
        site.service.queue.call(lambda: 1 / 0).result(PATIENCE)
    assert site.service.queue.call(lambda: "on").result(PATIENCE) == "on"


def test_a_page_that_cannot_be_written_costs_no_marks(course, engine, monkeypatch):
    """Nor does it keep the learner's next notebook from running."""

    def full(self, attempt):
        raise OSError(28, "No space left on device")

    site = Site(course)
    site.service.queue._events = Busy()
    with site:
        ada = site.learner("ada")
        site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG)))
        monkeypatch.setattr(marking.Marker, "write_page", full)
        assert site.graded(ada.hand_in(notebook(course, "ada"))).score == 5


@pytest.mark.parametrize("when", ["before the run", "after it"])
def test_a_gradebook_that_is_locked_for_a_while(site, course, engine, monkeypatch, when):
    real, refused = site.service.database.writing, []

    def writing():
        running = engine.ran == ["ada"]
        if threading.current_thread().name == "writer" and running == (when == "after it") and len(refused) < 3:
            refused.append(when)
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        return real()

    monkeypatch.setattr("autograder.serve.queue.PAUSE", 0.01)
    monkeypatch.setattr(site.service.database, "writing", writing)
    assert site.graded(site.learner("ada").hand_in(notebook(course, "ada"))).score == 5
    assert (engine.ran, len(refused)) == (["ada"], 3)


def test_built_again_while_it_runs(course, engine):
    """It is run again, so that the marks are those of `autograder grade` now."""
    solution = course.solution(NAME)

    def build(student):
        engine.before = lambda student: None
        solution.write_text(solution.read_text().replace('"points": 3', '"points": 4'))

    engine.before = build
    with Site(course) as site:
        attempt = site.graded(site.learner("kim").hand_in(notebook(course, "kim")))
    assert (attempt.score, attempt.most, engine.ran) == (6, 6, ["kim", "kim"])
    [row] = grade_class(course, course_config(course.root), NAME)
    assert (row.score, engine.ran) == (6, ["kim", "kim"])


def test_an_attempt_that_fails_again_does_not_take_the_place_of_a_later_one(site, course, engine):
    """It was queued when it still counted."""
    ada, teacher = site.learner("ada"), site.teacher()
    first = site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG)))
    with held(engine) as go_on:
        second = ada.hand_in(notebook(course, "ada"))
        teacher.fill(f"/attempts/{first.id}/again", f"/teacher/{NAME}")
        real = site.service.queue._marker.work

        def broken(attempt):
            if attempt.id == first.id:
                raise RuntimeError
            return real(attempt)

        site.service.queue._marker.work = broken
        go_on.set()
        assert site.graded(second).counts
        assert site.graded(teacher.get(f"/attempts/{first.id}")).state == "failed"
    assert [attempt.counts for attempt in site.attempts("ada")] == [True, False]


def test_whoever_waits_for_the_writer_is_told_when_the_server_ends(course, engine):
    with Site(course) as site:
        queue, go_on = site.service.queue, threading.Event()
        queue.call(lambda: go_on.wait(PATIENCE))
        asked = queue.call(lambda: None)
        threading.Timer(0.2, go_on.set).start()
    assert asked.cancelled()
    assert queue.call(lambda: None).cancelled()


def test_what_others_kept_from_running_is_run_again_alone(course, engine, monkeypatch):
    real, running, alone = marking.prepare, set(), []

    def prepare(submission, **more):
        running.add(submission.student)
        prepared = real(submission, **more)
        seen = engine.ran.count(submission.student)
        prepared.run.report.crowded = submission.student == "ada"
        if seen > 1:
            alone.append(set(running))
        running.discard(submission.student)
        return prepared

    monkeypatch.setattr(marking, "prepare", lambda submission, known, step: prepare(submission, known=known, step=step))
    with Site(course) as site:
        answers = [site.learner(student).hand_in(notebook(course, student)) for student in ("ada", "bob", "kim")]
        assert [site.graded(answer).score for answer in answers] == [5, 5, 5]
    assert sorted(engine.ran) == ["ada", "ada", "bob", "kim"]
    assert alone == [{"ada"}]


def test_stored_before_it_is_entered(site, course, monkeypatch):
    """A crash between the two leaves a file, never an attempt without its file."""

    def crash(connection, attempt):
        assert attempt.file(course.root).read_bytes() == data
        raise RuntimeError("the power went off")

    data = notebook(course, "ada")
    monkeypatch.setattr(stored, "_enter", crash)
    assert site.learner("ada").hand_in(data).status_code == 500
    assert site.attempts() == []
    assert not autograded(course, "ada").exists()


def test_a_full_disk_is_one_line(site, course, monkeypatch):
    real = stored._write_durably

    def full(path, data):
        if path.suffix == ".ipynb":
            raise OSError(28, "No space left on device", str(path))
        real(path, data)

    monkeypatch.setattr(stored, "_write_durably", full)
    answer = site.learner("ada").hand_in(notebook(course, "ada"))
    assert answer.status_code == 500
    assert "the server could not store it: tell your teacher" in answer.text
    assert str(course.root) not in answer.text
    assert not [path for path in (course.root / "attempts").rglob("*") if path.is_file()], "nothing fills it further"


def test_a_full_disk_for_uploads_is_one_line(site, course, monkeypatch):
    class Full(io.BytesIO):
        _rolled, _max_size = True, 0

        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", lambda max_size: Full())
    answer = site.learner("ada").hand_in(notebook(course, "ada"))
    assert answer.status_code == 500
    assert "the server could not store it: tell your teacher" in answer.text


def test_a_locked_gradebook_is_one_line_and_keeps_nothing_half_done(site, course, monkeypatch, caplog):
    def locked(connection, attempt):
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    ada = site.learner("ada")
    monkeypatch.setattr(stored, "_enter", locked)
    answer = ada.hand_in(notebook(course, "ada"))
    assert answer.status_code == 503
    assert "The gradebook cannot be used now, so nothing was changed: try again" in answer.text
    assert not [path for path in (course.root / "attempts").rglob("*") if path.is_file()]
    assert "the gradebook cannot be used: another program is writing to it" in caplog.text
    assert "Traceback" not in caplog.text
