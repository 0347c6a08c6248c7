"""A class graded in parallel: a fake engine runs in threads, one thread records, Ctrl-C leaves nothing half done."""

import gc
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.auth import Authenticator
from nbgrader.converters import Autograde
from nbgrader.exchange.default import ExchangeReleaseFeedback
from nbgrader.plugins import BasePlugin
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from nbgrader.utils import notebook_hash
from test_build import NAME, make_course
from test_grade import SECOND
from test_source import SOUND

from autograder.build.expand import expand
from autograder.build.release import release_text
from autograder.cli import main
from autograder.course import Course
from autograder.errors import CourseError
from autograder.execute import CellReport, CheckReport, Limits, Report, Stopped
from autograder.feedback.pages import write_pages
from autograder.grading import folder as beside
from autograder.grading import grade, preprocessors
from autograder.grading.demo import answer, hand_in
from autograder.grading.grade import grade_class, register
from autograder.grading.nbgrader_apps import course_config, course_directory
from autograder.grading.parallel import in_parallel, interrupts_held
from autograder.grading.record import read_marks
from autograder.grading.runs import settle_checks
from autograder.grading.table import what_changed
from autograder.grading.trial import place
from autograder.source.cells import read_source
from autograder.source.names import parse

ANSWERS = {"twice": "def twice(x):\n    return x + x", "negate": "def negate(x):\n    return 0 - x  # right"}
WRONG = "def negate(x):\n    return x  # wrong"
MESSAGE = "✗ negate(x)\n→ The sign is the old one."


def fake_engine(notebook, limits: Limits, *, isolation: bool = True, gpu: bool = False) -> Report:
    """Judges an answer by whether it says that it is wrong; everything else as the engine leaves it in a notebook."""
    report = Report(problems=["cell 2 was slow"], versions={"torch": "2.0"})
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            about = cell.metadata.get("nbgrader", {})
            cell.outputs, cell.execution_count = [new_output("stream", name="stdout", text="output\n")], number
            report.cells.append(CellReport(number, about.get("grade_id"), "ok", time.monotonic()))
            if about.get("grade"):
                name = about.grade_id.removeprefix("check-")
                wrong = any("wrong" in other.source and f"def {name}(" in other.source for other in notebook.cells)
                if wrong:
                    cell.outputs.append(new_output("error", ename="Unexpected", evalue=MESSAGE, traceback=[]))
                judged = (0, "wrong", MESSAGE) if wrong else (about.points, "right", "")
                report.checks.append(CheckReport(about.grade_id, about.points, *judged))
    return report


class Engine:
    """The fake engine, which remembers who was run: the answer to ``twice`` ends with the learner's name."""

    def __init__(self, monkeypatch) -> None:
        self.ran: list[str] = []
        self.settings: list[tuple] = []
        self.before = lambda student: None
        self.stopped = threading.Event()
        monkeypatch.setattr(preprocessors, "execute", self)
        monkeypatch.setattr(grade, "stop", self.stopped.set)
        monkeypatch.setattr(grade, "warm_up", lambda isolation, gpu: None)
        monkeypatch.setattr("autograder.execute.warm_up", lambda isolation, gpu: None)

    def __call__(self, notebook, limits, **settings) -> Report:
        [student] = [cell.source.split("by ")[1] for cell in notebook.cells if "# by " in cell.source]
        self.ran.append(student)
        self.pictures, self.beside, self.files = (settings.pop(name) for name in ("pictures", "beside", "files"))
        self.settings.append((limits, settings))
        self.before(student)
        return fake_engine(notebook, limits, **settings)


