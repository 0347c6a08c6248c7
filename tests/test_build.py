"""The build: deterministic, refusing what fails, aware of every edit, and giving notebooks that stand alone."""

import ast
import json
import shutil
from pathlib import Path

import nbformat
import pytest
from conftest import COURSE, ROOT
from test_source import SOUND

from autograder.build import builder, setup_cell
from autograder.build.builder import build, check
from autograder.build.expand import expand
from autograder.build.setup_cell import setup_names, setup_text, tools_text
from autograder.course import Course
from autograder.errors import CourseError
from autograder.source import faults
from autograder.source.cells import read_source
from autograder.source.names import defined_names

pytestmark = pytest.mark.usefixtures("short_notebooks")

NAME = "99_fixture"
PICTURE = """
# %% [markdown]
# ## A picture

# %%
x = torch.randn(2, 3)
draw_row(Grid(x, "x", "input"), "→", Grid(F.relu(x), "relu(x)", "output"), alt="x and relu(x)")

# %% predict
print(x.sum())

# %% yours
twice(x).sum()

# %% folded label="Draw it again"
figure, ax = plot_axes()
ax.plot([1, 2])
show(figure, alt="a line")
"""


def make_course(folder: Path, text: str) -> Course:
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("*MNIST"))
    course = Course(folder)
    course.source(NAME).parent.mkdir(parents=True)
    course.source(NAME).write_text(text, encoding="utf-8")
    return course


@pytest.fixture(scope="module")
def built(tmp_path_factory, short_notebooks) -> Course:
    course = make_course(tmp_path_factory.mktemp("course"), SOUND + PICTURE)
    assert build(course, NAME) == "run"
    return course


@pytest.fixture
def copy(built, tmp_path) -> Course:
    """The built course, to be spoilt."""
    shutil.copytree(built.root, tmp_path / "course")
    return Course(tmp_path / "course")


def test_second_build_runs_nothing(built):
    assert build(built, NAME) == "up to date"
    assert check(built, NAME) == []


def test_a_notebook_that_cannot_be_written_is_one_line(copy):
    there = copy.release(NAME)
    shutil.rmtree(there.parent)
    there.parent.touch()
    with pytest.raises(CourseError) as error:
        build(copy, NAME)
    assert str(error.value) == f"{there} cannot be written: File exists."


def test_two_builds_give_the_same_bytes(built, tmp_path):
    other = make_course(tmp_path, SOUND + PICTURE)
    build(other, NAME)
    for path in (built.solution(NAME), built.release(NAME)):
        assert path.read_bytes() == (other.root / path.relative_to(built.root)).read_bytes()


def test_release_has_no_solution_no_hidden_test_and_no_graded_output(built):
    cells = {cell.id: cell for cell in nbformat.read(built.release(NAME), as_version=4).cells}
    assert "return 2 * x" not in built.release(NAME).read_text()
    assert "for a vector" not in built.release(NAME).read_text()
    assert cells["exercise-twice"].source.endswith("# Your code here\n    raise NotImplementedError")
    assert cells["exercise-twice"].outputs == cells["check-twice"].outputs == []
    assert cells["a-picture-3"].outputs == cells["a-picture-4"].outputs == []
    assert 'alt="x and relu(x)"' in cells["a-picture-2"].outputs[0].data["text/html"], "pictures stay"


def test_metadata_is_nbgraders(built):
    cells = {cell.id: cell for cell in nbformat.read(built.release(NAME), as_version=4).cells}
    about = cells["check-twice"].metadata.nbgrader
    assert (about.schema_version, about.grade_id, about.grade, about.locked, about.points) == (
        3,
        "check-twice",
        True,
        True,
        2,
    )
    assert cells["exercise-twice"].metadata.nbgrader.solution
    assert not cells["setup"].metadata.editable
    assert not cells["tools"].metadata.editable
    for folded in ("tools", "check-twice", "a-picture-5"):
        assert cells[folded].metadata.jupyter.source_hidden
        assert cells[folded].metadata.cellView == "form"
    assert "jupyter" not in cells["setup"].metadata
    assert cells["check-twice"].source.startswith('#@title Check of exercise 1: Twice { display-mode: "form" }\n')
    assert cells["a-picture-5"].source.startswith('#@title Draw it again { display-mode: "form" }\n')


