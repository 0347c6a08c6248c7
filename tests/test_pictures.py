"""Which pictures a run need not draw again, and that what it shows instead is what it would have drawn."""

import re
from copy import deepcopy

import nbformat
import pytest
from conftest import COURSE
from nbformat.v4 import new_code_cell, new_notebook, new_output
from test_execute import LIMITS

from autograder.execute import Limits, drawn_pictures, execute
from autograder.execute.grader.pictures import Images, picture_mark, put_pictures, reusable
from autograder.source.names import defined_names, parse, read_names

SHOWN = 'picture("figure", alt="A")'


def image(alt: str, data: str = "AAAA") -> str:
    return f'<img alt="{alt}" style="width:80px" src="data:image/svg+xml;base64,{data}">'


def cell(source: str, *images: str, **about):
    outputs = [new_output("display_data", data={"text/html": html, "text/plain": ""}) for html in images]
    return new_code_cell(source, outputs=outputs, metadata={"nbgrader": about} if about else {})


SETUP = cell("import torch\ndef picture(figure, alt): ...", grade_id="setup", grade=False, locked=True)


def answer(source: str):
    return cell(source, grade_id="exercise-a", grade=False, solution=True)


def test_images_by_cell_and_text_alternative():
    solution = new_notebook(
        cells=[
            SETUP,
            cell("one", image("A &quot;b&quot;"), f"<div>{image('B')}<p>between</p>{image('C')}</div>"),
            cell("two", image("same", "AAAA"), image("same", "BBBB"), image("other")),
            cell("three", "<b>no image</b>"),
            answer("four"),
        ]
    )
    solution.cells[-1].outputs = [new_output("display_data", data={"text/html": image("D")})]
    assert drawn_pictures(solution) == {
        "one": {'A "b"': image("A &quot;b&quot;"), "B": image("B"), "C": image("C")},
        "two": {"other": image("other")},
        "three": {},
    }


@pytest.mark.parametrize(
    "between",
    [
        answer("def relu(x):\n    y = x.clamp(0)\n    return torch.relu(y)"),
        answer("def relu(x): ("),
        cell("print(len('abc'), 7 % 2, 1 != 2, 'why?')"),
        cell("relu(1)", grade_id="check-a", grade=True),
    ],
)
def test_cell_that_nothing_reaches_is_not_drawn(between):
    text = f"x = torch.ones(2)\ny = x + 1\n{SHOWN}"
    notebook = new_notebook(cells=[SETUP, between, cell(text)])
    assert reusable(notebook, {text: {"A": image("A")}}) == {2: {"A": image("A")}}


@pytest.mark.parametrize(
    ("between", "text"),
    [
        (answer("def relu(x): return x"), f"y = relu(1)\n{SHOWN}"),
        (answer("x = 3"), f"y = x\n{SHOWN}"),
        (answer("x.zero_()"), f"y = x\n{SHOWN}"),
        (answer("def f():\n    global x\n    x = 3"), f"y = x\n{SHOWN}"),
        (cell("torch = 3"), f"y = torch.ones(2)\n{SHOWN}"),
        (cell("def picture(figure, alt): pass"), SHOWN),
        (cell("a = !ls"), SHOWN),
        (cell("a = %pwd"), SHOWN),
        (cell("%%capture x\n1"), SHOWN),
        (cell("1\n  %run other"), SHOWN),
        (cell("!ls"), SHOWN),
        (cell("torch.nn?"), SHOWN),
        (cell("len = sum"), f"y = len([])\n{SHOWN}"),
        (answer("import torch"), f"y = torch.ones(2)\n{SHOWN}"),
        (cell("for i in range(3): print(x)"), f"y = x\n{SHOWN}"),
    ],
)
def test_cell_that_a_learner_reaches_is_drawn(between, text):
    notebook = new_notebook(cells=[SETUP, between, cell(text)])
    known = {text: {"A": image("A")}}
    assert reusable(new_notebook(cells=[SETUP, cell(text)]), known), "without the cell between"
    assert reusable(notebook, known) == {}


def test_what_is_reached_reaches_on():
    """A cell of the course that uses an answer changes what later cells see, also through what it hands the answer."""
    texts = ["z = relu(x)", f"w = z + 1\n{SHOWN}", f"v = x + 1\n{SHOWN}", f"u = 1\n{SHOWN}"]
    notebook = new_notebook(cells=[SETUP, cell("x = 1"), answer("def relu(x): return x"), *map(cell, texts)])
    known = {text: {"A": image("A")} for text in ["x = 1", *texts]}
    assert list(reusable(notebook, known)) == [1, 6]


@pytest.mark.parametrize("order", [[1], [1, 0], [0, 0, 1]])
def test_cell_that_is_missing_or_moved_reaches_what_it_would_have_defined(order):
    texts = ["x = x0 = 1", f"y = x\n{SHOWN}"]
    known = {text: {"A": image("A")} for text in texts}
    assert len(reusable(new_notebook(cells=[SETUP, *map(cell, texts)]), known)) == 2
    assert reusable(new_notebook(cells=[SETUP, *(cell(texts[i]) for i in order)]), known) == {}


