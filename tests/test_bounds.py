"""What a notebook may cost, whatever it does: every wait ends, and every byte, process and second is counted."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.errors import CourseError
from autograder.execute import Limits, execute
from autograder.execute.crossing import frames
from autograder.execute.examiner import usage
from autograder.execute.examiner.examiner import CheckTimeout, Examiner
from autograder.execute.examiner.link import Link
from autograder.execute.grader import jobs, pictures

needs_walls = pytest.mark.skipif(sys.platform != "linux", reason="there are no walls")


def run(*cells, limits: Limits):
    notebook = new_notebook(cells=[new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells])
    return notebook, execute(notebook, limits)


def check(code: str, exercise: str):
    about = {"grade_id": f"check-{exercise}", "grade": True, "solution": False, "locked": True, "points": 2}
    return new_code_cell(code, metadata={"nbgrader": about})


# Frames


def test_sending_to_somebody_who_does_not_read_ends():
    here, there = socket.socketpair()
    with here, there, pytest.raises(frames.OutOfTime):
        frames.send(here, bytes(10_000_000), frames.within(0.2))


def test_large_frame_arrives_whole():
    here, there = socket.socketpair()
    payload = os.urandom(5_000_000)
    sender = threading.Thread(target=frames.send, args=(here, payload, frames.within(60)))
    sender.start()
    assert frames.receive(there, frames.within(60)) == payload
    sender.join()


def test_time_that_is_extended_is_waited_for():
    """A deadline is asked for again each time, because it moves while a process waits for a processor."""
    left = iter([0.01, 0.01, 0.01, 60])
    here, there = socket.socketpair()
    threading.Timer(0.2, frames.send, (here, b"late")).start()
    assert frames.receive(there, lambda: next(left, 60)) == b"late"


# Warm processes


class FakeServer:
    """A warm process that starts at once and does nothing."""

    alive: ClassVar[list["FakeServer"]] = []

    def __init__(self, isolation, gpu):
        self.process, self.runs = SimpleNamespace(poll=lambda: None if self in FakeServer.alive else 1), 0
        FakeServer.alive.append(self)

    def close(self):
        FakeServer.alive.remove(self)


def test_few_warm_processes_are_kept(monkeypatch, tmp_path):
    """Each course has its own, for its walls hide that course: with many courses, those that nobody uses end."""
    monkeypatch.setattr(jobs, "_Server", FakeServer)
    monkeypatch.setattr(jobs, "_servers", {})
    monkeypatch.setattr(FakeServer, "alive", [])
    servers = []
    for name in ("a", "b", "c", "a", "d"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "nbgrader_config.py").touch()
        monkeypatch.chdir(tmp_path / name)
        servers.append(jobs._server(True, False))
        servers[0].runs = 1
    assert servers[3] is servers[0]
    assert FakeServer.alive == [servers[0], servers[4]]
    servers[4].runs = 1
    monkeypatch.chdir(tmp_path / "b")
    jobs._server(True, False)
    assert len(FakeServer.alive) == 3, "none may end while it has a run"


@needs_walls
def test_runs_of_a_warm_process_are_counted():
    """A run that cannot start counts no more than one that has ended."""
    job = jobs.open_job(asdict(Limits()), True, False, {})
    server = next(reversed(jobs._servers.values()))
    assert server.runs == 1
    job.close()
    assert server.runs == 0
    with pytest.raises(CourseError, match="unexpected keyword"):
        jobs.open_job({"no": "limits"}, True, False, {})
    assert server.runs == 0


# Leftovers

#: Code that does what it can to outlive everybody.
STAYS = """
import ctypes, os, signal, time
libc = ctypes.CDLL(None, use_errno=True)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        break
libc.prctl(1, 0, 0, 0, 0)
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    time.sleep(1)
"""
GRADER = f"""
import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from autograder.execute import Limits, execute
from autograder.execute.grader import jobs
execute(new_notebook(cells=[new_code_cell("x = 1")]), Limits())
print(next(iter(jobs._servers.values())).process.pid, flush=True)
execute(new_notebook(cells=[new_code_cell({STAYS!r})]), Limits(cell_seconds=600, total_seconds=600))
"""


def descendants(pid: int) -> list[int]:
    try:
        children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return children + [one for child in children for one in descendants(child)]


def still_alive(family: list[int]) -> list[int]:
    """Those of a family that have not ended after a while."""
    for _ in range(300):
        alive = [pid for pid in family if Path(f"/proc/{pid}").exists()]
        if not alive:
            return []
        time.sleep(0.1)
    return alive


@needs_walls
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_grader_that_is_ended_leaves_no_process(number):
    grader = subprocess.Popen(
        [sys.executable, "-c", GRADER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    family = []
    try:
        warm = int(grader.stdout.readline())
        for _ in range(300):
            family = [warm, *descendants(warm)]
            if len(family) >= 7:  # bubblewrap, the warm process, an examiner, a learner, its three children
                break
            time.sleep(0.1)
        assert len(family) >= 7
        grader.send_signal(number)
        grader.wait(60)
        assert still_alive(family) == []
    finally:
        for pid in [grader.pid, *family]:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)


@needs_walls
def test_examiner_that_is_killed_takes_the_learner_along():
    from autograder.execute.grader import jobs

    family = []
    run("x = 1", limits=Limits())
    server = jobs._server(True, False)

    def kill():
        for _ in range(300):
            family[:] = descendants(server.process.pid)
            if len(family) >= 6:
                break
            time.sleep(0.1)
        examiner = next(pid for pid in family if len(descendants(pid)) == 4)
        os.kill(examiner, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    _, report = run(STAYS, limits=Limits(cell_seconds=100, total_seconds=100))
    killer.join()
    warm = next(pid for pid in family if descendants(server.process.pid)[:1] == [pid])
    assert still_alive([pid for pid in family if pid != warm]) == []
    assert report.cells[0].status == "died"


@needs_walls
def test_learner_that_stops_reading_is_killed():
    """A large request does not fit into the socket."""
    hangs = """
