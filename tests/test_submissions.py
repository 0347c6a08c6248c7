"""Whatever is handed in is read, recognised and restored, or a sentence says what is wrong with it."""

import copy
import json
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from conftest import COURSE, ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import OverwriteCells

from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading import submissions
from autograder.grading.nbgrader_apps import course_config, course_directory, generate_assignment
from autograder.grading.preprocessors import RestoreCells
from autograder.grading.restore import KnownCell, bound_names, read_known, restore
from autograder.grading.submissions import find_submission, find_submissions, likeness, parse_notebook, read_telltales
from autograder.grading.trial import recognise

NAME = "99_fixture"
SETUP = "import torch\n\n\ndef expect(got, wanted):\n    assert got == wanted, 'the set-up of the course'"
STUB = "def relu(x):\n    # Your code here\n    raise NotImplementedError"
CHECK = """x = torch.tensor([-1.0, 0.0, 2.0])
expect(relu(x).tolist(), [0.0, 0.0, 2.0])
### BEGIN HIDDEN TESTS
expect(relu(-x).tolist(), [1.0, 0.0, 0.0])
### END HIDDEN TESTS
expect(relu(torch.zeros(3)).tolist(), [0.0, 0.0, 0.0])"""
NET_STUB = "class Net:\n    # Your code here\n    raise NotImplementedError"
NET_CHECK = "net = Net()\nexpect(net.layers, 3)\nexpect(sum(len(weight) for weight in net.parameters()), 75)"
ANSWER, NET_ANSWER = "def relu(x):\n    return x.clamp(min=0)", "class Net:\n    layers = 3"
SOURCES = {
    "setup": SETUP,
    "exercise-relu": STUB,
    "check-relu": CHECK,
    "exercise-net": NET_STUB,
    "check-net": NET_CHECK,
}
POINTS = {"check-relu": 2.0, "check-net": 1.0}


def released(text: str) -> str:
    begin, end = text.find("### BEGIN"), text.find("### END HIDDEN TESTS\n")
    return text if begin < 0 else text[:begin] + text[end + len("### END HIDDEN TESTS\n") :]


def course_cell(grade_id: str, source: str):
    """A cell with what nbgrader writes about it."""
    about = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": grade_id in POINTS,
        "solution": grade_id.startswith("exercise-"),
        "locked": not grade_id.startswith("exercise-"),
        "task": False,
        "cell_type": "code",
    }
    about |= {"points": POINTS[grade_id]} if grade_id in POINTS else {}
    cell = new_code_cell(source, id=grade_id, metadata={"nbgrader": about})
    cell.metadata.nbgrader.checksum = utils.compute_checksum(cell)
    return cell


def known_cells(cells) -> dict[str, KnownCell]:
    """What a gradebook would know of ``cells``."""
    return {
        cell.metadata.nbgrader.grade_id: KnownCell(
            cell.metadata.nbgrader, cell.cell_type, utils.is_locked(cell), cell.source
        )
        for cell in cells
        if "nbgrader" in cell.metadata
    }


KNOWN = known_cells([course_cell(grade_id, source) for grade_id, source in SOURCES.items()])


def handed_in(name: str | None = NAME):
    """The released notebook with both exercises answered."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# A title", id="title"),
            course_cell("setup", SETUP),
            new_markdown_cell("### Exercise 1: ReLU", id="text"),
            course_cell("exercise-relu", ANSWER),
            course_cell("check-relu", released(CHECK)),
            new_markdown_cell("## Something else", id="more"),
            new_code_cell("relu = torch.relu\nrelu(torch.ones(1))", id="example"),
            course_cell("exercise-net", NET_ANSWER),
            course_cell("check-net", NET_CHECK),
        ],
        metadata={"autograder": {"notebook": name}} if name else {},
    )
    return copy.deepcopy(notebook)


def cell_of(notebook, identity: str):
    return next(cell for cell in notebook.cells if cell.id == identity)


def remove(*identities: str):
    def edit(notebook):
        notebook.cells = [cell for cell in notebook.cells if cell.id not in identities]

    return edit


def write(identity: str, source: str):
    def edit(notebook):
        cell_of(notebook, identity).source = source

    return edit


def strip(notebook):
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})


def about(identity: str, metadata):
    """Put something else where nbgrader's metadata was."""

    def edit(notebook):
        cell_of(notebook, identity).metadata = nbformat.from_dict({"nbgrader": metadata})

    return edit


def retype(identity: str, make: Callable):
    def edit(notebook):
        notebook.cells = [
            make(cell.source, id=cell.id, metadata=cell.metadata) if cell.id == identity else cell
            for cell in notebook.cells
        ]

    return edit


def add(source: str, after: str, identity: str = "new", like: str | None = None):
    """A cell behind another one; ``like`` copies a cell's metadata."""

    def edit(notebook):
        metadata = copy.deepcopy(cell_of(notebook, like).metadata) if like else {}
        place = notebook.cells.index(cell_of(notebook, after)) + 1
        notebook.cells.insert(place, new_code_cell(source, id=identity, metadata=metadata))

    return edit


def add_tag(notebook):
    cell_of(notebook, "check-relu").metadata["tags"] = ["skip-execution"]