def test_cell_that_is_missing_reaches_nothing_else():
    known = {"a = 1": {}, f"b = 1\n{SHOWN}": {"A": image("A")}}
    assert list(reusable(new_notebook(cells=[SETUP, cell(f"b = 1\n{SHOWN}")]), known)) == [1]


def test_changed_cell_is_drawn():
    notebook = new_notebook(cells=[SETUP, cell(f"{SHOWN}  # mine")])
    assert reusable(notebook, {SHOWN: {"A": image("A")}}) == {}


def test_run_shows_a_known_picture_and_draws_any_other():
    setup = cell(
        "import matplotlib.pyplot as plt\nfrom IPython.display import HTML, display\n"
        "def picture(figure, alt):\n    plt.close(figure)\n    return f'<b>drawn: {alt}</b>'\n"
        "def show(figure, alt): display(HTML(picture(figure, alt)))\n"
        "def draw(*values, alt): show(plt.figure(), alt)",
        grade_id="setup",
        grade=False,
        locked=True,
    )
    text = "for alt in 'AB': show(plt.figure(), alt)\nfor alt in 'CBD': draw(alt=alt)\nlen(plt.get_fignums())"
    mine = "show(plt.figure(), 'A')\ndraw(alt='A')"
    notebook = new_notebook(cells=[setup, cell(text), cell(mine)])
    known = Images({"A": image("A"), "C": image("C"), "D": image("D")}, alone=["A", "C"])
    report = execute(notebook, LIMITS, isolation=False, pictures={text: known})
    assert [one.status for one in report.cells] == ["ok", "ok", "ok"]
    shown = [[output.data.get("text/html") for output in one.outputs] for one in notebook.cells]
    drawn_b = "<b>drawn: B</b>"
    assert shown == [[], [image("A"), drawn_b, image("C"), drawn_b, image("D"), None], ["<b>drawn: A</b>"] * 2]
    assert notebook.cells[1].outputs[5].data["text/plain"] == "0", "the figure that was not drawn is closed"


def test_output_of_known_pictures_keeps_its_svg():
    """Viewers that strip HTML show that; a mark that is left would be another output."""
    shown = cell("draw()", picture_mark("A"), picture_mark("A") + picture_mark("B"))
    for output in shown.outputs:
        output.data["text/plain"] = "[picture: A]"
    put_pictures(shown, Images({"A": "first"}, svgs={"[picture: A]": "<svg/>"}))
    assert [output.data.get("image/svg+xml") for output in shown.outputs] == ["<svg/>", None]


def test_picture_is_put_in_once_however_often_its_mark_is_shown():
    """A mark has some dozen characters, a picture a hundred thousand: a learner could flood the grader with it."""
    marks = picture_mark("A") * 3
    shown = cell("draw()", marks, marks + picture_mark("B"))
    put_pictures(shown, Images({"A": "first", "B": "second"}))
    html = [output.data["text/html"] for output in shown.outputs]
    assert html == ["first" + picture_mark("A") * 2, marks + "second"]


def tags(cell) -> list[str]:
    """A cell that is marked ``yours`` shows the learner's own work on purpose."""
    return cell.metadata.get("tags", [])


@pytest.mark.parametrize("name", COURSE.names)
def test_no_picture_of_the_course_depends_on_an_answer_by_accident(name):
    """Only one that shows an answer may be drawn in every submission: that is most of the time that grading takes."""
    solution = nbformat.read(COURSE.solution(name), as_version=4)
    pictures, answers = drawn_pictures(solution), set()
    for one in solution.cells:
        if one.metadata.get("nbgrader", {}).get("solution") or "yours" in tags(one):
            answers |= defined_names(parse(one.source))
    graded = any(one.metadata.get("nbgrader", {}).get("points") for one in solution.cells)
    assert sum(map(len, pictures.values())) >= (6 if graded else 1)
    assert answers
    found = reusable(solution, pictures)
    ours = [one for index, one in enumerate(solution.cells) if index not in found and "yours" not in tags(one)]
    drawn = [one.source for one in ours if pictures.get(one.source)]
    assert [source for source in drawn if not read_names(parse(source)) & answers] == []


#: Words in cells that measure time, or show a time that was measured.
TIMERS = {"perf_counter", "Timer", "Timed", "microseconds", "throughput"}


@pytest.mark.parametrize("name", COURSE.names)
def test_what_is_shown_is_what_is_drawn(name):
    """All outputs of a whole notebook, byte by byte, but for those of cells that measure time."""
    solution = nbformat.read(COURSE.solution(name), as_version=4)
    drawn, shown = deepcopy(solution), deepcopy(solution)
    execute(drawn, Limits(), isolation=False)
    execute(shown, Limits(), isolation=False, pictures=drawn_pictures(drawn))
    unlike = [one.source for one, other in zip(shown.cells, drawn.cells) if one.get("outputs") != other.get("outputs")]
    assert [source for source in unlike if not TIMERS & set(re.findall(r"\w+", source))] == []
