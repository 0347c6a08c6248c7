"""A class with every kind of bad submission: each costs its owner marks, nobody else anything, and its row says why."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from unittest.mock import Mock

import nbformat
import pytest
from conftest import COURSE
from nbconvert.exporters import HTMLExporter
from test_build import NAME, make_course
from test_source import SOUND

from autograder.build.builder import build
from autograder.cli import main
from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading import trial
from autograder.grading.demo import STUDENTS, answer, class_of_12, hand_in, run_demo
from autograder.grading.grade import exercises, grade_class
from autograder.grading.nbgrader_apps import course_config
from autograder.grading.table import what_went_wrong

#: What people are told about.
CHECKED = "the check for exercise 'twice'"
SECOND = '''
# %% [markdown]
# ### Exercise: Negate
#
# <details><summary>Hint 1: a sign</summary>
#
# Put a minus.
#
# </details>

# %% exercise="negate" difficulty=1 minutes=2
def negate(x: torch.Tensor) -> torch.Tensor:
    """Minus x."""
    ### BEGIN SOLUTION
    return -x
    ### END SOLUTION

# %% check="negate" points=3
x = torch.ones(2, 3)
expect(negate(x), -x, "negate(x)", mistakes={"The sign is the old one.": x})
### BEGIN HIDDEN TESTS
secret_of_the_teacher = torch.arange(4)
expect(negate(secret_of_the_teacher), -secret_of_the_teacher, "negate(x) for whole numbers")
### END HIDDEN TESTS
'''
RIGHT = {"twice": "def twice(x):\n    return x + x", "negate": "def negate(x):\n    return 0 - x"}


@pytest.fixture(scope="module")
def course(tmp_path_factory, short_notebooks) -> Course:
    course = make_course(tmp_path_factory.mktemp("course"), SOUND + SECOND)
    config = course.root / "nbgrader_config.py"
    text = config.read_text().replace("cell_seconds = 30", "cell_seconds = 20")
    config.write_text(text.replace("output_bytes = 2_000_000", "output_bytes = 100_000"))
    build(course, NAME)
    return course


def twice(body: str) -> dict[str, str]:
    """``twice`` with another body, ``negate`` right."""
    return RIGHT | {"twice": f"def twice(x):\n{body}"}


def edited(course: Course, edit, answers=RIGHT):
    """A right notebook that ``edit`` has done something to."""
    notebook = answer(course.release(NAME), answers)
    return edit(notebook) or notebook


def cell_of(notebook, grade_id):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def duplicate(notebook):
    """Exercise and check copied to the end, as copy and paste in JupyterLab does, metadata and all."""
    notebook.cells += [cell_of(notebook, "exercise-twice").copy(), cell_of(notebook, "check-twice").copy()]


def drop_check(notebook):
    notebook.cells.remove(cell_of(notebook, "check-twice"))


def drop_setup(notebook):
    cell_of(notebook, "setup").source = "pass"


def soften_check(notebook):
    cell_of(notebook, "check-twice").source = "pass"


def make_markdown(notebook):
    cell = cell_of(notebook, "check-twice")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]


def raise_schema(notebook):
    cell_of(notebook, "check-twice").metadata.nbgrader.schema_version = 99


def raise_points(notebook):
    cell_of(notebook, "check-twice").metadata.nbgrader.points = 300


def strip_metadata(notebook):
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)


#: By student: what is handed in (answers, text, or an edit), marks for (twice, negate), a part of what the row says.
WRONG_TWICE = twice("    return x")
CLASS = {
    "right": (RIGHT, (2, 3), ""),
    "blank": ({}, (0, 0), "not solved: 1, 2"),
    "half": ({"negate": RIGHT["negate"]}, (0, 3), "not solved: 1"),
    "mistake": (RIGHT | {"negate": "def negate(x):\n    return x"}, (2, 0), "2: The sign is the old one."),
    "stumble": (RIGHT | {"negate": "def negate(x):\n    return -x[:, 0]"}, (2, 0), "2: negate(x)"),
    "syntax": (twice("    return x +"), (0, 3), "1: Your code stopped with SyntaxError"),
    "warns": (
        twice("    import warnings, sys\n    warnings.warn('hm')\n    print('oh', file=sys.stderr)\n    return x + x"),
        (2, 3),
        "",
    ),
    "loops": (
        twice("    while True:\n        pass"),
        (0, 3),
        f"{CHECKED} ran longer than 20 s and was stopped",
    ),
    "stubborn": (
        twice("    import signal\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n    while True:\n        pass"),
        (0, 3),
        f"{CHECKED} ran longer than 20 s, could not be interrupted and was killed",
    ),
    "dies": (twice("    os._exit(1)"), (0, 3), f"{CHECKED} ended the process that it ran in"),
    "floods": (
        twice("    while True:\n        print('x' * 1000)"),
        (0, 3),
        f"{CHECKED} wrote more than 0.1 MB of output",
    ),
    "bursts": (
        twice("    print('x' * 300_000_000)\n    return x + x"),
        (0, 3),
        f"{CHECKED} wrote more than 0.1 MB of output",
    ),
    "number": (RIGHT | {"twice": "def twice(x):\n    return x\n0.5"}, (0, 3), "1: twice(x)"),
    "duplicates": (duplicate, (2, 3), ""),
    "drops-check": (drop_check, (2, 3), ""),
    "drops-setup": (drop_setup, (2, 3), ""),
    "softens": (soften_check, (0, 3), "1: twice(x)"),
    "markdown": (make_markdown, (0, 3), "1: twice(x)"),
    "schema-99": (raise_schema, (2, 3), ""),
    "300-points": (raise_points, (2, 3), ""),
    "strips": (strip_metadata, (2, 3), ""),
    "no-json": ("this is no notebook", None, "not JSON"),
    "cut-off": ('{"cells": [{"cell_type": "co', None, "not JSON"),
    "other-json": ('{"cells": 3}', None, "not a notebook of format 4"),
    "empty": ("", None, "the file is empty"),
    "list": ("[]", None, "not a notebook of format 4"),
}
ANSWERS_OF_EDITS = {"softens": WRONG_TWICE, "markdown": WRONG_TWICE}


@pytest.fixture(scope="module")
def rows(course) -> dict:
    for student, (what, _, _) in CLASS.items():
        if callable(what):
            what = edited(course, what, ANSWERS_OF_EDITS.get(student, RIGHT))
        elif isinstance(what, dict):
            what = answer(course.release(NAME), what)
        hand_in(what, course.root, student, NAME)
    for student, content in {"latin-1": "é".encode("latin-1"), "utf-16": "{}".encode("utf-16")}.items():
        hand_in("", course.root, student, NAME).write_bytes(content)
    path = hand_in(answer(course.release(NAME), RIGHT), course.root, "renames", NAME)
    path.rename(path.with_name("final version (1).ipynb"))
    (course.root / "submitted" / "nothing" / NAME).mkdir(parents=True)
    graded = grade_class(course, course_config(course.root), NAME)
    return {row.student: row for row in graded}


@pytest.mark.parametrize("student", CLASS)
def test_row(course, rows, student):
    _, marks, says = CLASS[student]
    row, both = rows[student], exercises(course.solution(NAME))
    assert row.graded == (marks is not None)
    if marks is not None:
        assert (row.marks["check-twice"], row.marks["check-negate"]) == marks, [r.message for r in row.results]
    told = what_went_wrong(both, row) if row.graded else "; ".join(row.problems)
    assert says in told
    assert says or told == ""


@pytest.mark.parametrize(
    ("student", "says"),
    [
        ("latin-1", "not UTF-8"),
        ("utf-16", "not a notebook of format 4"),
        ("nothing", "there is no 99_fixture.ipynb in the submission"),
    ],
)
def test_row_of_a_file_that_cannot_be_read(rows, student, says):
    assert not rows[student].graded
    assert says in rows[student].problems[0]


def test_renamed_file_is_graded_and_named(course, rows):
    assert rows["renames"].score == 5
    assert "final version (1).ipynb" in rows["renames"].problems[0]


def test_no_submission_was_changed(course, rows):
    """Grading reads what was handed in and never writes there."""
    for student, (what, _, _) in CLASS.items():
        if isinstance(what, str):
            assert (course.root / "submitted" / student / NAME / f"{NAME}.ipynb").read_text() == what
        assert len(list((course.root / "submitted" / student / NAME).iterdir())) == 1


def test_grading_again_changes_nothing(course, rows):
    path = course.root / "autograded" / "right" / NAME / f"{NAME}.ipynb"
    before = path.stat().st_mtime_ns
    [row] = grade_class(course, course_config(course.root), NAME, students=["right"])
    assert row == rows["right"]
    assert path.stat().st_mtime_ns == before, "it is graded already"
    [row] = grade_class(course, course_config(course.root), NAME, students=["right"], again=True)
    assert row == rows["right"]
    assert path.stat().st_mtime_ns != before


def test_newer_submission_is_graded(course, rows):
    path = hand_in(answer(course.release(NAME), WRONG_TWICE), course.root, "improves", NAME)
    [row] = grade_class(course, course_config(course.root), NAME, students=["improves"])
    assert row.score == 3
    hand_in(answer(course.release(NAME), RIGHT), course.root, "improves", NAME)
    later = path.stat().st_mtime + 5
    os.utime(path, (later, later))
    [row] = grade_class(course, course_config(course.root), NAME, students=["improves"])
    assert row.score == 5


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def test_plain_nbgrader_gives_the_same_marks(course, rows, tmp_path):
    """``nbgrader generate_assignment`` and ``nbgrader autograde``, as any nbgrader user types them."""
    shutil.copytree(
        course.root, tmp_path / "c", ignore=shutil.ignore_patterns("gradebook.db", "autograded", "submitted")
    )
    for student in ("right", "warns", "half"):
        shutil.copytree(course.root / "submitted" / student, tmp_path / "c" / "submitted" / student)
    released = (tmp_path / "c" / "notebooks" / NAME / f"{NAME}.ipynb").read_bytes()
    for command in (["generate_assignment", NAME, "--force"], ["autograde", NAME]):
        done = run([sys.executable, "-m", "nbgrader", *command], tmp_path / "c")
        assert done.returncode == 0, done.stderr
        assert "SAWarning" not in done.stderr
        assert "checksum" not in done.stderr
    assert (tmp_path / "c" / "notebooks" / NAME / f"{NAME}.ipynb").read_bytes() == released
    config = course_config(tmp_path / "c")
    again = grade_class(Course(tmp_path / "c"), config, NAME)
    assert {row.student: row.marks for row in again} == {
        student: rows[student].marks for student in ("half", "right", "warns")
    }


def test_download_of_an_lms_is_collected_and_graded(course, rows, tmp_path):
    """``nbgrader zip_collect`` with the configured names, as the README tells teachers."""
    shutil.copytree(
        course.root, tmp_path / "c", ignore=shutil.ignore_patterns("gradebook.db", "autograded", "submitted")
    )
    archive = tmp_path / "c" / "downloaded" / NAME / "archive" / "export.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as file:
        for student in ("right", "half"):
            path = course.root / "submitted" / student / NAME / f"{NAME}.ipynb"
            file.write(path, f"{student}_attempt_2026-11-01-10-00-00_{NAME}.ipynb")
    done = run([sys.executable, "-m", "nbgrader", "zip_collect", NAME], tmp_path / "c")
    assert done.returncode == 0, done.stderr
    again = grade_class(Course(tmp_path / "c"), course_config(tmp_path / "c"), NAME)
    assert {row.student: row.score for row in again} == {"half": 3, "right": 5}


def test_table_and_exit_code(course, rows, monkeypatch, capsys):
    monkeypatch.chdir(course.root)
    assert main(["grade", NAME, "--student", "right", "--student", "half"]) == 0
    out = capsys.readouterr().out
    assert "not solved: 1" in out
    assert "of 5" in out
    assert main(["grade", NAME, "--student", "no-json"]) == 1
    assert "not JSON" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["grade", "77_nothing"], "There is no notebook '77_nothing'"),
        (["grade", NAME, "--student", "nobody"], "nobody has not handed in"),
        (["feedback", NAME, "--student", "nobody"], "nobody has not been graded"),
        (["try", "no-such-file.ipynb"], "no-such-file.ipynb does not exist"),
        (["try", "nbgrader_config.py"], "not JSON"),
        (["build", "77_nothing"], "There is no notebook '77_nothing'"),
    ],
)
def test_bad_input_gets_one_line(course, rows, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(course.root)
    assert main(arguments) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1
    assert message in lines[0]


def test_feedback_tells_in_words_and_hides_the_tests(course, rows, monkeypatch):
    monkeypatch.chdir(course.root)
    assert main(["feedback", NAME]) == 0
    for student, row in rows.items():
        page = course.root / "feedback" / student / NAME / f"{NAME}.html"
        assert page.exists() == row.graded
        if row.graded:
            html = page.read_text(encoding="utf-8")
            assert "secret_of_the_teacher" not in html
            assert "HIDDEN TESTS" not in html
            assert f"{row.score:g} <small>of 5 points</small>" in html
    html = (course.root / "feedback" / "mistake" / NAME / f"{NAME}.html").read_text(encoding="utf-8")
    assert "The sign is the old one." in html
    assert "Put a minus." in html[: html.index("Your notebook")], "the hint stands with the exercise"


def test_feedback_names_the_learners_own_line(course, tmp_path):
    hand_in(
        answer(course.release(NAME), RIGHT | {"negate": "def negate(x):\n    y = x\n    return -y[:, 9]"}),
        tmp_path,
        "own",
        NAME,
    )
    config = course_config(course.root, workdir=tmp_path)
    [row] = grade_class(course, config, NAME)
    message = row.results[1].message
    assert message.startswith("Your code stopped with IndexError")
    assert message.endswith("in your line 3:  return -y[:, 9]")


def test_feedback_is_safe_to_open(course, tmp_path):
    """Scripts in a learner's output or text do not reach the page."""
    notebook = answer(course.release(NAME), RIGHT)
    script = "<script>steal()</script><img src=x onerror=steal()><b>bold</b>"
    notebook.cells.append(
        nbformat.v4.new_code_cell(f"from IPython.display import HTML, Javascript, display\nHTML({script!r})")
    )
    notebook.cells.append(nbformat.v4.new_code_cell("display(Javascript('steal()'))"))
    notebook.cells.append(nbformat.v4.new_markdown_cell(script))
    hand_in(notebook, tmp_path, "mallory", NAME)
    config = course_config(course.root, workdir=tmp_path)
    grade_class(course, config, NAME)
    from autograder.feedback.pages import write_pages

    [page] = write_pages(config, NAME)
    html = page.read_text(encoding="utf-8")
    output = html[html.index("Your notebook") :]
    assert "<b>bold</b>" in output
    assert "<script>steal" not in output
    assert "onerror" not in output.replace("onerror=steal()&gt;", "").replace("onerror=steal()", "", 1)

    autograded = tmp_path / "autograded" / "mallory" / NAME / f"{NAME}.ipynb"
    html, _ = HTMLExporter(config=config).from_filename(autograded)  # what the formgrader shows the teacher
    assert "<b>bold</b>" in html
    assert "steal()</script>" not in html
    assert "<script>steal" not in html
    assert "onerror=steal()>" not in html


