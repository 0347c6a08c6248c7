"""Files that are nearly notebooks: each gets a sentence, or can be restored and recorded."""

import json
import random

import nbformat
import pytest
from nbgrader.api import Gradebook
from test_build import NAME
from test_parallel import Engine, course, fake_engine, run, submit, template  # noqa: F401

from autograder.course import Course
from autograder.grading import preprocessors
from autograder.grading.nbgrader_apps import course_config, course_directory
from autograder.grading.restore import read_known, restore
from autograder.grading.submissions import find_submissions, read_notebook, read_telltales

#: Values that a notebook does not expect where they are put.
ODD = [
    None, True, False, 0, -1, 4, 5, 10**30, 1.5, float("nan"), "", "code", "\ud800", "\x00\x1b[2J", "check-twice",
    "exercise-twice", "x" * 5000, [], [[]], [None], ["\n", 1], {}, {"a": {}}, {"nbgrader": 1},
    {"nbgrader": {"grade_id": "check-twice", "grade": True, "points": 10**9, "locked": []}},
    {"autograder": {"notebook": ["x"]}}, {"cell_type": "code"}, {"cell_type": "code", "source": {"a": 1}},
]  # fmt: skip
BYTES, STRUCTURES, RECORDED = 300, 500, 12


def places(value, found=None) -> list[tuple]:
    """Every place in a JSON value, as a container and a key."""
    found = [] if found is None else found
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        found.append((value, key))
        places(value[key], found)
    return found


def changed_structure(text: str, chance: random.Random) -> bytes:
    """A notebook in which something has been replaced, removed, doubled, moved or renamed."""
    content = json.loads(text)
    for _ in range(chance.choice([1, 1, 2, 5])):
        holder, key = chance.choice(places(content))
        match chance.choice(["replace", "replace", "remove", "double", "swap", "rename"]):
            case "replace":
                holder[key] = chance.choice(ODD)
            case "remove":
                del holder[key]
            case "double" if isinstance(holder, list):
                holder.insert(key, holder[key])
            case "swap":
                other, name = chance.choice(places(content))
                holder[key] = json.loads(json.dumps(other[name]))
            case "rename" if isinstance(holder, dict):
                holder[chance.choice(["cells", "source", "metadata", "id", "\u202e", ""])] = holder.pop(key)
        if not places(content):
            break
    return json.dumps(content).encode()


def changed_bytes(text: str, chance: random.Random) -> bytes:
    """A notebook in which bytes have been changed, cut out, repeated or put in."""
    data = bytearray(text.encode())
    for _ in range(chance.choice([1, 2, 5, 50])):
        place, size = chance.randrange(len(data) + 1), chance.choice([1, 1, 5, 300])
        match chance.choice(["change", "change", "cut", "repeat", "put", "end"]):
            case "change":
                data[place : place + size] = chance.randbytes(len(data[place : place + size]))
            case "cut":
                del data[place : place + size]
            case "repeat":
                data[place:place] = data[place : place + size]
            case "put":
                data[place:place] = chance.choice(
                    [b"[" * 3000, b'{"a":' * 50, b"\xff", b"\x00", b'"', b"\\u", b"1e999"]
                )
            case "end" if chance.random() < 0.1:
                del data[place:]
    codec = chance.choice(["utf-8"] * 8 + ["utf-16", "utf-32"])
    return bytes(data) if codec == "utf-8" else bytes(data).decode("utf-8", "replace").encode(codec)


@pytest.fixture
def fuzzed(course: Course) -> list[str]:  # noqa: F811
    """Learners who have handed in notebooks that something has happened to."""
    submit(course, "sound")
    text = (course.root / "submitted" / "sound" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
    names = []
    for number in range(BYTES + STRUCTURES):
        chance = random.Random(number)
        data = (changed_bytes if number < BYTES else changed_structure)(text, chance)
        names.append(f"{number:03d}")
        path = course.root / "submitted" / names[-1] / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    return names


def test_every_file_gets_a_row_with_a_sentence(course, fuzzed, monkeypatch):  # noqa: F811
    telltales, config = read_telltales(course.solution(NAME)), course_config(course.root)
    directory = course_directory(config)
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        known = read_known(gradebook, NAME, NAME)
    found = {one.student: one for one in find_submissions(course.root / "submitted", NAME, telltales, fuzzed)}
    refused = [student for student, one in found.items() if one.problem is not None]
    accepted = [student for student in fuzzed if student not in refused]
    assert min(len(refused), len(accepted)) > 200, "both kinds are there"
    for student in refused:
        problem = found[student].problem
        assert problem.isprintable(), (student, problem)
        assert 10 < len(problem) < 300, (student, problem)
    for student in accepted:
        notebook = read_notebook(found[student].path)
        missing = restore(notebook, known)
        nbformat.validate(notebook)
        nbformat.writes(notebook).encode("utf-8")
        assert all(sentence.isprintable() for sentence in missing), (student, missing)
    some = refused[:3] + accepted[:: len(accepted) // RECORDED]
    Engine(monkeypatch)
    monkeypatch.setattr(preprocessors, "execute", lambda notebook, limits, **settings: fake_engine(notebook, limits))
    rows = run(course, students=some)
    assert {student for student, row in rows.items() if row.graded} == set(some) - set(refused)
    assert all(row.problems for student, row in rows.items() if not row.graded)