@pytest.fixture(autouse=True)
def interrupts():
    """Ctrl-C raises, also where a shell that runs the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def engine(monkeypatch) -> Engine:
    return Engine(monkeypatch)


def make_registered(folder: Path, *more: NotebookNode) -> Course:
    """A course whose notebook, to which cells may be added, was never run; it is registered in its gradebook."""
    course = make_course(folder, SOUND + SECOND)
    solution = expand(read_source(course.source(NAME)), course.data)
    solution.cells += more
    nbformat.write(solution, course.solution(NAME))
    course.release(NAME).parent.mkdir(parents=True)
    course.release(NAME).write_text(release_text(course, course.solution(NAME)), encoding="utf-8")
    register(course, course_config(course.root), NAME)
    return course


@pytest.fixture(scope="module")
def template(tmp_path_factory, short_notebooks) -> Course:
    return make_registered(tmp_path_factory.mktemp("course"))


@pytest.fixture
def course(template, tmp_path) -> Course:
    """A copy of it, for one test."""
    shutil.copytree(template.root, tmp_path / "course")
    return Course(tmp_path / "course")


def submit(course: Course, *students: str, **answers: str) -> None:
    """Hand in right answers but for those given, signed by each student."""
    for student in students:
        signed = ANSWERS | answers
        hand_in(
            answer(course.release(NAME), signed | {"twice": f"{signed['twice']}  # by {student}"}),
            course.root,
            student,
            NAME,
        )


def run(course: Course, **options) -> dict:
    """Grade the class; returns its rows by student."""
    return {row.student: row for row in grade_class(course, course_config(course.root), NAME, **options)}


def autograded(course: Course, student: str) -> Path:
    return course.root / "autograded" / student / NAME / f"{NAME}.ipynb"


def recorded(course: Course) -> dict[str, float]:
    """What the gradebook has: points by student; whoever is in it has an autograded notebook with a report, too."""
    marks = read_marks(course_config(course.root), NAME)
    folders = {path.parent.name for path in (course.root / "autograded").glob(f"*/{NAME}")}
    assert folders == set(marks)
    for student in marks:
        assert autograded(course, student).exists()
        assert autograded(course, student).with_name(f"{NAME}.report.json").exists()
    return {student: sum(mine.values()) for student, mine in marks.items()}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Workers and the writer


def test_submissions_run_at_the_same_time(course, engine):
    submit(course, "ada", "alan", "hedy")
    together = threading.Barrier(3, timeout=20)
    engine.before = lambda student: together.wait()
    rows = run(course, workers=3)
    assert [row.score for row in rows.values()] == [5, 5, 5]


def test_as_many_as_there_are_workers(course, engine):
    submit(course, *"abcdef")
    running, most, lock = set(), [], threading.Lock()

    def before(student):
        with lock:
            running.add(student)
            most.append(len(running))
        time.sleep(0.05)
        with lock:
            running.remove(student)

    engine.before = before
    run(course, workers=2)
    assert max(most) == 2


def test_one_thread_records_what_others_have_run(course, engine, monkeypatch):
    submit(course, *"abcd")
    real, writers, runners = grade.record, [], []
    monkeypatch.setattr(grade, "record", lambda *given: (writers.append(threading.get_ident()), real(*given)))
    engine.before = lambda student: runners.append(threading.get_ident())
    run(course, workers=3)
    assert writers == [threading.get_ident()] * 4
    assert threading.get_ident() not in runners
    assert sorted(engine.ran) == [*"abcd"], "nbgrader's own step has run nothing again"


def test_workers_do_not_run_far_ahead():
    begun, taken = [], 0
    for _, future in in_parallel(begun.append, list(range(20)), 2, lambda: None):
        future.result()
        taken += 1
        time.sleep(0.01)
        assert len(begun) <= taken + 4
    assert taken == 20


def test_what_others_have_kept_from_running_is_run_again_alone(course, engine, monkeypatch):
    submit(course, *"abcde")
    running, alone = set(), []

    def crowded(notebook, limits, **settings):
        [student] = [cell.source.split("by ")[1] for cell in notebook.cells if "# by " in cell.source]
        running.add(student)
        time.sleep(0.05)
        report = engine(notebook, limits, **settings)
        report.crowded = student in "bd"
        alone.append(engine.ran.count(student) > 1 and running == {student})
        running.discard(student)
        return report

    monkeypatch.setattr(preprocessors, "execute", crowded)
    progress = []
    rows = run(course, workers=3, report=lambda done, total: progress.append(done))
    assert sorted(engine.ran[:5]) == list("abcde")
    assert sorted(engine.ran[5:]) == ["b", "d"]
    assert alone == [False] * 5 + [True] * 2
    assert [row.score for row in rows.values()] == [5] * 5
    assert progress == [0, 1, 2, 3, 4, 5]
    run(course, workers=1, again=True)
    assert len(engine.ran) == 12, "with one worker there is nobody in its way"


def test_progress_counts_what_is_done(course, engine):
    submit(course, *"abc")
    run(course, students=["b"])
    told = []
    run(course, report=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_code_may_be_parsed_by_several_threads(template):
    """The engine does, and Python 3.11's parser cannot if the garbage collector lets another thread run meanwhile."""
    code = "\n".join(cell.source for cell in nbformat.read(template.solution(NAME), as_version=4).cells[1:2])
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()

    def elsewhere(*_):
        return sum(range(50))

    gc.callbacks.append(elsewhere)
    gc.set_threshold(50)
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            trees = list(pool.map(parse, [code] * 100))
    finally:
        gc.callbacks.remove(elsewhere)
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
    assert len(trees) == 100


# Ctrl-C


def test_ctrl_c_keeps_what_was_recorded_and_the_next_run_does_the_rest(course, engine, monkeypatch, capsys):
    submit(course, *"abcd")
    config = course.root / "nbgrader_config.py"
    monkeypatch.chdir(config.parent)

    def before(student):
        if student in "cd":
            assert engine.stopped.wait(20), "nobody has stopped the engine"
            raise Stopped

    def ctrl_c(progress, description):
        return lambda done, total: signal.raise_signal(signal.SIGINT) if done == 2 else None

    engine.before = before
    monkeypatch.setattr("autograder.cli._reporter", ctrl_c)
    assert main(["grade", NAME, "--workers", "2"]) == 130
    assert "stopped; everything finished so far has been kept" in capsys.readouterr().err
    assert recorded(course) == {"a": 5, "b": 5}
    monkeypatch.undo()
    engine = Engine(monkeypatch)
    assert {student: row.score for student, row in run(course).items()} == {"a": 5, "b": 5, "c": 5, "d": 5}
    assert sorted(engine.ran) == ["c", "d"]
    assert recorded(course) == {"a": 5, "b": 5, "c": 5, "d": 5}