def of_colab(notebook):
    """Colab writes format 4.0, where cells have no ids, and drops what it does not know."""
    remove("check-relu", "setup")(notebook)
    notebook.nbformat_minor = 0
    for cell in notebook.cells:
        del cell["id"]


NOT_FOUND = "exercise {!r} was not found: its cell is missing or was renamed"
PLAIN = ["title", "setup", "text", "exercise-relu", "check-relu", "more", "example", "exercise-net", "check-net"]
#: What happened to the notebook: (edits, the cells that it has then, sentences). A cell that was put back is written
#: +grade_id, one that counts as another than its id says id=grade_id, one of the course that does not count id=.
RESTORED: dict[str, tuple[list[Callable], list[str], list[str]]] = {
    "nothing": ([], PLAIN, []),
    "check edited": ([write("check-relu", "pass")], PLAIN, []),
    "set-up edited": ([write("setup", "pass")], PLAIN, []),
    "check is Markdown": ([retype("check-relu", new_markdown_cell)], PLAIN, []),
    "check is raw": ([retype("check-relu", new_raw_cell)], PLAIN, []),
    "exercise is Markdown": ([retype("exercise-relu", new_markdown_cell)], PLAIN, []),
    "check would be skipped": ([add_tag], PLAIN, []),
    "metadata broken": ([about("check-relu", "broken"), about("check-net", {"grade_id": ["check-net"]})], PLAIN, []),
    "metadata of the future": ([about("check-relu", {"schema_version": 99, "grade_id": "check-relu"})], PLAIN, []),
    "metadata unknown": ([about("example", {"grade_id": "exercise-other", "solution": True})], PLAIN, []),
    "check missing": (
        [remove("check-relu")],
        ["title", "setup", "text", "exercise-relu", "+check-relu", "more", "example", "exercise-net", "check-net"],
        [],
    ),
    "check missing, answer in another cell": (
        [
            remove("check-relu"),
            write("exercise-relu", STUB),
            add(ANSWER, "exercise-relu"),
            add("relu(1)", "new", "newer"),
        ],
        ["title", "setup", "text", "exercise-relu", "new", "+check-relu", "newer", *PLAIN[5:]],
        [],
    ),
    "check missing, its text in another check": (
        [remove("check-relu"), write("check-net", released(CHECK))],
        ["title", "setup", "text", "exercise-relu", "+check-relu", *PLAIN[5:]],
        [],
    ),
    "check and exercise missing": (
        [remove("exercise-net", "check-net")],
        [*PLAIN[:-2], "+check-net"],
        [NOT_FOUND.format("net")],
    ),
    "exercise missing": ([remove("exercise-net")], [*PLAIN[:-2], "check-net"], [NOT_FOUND.format("net")]),
    "exercise missing, its name in a check": (
        [remove("exercise-net"), write("check-relu", NET_ANSWER)],
        [*PLAIN[:-2], "check-net"],
        [NOT_FOUND.format("net")],
    ),
    "set-up missing": ([remove("setup")], ["+setup", "title", *PLAIN[2:]], []),
    "everything missing": (
        [remove(*PLAIN)],
        ["+setup", "+check-relu", "+check-net"],
        [NOT_FOUND.format("relu"), NOT_FOUND.format("net")],
    ),
    "exercise and check copied": (
        [add("1", "check-net", "b", "check-relu"), add(ANSWER, "check-net", "a", "exercise-relu")],
        [
            *[
                "title",
                "setup",
                "text",
                "exercise-relu=",
                "check-relu=",
                "more",
                "example",
                "exercise-net",
                "check-net",
            ],
            *["a=exercise-relu", "b=check-relu"],
        ],
        [],
    ),
    "stripped, set-up copied": ([strip, add(SETUP, "check-net")], [*PLAIN, "new"], []),
    "set-up copied": ([add("pass", "check-net", like="setup")], [*PLAIN, "new"], []),
    "exercises merged": (
        [remove("exercise-net"), write("exercise-relu", ANSWER + "\n\n\n" + NET_ANSWER)],
        [*PLAIN[:-2], "check-net"],
        [],
    ),
    "stripped": ([strip], PLAIN, []),
    "stripped, white space changed": (
        [strip, write("check-relu", released(CHECK).replace(" ", "  ").replace("\n", "\r\n\r\n")), write("setup", " ")],
        ["+setup", "title", "setup=", *PLAIN[2:]],
        [],
    ),
    "stripped, check edited": ([strip, write("check-net", NET_CHECK.replace("75", "70"))], PLAIN, []),
    "stripped, check rewritten": (
        [strip, write("check-net", "expect(Net().layers, 3)")],
        [*PLAIN[:-1], "+check-net", "check-net="],
        [],
    ),
    "stripped, check is Markdown": ([strip, retype("check-relu", new_markdown_cell)], PLAIN, []),
    "stripped, set-up edited": ([strip, write("setup", SETUP.replace("torch", "numpy"))], PLAIN, []),
    "stripped, check copied": (
        [strip, add(released(CHECK), "check-relu")],
        [*PLAIN[:4], "check-relu=", "new=check-relu", *PLAIN[5:]],
        [],
    ),
    "stripped, check copied and edited": (
        [strip, add(NET_CHECK, "exercise-net"), write("check-net", NET_CHECK.replace("75", "70"))],
        [*PLAIN[:-1], "new=check-net", "check-net="],
        [],
    ),
    "stripped, answered twice": (
        [strip, add(ANSWER, "exercise-relu")],
        [*PLAIN[:3], "exercise-relu=", "new=exercise-relu", *PLAIN[4:]],
        [],
    ),
    "stripped, answer not valid Python": ([strip, write("exercise-relu", "def relu(x):\n    return x +")], PLAIN, []),
    "stripped, answer assigned": ([strip, write("exercise-relu", "relu: object = torch.relu")], PLAIN, []),
    "stripped, answer renamed": (
        [strip, write("exercise-relu", "def my_relu(x):\n    return relu == 1")],
        [*PLAIN[:3], "exercise-relu=", *PLAIN[4:]],
        [NOT_FOUND.format("relu")],
    ),
    "stripped, answer only told of": (
        [strip, retype("exercise-relu", new_markdown_cell)],
        [*PLAIN[:3], "exercise-relu=", *PLAIN[4:]],
        [NOT_FOUND.format("relu")],
    ),
}