def test_run_all_goes_on_after_a_check_of_the_release_and_of_nothing_else(built):
    tagged = {
        path: [cell.id for cell in nbformat.read(path, 4).cells if "raises-exception" in cell.metadata.get("tags", [])]
        for path in (built.solution(NAME), built.release(NAME))
    }
    assert tagged == {built.solution(NAME): [], built.release(NAME): ["check-twice"]}


def test_notebook_with_gaps_is_not_built(tmp_path):
    course = make_course(tmp_path, SOUND)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "find_gaps", faults.find_gaps)
        with pytest.raises(CourseError, match="1 exercises: a notebook has at least 6"):
            build(course, NAME)
    assert not course.solution(NAME).exists()


def test_heading_of_an_exercise_is_completed(built):
    text = built.release(NAME).read_text(encoding="utf-8")
    assert "### Exercise 1: Twice" in text
    assert "**2 points** · difficulty ●○○ · about 2 minutes" in text


@pytest.mark.parametrize("which", ["solution", "release"])
def test_check_names_a_notebook_edited_by_hand(copy, which):
    path = getattr(copy, which)(NAME)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if cell["id"] == "a-picture-2")
    cell["outputs"][0]["data"]["text/plain"] = ["tampered"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert check(copy, NAME) == [
        f"{path.relative_to(copy.root)} is not what its source gives: run `autograder build {NAME}`."
    ]


@pytest.mark.parametrize("which", ["solution", "release"])
def test_check_names_a_missing_notebook(copy, which):
    getattr(copy, which)(NAME).unlink()
    assert len(check(copy, NAME)) == 1


def test_check_notices_a_changed_source(copy):
    copy.source(NAME).write_text((SOUND + PICTURE).replace("Double it.", "Please double it."), encoding="utf-8")
    assert check(copy, NAME)
    assert build(copy, NAME) == "run"
    assert check(copy, NAME) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'expect(twice(x), x + x, "twice(x)")',
            'expect(twice(x.to_sparse()).to_dense(), x + x, "twice(x)")',
            r"99_fixture\.py:20: .* as submissions are graded: .*cannot cross",
        ),
        (
            'expect(twice(x), x + x, "twice(x)")',
            'before = x.clone()\ntwice(x)\nexpect(twice.__globals__["x"] is x, True, "names are shared")',
            r"99_fixture\.py:20: .* as submissions are graded: .*__globals__",
        ),
    ],
)
def test_check_that_only_works_in_one_process_is_no_notebook(tmp_path, old, new, message):
    course = make_course(tmp_path, SOUND.replace(old, new))
    with pytest.raises(CourseError, match=message):
        build(course, NAME)
    assert not course.solution(NAME).exists()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("x = 1\n1 / 0", r"99_fixture\.py:LINE: the cell fails with ZeroDivisionError: division by zero"),
        ("import sys; print('oh', file=sys.stderr)", r"99_fixture\.py:LINE: the cell writes to stderr: oh"),
        ("os._exit(1)", r"99_fixture\.py:LINE: the notebook stops in this cell: Kernel died"),
    ],
)
def test_cell_that_fails_is_named_and_nothing_is_written(tmp_path, cell, message):
    text = f"{SOUND}\n# %% [markdown]\n# ## More\n\n# %%\n{cell}\n"
    course = make_course(tmp_path, text)
    line = text.splitlines().index("# %%") + 1
    with pytest.raises(CourseError, match=message.replace("LINE", str(line))):
        build(course, NAME)
    assert not course.solution(NAME).exists()
    assert not course.release(NAME).exists()


def test_badge_appears_with_the_repositorys_address(tmp_path):
    source = make_course(tmp_path, SOUND).source(NAME)
    opening = expand(read_source(source), ROOT / "data", "https://github.com/owner/name", "main").cells[0].source
    assert (
        "https://colab.research.google.com/github/owner/name/blob/main/notebooks/99_fixture/99_fixture.ipynb" in opening
    )
    without = expand(read_source(source), ROOT / "data").cells[0].source
    assert "colab.research" not in without
    assert "Upload notebook" in without