@pytest.mark.parametrize("moment", ["_add_score", "preprocess"])
def test_ctrl_c_while_one_is_recorded_waits_for_its_end(course, engine, monkeypatch, moment):
    """In the middle of nbgrader's step that writes marks, and before it."""
    submit(course, *"abc")
    real = getattr(SaveAutoGrades, moment)

    def interrupted(self, *given):
        signal.raise_signal(signal.SIGINT)
        return real(self, *given)

    monkeypatch.setattr(SaveAutoGrades, moment, interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(course, workers=1)
    assert list(recorded(course).values()) == [5], "one and no more, and that one wholly"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_does_not_wait_for_what_has_not_begun(course, engine):
    submit(course, *"abcdef")
    engine.before = lambda student: engine.stopped.wait(20) if student != "a" else None
    with pytest.raises(KeyboardInterrupt):
        run(course, workers=2, report=lambda done, total: signal.raise_signal(signal.SIGINT) if done == 1 else None)
    assert set(engine.ran) <= set("abc")
    assert recorded(course) == {"a": 5}


def test_ctrl_c_counts_even_if_the_step_that_was_held_fails():
    """A program that the step has started gets Ctrl-C, too, and may fail of it."""

    def step():
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            raise OSError("alembic ended")

    with pytest.raises(KeyboardInterrupt):
        step()


def test_ctrl_c_that_has_no_effect_gets_none():
    """As for a command that a shell has put in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_engine_is_told_to_stop_until_it_has():
    """A thread may be about to call the engine when it is stopped, and be missed."""
    told, begun, seen = [], threading.Event(), threading.Event()

    def work(last):
        if last:
            begun.set()
            seen.wait(20)
        else:
            begun.wait(20)

    def stop():
        told.append(None)
        if len(told) == 3:
            seen.set()

    results = in_parallel(work, [False, True], 2, stop)
    next(results)
    results.close()
    assert len(told) == 3


def test_recording_that_fails_leaves_the_gradebook_as_it_was(course, engine, monkeypatch):
    """Also if it fails after nbgrader's step that writes the marks."""
    submit(course, "ada")
    run(course)
    submit(course, "ada", "alan", negate=WRONG)

    def fail(step, notebook, resources):
        raise OSError("the disk is full")

    monkeypatch.setattr(AssignLatePenalties, "preprocess", fail)
    rows = run(course, again=True)
    assert ["the disk is full" in row.problems[0] for row in rows.values()] == [True, True]
    marks = read_marks(course_config(course.root), NAME)
    assert {student: sum(mine.values()) for student, mine in marks.items()} == {"ada": 5}


def test_engine_is_told_of_the_pictures_of_the_course(course, engine):
    """By the text of its cells, those without pictures, too."""
    submit(course, "ada")
    solution = nbformat.read(course.solution(NAME), as_version=4)
    image = '<img alt="A" style="width:9px" src="data:image/svg+xml;base64,AAAA">'
    shown = new_output("display_data", data={"text/html": image})
    solution.cells += [new_code_cell("x = 1"), new_code_cell("show(x)", outputs=[shown])]
    nbformat.write(solution, course.solution(NAME))
    run(course)
    assert engine.pictures == {"x = 1": {}, "show(x)": {"A": image}}


# The same again


def test_grading_again_gives_the_same_bytes(course, engine):
    """Also for a notebook of an older format, whose cells have no ids, and with a check that must be put back."""
    submit(course, "new", "old", negate=WRONG)
    notebook = answer(course.release(NAME), ANSWERS | {"twice": "def twice(x):\n    return x + x  # by old"})
    notebook.cells = [cell for cell in notebook.cells if cell.id != "check-negate"]
    for cell in notebook.cells:
        del cell["id"]
    notebook.nbformat_minor = 4
    hand_in(notebook, course.root, "old", NAME)
    first = run(course)
    before = files(course.root / "autograded")
    stamps = {student: autograded(course, student).stat().st_mtime_ns for student in ("new", "old")}
    assert run(course, again=True) == first
    after = files(course.root / "autograded")
    assert all(autograded(course, student).stat().st_mtime_ns != stamp for student, stamp in stamps.items())
    assert {name for name in before if before[name] != after[name]} <= {name for name in before if "report" in name}
    for name in (name for name in before if name.endswith(".report.json")):
        one, other = Report.from_json(before[name].decode()), Report.from_json(after[name].decode())
        assert one != other, "the fake engine's seconds differ from run to run"
        for cell in one.cells + other.cells:
            cell.seconds = 0
        assert one == other


def test_plain_nbgrader_runs_the_notebook_itself(course, engine):
    submit(course, "a", negate=WRONG)
    first = run(course)
    config = course_config(course.root)
    directory = course_directory(config)
    directory.assignment_id = NAME
    app = Autograde(coursedir=directory, config=config)
    app.force = True
    app.start()
    assert engine.ran == ["a", "a"]
    assert run(course) == first


def test_what_is_graded_is_not_run_again(course, engine):
    submit(course, "a", "b")
    first = run(course)
    assert run(course) == first
    assert sorted(engine.ran) == ["a", "b"]


@pytest.mark.parametrize("lost", ["autograded", "report", "gradebook"])
def test_what_is_recorded_by_half_is_graded_again(course, engine, lost):
    submit(course, "a")
    first = run(course)
    path = {
        "autograded": autograded(course, "a"),
        "report": autograded(course, "a").with_name(f"{NAME}.report.json"),
        "gradebook": course.root / "gradebook.db",
    }[lost]
    path.unlink()
    assert run(course) == first
    assert engine.ran == ["a", "a"]


def test_newer_by_nbgraders_timestamp(course, engine):
    """An archive may give files the time at which the learner saved them."""
    submit(course, "a")
    stamp = course.root / "submitted" / "a" / NAME / "timestamp.txt"
    stamp.write_text("2026-11-01 10:00:00 UTC")
    run(course)
    stamp.write_text("2026-11-02 10:00:00 UTC")
    run(course)
    run(course)
    assert engine.ran == ["a", "a"]


# What was handed in


def test_renamed_file_is_graded_and_nothing_handed_in_is_changed(course, engine):
    submit(course, "a")
    folder = course.root / "submitted" / "a" / NAME
    (folder / f"{NAME}.ipynb").rename(folder / "final version (1).ipynb")
    (folder / "notes.txt").write_text("my notes")
    (folder / "link").symlink_to(course.root / "nbgrader_config.py")
    before = files(course.root / "submitted")
    row = run(course)["a"]
    assert row.score == 5
    assert row.problems[0] == f"final version (1).ipynb was graded: there is no {NAME}.ipynb"
    assert files(course.root / "submitted") == before
    assert sorted(path.name for path in autograded(course, "a").parent.iterdir()) == [
        f"{NAME}.ipynb",
        f"{NAME}.report.json",
        "notes.txt",
    ]
    assert not list(course.root.glob(".grading*"))


def test_what_is_missing_is_reported(course, engine):
    submit(course, "a")
    notebook = answer(course.release(NAME), ANSWERS | {"twice": ANSWERS["twice"] + "  # by a"})
    notebook.cells = [cell for cell in notebook.cells if cell.id != "exercise-negate"]
    hand_in(notebook, course.root, "a", NAME)
    row = run(course)["a"]
    assert row.problems == [
        "exercise 'negate' was not found: its cell is missing or was renamed",
        "cell 2 was slow",
    ]
    assert "autograder" not in nbformat.read(autograded(course, "a"), as_version=4).metadata


# What fails


def test_exception_while_one_runs_is_told_in_its_row_alone(course, engine):
    submit(course, *"abc")

    def before(student):
        if student == "b":
            raise RecursionError("too deep")

    engine.before = before
    rows = run(course, workers=2)
    assert [rows[student].score for student in "ac"] == [5, 5]
    assert rows["b"].problems == ["the autograder failed on it: RecursionError: too deep"]
    assert recorded(course) == {"a": 5, "c": 5}


@pytest.mark.parametrize("moment", ["preprocess", "_add_comment"])
def test_exception_while_one_is_recorded_leaves_nothing_of_it(course, engine, monkeypatch, moment):
    submit(course, *"abc")
    real = getattr(SaveAutoGrades, moment)

    def failing(self, first, *rest):
        if self.student_id == "b" if moment != "preprocess" else rest[0]["nbgrader"]["student"] == "b":
            raise OSError("no space left")
        return real(self, first, *rest)

    monkeypatch.setattr(SaveAutoGrades, moment, failing)
    rows = run(course, workers=2)
    assert rows["b"].problems == ["nbgrader could not grade it: OSError: no space left"]
    assert recorded(course) == {"a": 5, "c": 5}
    monkeypatch.undo()
    Engine(monkeypatch)
    assert run(course)["b"].score == 5


def test_timestamp_that_is_none_is_told(course, engine):
    submit(course, "a", "b")
    (course.root / "submitted" / "a" / NAME / "timestamp.txt").write_text("yesterday or so")
    rows = run(course)
    assert "timestamp.txt" in rows["a"].problems[0]
    assert rows["b"].score == 5


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        Path.mkdir,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("/etc/hostname"),
        lambda path: path.write_text("2026-01-01 00:00:00 UTC" + " " * 50_000_000),
    ],
    ids=["pipe", "folder", "device", "link", "huge"],
)
def test_timestamp_that_is_no_file_of_a_line_is_not_read(course, engine, make):
    submit(course, "a", "b")
    make(course.root / "submitted" / "a" / NAME / "timestamp.txt")
    rows = run(course)
    [problem] = rows["a"].problems
    assert problem.startswith("its timestamp.txt, which should say when it was handed in, ")
    assert rows["b"].score == 5