import signal, sys, time

def hang(*about, **more):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        time.sleep(1)

sys.modules["autograder.execute.crossing.frames"].receive = hang
"""
    _, report = run(hangs, "#" * 5_000_000, limits=Limits(cell_seconds=1))
    assert [cell.status for cell in report.cells] == ["ok", "timeout"]


# Memory, files, output


@needs_walls
def test_memory_is_watched_while_bytes_trickle_in():
    code = """
import os, struct, time
os.write(3, struct.pack(">Q", 10_000_000))
for _ in range(6):
    if os.fork() == 0:
        hoard = bytearray(os.urandom(1)) * 150_000_000
        time.sleep(600)
while True:
    os.write(3, b"x")
    time.sleep(0.001)
"""
    _, report = run(code, "a = 3", limits=Limits(cell_seconds=20, memory_bytes=400_000_000))
    [problem] = report.problems
    assert "GB of memory" in problem


@needs_walls
def test_memory_is_watched_while_the_check_itself_works():
    """The examiner is busy and waits for nothing."""
    code = """
import os, time
def f():
    for _ in range(6):
        if os.fork() == 0:
            hoard = bytearray(os.urandom(1)) * 150_000_000
            time.sleep(600)
"""
    busy = check("import time\nf()\nend = time.process_time() + 4\nwhile time.process_time() < end: pass\nf()", "f")
    _, report = run(code, busy, limits=Limits(cell_seconds=20, memory_bytes=400_000_000))
    [problem] = report.problems
    assert "GB of memory" in problem


@needs_walls
def test_files_count_together_wherever_they_are():
    code = """
for folder in ("/tmp/work", "/tmp", "/dev/shm"):
    try:
        with open(f"{folder}/large", "wb") as file:
            print(file.write(bytes(30_000_000)))
    except OSError as error:
        print(error)