@pytest.mark.parametrize("case", RESTORED)
def test_cells_come_back(case):
    edits, expected, sentences = RESTORED[case]
    notebook = handed_in()
    for edit in edits:
        edit(notebook)
    before = {cell.id: cell.source for cell in notebook.cells}
    assert restore(notebook, KNOWN) == sentences
    assert told(notebook, before) == expected
    assert_sound(notebook)


def told(notebook, before: dict[str, str]) -> list[str]:
    """The cells in the notation of ``RESTORED``."""
    lines = []
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        usual = cell.id if cell.id in SOURCES else ""
        lines.append(
            f"+{grade_id}" if cell.id not in before else cell.id if grade_id == usual else f"{cell.id}={grade_id}"
        )
    return lines


def assert_sound(notebook):
    """Every cell that counts is as in the source, and nbgrader and Jupyter accept the notebook."""
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    assert {cell.cell_type for cell in notebook.cells if "nbgrader" in cell.metadata} <= {"code"}
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            known = KNOWN[cell.metadata.nbgrader.grade_id]
            assert cell.metadata.nbgrader == known.metadata
            if known.locked:
                assert cell.source == known.source
                assert list(cell.metadata) == ["nbgrader"]
                assert utils.compute_checksum(cell) == cell.metadata.nbgrader.checksum


def test_cells_without_ids_get_none():
    """Before format 4.5 a cell must not have one."""
    notebook = handed_in()
    of_colab(notebook)
    restore(notebook, KNOWN)
    assert notebook.cells[0].metadata.nbgrader.grade_id == "setup"
    assert_sound(notebook)


def test_answer_of_a_learner_is_not_touched():
    notebook = handed_in()
    restore(notebook, KNOWN)
    assert cell_of(notebook, "exercise-relu").source == ANSWER


def test_restoring_twice_changes_nothing():
    notebook = handed_in()
    strip(notebook)
    restore(notebook, KNOWN)
    once = copy.deepcopy(notebook)
    assert restore(notebook, KNOWN) == []
    assert notebook == once


def test_known_cells_are_not_shared_between_submissions():
    """Worker threads restore many submissions with the same known cells."""
    one, other = handed_in(), handed_in()
    restore(one, KNOWN)
    restore(other, KNOWN)
    cell_of(one, "check-relu").metadata.nbgrader["points"] = 300
    assert cell_of(other, "check-relu").metadata.nbgrader.points == 2.0
    assert KNOWN["check-relu"].metadata["points"] == 2.0


def test_check_without_a_released_word_is_not_any_empty_cell():
    hidden = "### BEGIN HIDDEN TESTS\nexpect(relu(1), 1)\n### END HIDDEN TESTS"
    known = known_cells([course_cell("exercise-relu", STUB), course_cell("check-relu", hidden)])
    notebook = new_notebook(cells=[new_code_cell(""), new_code_cell(ANSWER)])
    restore(notebook, known)
    assert [cell.source for cell in notebook.cells] == ["", ANSWER, hidden]


def test_of_two_checks_alike_neither_is_guessed():
    """A text as near to one as to the other is left alone, and both checks are put back."""
    sources = {"exercise-relu": STUB, "exercise-net": NET_STUB}
    sources |= {"check-relu": f"expect(one, 1)\n{CHECK}", "check-net": f"expect(two, 1)\n{CHECK}"}
    known = known_cells([course_cell(grade_id, source) for grade_id, source in sources.items()])
    notebook = new_notebook(cells=[new_code_cell(f"expect(three, 1)\n{released(CHECK)}", id="a")])
    restore(notebook, known)
    assert "nbgrader" not in cell_of(notebook, "a").metadata
    assert len(notebook.cells) == 3


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def f(x):\n    y = x\n    def g(): pass", {"f"}),
        ("@torch.no_grad()\nasync def f(x): pass\nclass A(nn.Module): pass", {"f", "A"}),
        ("a = b == c\nd: dict[str, int] = {}\ne += 1\nf == 2\ng(h=3)", {"a", "d"}),
        ("%matplotlib inline\nf = (", {"f"}),
        ("defined\nclassy\n", set()),
    ],
)
def test_names_that_code_binds(code, names):
    assert bound_names(code) == names