def test_files_beside_a_notebook_are_kept_within_limits(course, engine, tmp_path):
    submit(course, "a")
    folder = course.root / "submitted" / "a" / NAME
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").touch()
    (folder / "linked").symlink_to(tmp_path / "private")
    (folder / "data").mkdir()
    os.mkfifo(folder / "pipe")
    for number in range(3000):
        (folder / "data" / f"{number:04d}.csv").touch()
    row = run(course)["a"]
    assert row.score == 5
    kept = [path.name for path in autograded(course, "a").parent.rglob("*") if path.is_file()]
    assert len(kept) <= beside.MOST_FILES + 3
    assert "0000.csv" in kept
    assert not {"key", "linked", "pipe"} & set(kept)


def test_size_of_the_files_beside_a_notebook_is_limited_in_total(tmp_path):
    (tmp_path / "there").mkdir()
    for number in range(10):
        (tmp_path / "there" / f"{number}.bin").write_bytes(bytes(6_000_000))
    beside.copy_files(tmp_path / "there", tmp_path / "here")
    assert len(list((tmp_path / "here").iterdir())) == beside.LARGEST_FILES // 6_000_000


def test_machine_that_cannot_run_anything_gets_one_line(course, engine, monkeypatch, capsys):
    submit(course, *"abc")
    monkeypatch.chdir(course.root)

    def before(student):
        raise CourseError("there are no walls: install bubblewrap")

    engine.before = before
    assert main(["grade", NAME]) == 1
    assert capsys.readouterr().err == "autograder: there are no walls: install bubblewrap\n"
    assert recorded(course) == {}