"""
    notebook, _ = run(code, limits=Limits(disk_bytes=50_000_000))
    text = "".join(output.text for output in notebook.cells[0].outputs)
    assert text.count("30000000") == 1
    assert text.count("No space left") == 2


@needs_walls
def test_output_of_all_cells_is_limited():
    cells = ["print('x' * 90_000)"] * 30 + [check("print('y' * 90_000)", "f"), "1 / 0"]
    notebook, report = run(*cells, limits=Limits(output_bytes=100_000, total_output_bytes=300_000))
    assert len(nbformat.writes(notebook)) < 330_000 + 1000 * len(cells)
    assert report.problems == ["the notebook wrote more than 0.3 MB of output: the rest is left out"]
    assert [cell.status for cell in report.cells] == ["ok"] * 31 + ["error"]
    assert report.checks[0].status == "right"
    assert "rest is left out" in notebook.cells[5].outputs[0].evalue


# Time


class FakeJob:
    """An examiner for which each cell takes as long as its text says; some kill the process."""

    now = 0.0

    def __init__(self):
        self.examiner = 0

    def send(self, request):
        self.request = request

    def hear(self, seconds):
        wanted, *about = self.request["code"].split()
        taken = min(float(wanted), self.request["seconds"])
        FakeJob.now += taken
        excused = taken if "waits" in about else 0.0
        status = "died" if "dies" in about else "timeout" if taken < float(wanted) else "ok"
        return {"status": status, "seconds": taken, "excused": excused, "outputs": [], "count": 1}

    def close(self):
        pass


@pytest.fixture
def fake_time(monkeypatch):
    from autograder.execute.grader import engine

    FakeJob.now = 0.0
    monkeypatch.setattr(engine, "open_job", lambda *about: FakeJob())
    monkeypatch.setattr(engine.time, "monotonic", lambda: FakeJob.now)


def test_cells_that_run_again_count(fake_time):
    """After each death, all that had run before runs again."""
    _, report = run(*["1"] * 15, *["0 dies"] * 5, limits=Limits(cell_seconds=5, total_seconds=20))
    assert FakeJob.now == 20
    assert report.problems[-1] == "the notebook ran longer than 20 s and was stopped before cell 17"


def test_waiting_for_a_processor_does_not_count(fake_time):
    _, report = run(*["5 waits"] * 6, limits=Limits(cell_seconds=5, total_seconds=20))
    assert report.problems == []
    assert not report.crowded
    FakeJob.now = 0.0
    _, report = run(*["5 waits"] * 60, limits=Limits(cell_seconds=5, total_seconds=20))
    assert report.problems == ["the notebook ran longer than 20 s and was stopped before cell 17"]


def test_cell_that_was_kept_from_running_is_noted(fake_time):
    _, report = run("9", limits=Limits(cell_seconds=5))
    assert report.cells[0].status == "timeout"
    assert not report.crowded
    _, report = run("9 waits", limits=Limits(cell_seconds=5))
    assert report.crowded


class Times:
    """Times that a test sets."""

    def __init__(self, monkeypatch, seconds: float) -> None:
        self.now = self.worked = self.waited = 100.0
        monkeypatch.setattr(usage.time, "monotonic", lambda: self.now)
        self.clock = usage.Clock(seconds, lambda: self.worked, lambda: self.waited)

    def go(self, working: float = 0, waiting: float = 0, sleeping: float = 0) -> float:
        self.now += working + waiting + sleeping
        self.worked += working
        self.waited += waiting
        return round(self.clock.left(), 6)


def test_clock_of_a_cell_that_has_the_machine_for_itself(monkeypatch):
    times = Times(monkeypatch, 30)
    assert times.go(working=10) == 20
    assert times.go(sleeping=20) == 0
    assert times.clock.excused() == 0


def test_clock_of_a_cell_on_a_busy_machine(monkeypatch):
    times = Times(monkeypatch, 30)
    assert times.go(working=10, waiting=40) == 20
    assert times.clock.excused() == 40
    assert times.go(working=19) == 1
    assert times.go(sleeping=2) == -1


def test_clock_of_a_cell_that_never_gets_its_turn(monkeypatch):
    times = Times(monkeypatch, 30)
    assert times.go(waiting=119) == 1
    assert times.go(waiting=2) == -1


def test_clock_of_a_cell_that_keeps_the_machine_busy_itself(monkeypatch):
    """Sixty of its processes have worked, and its own has waited for them."""
    times = Times(monkeypatch, 30)
    times.worked += 31
    assert times.go(working=1, waiting=30) == -1
    assert times.clock.excused() == 0


def test_a_check_has_its_grace_when_excuses_end_all_at_once(monkeypatch):
    times = Times(monkeypatch, 20)
    times.go(working=19, waiting=8)
    watched = object.__new__(Examiner)
    watched.usage, watched.link = SimpleNamespace(look=lambda: None), SimpleNamespace(clock=times.clock)
    watched.checking, watched.grace = True, None
    assert times.go(working=2, waiting=0) < -2 * Link.GRACE
    watched._look(0, None)  # the learner's process is interrupted now, and may answer
    times.go(working=1, waiting=0)
    watched._look(0, None)
    times.go(working=2 * Link.GRACE, waiting=0)
    with pytest.raises(CheckTimeout):
        watched._look(0, None)


def test_times_are_the_kernels():
    before = usage.worked(os.getpid())
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    assert usage.worked(os.getpid()) - before > 0.05
    assert usage.waited(os.getpid()) > 0 or not Path("/proc/self/schedstat").exists()
    assert usage.waited(2**22) == usage.worked(2**22) == 0


@needs_walls
def test_learners_processes_are_in_one_session():
    """Where the kernel shares the processor out among sessions, each additional session would get another share."""
    code = """