def test_try_grades_a_file_of_any_name(course, tmp_path, monkeypatch, capsys):
    path = tmp_path / "Copy of whatever.ipynb"
    nbformat.write(answer(course.release(NAME), WRONG_TWICE), path)
    before = path.read_bytes()
    monkeypatch.chdir(course.root)
    assert main(["try", str(path)]) == 0
    assert "3" in capsys.readouterr().out
    page = tmp_path / "Copy of whatever.feedback.html"
    assert "3 <small>of 5 points</small>" in page.read_text(encoding="utf-8")
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["Copy of whatever.feedback.html", path.name]


def test_try_shows_the_marks_before_it_writes_the_page(course, tmp_path, monkeypatch, capsys):
    """Writing the page takes a while; whatever becomes of it, the marks are there."""
    path = tmp_path / "mine.ipynb"
    nbformat.write(answer(course.release(NAME), WRONG_TWICE), path)
    monkeypatch.chdir(course.root)
    with monkeypatch.context() as patched:
        patched.setattr(trial, "generate_feedback", Mock(side_effect=KeyboardInterrupt))
        assert main(["try", str(path)]) == 130
    assert "│you     │    3 │ 0 │ 3 │" in capsys.readouterr().out


def test_report_lies_beside_the_autograded_notebook(course, rows):
    report = json.loads((course.root / "autograded" / "loops" / NAME / f"{NAME}.report.json").read_text())
    assert report["problems"] == [f"{CHECKED} ran longer than 20 s and was stopped"]
    assert [cell["status"] for cell in report["cells"] if cell["grade_id"] == "check-twice"] == ["timeout"]