# A result made beforehand, and nbgrader


def test_result_of_other_cells_is_not_used(course, engine, monkeypatch):
    submit(course, "a")
    real = grade.prepare

    def changed(submission, **given):
        prepared = real(submission, **given)
        cell = next(cell for cell in prepared.run.notebook.cells if "def negate" in cell.source)
        cell.source += "\n# changed"
        return prepared

    monkeypatch.setattr(grade, "prepare", changed)
    assert run(course)["a"].score == 5
    assert engine.ran == ["a", "a"], "nbgrader's step has run what it was given"
    assert "# changed" not in autograded(course, "a").read_text()


def check_cell(*outputs) -> nbformat.NotebookNode:
    about = {"grade_id": "check-x", "grade": True, "solution": False, "locked": True, "points": 2.0}
    return new_code_cell("expect(x)", outputs=list(outputs), metadata={"nbgrader": about})


NUMBER = new_output("execute_result", data={"text/plain": "0.5"}, execution_count=3)
STDERR = new_output("stream", name="stderr", text="a warning\n")
ERROR = new_output("error", ename="Unexpected", evalue="no", traceback=["no"])


@pytest.mark.parametrize("outputs", [(), (NUMBER,), (STDERR,), (ERROR,), (STDERR, NUMBER, ERROR)])
@pytest.mark.parametrize("status", ["right", "wrong", "unsolved", "stopped", None])
def test_nbgrader_reads_from_a_check_what_the_report_says(outputs, status):
    """Whatever its outputs are; a check of which the report says nothing has not run."""
    notebook, report = new_notebook(cells=[check_cell(*map(nbformat.from_dict, outputs))]), Report()
    score = 2.0 if status == "right" else 0.0
    if status is not None:
        report.checks = [CheckReport("check-x", 2.0, score, status, "a message")]
    settle_checks(notebook, report)
    assert utils.determine_grade(notebook.cells[0]) == (score, 2.0)
    assert [check.status for check in report.checks] == [status or "stopped"]
    assert any(output.output_type == "error" for output in notebook.cells[0].outputs) == (status != "right")
    nbformat.validate(notebook)


@pytest.mark.parametrize(("score", "status"), [(1.0, "right"), (1.0, "wrong"), (2.0, "wrong"), (0.0, "right")])
def test_report_that_contradicts_itself_is_refused(score, status):
    notebook = new_notebook(cells=[check_cell()])
    with pytest.raises(ValueError, match="check-x is"):
        settle_checks(notebook, Report(checks=[CheckReport("check-x", 2.0, score, status, "")]))


# From the report to the page


def test_table_and_page_are_made_from_the_report(course, engine, monkeypatch, capsys):
    submit(course, "a", negate=WRONG)
    monkeypatch.chdir(course.root)
    assert main(["grade", NAME]) == 0
    assert "2: The sign is the old one." in capsys.readouterr().out
    [page] = write_pages(course_config(course.root), NAME)
    html = page.read_text(encoding="utf-8")
    results = html[: html.index("Your notebook")]
    assert "2 <small>of 5 points</small>" in results
    assert "→ The sign is the old one." in results
    assert "Put a minus." in results
    assert "cell 2 was slow" in results
    report = autograded(course, "a").with_name(f"{NAME}.report.json")
    report.chmod(0o644)
    report.write_text(report.read_text(encoding="utf-8").replace("The sign is the old one.", "Said otherwise."))
    [page] = write_pages(course_config(course.root), NAME)
    assert "Said otherwise." in page.read_text(encoding="utf-8")