@pytest.mark.parametrize(
    "piece", ["\n", "-", "(", " ", "a ", "a: ", "def f", "\nrelu", "### BEGIN HIDDEN TESTS ", "x = "]
)
def test_no_text_takes_long(piece):
    """Texts that parsers, regular expressions or a comparison could choke on."""
    notebook = handed_in()
    strip(notebook)
    notebook.cells.append(new_code_cell(piece * (2_000_000 // len(piece)) + "relu Net"))
    words = released(CHECK).split()
    notebook.cells += [new_code_cell(" ".join(reversed(words * 2))) for _ in range(200)]
    start = time.perf_counter()
    restore(notebook, KNOWN)
    assert time.perf_counter() - start < 5


def test_long_text_is_not_taken_apart():
    notebook = handed_in()
    strip(notebook)
    notebook.cells.append(new_code_cell("".join(f"w{number} " for number in range(300_000))))
    tracemalloc.start()
    restore(notebook, KNOWN)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("name", COURSE.names)
def test_notebooks_of_the_course_are_known_without_metadata(name):
    """Each cell of a release, stripped of its metadata, is recognised as what it is."""
    notebook = nbformat.read(COURSE.release(name), as_version=4)
    known, stripped = known_cells(notebook.cells), copy.deepcopy(notebook)
    strip(stripped)
    assert restore(stripped, known) == []
    assert [(cell.id, cell.metadata.get("nbgrader")) for cell in stripped.cells] == [
        (cell.id, cell.metadata.get("nbgrader")) for cell in notebook.cells
    ]


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """A course of two notebooks that share an exercise; their solutions are written here, not built."""
    course = Course(tmp_path_factory.mktemp("course"))
    (course.root / "nbgrader_config.py").write_bytes((ROOT / "nbgrader_config.py").read_bytes())
    texts = {NAME: SOURCES, "98_other": {grade_id: SOURCES[grade_id] for grade_id in list(SOURCES)[:3]}}
    texts["98_other"] |= {"exercise-own": "def own():\n    pass", "check-own": "expect(own(), None)"}
    texts["98_other"] |= {"exercise-mine": "def mine():\n    pass", "check-mine": "expect(mine(), 'nothing')"}
    for name, sources in texts.items():
        cells = [course_cell(grade_id, source) for grade_id, source in sources.items()]
        for cell in cells:
            if cell.metadata.nbgrader.solution:
                cell.source = f"### BEGIN SOLUTION\n{cell.source}\n### END SOLUTION"
            elif cell.metadata.nbgrader.grade_id not in ("setup", *POINTS):
                cell.metadata.nbgrader |= {"grade": True, "points": 1.0}
        course.solution(name).parent.mkdir(parents=True)
        nbformat.write(new_notebook(cells=cells), course.solution(name))
        course.source(name).touch()
    (course.solutions / "97_unbuilt").mkdir()
    course.source("97_unbuilt").touch()
    return course


def test_gradebook_gives_what_restoring_needs(course):
    """And nbgrader's own ``OverwriteCells``, run behind ours, finds nothing to change."""
    config = course_config(course.root)
    generate_assignment(config, NAME)
    url = course_directory(config).db_url
    with Gradebook(url) as gradebook:
        known = read_known(gradebook, NAME, NAME)
    assert list(known) == list(SOURCES)
    assert known["check-relu"].source == CHECK
    assert known["exercise-relu"].source == "# Your code here\nraise NotImplementedError"
    assert known["setup"].prepares
    assert not known["check-relu"].prepares
    notebook = handed_in()
    remove("exercise-net", "check-relu")(notebook)
    resources = {"nbgrader": {"notebook": NAME, "assignment": NAME, "db_url": url}}
    notebook, _ = RestoreCells().preprocess(notebook, resources)
    assert notebook.metadata.autograder == {"missing": [NOT_FOUND.format("net")]}
    assert [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata] == [
        *["setup", "exercise-relu", "check-relu", "check-net"]
    ]
    before = copy.deepcopy(notebook)
    OverwriteCells().preprocess(notebook, resources)
    assert notebook == before
    MetadataValidator().validate_nb(notebook)


def as_json(content) -> bytes:
    return json.dumps(content).encode()


def with_cell(**parts) -> bytes:
    """A notebook whose only cell is a code cell with some parts changed; a part of ... is left out."""
    cell = {"cell_type": "code", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None} | parts
    cell = {key: part for key, part in cell.items() if part is not ...}
    return as_json({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})


def format_3(cells) -> bytes:
    return as_json({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]})


SOUND = nbformat.writes(handed_in())
NO_NOTEBOOK = "the file is JSON, but not a notebook of format 4"
UNREADABLE = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n", "the file is empty"),
    "mark alone": (b"\xef\xbb\xbf", "the file is empty"),
    "text": (b"this is no notebook", "the file is not JSON"),
    "cut off": (SOUND[: len(SOUND) // 2].encode(), "the file is not JSON"),
    "zeros": (bytes(1000), "the file is not JSON"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not UTF-8"),
    "latin-1": ('{"cells": "é"}'.encode("latin-1"), "not UTF-8"),
    "utf-16 cut off": (SOUND.encode("utf-16")[:-1], "not UTF-8"),
    "utf-16 without mark": (SOUND.encode("utf-16-le"), "not JSON"),
    "utf-32": (SOUND.encode("utf-32"), "not JSON"),
    "nested": (b"[" * 1_000_000, "nested too deeply"),
    "long number": (b'{"nbformat": ' + b"4" * 10_000 + b"}", "not JSON"),
    "list": (b"[]", NO_NOTEBOOK),
    "not a number": (b"NaN", NO_NOTEBOOK),
    "string": (b'"cells"', NO_NOTEBOOK),
    "no cells": (b'{"nbformat": 4, "metadata": {}}', NO_NOTEBOOK),
    "cells no list": (b'{"nbformat": 4, "cells": {"0": {}}}', NO_NOTEBOOK),
    "no format": (b'{"cells": []}', NO_NOTEBOOK),
    "format a word": (b'{"nbformat": "four", "cells": []}', NO_NOTEBOOK),
    "format 2": (b'{"nbformat": 2, "worksheets": []}', NO_NOTEBOOK),
    "format 5": (b'{"nbformat": 5, "cells": []}', "a notebook of format 5: save it in format 4"),
    "format 3, no sheets": (b'{"nbformat": 3, "worksheets": 1}', NO_NOTEBOOK),
    "format 3, odd sheet": (b'{"nbformat": 3, "worksheets": [{"cells": []}, {"cells": 1}, 3]}', NO_NOTEBOOK),
    "format 3, odd cell": (format_3([3]), "cell 1 of the file is not a cell"),
    "cell no dictionary": (as_json({"nbformat": 4, "cells": [[]]}), "cell 1 of the file is not a cell"),
    "cell of no type": (with_cell(cell_type=...), "cell 1 of the file is of an unknown type"),
    "cell of odd type": (with_cell(cell_type=["code"]), "cell 1 of the file is of an unknown type"),
    "text a number": (with_cell(source=5), "the source of cell 1 of the file is not text"),
    "text false": (with_cell(source=False), "the source of cell 1 of the file is not text"),
    "text a list of numbers": (with_cell(source=["x", 5]), "the source of cell 1 of the file is not text"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_file_that_is_no_notebook_gets_a_sentence(case):
    data, sentence = UNREADABLE[case]
    with pytest.raises(CourseError, match=sentence) as caught:
        parse_notebook(data)
    assert "\n" not in str(caught.value)


SAME = [(cell.cell_type, cell.source) for cell in handed_in().cells]
ONE = [("code", "x = 1")]
REPAIRED = {
    "as it was": (SOUND.encode(), SAME),
    "mark of utf-8": (b"\xef\xbb\xbf" + SOUND.encode(), SAME),
    "utf-16, little end first": (SOUND.encode("utf-16"), SAME),
    "utf-16, big end first": (b"\xfe\xff" + SOUND.encode("utf-16-be"), SAME),
    "on one line": (as_json(json.loads(SOUND)), SAME),
    "minor of the future": (SOUND.replace('"nbformat_minor": 5', '"nbformat_minor": 99').encode(), SAME),
    "text in lines": (with_cell(source=["x =", " 1"]), ONE),
    "no text": (with_cell(source=...), [("code", "")]),
    "text null": (with_cell(source=None), [("code", "")]),
    "no metadata": (with_cell(metadata=...), ONE),
    "odd metadata": (with_cell(metadata=["x"]), ONE),
    "odd tags": (with_cell(metadata={"tags": "x", "collapsed": "yes", "nbgrader": {"grade_id": 3}}), ONE),
    "nested metadata": (with_cell(metadata=json.loads('{"a":' * 400 + "1" + "}" * 400)), ONE),
    "no outputs": (with_cell(outputs=..., execution_count=...), ONE),
    "odd outputs": (with_cell(outputs={"a": 1}, execution_count="x"), ONE),
    "odd output": (with_cell(outputs=[{"output_type": 7}, 3]), ONE),
    "not a number": (with_cell(metadata={"a": float("nan")}, outputs=[float("inf")]), ONE),
    "odd id": (with_cell(id="a b"), ONE),
    "id a number": (with_cell(id=3), ONE),
    "Markdown with outputs": (with_cell(cell_type="markdown"), [("markdown", "x = 1")]),
    "attachments of code": (with_cell(attachments={"a.png": {"image/png": ""}}), ONE),
    "odd attachments": (with_cell(cell_type="markdown", attachments={"a": 1}), [("markdown", "x = 1")]),
    "half a character": (with_cell(source="x\ud83d"), [("code", "x\N{REPLACEMENT CHARACTER}")]),
    "character in two lines": (with_cell(source=["x\ud83d", "\ude00"]), [("code", "x\N{GRINNING FACE}")]),
    "half a character in an id": (with_cell(metadata={"nbgrader": {"grade_id": "\ud83d"}}), ONE),
    "half a character in an attachment": (
        with_cell(cell_type="markdown", attachments={"a": {"b": "\ud83d"}}),
        [("markdown", "x = 1")],
    ),
    "key twice": (b'{"cells": 3, "nbformat": 4, "cells": [{"cell_type": "raw", "source": "x"}]}', [("raw", "x")]),
    "no cell": (b'{"nbformat": 4, "cells": [], "metadata": [1], "nbformat_minor": "x"}', []),
    "format 3": (
        format_3(
            [
                {"cell_type": "code", "language": "python", "input": ["x =", " 1"], "outputs": [], "prompt_number": 1},
                {"cell_type": "heading", "level": 2, "source": "y"},
                {"cell_type": "html", "source": ["<b>z</b>"]},
            ]
        ),
        [("code", "x = 1"), ("markdown", "y"), ("markdown", "<b>z</b>")],
    ),
}


@pytest.mark.parametrize("case", REPAIRED)
def test_notebook_is_read_and_what_is_odd_repaired(case, tmp_path):
    data, cells = REPAIRED[case]
    notebook = parse_notebook(data)
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == cells
    nbformat.validate(notebook)
    assert notebook.nbformat_minor >= 5
    nbformat.write(notebook, tmp_path / "written.ipynb")
    assert nbformat.read(tmp_path / "written.ipynb", as_version=4) == notebook


def test_what_is_kept_of_a_notebook():
    notebook = handed_in()
    picture = {"image.png": {"image/png": "iVBORw0KGgo="}}
    cell_of(notebook, "text")["attachments"] = picture
    cell_of(notebook, "example").outputs = [new_output("stream", text="x" * 1000)]
    cell_of(notebook, "example").metadata["tags"] = ["raises-exception"]
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": 3}
    read = parse_notebook(nbformat.writes(notebook).encode())
    assert [cell.id for cell in read.cells] == PLAIN
    assert cell_of(read, "text").attachments == picture
    assert cell_of(read, "example").outputs == []
    assert cell_of(read, "example").metadata == {}
    assert cell_of(read, "check-relu").metadata == {"nbgrader": {"grade_id": "check-relu"}}
    assert read.metadata == {"language_info": {"name": "python"}, "autograder": {"notebook": NAME}}


def test_ids_are_each_there_once():
    cells = [{"cell_type": "raw", "source": "x", "id": identity} for identity in ("a", "a", "cell-4-0", None, "a" * 65)]
    notebook = parse_notebook(as_json({"nbformat": 4, "cells": cells}))
    assert [cell.id for cell in notebook.cells] == ["a", "cell-2-0", "cell-4-0", "cell-4-1", "cell-5-0"]


def stripped(name: str | None = NAME) -> str:
    notebook = handed_in(name)
    strip(notebook)
    return nbformat.writes(notebook)


def other_notebook(name: str | None) -> str:
    """Another notebook of the course, which shares one exercise with this one."""
    notebook = new_notebook(
        cells=[course_cell("setup", SETUP), course_cell("exercise-relu", ANSWER), course_cell("exercise-own", "1")],
        metadata={"autograder": {"notebook": name}} if name else {},
    )
    return nbformat.writes(notebook)


def made_of(*pieces: str) -> str:
    notebook = handed_in("98_other")
    remove(*pieces)(notebook)
    return nbformat.writes(notebook)


RIGHT = f"{NAME}.ipynb"
#: What lies in the folder, oldest first: (files, the file that counts, the problem, the note).
FOLDERS: dict[str, tuple[dict[str, str], str, str | None, str | None]] = {
    "as it should be": ({RIGHT: SOUND}, RIGHT, None, None),
    "nothing": ({}, RIGHT, f"there is no {RIGHT} in the submission", None),
    "other things": ({"notes.txt": SOUND, ".~a.ipynb": SOUND}, RIGHT, f"there is no {RIGHT} in the submission", None),
    "renamed": (
        {f"{NAME} (1).ipynb": SOUND},
        f"{NAME} (1).ipynb",
        None,
        f"{NAME} (1).ipynb was graded: there is no {RIGHT}",
    ),
    "renamed by a browser": ({f"{RIGHT}.txt": SOUND}, f"{RIGHT}.txt", None, f"{RIGHT}.txt was graded: there is no"),
    "capital letters": ({"HOME.IPYNB": SOUND}, "HOME.IPYNB", None, "HOME.IPYNB was graded: there is no"),
    "renamed and stripped": ({"Copy of it.ipynb": stripped(None)}, "Copy of it.ipynb", None, "Copy of it.ipynb was"),
    "stripped": ({RIGHT: stripped()}, RIGHT, None, None),
    "two of other names": (
        {"b.ipynb": SOUND, "a.ipynb": SOUND},
        "a.ipynb",
        None,
        f"a.ipynb was graded, the newest of 2 such files: there is no {RIGHT}",
    ),
    "right name and a newer one": (
        {RIGHT: SOUND, "a.ipynb": SOUND},
        RIGHT,
        None,
        f"{RIGHT} was graded; also handed in, but not graded: a.ipynb",
    ),
    "right name and something else": ({RIGHT: SOUND, "a.ipynb": "no notebook"}, RIGHT, None, None),
    "right name broken": (
        {"a.ipynb": SOUND, RIGHT: "no notebook"},
        "a.ipynb",
        None,
        f"a.ipynb was graded: {RIGHT} cannot be graded: the file is not JSON",
    ),
    "all broken": ({"a.ipynb": "", RIGHT: "no notebook"}, RIGHT, "the file is not JSON", None),
    "broken under other names": (
        {"a.ipynb": "", "b.ipynb": "[]"},
        RIGHT,
        f"there is no {RIGHT}; a.ipynb: the file is empty; b.ipynb: the file is JSON",
        None,
    ),
    "another notebook": ({RIGHT: other_notebook("98_other")}, RIGHT, f"the notebook 98_other, not {NAME}", None),
    "another notebook that does not say so": ({RIGHT: other_notebook(None)}, RIGHT, None, None),
    "made of another notebook": ({RIGHT: made_of("check-relu", "check-net")}, RIGHT, None, None),
    "a little in another notebook": ({RIGHT: made_of(*PLAIN[3:-1])}, RIGHT, "it is the notebook 98_other", None),
    "a notebook of one's own": (
        {RIGHT: nbformat.writes(new_notebook(cells=[new_code_cell(""), new_code_cell("x = 1")]))},
        RIGHT,
        f"it has none of the exercises and checks of {NAME}: it is another notebook",
        None,
    ),
    "emptied": (
        {RIGHT: nbformat.writes(new_notebook(metadata={"autograder": {"notebook": NAME}}))},
        RIGHT,
        None,
        None,
    ),
}


@pytest.fixture(scope="module")
def telltales(course) -> dict[str, str]:
    return read_telltales(course.solution(NAME))


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "submitted" / "ada" / NAME
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("case", FOLDERS)
def test_file_that_counts(case, folder, telltales):
    files, counts, problem, note = FOLDERS[case]
    for age, (name, text) in enumerate(files.items()):
        (folder / name).write_text(text, encoding="utf-8")
        os.utime(folder / name, (10_000 + age, 10_000 + age))
    [found] = find_submissions(folder.parents[1], NAME, telltales)
    assert (found.student, found.folder, found.path) == ("ada", folder, folder / counts)
    assert_told(found.problem, problem)
    assert_told(found.note, note)
    assert sorted(path.name for path in folder.iterdir()) == sorted(files), "nothing was added"


def assert_told(sentence: str | None, part: str | None):
    assert (sentence is None) == (part is None), sentence
    assert part is None or part in sentence


def link_out(path: Path):
    outside = path.parents[3] / "outside.ipynb"
    outside.write_text(SOUND)
    path.symlink_to(outside)


def link_up(path: Path):
    """To another learner's work."""
    other = path.parents[2] / "bob" / NAME / path.name
    other.parent.mkdir(parents=True)
    other.write_text(SOUND)
    path.symlink_to(Path("..", "..", "bob", NAME, path.name))


def link_inside(path: Path):
    (path.parent / "real").write_text(SOUND)
    path.symlink_to("real")


ODD_FILES = {
    "folder": (Path.mkdir, "it is a folder, not a file"),
    "pipe": (os.mkfifo, "it is not a plain file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "a link to a file outside the submission"),
    "link out": (link_out, "a link to a file outside the submission"),
    "link to another learner": (link_up, "a link to a file outside the submission"),
    "link to nothing": (lambda path: path.symlink_to("nothing"), "cannot be read: No such file"),
    "link to itself": (lambda path: path.symlink_to(path.name), "cannot be read: Too many levels"),
    "link inside": (link_inside, None),
}


@pytest.mark.parametrize("case", ODD_FILES)
def test_what_is_no_file_is_not_opened(case, folder, telltales):
    make, problem = ODD_FILES[case]
    make(folder / RIGHT)
    assert_told(find_submission(folder, NAME, telltales).problem, problem)


def test_large_file_is_not_read(folder, telltales, monkeypatch):
    with (folder / RIGHT).open("wb") as file:
        file.truncate(200_000_000)
    monkeypatch.setattr(submissions, "parse_notebook", lambda data: pytest.fail("it was read"))
    found = find_submission(folder, NAME, telltales)
    assert found.problem == "the file is 200 MB, more than 50: clear its outputs and save it again"


def test_folders_that_are_links_are_not_followed(folder, telltales, tmp_path):
    """They may lead to another learner's work, or to anything that the teacher may read."""
    (folder / RIGHT).write_text(SOUND)
    submitted = folder.parents[1]
    (submitted / "bob").symlink_to(submitted / "ada")
    (submitted / "eve").mkdir()
    (submitted / "eve" / NAME).symlink_to(folder)
    (tmp_path / "elsewhere").symlink_to(submitted)  # a teacher's own link
    for place in (submitted, tmp_path / "elsewhere"):
        problems = {one.student: one.problem for one in find_submissions(place, NAME, telltales)}
        assert problems == {"ada": None, "bob": A_LINK, "eve": A_LINK}


A_LINK = "its folder is a link: put the folder itself in its place"


def test_few_of_many_notebooks_are_read(folder, telltales, monkeypatch):
    for number in range(2000):
        (folder / f"{number}.ipynb").touch()
    read = []
    parse = submissions.parse_notebook
    monkeypatch.setattr(submissions, "parse_notebook", lambda data: read.append(data) or parse(data))
    found = find_submission(folder, NAME, telltales)
    assert found.problem == f"there is no {RIGHT}, but 2000 other notebooks: keep the one that counts"
    (folder / RIGHT).write_text(SOUND)
    found = find_submission(folder, NAME, telltales)
    assert found.problem is None
    assert found.note == f"{RIGHT} was graded; also handed in, but not read: 2000 other notebooks"
    assert len(read) == 1


@pytest.mark.parametrize("piece", ["[]", "{}", "1", '""'])
def test_file_of_millions_of_pieces_is_not_taken_apart(piece, monkeypatch):
    """Each may take sixty times its size in memory."""
    monkeypatch.setattr(submissions.json, "loads", lambda text: pytest.fail("taken apart"))
    with pytest.raises(CourseError, match="more than 1000000 lists and values: clear its outputs"):
        parse_notebook(f'{{"nbformat": 4, "cells": [{",".join([piece] * 2_000_000)}]}}'.encode())


def test_number_of_cells_and_their_text_are_limited():
    cell = '{"cell_type": "code", "source": ""}'
    with pytest.raises(CourseError, match="it has 5001 cells, more than 5000"):
        parse_notebook(f'{{"nbformat": 4, "cells": [{", ".join([cell] * 5001)}]}}'.encode())
    long = json.dumps({"cell_type": "code", "source": "x" * 700_000})
    with pytest.raises(CourseError, match=r"its cells have 2\.1 MB of text, more than 2"):
        parse_notebook(f'{{"nbformat": 4, "cells": [{long}, {long}, {long}]}}'.encode())


def test_file_that_may_not_be_read_gets_a_sentence(folder, telltales, monkeypatch):
    def refuse(*about):
        raise PermissionError(13, "Permission denied")

    (folder / RIGHT).write_text(SOUND)
    monkeypatch.setattr(submissions.os, "open", refuse)
    assert find_submission(folder, NAME, telltales).problem == "the file cannot be read: Permission denied"


def test_names_of_files_cannot_upset_a_terminal(folder, telltales):
    (folder / "a\x1b[31m\n\udce9.ipynb").write_text(SOUND)
    note = find_submission(folder, NAME, telltales).note
    assert note.isprintable()
    note.encode()


def test_every_learner_has_a_row(folder, telltales):
    """Whatever another one's folder is."""
    (folder / RIGHT).write_text(SOUND)
    submitted = folder.parents[1]
    (submitted / "bob").mkdir()
    (submitted / "bob" / NAME).write_text("a file in place of a folder")
    (submitted / "j\udcf6rg" / NAME).mkdir(parents=True)
    (submitted / "stray.txt").touch()
    found = find_submissions(submitted, NAME, telltales)
    assert [(submission.student, submission.problem) for submission in found] == [
        ("ada", None),
        ("bob", "what was handed in cannot be read: Not a directory"),
        ("j\N{REPLACEMENT CHARACTER}rg", "the folder's name is not valid text: rename the folder"),
    ]
    assert [submission.student for submission in find_submissions(submitted, NAME, telltales, ["bob"])] == ["bob"]


def test_no_submission_at_all_is_an_error(folder, telltales):
    with pytest.raises(CourseError, match="eve has not handed in"):
        find_submissions(folder.parents[1], NAME, telltales, ["eve"])
    with pytest.raises(CourseError, match="Nothing to grade: no folder"):
        find_submissions(folder.parents[1], "77_other", telltales)


def test_telltales_are_of_exercises_and_checks_as_released(course, telltales):
    assert set(telltales) == {"exercise-relu", "check-relu", "exercise-net", "check-net"}
    assert telltales["check-relu"] == "".join(released(CHECK).split())
    with pytest.raises(CourseError, match="run `autograder build 97_unbuilt`"):
        read_telltales(course.solution("97_unbuilt"))


def test_check_without_a_released_word_tells_nothing():
    assert likeness(new_notebook(cells=[new_code_cell("")]), {"check-hidden": ""}) == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (SOUND, NAME),
        (stripped(None), NAME),
        (other_notebook(None), "98_other"),
        (made_of("example"), NAME),
        (nbformat.writes(new_notebook(metadata={"autograder": {"notebook": "98_other"}})), "98_other"),
        (nbformat.writes(new_notebook(cells=[course_cell("check-relu", "1")])), "98_other"),
        (nbformat.writes(new_notebook(cells=[course_cell("setup", SETUP)])), None),
        (nbformat.writes(new_notebook(metadata={"autograder": {"notebook": "97_unbuilt"}})), None),
    ],
)
def test_notebook_of_the_course_is_recognised(course, tmp_path, text, name):
    path = tmp_path / "whatever.ipynb"
    path.write_text(text)
    if name is None:
        with pytest.raises(CourseError, match="or check of any notebook of this course"):
            recognise(course, path)
    else:
        assert recognise(course, path) == name


def test_largest_is_well_above_a_notebook_of_the_course():
    sizes = [COURSE.solution(name).stat().st_size for name in COURSE.names]
    assert max(sizes) < submissions.LARGEST / 5