import os, subprocess
if os.fork() == 0:
    os.setsid()
    os._exit(0 if os.getsid(0) == os.getsid(os.getppid()) else 1)
print(os.wait()[1], subprocess.run(["true"], start_new_session=True).returncode)
"""
    notebook, _ = run(code, "who = 'me'\n!echo hello $who {1 + 1}; exit 3\nprint(_exit_code)", limits=Limits())
    assert notebook.cells[0].outputs[0].text == "0 0\n"
    assert notebook.cells[1].outputs[0].text == "hello me 2\n3\n"


@needs_walls
def test_what_a_learner_starts_leaves_the_processor_to_others():
    code = """
import os, threading, time
if os.fork() == 0:
    os.setsid()
    threading.Thread(target=time.sleep, args=[60]).start()
    time.sleep(60)
for _ in range(100):
    time.sleep(0.05)
    if min(os.getpriority(os.PRIO_PROCESS, task) for task in (2, 3)) == 19:
        break
print(os.getpriority(os.PRIO_PROCESS, 0), os.getpriority(os.PRIO_PROCESS, 2))
try:
    os.setpriority(os.PRIO_PROCESS, 2, 0)
except OSError as error:
    print(error)
"""
    notebook, _ = run(code, limits=Limits())
    assert notebook.cells[0].outputs[0].text == "0 19\n[Errno 13] Permission denied\n"


# Taking code apart


@pytest.mark.parametrize("code", ["x = [" + "1," * 2_000_000 + "]", "x = " + "(" * 90_000, "-" * 99_000 + "1"])
def test_long_or_deep_code_is_not_taken_apart(code, monkeypatch):
    sizes = []
    whole = pictures.parse
    monkeypatch.setattr(pictures, "parse", lambda code: sizes.append(len(code)) or whole(code))
    known = {"draw()": pictures.Images({"a picture": "<img>"})}
    notebook = new_notebook(cells=[new_code_cell(code), new_code_cell("draw()")])
    pictures.reusable(notebook, known)
    assert sum(sizes) <= pictures.MOST_CODE + 100


def test_many_cells_are_not_taken_apart_either(monkeypatch):
    monkeypatch.setattr(pictures, "parse", lambda code: pytest.fail("taken apart"))
    notebook = new_notebook(cells=[new_code_cell(f"x = {number:0100d}") for number in range(1000)])
    assert pictures.reusable(notebook, {"draw()": pictures.Images({"a picture": "<img>"})}) == {}


@needs_walls
@pytest.mark.parametrize(
    "call", ["sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))", "sched_setaffinity(0, [0])"]
)
def test_nobody_makes_himself_wait(call):
    """Waiting for a processor is not counted."""
    notebook, _ = run(f"import os\nos.{call}", limits=Limits())
    assert "PermissionError" in str(notebook.cells[0].outputs)