def test_score_given_by_hand_counts(course, engine):
    submit(course, "a", negate=WRONG)
    run(course)
    directory = course_directory(course_config(course.root))
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        gradebook.find_grade("check-negate", NAME, NAME, "a").manual_score = 2.5
        gradebook.find_grade("check-twice", NAME, NAME, "a").manual_score = 1.5
        gradebook.db.commit()
    row = run(course)["a"]
    assert row.marks == {"check-twice": 1.5, "check-negate": 2.5}
    assert [(result.score, result.points) for result in row.results] == [(1.5, 2), (2.5, 3)]
    [page] = write_pages(course_config(course.root), NAME)
    html = page.read_text(encoding="utf-8")
    assert "4 <small>of 5 points</small>" in html
    assert "2.5 / 3" in html
    assert "1.5 / 2" in html


def test_one_page_that_fails_is_named_and_the_others_are_written(course, engine):
    submit(course, *"abc")
    run(course)
    autograded(course, "b").with_name(f"{NAME}.report.json").unlink()
    with pytest.raises(CourseError, match=r"b: .*has no readable report: grade it again with --again"):
        write_pages(course_config(course.root), NAME)
    pages = course.root / "feedback"
    assert sorted(path.parent.parent.name for path in pages.glob("*/*/*.html")) == ["a", "c"]


# Settings


def test_options_and_limits_reach_the_engine(course, engine, monkeypatch):
    submit(course, "a")
    config = course.root / "nbgrader_config.py"
    text = config.read_text()
    for name, value in {"cell_seconds": 30, "total_seconds": 300, "processes": 64}.items():
        assert f"{name} = {value}" in text
        text = text.replace(f"{name} = {value}", f"{name} = {value + 1}")
    config.write_text(text)
    monkeypatch.chdir(course.root)
    main(["grade", NAME])
    main(["grade", NAME, "--again", "--gpu", "--no-isolation"])
    main(["try", str(course.root / "submitted" / "a" / NAME / f"{NAME}.ipynb"), "--gpu"])
    limits = Limits(cell_seconds=31, total_seconds=301, processes=65)
    assert engine.settings == [
        (limits, {"isolation": True, "gpu": False}),
        (limits, {"isolation": False, "gpu": True}),
        (Limits(), {"isolation": True, "gpu": True}),  # `try` takes the settings that came with the package
    ]


@pytest.mark.parametrize("number", ["0", "-1", "two", "1.5"])
def test_number_of_workers_must_be_one(number, capsys):
    with pytest.raises(SystemExit):
        main(["grade", NAME, "--workers", number])
    assert f"{number!r} is not a whole number of at least 1" in capsys.readouterr().err


# What marks rest on


def edit_check(course: Course) -> None:
    """The check of ``negate`` is worth 7 points instead of 3."""
    source = course.source(NAME)
    source.write_text(source.read_text(encoding="utf-8").replace("points=3", "points=7"), encoding="utf-8")
    nbformat.write(expand(read_source(source), course.data), course.solution(NAME))


def test_content_counts_and_not_when_a_file_was_saved(course, engine):
    submit(course, "a", "b")
    run(course)
    submit(course, "a", negate=WRONG)
    for student in "ab":
        path = course.root / "submitted" / student / NAME / f"{NAME}.ipynb"
        os.utime(path, (1e9, 1e9) if student == "a" else (4e9, 4e9))
    rows = run(course)
    assert sorted(engine.ran) == ["a", "a", "b"], "the file of b is newer, and the same"
    assert (rows["a"].score, rows["a"].before, rows["a"].again) == (2, 5, "handed in again")
    assert rows["b"].again == ""
    assert what_changed(list(rows.values())) == ["Graded again (handed in again): a.", "Points that changed: a 5 → 2."]


def test_a_file_beside_the_notebook_counts_as_well(course, engine):
    submit(course, "a")
    (course.root / "submitted" / "a" / NAME / "helper.py").write_text("x = 1")
    run(course)
    assert run(course)["a"].again == ""
    (course.root / "submitted" / "a" / NAME / "helper.py").write_text("x = 2")
    assert run(course)["a"].again == "handed in again"


def test_an_edited_check_is_applied_to_everybody(course, engine, monkeypatch, capsys):
    submit(course, "a", "b")
    run(course)
    edit_check(course)
    monkeypatch.chdir(course.root)
    assert main(["grade", NAME]) == 0
    said = capsys.readouterr().out
    assert "Graded again (the notebook's source has changed): a, b." in said
    assert "Points that changed: a 5 → 9; b 5 → 9." in said
    assert recorded(course) == {"a": 9, "b": 9}
    assert what_changed(list(run(course).values())) == []


