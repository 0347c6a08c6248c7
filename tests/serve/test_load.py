"""The load test: its learners understand the pages, and it notices whatever is lost or marked otherwise."""

import asyncio
import re
import sys
from collections.abc import Iterator
from itertools import islice

import pytest
from conftest import ROOT
from listening import listening
from served import course, engine, template
from serving import PATIENCE, Site, held, notebook
from test_build import NAME
from test_parallel import WRONG

from autograder.serve.queue import GradingQueue

sys.path.append(str(ROOT / "benchmark"))
from crowd import Visit, hand_in_all, moments, pauses
from findings import Taken, different, figures, lost, percentile, verdict
from ways import read_marks

TAKEN = Taken(started=9, idle=2**29, highest=2**30, after=2**29, cpu=3, crowd=1)


@pytest.fixture
def site(course, engine) -> Iterator[Site]:
    with listening(course, workers=1, proxy="127.0.0.1", posts_a_minute_and_address=3) as site:
        yield site


def crowd(site, files: dict[str, bytes], patience: float = PATIENCE) -> list[Visit]:
    links = {student: f"http://127.0.0.1:{site.settings.port}{site.link(student)}" for student in files}
    return asyncio.run(hand_in_all(links, files, NAME, 0, patience, lambda: None))


@pytest.fixture
def files(course) -> dict[str, bytes]:
    return {"ada": notebook(course, "ada"), "kim": notebook(course, "kim", negate=WRONG)}


def test_a_class_hands_in_and_nothing_is_lost(site, course, files):
    files |= {f"learner{number}": notebook(course, f"learner{number}") for number in range(4)}
    visits = crowd(site, files)  # more of them than one address may send
    assert [visit.fault for visit in visits] == [""] * 6
    assert {visit.student: visit.points for visit in visits}.items() >= {"ada": 5, "kim": 2}.items()
    assert all(visit.began < visit.shown for visit in visits)
    assert lost(course.root, NAME, files, visits) == []


def test_the_queue_is_seen(site, course, files, engine, monkeypatch):
    files |= {f"learner{number}": notebook(course, f"learner{number}") for number in range(2)}
    queue = site.service.queue
    with held(engine) as go_on:

        def ahead(number: str) -> int | None:
            place = GradingQueue.ahead(queue, number)
            if place == 2:  # this page says so; of four, one is running
                go_on.set()
            return place

        monkeypatch.setattr(queue, "ahead", ahead)
        visits = crowd(site, files)
    assert max(visit.queue for visit in visits) == 3


def test_who_gets_no_marks_is_told(site, engine, files):
    with held(engine):
        visits = crowd(site, files, patience=0.5)
    assert [(visit.shown, visit.fault) for visit in visits] == [(None, "no marks after 0.5 s")] * 2


def test_who_is_refused_is_told(site):
    (visit,) = crowd(site, {"hal": b"no notebook"})
    assert visit.shown is None
    assert "the server answered 422: " in visit.fault
    assert "Not handed in:" in visit.fault


def test_its_learners_ask_as_often_as_the_script_on_the_page():
    script = (ROOT / "autograder/serve/static/serve.js").read_text()
    longer, longest = re.search(r"Math.min\(wait \* ([\d.]+), (\d+)\)", script).groups()
    first, pause = (int(number) / 1000 for number in re.search(r"setTimeout\(ask, (\d+), (\d+)\)", script).groups())
    assert [*islice(pauses(), 3)] == pytest.approx([first, pause, pause * float(longer)])
    assert max(islice(pauses(), 50)) == int(longest) / 1000


SPOILT = {
    "the file that was sent": ("rm", "attempts/ada/{name}/*/{name}.ipynb", "0 attempts"),
    "a byte of it": ("edit", "attempts/ada/{name}/*/{name}.ipynb", "1 attempts"),
    "the submission": ("rm", "submitted/ada/{name}/{name}.ipynb", "submitted/"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_what_is_lost_is_noticed(site, course, files, kind):
    visits = crowd(site, files)
    action, pattern, said = SPOILT[kind]
    (path,) = course.root.glob(pattern.format(name=NAME))
    if action == "rm":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" ")
    (fault,) = lost(course.root, NAME, files, visits)
    assert fault.startswith("ada: ")
    assert said in fault


def test_a_learner_without_a_record_is_noticed(site, course, files):
    visits = crowd(site, files)
    more = [*visits, Visit("hal", 0.0, 1.0, 3.0)]
    found = lost(course.root, NAME, files | {"hal": b"{}"}, more)
    assert [fault.partition(":")[0] for fault in found] == ["hal"] * 3
    assert "no record" in found[-1]


def test_marks_are_compared_with_those_of_autograder_grade(site, course, files):
    visits = crowd(site, files)
    served = read_marks(course.root, NAME, [*files])
    assert different(served, served, visits) == []
    changed = {student: dict(marks) for student, marks in served.items()}
    check = next(check for check, marks in changed["kim"].items() if not marks)
    changed["kim"][check] = 2.0
    assert different(served, changed, visits) == [
        f"kim, {check}: 0.0, and 2 by `autograder grade`",
        "kim: 2 on the page, and 4 points",
    ]
    del served["ada"]
    assert {fault.partition(",")[0] for fault in different(served, changed, visits[:1])} == {"ada"}


def test_the_table_and_the_verdict():
    visits = [Visit(f"learner{number}", number, number + 1 + number / 100, 3, number % 4) for number in range(100)]
    assert percentile([visit.shown - visit.began for visit in visits], 99) == pytest.approx(1.98)
    rows = dict(zip(*(column._cells for column in figures("a class", visits, TAKEN).columns)))
    assert rows["handed in, and got their marks"] == "100 of 100"
    assert (rows["from upload to marks, median"], rows["longest queue"]) == ("1.50 s", "3")
    assert (rows["marks within 1 s"], rows["marks within 2 s"]) == ("1%", "100%")
    assert rows["CPU of the server, one submission"] == "0.03 s"
    good = verdict(visits, TAKEN, [], [], 200)
    assert [line[0] for line in good] == ["✓"] * 4
    bad = verdict([Visit("ada", 0, fault="no marks")], TAKEN, ["ada: no marks"], [f"{n}" for n in range(12)], 200)
    assert [line[0] for line in bad if line[0] != " "] == ["✗", "✗", "✗", "✓"]
    assert bad[-3] == "  … and 2 more"
    none = verdict([Visit("ada")], TAKEN, ["ada: no marks"], [], 0)
    assert [line[0] for line in none if line[0] != " "] == ["✗", "✗", "✗", "✓"]  # nothing compared is nothing shown
    assert none[-2].endswith(": nobody has any")
    assert figures("nobody", [Visit("ada")], TAKEN).row_count


def test_learners_come_at_the_same_moments_in_every_run():
    assert moments(20, 10) == moments(20, 10) == sorted(moments(20, 10))
    assert 0 <= moments(20, 10)[0] < moments(20, 10)[-1] <= 10