def test_commands_need_no_activated_environment(course, rows, tmp_path):
    """As `make` calls them, by their path; nbgrader looks for its own tools on the PATH."""
    command = [str(Path(sys.executable).with_name("autograder")), "grade", NAME, "--student", "right", "--again"]
    command += ["--db", f"sqlite:///{tmp_path / 'new.db'}"]
    done = subprocess.run(
        command, cwd=course.root, env=os.environ | {"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_gradebook_elsewhere(course, rows, tmp_path, monkeypatch):
    monkeypatch.chdir(course.root)
    url = f"sqlite:///{tmp_path / 'other.db'}"
    assert main(["grade", NAME, "--student", "right", "--again", "--db", url]) == 0
    assert (tmp_path / "other.db").exists()


def test_demo_is_a_class_of_12_with_everything_in_it(tmp_path):
    """Its notebooks; that such notebooks are graded as they deserve is tested above."""
    notebooks = class_of_12(COURSE, "04_linear")
    assert len(notebooks) == len(STUDENTS) == 12
    right, blank, broken = notebooks[0], notebooks[7], notebooks[-1]
    assert "raise NotImplementedError" not in "".join(cell.source for cell in right.cells)
    assert blank.cells == nbformat.read(COURSE.release("04_linear"), as_version=4).cells
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)
    (tmp_path / "something").touch()
    with pytest.raises(CourseError, match="is not empty"):
        run_demo(COURSE, "04_linear", tmp_path, lambda done, total: None)


def test_gradebook_that_cannot_be_opened_gets_one_line(course, rows, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(course.root)
    assert main(["grade", NAME, "--db", f"sqlite:///{tmp_path}/no/such/folder/gradebook.db"]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1
    assert f"the folder {tmp_path}/no/such/folder does not exist" in lines[0]


STRANGE = "Copy \x1b[31m\u202e of it.ipynb"


def test_try_in_a_folder_of_downloads_runs_and_overwrites_nothing(course, tmp_path, monkeypatch, capsys):
    """Its files came from somebody else: a configuration, a link in the place of the page, names that colour."""
    (tmp_path / "downloads" / "solutions" / NAME).mkdir(parents=True)
    for path in (course.source(NAME), course.solution(NAME)):
        shutil.copy(path, tmp_path / "downloads" / "solutions" / NAME)
    ran = tmp_path / "ran"
    (tmp_path / "downloads" / "nbgrader_config.py").write_text(f"open({str(ran)!r}, 'w')")
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (tmp_path / "downloads" / "page.feedback.html").symlink_to(mine)
    monkeypatch.chdir(tmp_path / "downloads")
    for name in ("page.ipynb", STRANGE):
        nbformat.write(answer(course.release(NAME), WRONG_TWICE), name)
        assert main(["try", name]) == 0
    assert not ran.exists()
    assert mine.read_text() == "mine"
    page = tmp_path / "downloads" / "page.feedback.html"
    assert not page.is_symlink()
    assert "3 <small>of 5 points</small>" in page.read_text(encoding="utf-8")
    (tmp_path / "downloads" / f"{STRANGE}.json").write_text("{}")
    assert main(["try", f"{STRANGE}.json"]) == 1
    said = capsys.readouterr()
    assert "\x1b[31m" not in said.out + said.err
    assert "\u202e" not in said.out + said.err
    assert "of it.feedback.html" in said.out
    assert "of it.ipynb.json" in said.err