def test_other_limits_count(course, engine):
    submit(course, "a")
    run(course)
    config = course_config(course.root, execution={"cell_seconds": 7})
    [row] = grade_class(course, config, NAME)
    assert row.again == "the limits have changed"
    [row] = grade_class(course, config, NAME)
    assert row.again == ""
    assert engine.ran == ["a", "a"]


def test_a_gradebook_that_has_other_points_than_the_report(course, engine):
    """An older copy of the gradebook was put back."""
    submit(course, "a", negate=WRONG)
    run(course)
    shutil.copy(course.root / "gradebook.db", course.root / "backup")
    submit(course, "a")
    run(course)
    shutil.copy(course.root / "backup", course.root / "gradebook.db")
    row = run(course)["a"]
    assert (row.before, row.score, row.again) == (2, 5, "the gradebook and the report differ")


def test_broken_file_after_a_graded_one_is_told_with_the_points_that_stay(course, engine):
    submit(course, "a")
    run(course)
    hand_in("not a notebook", course.root, "a", NAME)
    row = run(course)["a"]
    assert not row.graded
    assert row.problems[1] == "the gradebook keeps the 5 points of an earlier submission"


# Late work


class HalfOff(BasePlugin):
    """Takes half of the points off."""

    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 2


@pytest.fixture
def due(course, engine) -> Course:
    """A course whose notebook is due at midnight UTC, with half of the points off after that."""
    config = course.root / "nbgrader_config.py"
    text = config.read_text() + "\nfrom test_parallel import HalfOff\nc.AssignLatePenalties.plugin_class = HalfOff\n"
    config.write_text(text)
    set_due(course, "2026-11-27 00:00:00 UTC")
    return course


def set_due(course: Course, when: str) -> None:
    directory = course_directory(course_config(course.root))
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate=when)


def stamp(course: Course, student: str, when: str) -> None:
    (course.root / "submitted" / student / NAME / "timestamp.txt").write_text(when)


