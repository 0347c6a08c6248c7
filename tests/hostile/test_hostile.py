"""Submissions that cheat, break and vandalise: each gets what it has earned, and nobody else is harmed.

One class for each notebook and each of the two lists, with honest neighbours between the attackers. Only the attacks
whose tests are selected are graded, so ``-k NAME`` is quick. ``HOSTILE_FOLDER`` names a folder for the classes, to look
at afterwards.
"""

import hashlib
import io
import json
import os
import pwd
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import breaking
import dishonest
import nbformat
import pytest
from attack import FUNCTIONS, GOT_IN, LINEAR, MODULES, Attack, check_ran, honest_notebook, notebook_of, points
from conftest import COURSE, ROOT
from plain import PLAIN
from rich.console import Console

from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading.demo import hand_in
from autograder.grading.grade import Row, exercises, grade_class
from autograder.grading.nbgrader_apps import course_config, generate_feedback
from autograder.grading.table import print_table, what_went_wrong

#: Their feedback pages are looked at, too.
FED = [
    "texts-that-cannot-be-written",
    "displays-what-no-file-can-hold",
    "text-that-is-slow-to-read",
    "markup-that-is-slow-to-clean",
]
SUITES = {"dishonest": dishonest.DISHONEST, "breaking": breaking.BREAKING}
NOTEBOOKS = (FUNCTIONS, LINEAR, MODULES)
CLASSES = [(suite, notebook) for suite in SUITES for notebook in NOTEBOOKS]
#: An honest neighbour follows after so many attackers.
BETWEEN = 8
WORKERS = 2
SECRET = f"hostile-secret-{os.getpid()}-{time.time_ns()}"
#: Smaller than the real ones, so that reaching them is quick.
LIMITS = {"cell_seconds": 6, "total_seconds": 45, "output_bytes": 500_000, "memory_bytes": 1_500_000_000}
LIMITS |= {"disk_bytes": 50_000_000, "total_output_bytes": 1_000_000}
#: Where attacks might leave files, besides the class.
PLACES = [Path.home(), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run"), ROOT, Path(sys.prefix)]
#: Memory of all processes below which nobody looks closer.
ENOUGH, PAGE = 2_000_000_000, os.sysconf("SC_PAGESIZE")
#: Seconds that processes of a run that is over may take to end.
PATIENCE = 30
#: An ordinary user's number, when root runs the tests.
NOBODY = 65534


class Listener:
    """A server on 127.0.0.1 that notes whoever calls, by TCP and UDP on one port and by an abstract Unix socket."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(f"\0hostile-listener-{self.port}")
        self.unix.listen()
        for work in (self._tcp, self._udp, self._unix):
            threading.Thread(target=work, daemon=True).start()

    def _tcp(self) -> None:
        while True:
            try:
                self.tcp.accept()[0].close()
            except OSError:
                return
            self.calls.append("tcp")

    def _udp(self) -> None:
        while True:
            try:
                self.calls.append(f"udp {self.udp.recv(100)!r}")
            except OSError:
                return

    def _unix(self) -> None:
        while True:
            try:
                self.unix.accept()[0].close()
            except OSError:
                return
            self.calls.append("unix")

    def close(self) -> None:
        for one in (self.tcp, self.udp, self.unix):
            one.close()


class Watch:
    """Samples the memory of this process's descendants while a class is graded: the most, in bytes."""

    def __enter__(self) -> "Watch":
        self.most, self.tree, self._end = 0, 0, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._end.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._end.wait(1.0):
            numbers = descendants()
            if sum(map(_memory, numbers)) > ENOUGH:  # what processes share counts many times in that
                sizes = [_private_memory(number) for number in numbers]
                self.most, self.tree = max([self.most, *sizes]), max(self.tree, sum(sizes))


def _memory(number: int) -> int:
    """Bytes that a process has in memory."""
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _private_memory(number: int) -> int:
    """A process's share of the memory: what several have counts in parts."""
    try:
        for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def processes() -> dict[int, int]:
    """Every process on this machine with its parent."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return found


def descendants() -> set[int]:
    """The processes that this one has started, and those that they have."""
    parents, mine = processes(), {os.getpid()}
    while True:
        more = {number for number, parent in parents.items() if parent in mine} - mine
        if not more:
            return mine - {os.getpid()}
        mine |= more


def marked_processes() -> list[str]:
    """Processes anywhere on this machine that an attack has started and marked."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, line = (path / "comm").read_text(), (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, UnicodeDecodeError, IndexError):
            continue
        program = [*line.split(" ")[-2:-1], name]
        if any(part.strip().startswith("hostile-") for part in program) and state != "Z":
            found.append(f"{path.name} {name.strip()} {line}")
    return found


def hostile_files() -> set[str]:
    """Files that attacks have left outside of the classes, and among the code of the course and of Python."""
    found = set()
    for place in PLACES:
        for path in _walk(place, 3 if place in (ROOT, Path(sys.prefix)) else 2):
            if path.name.startswith("hostile") and path != Path(__file__).parent:
                found.add(str(path))
    return found


def _walk(folder: Path, depth: int):
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        yield Path(entry.path)
        if depth > 1 and entry.is_dir(follow_symlinks=False) and not entry.name.startswith(("pytest-", "tmp")):
            yield from _walk(Path(entry.path), depth - 1)


def contents(folder: Path, *skip: str) -> dict[str, str]:
    """What lies below a folder: names, rights and hashes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name.split("/")[0] not in skip:
            found[name] = f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return found


def make_course(folder: Path, notebook: str) -> None:
    """A course with one notebook, laid out as a teacher has it."""
    for part in ("solutions", "notebooks"):
        shutil.copytree(COURSE.root / part / notebook, folder / part / notebook)
    shutil.copy(COURSE.root / "nbgrader_config.py", folder)
    shutil.copy(COURSE.root / "pyproject.toml", folder)


def configuration(folder: Path):
    config = course_config(folder, database=f"sqlite:///{folder / 'gradebook.db'}")
    for name, value in LIMITS.items():
        setattr(config.ExecuteSubmission, name, value)
    return config


@dataclass
class Graded:
    """A class after grading.

    Attributes:
        folder: the course's.
        attackers: attack by learner.
        neighbours: the honest learners.
        rows: by learner.
        changed: what has changed in the course besides the results.
        left: processes and files that were left behind.
        memory: the most that one process had, and all together.
    """

    folder: Path
    attackers: dict[str, Attack]
    neighbours: list[str]
    rows: dict[str, Row] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    memory: tuple[int, int] = (0, 0)

    def row_of(self, attack: Attack) -> Row:
        return self.rows[next(learner for learner, one in self.attackers.items() if one is attack)]

    def autograded(self, learner: str) -> Path:
        [path] = (self.folder / "autograded" / learner).glob("*/*.ipynb")
        return path


def learners(attacks: list[Attack]) -> dict[str, Attack | None]:
    """Who sits where: attackers, and honest neighbours (None) that sort between them."""
    seats: dict[str, Attack | None] = {"000-honest": None}
    for number, attack in enumerate(attacks, start=1):
        seats[f"{number:03d}-{attack.name}"] = attack
        if number % BETWEEN == 0 or number == len(attacks):
            seats[f"{number:03d}z-honest"] = None
    return seats


def grade(folder: Path, suite: str, notebook: str, attacks: list[Attack], port: int) -> Graded:
    """Make a class of attackers and their neighbours, and grade it."""
    make_course(folder, notebook)
    known = {"COURSE": str(folder), "REPOSITORY": str(ROOT), "PORT": str(port)}
    seats = learners(attacks)
    for learner, attack in seats.items():
        made = honest_notebook(notebook) if attack is None else notebook_of(attack, known)
        hand_in(json.dumps(made), folder, learner, notebook)
    graded = Graded(
        folder,
        {learner: attack for learner, attack in seats.items() if attack is not None},
        [learner for learner, attack in seats.items() if attack is None],
    )
    results = ("autograded", "gradebook.db", "exchange", "feedback")
    before, files, running = contents(folder, *results), hostile_files(), descendants()
    marked = set(marked_processes())
    os.environ["HOSTILE_SECRET"] = SECRET
    with Watch() as watch:
        rows = grade_class(Course(folder), configuration(folder), notebook, workers=WORKERS)
    after = contents(folder, *results)
    graded.rows = {row.student: row for row in rows}
    graded.changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    graded.left = [f"file {path}" for path in sorted(hostile_files() - files)]
    graded.left += [f"process {one}" for one in marked_processes() if one not in marked]
    graded.left += [f"process {one}" for one in _strays(running)]
    graded.memory = watch.most, watch.tree
    return graded


def _strays(before: set[int]) -> list[str]:
    """Descendants that were not there before and are not the engine's warm process, which stays for the next class.

    An examiner ends with its run, and its learner's process with it; on a busy machine that may take some seconds.
    """
    end = time.monotonic() + PATIENCE
    while True:
        new, found = descendants() - before, []
        for number in new:
            try:
                line = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
            if line and "autograder.execute" not in line:
                found.append(f"{number} {line}")
        warm = [number for number in new if Path(f"/proc/{number}").exists()]
        found += [f"{len(warm)} processes are left"] if len(warm) > 4 else []
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.5)


@pytest.fixture(scope="module")
def listener():
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def graded(request, tmp_path_factory, listener):
    """Graded classes, each graded when it is first asked for; of its attacks those that this session tests."""
    chosen = os.environ.get("HOSTILE_FOLDER")
    done: dict[tuple[str, str], Graded] = {}
    items = request.session.items
    tested = {id(item.callspec.params["attack"]) for item in items if _has(item, "attack")}
    tested |= {id(attack) for item in items if _has(item, "name") for attack in _named(item.callspec.params["name"])}
    every = any(_has(item, "suite") for item in items)

    def get(suite: str, notebook: str) -> Graded:
        if (suite, notebook) not in done:
            attacks = [one for one in SUITES[suite] if one.notebook == notebook and (every or id(one) in tested)]
            name = f"{suite}-{notebook}"
            folder = Path(chosen) / name if chosen else tmp_path_factory.mktemp(name)
            folder.mkdir(parents=True, exist_ok=True)
            done[suite, notebook] = grade(folder, suite, notebook, attacks, listener.port)
        return done[suite, notebook]

    return get


def _named(name: str) -> list[Attack]:
    return [attack for attacks in SUITES.values() for attack in attacks if attack.name == name]


def _has(item, name: str) -> bool:
    return name in getattr(getattr(item, "callspec", None), "params", {})


def check_marks(attack: Attack, row: Row, folder: Path) -> None:
    deserved = {
        check: most if check.removeprefix("check-") in attack.earned else 0
        for check, most in points(attack.notebook).items()
    }
    messages = [f"{result.grade_id}: {result.message[:300]}" for result in row.results if result.message]
    told = "\n".join([*row.problems, *messages])
    if not row.graded:
        assert attack.at_most, told
        assert row.problems
        return
    if attack.at_most:
        assert row.marks.keys() == deserved.keys()
        assert all(row.marks[check] <= most for check, most in deserved.items()), (row.marks, told)
    else:
        assert row.marks == deserved, told
    for result in row.results:
        assert result.message or result.score == result.points, f"{result.grade_id} says nothing"
    if attack.says:
        assert attack.says in what_went_wrong(exercises(COURSE.solution(attack.notebook)), row) + told


def check_outputs(path: Path) -> None:
    """Nothing in the outputs that must not be there, and not too much of it."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    shown = json.dumps([cell.get("outputs", []) for cell in notebook.cells])
    places = [shown.index(GOT_IN)] if GOT_IN in shown else []
    assert not places, shown[max(0, places[0] - 200) : places[0] + 500]
    assert SECRET not in shown
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    assert len(shown) < 3 * LIMITS["output_bytes"] + 2000 * cells, f"outputs of {len(shown) / 1e6:.1f} MB"


@pytest.mark.parametrize("attack", SUITES["dishonest"], ids=lambda attack: attack.name)
def test_dishonest(graded, attack):
    result = graded("dishonest", attack.notebook)
    row = result.row_of(attack)
    check_marks(attack, row, result.folder)
    if row.graded:
        check_outputs(result.autograded(row.student))


@pytest.mark.parametrize("attack", SUITES["breaking"], ids=lambda attack: attack.name)
def test_breaking(graded, attack):
    result = graded("breaking", attack.notebook)
    row = result.row_of(attack)
    check_marks(attack, row, result.folder)
    if row.graded:
        check_outputs(result.autograded(row.student))
        check_ran(attack, result.autograded(row.student))


def comparable(path: Path) -> list:
    """A graded notebook without what differs between two runs in any case."""
    notebook = nbformat.read(path, as_version=4)
    return [(cell.cell_type, cell.source, cell.get("outputs"), cell.get("execution_count")) for cell in notebook.cells]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """An honest notebook that is graded with nobody around."""

    @cache
    def get(notebook: str) -> list:
        folder = tmp_path_factory.mktemp("alone")
        make_course(folder, notebook)
        hand_in(honest_notebook(notebook), folder, "alone", notebook)
        [row] = grade_class(Course(folder), configuration(folder), notebook)
        assert row.marks == points(notebook), [result.message for result in row.results]
        return comparable(folder / "autograded" / "alone" / notebook / f"{notebook}.ipynb")

    return get


@pytest.mark.parametrize(("suite", "notebook"), CLASSES)
def test_neighbours_are_unharmed(graded, alone, suite, notebook):
    """Full marks, no problem, and the same notebook to the letter as one that was graded alone."""
    result, wanted = graded(suite, notebook), alone(notebook)
    for learner in result.neighbours:
        row = result.rows[learner]
        assert row.marks == points(notebook), (learner, row.problems, [result.message for result in row.results])
        assert row.problems == []
        mine = comparable(result.autograded(learner))
        differences = [(i, a, b) for i, (a, b) in enumerate(zip(mine, wanted)) if a != b]
        assert len(mine) == len(wanted)
        assert not differences, f"{learner}: {str(differences)[:2000]}"


@pytest.mark.parametrize(("suite", "notebook"), CLASSES)
def test_nothing_is_changed_and_nothing_is_left(graded, suite, notebook):
    result = graded(suite, notebook)
    assert result.changed == []
    assert result.left == []
    assert sorted(path.name for path in (result.folder / "autograded").iterdir()) == sorted(
        learner for learner, row in result.rows.items() if row.graded
    )
    for learner in result.rows:
        folder = result.folder / "autograded" / learner / notebook
        names = {path.name for path in folder.iterdir()} if folder.exists() else set()
        assert names <= {f"{notebook}.ipynb", f"{notebook}.report.json", "timestamp.txt"}, learner


@pytest.mark.parametrize(("suite", "notebook"), CLASSES)
def test_gradebook_has_what_the_rows_say(graded, suite, notebook):
    result = graded(suite, notebook)
    with sqlite3.connect(result.folder / "gradebook.db") as book:
        manual = book.execute("select count(*) from grade where manual_score > 0 or extra_credit > 0").fetchone()[0]
        students = {name for (name,) in book.execute("select id from student")}
        total = book.execute("select sum(auto_score) from grade").fetchone()[0]
    assert manual == 0
    assert students == {learner for learner, row in result.rows.items() if row.graded}
    assert total == sum(row.score for row in result.rows.values())


@pytest.mark.parametrize(("suite", "notebook"), CLASSES)
def test_memory_stays_within_limits(graded, suite, notebook):
    """The learners' processes within theirs, and the examiners, too, whatever they are sent."""
    most, tree = graded(suite, notebook).memory
    assert most < LIMITS["memory_bytes"] + 1_000_000_000, f"one process had {most / 1e9:.1f} GB"
    assert tree < WORKERS * (LIMITS["memory_bytes"] + 1_000_000_000), f"all together had {tree / 1e9:.1f} GB"


@pytest.mark.parametrize(("suite", "notebook"), CLASSES)
def test_nobody_has_phoned(graded, listener, suite, notebook):
    graded(suite, notebook)
    assert listener.calls == []


@pytest.mark.parametrize(("suite", "notebook"), CLASSES)
def test_table_is_safe_to_print(graded, suite, notebook):
    """No attack reaches the teacher's terminal with more than text."""
    result, screen = graded(suite, notebook), io.StringIO()
    console = Console(file=screen, force_terminal=False, width=120, color_system=None)
    print_table(console, notebook, exercises(COURSE.solution(notebook)), list(result.rows.values()))
    odd = {character for character in screen.getvalue() if not character.isprintable() and character != "\n"}
    assert not odd
    assert all(learner in screen.getvalue() for learner in result.neighbours)


@pytest.mark.parametrize("name", FED)
def test_feedback_for_attackers(graded, name):
    """Attackers get their row and their page, too; these are soon there, and safe to open."""
    attack = next(attack for attack in breaking.BREAKING if attack.name == name)
    result = graded("breaking", attack.notebook)
    row = result.row_of(attack)
    config = configuration(result.folder)
    began = time.monotonic()
    grade_class(Course(result.folder), config, attack.notebook, students=[row.student])
    generate_feedback(config, attack.notebook, row.student)
    assert time.monotonic() - began < 8
    page = result.folder / "feedback" / row.student / attack.notebook / f"{attack.notebook}.html"
    html = page.read_text(encoding="utf-8")
    assert f"{row.score:g} <small>of" in html
    assert "<script>alert" not in html
    assert "\x00" not in html


def test_there_are_enough_attacks_of_every_kind():
    assert len(dishonest.DISHONEST) >= 40
    assert len(breaking.BREAKING) >= 30
    for suite in (dishonest, breaking):
        attacks = suite.DISHONEST if suite is dishonest else suite.BREAKING
        kinds = Counter(attack.kind for attack in attacks)
        assert set(kinds) == set(suite.KINDS)
        assert min(kinds.values()) >= 3, kinds
        assert {attack.notebook for attack in attacks} == set(NOTEBOOKS)
        assert len({attack.name for attack in attacks}) == len(attacks)
    assert sum(attack.works_unwalled for attack in dishonest.DISHONEST) >= 40


# The attacks are real: in an interpreter that answers and checks share, they succeed.


def sham_class(folder: Path, notebook: str) -> Path:
    """A class as attacks look for it, for them to harm; returns the attacker's folder."""
    make_course(folder, notebook)
    hand_in(honest_notebook(notebook), folder, "05-honest", notebook)
    mine = hand_in("", folder, "me", notebook).parent
    with sqlite3.connect(folder / "gradebook.db") as book:
        book.execute("create table grade (manual_score, extra_credit)")
        book.execute("insert into grade values (0, 0)")
    return mine


@pytest.fixture(scope="module")
def unwalled(tmp_path_factory) -> dict[str, tuple[bool, str]]:
    """For each attack that claims to work: whether its check passed without walls, and what it printed."""
    attacks, jobs = [attack for attack in dishonest.DISHONEST if attack.works_unwalled], []
    for attack in attacks:
        folder = tmp_path_factory.mktemp("sham")
        mine = sham_class(folder, attack.notebook)
        known = {"COURSE": str(folder), "REPOSITORY": str(folder), "PORT": "9"}
        jobs.append({"folder": str(mine), "cells": cells_to_run(attack, notebook_of(attack, known))})
    environment = os.environ | {"HOSTILE_SECRET": SECRET, "HOME": str(tmp_path_factory.mktemp("home"))}
    command = [sys.executable, str(Path(__file__).with_name("unwalled.py"))]
    work = partial(subprocess.run, command, env=environment, capture_output=True, text=True)
    results: list = [None] * len(jobs)
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = [pool.submit(work, input=json.dumps(jobs[i::WORKERS])) for i in range(WORKERS)]
        for i, part in enumerate(parts):
            assert part.result().returncode == 0, part.result().stderr
            results[i::WORKERS] = json.loads(part.result().stdout)
    return {attack.name: tuple(result) for attack, result in zip(attacks, results)}


def cells_to_run(attack: Attack, notebook: nbformat.NotebookNode) -> list[tuple[bool, str]]:
    """Set-up and tools, what the attack has put in, the exercise, and a plain check of it."""
    released = {cell.get("id") for cell in nbformat.read(COURSE.release(attack.notebook), as_version=4).cells}
    solution = nbformat.read(COURSE.solution(attack.notebook), as_version=4)
    whole = {cell.metadata.nbgrader.grade_id: cell.source for cell in solution.cells if "nbgrader" in cell.metadata}
    cells = []
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in ("setup", "tools", f"check-{attack.target}"):
            plain = grade_id == f"check-{attack.target}"
            cells.append((plain, PLAIN[attack.target] if plain else whole[grade_id]))
        elif grade_id == f"exercise-{attack.target}" or cell.get("id") not in released:
            cells.append((False, cell.source))
    return cells


@pytest.mark.parametrize(
    "name", [attack.name for attack in dishonest.DISHONEST if attack.works_unwalled], ids=lambda name: name
)
def test_attack_works_where_nothing_is_walled_off(unwalled, name):
    passed, printed = unwalled[name]
    assert passed or GOT_IN in printed, printed[-2000:]


# As an ordinary user


@pytest.mark.skipif(os.geteuid() != 0, reason="these tests run as an ordinary user already")
def test_all_of_it_as_an_ordinary_user():
    """Root runs this file again as a user without rights, but for what needs no walls.

    A part of the path to Python or to this folder may be closed to others, as /root is. Then that user gets a view of
    the file system in which it is open, with nothing in it but what is needed.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        pytest.skip("bubblewrap is missing, and with it the walls")
    needed = [ROOT, Path(sys.prefix), Path(sys.base_prefix)]
    command = [bwrap, "--dev-bind", "/", "/", "--cap-add", "ALL"]
    for closed in sorted({one for path in needed if (one := first_closed(path)) is not None}):
        inside = list(dict.fromkeys(path for path in needed if path.is_relative_to(closed)))
        parents = {parent for path in inside for parent in path.parents if parent.is_relative_to(closed)} - {closed}
        command += ["--perms", "0755", "--tmpfs", str(closed)]
        for parent in sorted(parents):
            command += ["--perms", "0755", "--dir", str(parent)]
        for path in inside:
            command += ["--ro-bind", str(path), str(path)]
    become = (
        "import os, sys; user = int(sys.argv[1]); os.setgroups([]); os.setresgid(user, user, user);"
        "os.setresuid(user, user, user); os.execv(sys.argv[2], sys.argv[2:])"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        home.mkdir()
        shutil.chown(home, NOBODY, NOBODY)
        test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(home / "tmp")]
        test += ["-k", "not walled and not ordinary", str(Path(__file__))]
        done = subprocess.run(
            [*command, "--chdir", str(ROOT), sys.executable, "-c", become, str(NOBODY), *test],
            env={key: value for key, value in os.environ.items() if key != "HOSTILE_FOLDER"}
            | {"HOME": str(home), "USER": pwd.getpwuid(NOBODY).pw_name, "TMPDIR": str(home)},
            capture_output=True,
            text=True,
            timeout=2400,  # a slow and busy machine takes its time; a quiet one needs a quarter of it
        )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert not re.search(r"\d+ skipped", done.stdout)


def first_closed(path: Path) -> Path | None:
    """The first folder on the way to ``path`` that others may not pass through."""
    for part in [*reversed(path.parents), path]:
        if not part.stat().st_mode & 0o001:
            return part
    return None


def test_ordinary_users_walls_are_needed(monkeypatch, tmp_path):
    """Where there are no walls, nothing is graded unless that is asked for."""
    from autograder.execute.warm import walls

    monkeypatch.setattr(walls.shutil, "which", lambda name: None)
    walls.find_bwrap.cache_clear()
    try:
        with pytest.raises(CourseError, match="no-isolation"):
            walls.find_bwrap()
    finally:
        monkeypatch.undo()
        walls.find_bwrap.cache_clear()