ADDRESS = "https://hand-in.example.org"


def configure(course: Course, serve: str) -> Course:
    """The course with a line for ``serve`` in its settings."""
    (course.root / "pyproject.toml").write_text(f"[tool.autograder]\n{serve}\n", encoding="utf-8")
    return course


def test_last_cell_says_where_to_hand_in_if_an_address_is_configured(built, copy):
    assert build(configure(copy, f'serve = "{ADDRESS}/"'), NAME) == "run"
    assert check(copy, NAME) == []
    for notebook, plain in ((copy.solution, built.solution), (copy.release, built.release)):
        *cells, last = nbformat.read(notebook(NAME), as_version=4).cells
        assert cells == nbformat.read(plain(NAME), as_version=4).cells
        assert (last.cell_type, last.id, last.metadata) == ("markdown", "hand-in", {})
        assert last.source.startswith("## Hand in\n")
        assert f"<{ADDRESS}/a/{NAME}>" in last.source
    (stale,) = check(configure(copy, 'serve = "https://elsewhere.example.org"'), NAME)
    assert "is not what its source gives" in stale


@pytest.mark.parametrize("serve", ["", 'serve = ""'])
def test_without_an_address_a_notebook_is_what_it_was(copy, serve):
    before = copy.solution(NAME).read_bytes(), copy.release(NAME).read_bytes()
    assert build(configure(copy, serve), NAME) == "up to date"
    assert (copy.solution(NAME).read_bytes(), copy.release(NAME).read_bytes()) == before


def test_a_notebook_without_points_is_not_handed_in(tmp_path):
    source = read_source(make_course(tmp_path, SOUND.replace("points=2", "points=0")).source(NAME))
    assert expand(source, ROOT / "data", serve=ADDRESS) == expand(source, ROOT / "data")


@pytest.mark.parametrize(
    "value", ['"hand-in.example.org"', '"https://a b"', '"https://a.b)c<d>"', '"https://"', '"https://a.b/c"', "8040"]
)
def test_an_address_that_is_none_is_one_line(copy, value):
    with pytest.raises(CourseError, match=r"pyproject.toml: serve = .* cannot be the address; .* https:\S+$"):
        build(configure(copy, f"serve = {value}"), NAME)


def test_tools_have_just_what_a_notebook_uses():
    plain, drawing, digits = (tools_text(names, ROOT / "data") for names in (set(), {"draw_row"}, {"load_mnist"}))
    assert "def expect" in plain
    assert plain.rstrip().endswith("set_custom_exc((Exception,), show_failure)"), "failures are shown by our handler"
    assert "def draw_row" not in plain
    assert "DIGITS_BLOB" not in plain
    assert "def draw_grid" in drawing, "what a helper needs comes with it"
    assert "def load_digits" in digits
    assert "@functools.cache\ndef say_once" in digits, "decorators come with their function"
    for text in (plain, drawing, digits):
        assert "autograder" not in text
        ast.parse(text)
    assert sum(len(line) > 120 for line in digits.splitlines()) == 1, "the digits are one line"


def test_setup_is_short():
    assert len(setup_text().splitlines()) < 30
    ast.parse(setup_text())


def test_pieces_have_names_of_their_own():
    """All are written into one cell, where one of two would replace the other."""
    names = [
        name
        for module in (*setup_cell.MODULES, "setup", "tools")
        for node in ast.parse((setup_cell.PIECES_DIR / f"{module}.py").read_text()).body
        if not isinstance(node, (ast.Import, ast.ImportFrom))
        for name in defined_names(ast.Module([node], []))
    ]
    assert sorted(names) == sorted(set(names))


def test_every_helper_is_known_to_the_checks_on_sources():
    assert {
        "expect",
        "show",
        "Grid",
        "load_digits",
        "load_mnist",
        "torch",
        "nn",
        "F",
        "np",
        "plt",
        "device",
    } <= setup_names()


@pytest.mark.parametrize("name", COURSE.names)
def test_committed_notebooks_are_what_their_sources_give(name):
    assert check(COURSE, name) == []