def test_the_table_shows_points_penalty_and_what_counts(due, monkeypatch, capsys):
    submit(due, "late", "punctual")
    stamp(due, "late", "2026-11-27 00:00:01 UTC")
    stamp(due, "punctual", "2026-11-26 23:59:59 UTC")
    rows = run(due)
    assert [(row.score, row.penalty, row.final) for row in rows.values()] == [(5, 2.5, 2.5), (5, 0, 5)]
    monkeypatch.chdir(due.root)
    assert main(["grade", NAME]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert any(line.startswith("│late │ 2.5 │ 5 −2.5 │ 2 │ 3 │") for line in lines)
    assert any(line.startswith("│punctual │ 5 │ │ 2 │ 3 │") for line in lines)


def test_another_due_date_counts(due):
    submit(due, "a")
    stamp(due, "a", "2026-11-28 00:00:00 UTC")
    assert run(due)["a"].final == 2.5
    set_due(due, "2026-11-29 00:00:00 UTC")
    row = run(due)["a"]
    assert (row.before, row.final, row.again) == (2.5, 5, "the due date or the penalty has changed")
    assert run(due)["a"].again == ""


@pytest.mark.parametrize(
    "when", ["2026-11-27 08:00:00 +0900", "2026-11-27T08:00:00+09:00", "2026-11-27 08:00 Asia/Seoul"]
)
def test_time_zones_are_honoured(due, when):
    submit(due, "a")
    stamp(due, "a", when)
    assert run(due)["a"].penalty == 0, "23:00 UTC of the day before"


def test_time_zones_that_are_not_known_are_refused(due):
    submit(due, "a")
    stamp(due, "a", "2026-11-27 08:00:00 KST")
    row = run(due)["a"]
    assert row.problems == [
        "its timestamp.txt names the time zone KST, which is unknown or ambiguous: write an offset, such as +0900"
    ]
    assert not row.graded


# Names and places

#: A feedback folder: the page, and what `nbgrader release_feedback` wants to see.
PAGES = [f"{NAME}.html", "submission_secret.txt", "timestamp.txt"]


@pytest.mark.parametrize("student", ["[ada]", "a*", "ada ", "{a?d%s}"])
def test_ids_are_names_and_not_patterns(course, engine, student):
    submit(course, student, "another", "ada", "abba")
    rows = run(course)
    assert {name: row.score for name, row in rows.items()} == dict.fromkeys([student, "another", "ada", "abba"], 5)
    assert recorded(course) == dict.fromkeys([student, "another", "ada", "abba"], 5)
    [page] = write_pages(course_config(course.root), NAME, [student])
    assert page.parts[-3] == student
    assert page.exists()
    assert sorted(path.name for path in page.parent.iterdir()) == PAGES, "no report, no source"


@pytest.mark.parametrize("folder", ["a [course]", "{course*} "])
def test_the_course_may_be_in_a_folder_of_any_name(template, engine, tmp_path, folder):
    shutil.copytree(template.root, tmp_path / folder)
    (tmp_path / folder / "gradebook.db").unlink()
    course = Course(tmp_path / folder)
    submit(course, "ada", "bob")
    assert {student: row.score for student, row in run(course).items()} == {"ada": 5, "bob": 5}
    pages = write_pages(course_config(course.root), NAME)
    assert [page.exists() for page in pages] == [True, True]
    assert sorted(path.name for path in pages[0].parent.iterdir()) == PAGES


# The gradebook fails while the class is graded


def test_gradebook_that_is_locked_while_grading_is_one_line(course, engine, monkeypatch, capfd):
    """Somebody else writes to it for a long time, after the check that it can be written to."""
    submit(course, *"abc")
    config = course.root / "nbgrader_config.py"
    url = f"sqlite:///{course.root}/gradebook.db?timeout=0.1"
    config.write_text(f"{config.read_text()}\nc.CourseDirectory.db_url = {url!r}\n")
    other = sqlite3.connect(course.root / "gradebook.db", isolation_level=None)
    monkeypatch.setattr("autograder.grading.gradebook.check_gradebook", lambda url: None)
    monkeypatch.chdir(course.root)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert main(["grade", NAME]) == 1
        said = capfd.readouterr()
        assert said.err.count("another program is writing to it") == 1
        assert len(said.err.splitlines()) == 1, said.err
    finally:
        other.close()


def test_gradebook_that_is_locked_when_recording_is_one_line(course, engine, monkeypatch, capfd):
    submit(course, *"abc")
    config = course.root / "nbgrader_config.py"
    url = f"sqlite:///{course.root}/gradebook.db?timeout=0.1"
    config.write_text(f"{config.read_text()}\nc.CourseDirectory.db_url = {url!r}\n")
    others = []

    def before(student):
        if not others:
            others.append(sqlite3.connect(course.root / "gradebook.db", isolation_level=None, check_same_thread=False))
            others[0].execute("BEGIN IMMEDIATE")

    engine.before = before
    monkeypatch.chdir(course.root)
    assert main(["grade", NAME, "--workers", "1"]) == 1
    said = capfd.readouterr()
    assert "another program is writing to it" in said.err
    assert len(said.err.splitlines()) == 1, said.err
    others[0].close()


@pytest.mark.parametrize("place", ["command", "configuration"])
def test_relative_url_of_a_gradebook(course, engine, monkeypatch, place):
    """On the command line it is relative to the working directory, in the configuration to the course."""
    submit(course, "a")
    monkeypatch.chdir(course.solutions)
    if place == "command":
        assert main(["grade", NAME, "--db", "sqlite:///new.db"]) == 0
        assert (course.solutions / "new.db").is_file()
    else:
        config = course.root / "nbgrader_config.py"
        config.write_text(f"{config.read_text()}\nc.CourseDirectory.db_url = 'sqlite:///new.db'\n")
        assert main(["register"]) == 0
        assert main(["grade", NAME]) == 0
        assert (course.root / "new.db").is_file()
        assert recorded(course) == {"a": 5}
    assert not list(course.root.glob("**/.grading*"))


# Feedback through the exchange


def test_feedback_on_work_that_did_not_come_through_the_exchange_can_be_released(course, engine, monkeypatch):
    submit(course, "a", "b")
    folder = course.root / "submitted" / "b" / NAME
    (folder / "timestamp.txt").write_text("2026-11-01 10:00:00 UTC")
    (folder / "submission_secret.txt").write_text("of the exchange")
    run(course)
    monkeypatch.setenv("NBGRADER_EXCHANGE", str(course.root / "exchange"))
    (course.root / "exchange").mkdir(exist_ok=True)
    (course.root / "exchange").chmod(0o777)
    config = course_config(course.root)
    pages = write_pages(config, NAME)
    secrets = [page.with_name("submission_secret.txt").read_text() for page in pages]
    assert secrets[1] == "of the exchange"
    assert len(secrets[0]) == 64
    write_pages(config, NAME)
    assert pages[0].with_name("submission_secret.txt").read_text() == secrets[0]
    directory = course_directory(config)
    directory.assignment_id = NAME
    ExchangeReleaseFeedback(coursedir=directory, config=config, authenticator=Authenticator(config=config)).start()
    released = course.root / "exchange" / directory.course_id / "feedback"
    assert {path.name for path in released.iterdir()} == {
        f"{notebook_hash(secret=secret, notebook_id=NAME)}.html" for secret in secrets
    }


def test_page_of_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "page.html").write_text("new")
    (tmp_path / "elsewhere.html").write_text("old")
    (tmp_path / "x.feedback.html").symlink_to(tmp_path / "elsewhere.html")
    assert place(tmp_path / "page.html", tmp_path / "x.feedback.html") == tmp_path / "x.feedback.html"
    assert (tmp_path / "x.feedback.html").read_text() == "new"
    assert (tmp_path / "elsewhere.html").read_text() == "old", "a link is not followed"
    other = place(tmp_path / "page.html", tmp_path / "no such folder" / "x.feedback.html")
    assert (other.name, other.read_text()) == ("x.feedback.html", "new")
    assert other.parent != tmp_path / "no such folder"
    shutil.rmtree(other.parent)
