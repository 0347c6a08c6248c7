"""Faults in a source are refused, each with file, line and what to do."""

from pathlib import Path

import pytest

from autograder.build.expand import expand
from autograder.build.setup_cell import setup_names
from autograder.errors import CourseError
from autograder.source.cells import read_source
from autograder.source.faults import find_faults, find_gaps
from autograder.source.variants import read_variants

SOUND = '''# %% [markdown]
# # A title
#
# ![a picture of a cell](cell.svg)

# %% setup

# %% [markdown]
# ### Exercise: Twice
#
# Double it. <details><summary>Hint 1: a sum</summary>Add it to itself.</details>

# %% exercise="twice" difficulty=1 minutes=2
def twice(x: torch.Tensor) -> torch.Tensor:
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% check="twice" points=2
x = torch.ones(2, 3)
expect(twice(x), x + x, "twice(x)")
### BEGIN HIDDEN TESTS
expect(twice(x[0]), x[0] + x[0], "twice(x) for a vector")
### END HIDDEN TESTS
'''

HIDDEN = SOUND[SOUND.index("### BEGIN HIDDEN TESTS") :]

#: What is wrong: (text of SOUND, what stands there instead, the line of the fault, a part of the message).
FAULTS = {
    "unknown key": ("points=2", "points=2 colour=3", 20, "unknown key `colour`"),
    "unknown flag": ("# %% setup", "# %% set-up", 6, "unknown key `set-up`"),
    "key on the wrong cell": ("minutes=2", "minutes=2 points=2", 13, "`points` does not belong on this cell"),
    "exercise without a check": ('# %% check="twice" points=2', "# %%", 13, "exercise 'twice' has no check"),
    "check without an exercise": (
        'check="twice"',
        'check="thrice"',
        20,
        "there is no exercise 'thrice' above this check",
    ),
    "unknown name in a check": ("torch.ones(2, 3)", "torch.ones(rows, 3)", 21, "the check uses `rows`"),
    "unknown function in a hidden test": ("expect(twice(x[0])", "expect(thrice(x[0])", 24, "the check uses `thrice`"),
    "forbidden, and not said": (
        'expect(twice(x), x + x, "twice(x)")',
        'with forbidden("mul"):\n    expect(twice(x), x + x, "twice(x)")',
        22,
        "the check forbids `mul`, and exercise 'twice' does not say so",
    ),
    "points missing": (" points=2", "", 20, "points are missing"),
    "points below zero": ("points=2", "points=-1", 20, "whole number"),
    "no hint": ("<details>", "", 8, "has no hint"),
    "no hidden tests": (HIDDEN, "", 20, "put them around the tests with other values"),
    "text between exercise and check": (
        '# %% check="twice"',
        '# %%\n1 + 1\n\n# %% check="twice"',
        13,
        "must follow right after it",
    ),
    "folded without a label": ("# %% setup\n", "# %% setup\n\n# %% folded\n1 + 1\n", 8, "shows its label alone"),
    "label without folding": ("# %% setup\n", '# %% setup\n\n# %% label="x"\n1 + 1\n', 8, "`label` does not belong"),
    "label that is too wide": (
        "# %% setup\n",
        f'# %% setup\n\n# %% folded label="{"x" * 59}"\n1 + 1\n',
        8,
        "the label has 59 characters: at most 58 are in view",
    ),
    "title that is too wide": (
        "### Exercise: Twice",
        f"### Exercise: {'x' * 38}",
        13,
        "the title has 38 characters: at most 37 are in view above its folded check",
    ),
    "set-up too late": ("# %% setup", "# %% [markdown]\n# Text.\n\n# %% setup", 9, "must be the second cell"),
    "open text after a prediction": (
        "# %% setup\n",
        "# %% setup\n\n# %% predict\n1 + 1\n\n# %% [markdown]\n# It is 2.\n",
        11,
        "the text after a prediction gives it away",
    ),
    "open text after two predictions": (
        "# %% setup\n",
        "# %% setup\n\n# %% predict\n1 + 1\n\n# %% predict\n2 + 2\n\n# %% [markdown]\n# It is 4.\n",
        14,
        "the text after a prediction gives it away",
    ),
    "alternative text in a prediction": (
        "# %% setup\n",
        '# %% setup\n\n# %% predict\nshow(plt.figure(), alt="the answer")\n',
        9,
        "the alternative text in this prediction gives it away",
    ),
    "much drawing in the open": (
        "# %% setup\n",
        "# %% setup\n\n# %%\n" + "plt.plot([1])\n" * 11,
        8,
        "11 lines of drawing",
    ),
    "difficulty missing": (" difficulty=1", "", 13, "difficulty is missing"),
    "time missing": (" minutes=2", "", 13, "time is missing"),
    "no solution marked": ("    ### BEGIN SOLUTION\n", "", 13, "do not pair up"),
    "hidden tests not closed": ("### END HIDDEN TESTS\n", "", 20, "do not pair up"),
    "picture without alternative text": ("a picture of a cell", "", 4, "without alternative text"),
    "image element without alternative text": (
        "![a picture of a cell](cell.svg)",
        '<img src="cell.svg">',
        4,
        "without alternative",
    ),
    "figure without alternative text": (
        "x = torch.ones(2, 3)",
        "x = torch.ones(2, 3); show(plt.figure())",
        21,
        "no alternative",
    ),
    "grid without alternative text": (
        "x = torch.ones(2, 3)",
        "x = torch.ones(2, 3); draw_row(Grid(x))",
        21,
        "no alternative",
    ),
    "plt.show": ("x = torch.ones(2, 3)", "x = torch.ones(2, 3); plt.show()", 21, "plt.show()"),
    "syntax error": ("x = torch.ones(2, 3)", "x = torch.ones(2, 3", 21, "not valid Python"),
    "no set-up cell": ("# %% setup", "# %%", 1, "no set-up cell"),
    "set-up cell with content": ("# %% setup\n", "# %% setup\nimport this\n", 6, "leave it empty"),
    "code before the set-up": ("# %% setup", "# %%\n1 + 1\n\n# %% setup", 6, "code before the set-up"),
    "no title above an exercise": ("### Exercise: Twice", "### Twice", 13, "### Exercise: its title"),
    "name that is no name": ('exercise="twice"', 'exercise="Twice it"', 13, "lower-case"),
}


def write(folder: Path, text: str) -> Path:
    path = folder / "99_fixture.py"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str):
    return find_faults(read_source(write(folder, text)), setup_names())


def test_sound_source_has_no_fault(tmp_path):
    assert faults(tmp_path, SOUND) == []


@pytest.mark.parametrize("kind", FAULTS)
def test_fault_is_refused(tmp_path, kind):
    old, new, line, message = FAULTS[kind]
    assert SOUND.count(old) == 1
    found = faults(tmp_path, SOUND.replace(old, new))
    assert any(fault.line == line and message in fault.message for fault in found), "\n".join(map(str, found))
    source = read_source(tmp_path / "99_fixture.py")
    with pytest.raises(CourseError, match=r"99_fixture\.py:\d+: "):
        expand(source, data=tmp_path)


@pytest.mark.parametrize(
    "cells",
    [
        "# %% predict\n1 + 1\n\n# %% [markdown]\n# <details><summary>Why?</summary>Because.</details>\n",
        "# %% predict\n1 + 1\n\n# %% [markdown]\n# ### Another matter\n",
        "# %% predict\n1 + 1\n\n# %% [markdown]\n# **Before you run it:** and this?\n\n# %% predict\n2 + 2\n",
        '# %% predict folded label="Draw it"\nshow(plt.figure(), alt="the answer")\n',
        '# %% folded label="Draw it"\n' + "plt.plot([1])\n" * 11,
        "# %%\n" + "plt.plot([1])\n" * 10,
        "# %% yours varies\n1 + 1\n",
        f'# %% folded label="{"x" * 58}"\n1 + 1\n',
    ],
)
def test_what_keeps_the_rules_is_no_fault(tmp_path, cells):
    assert faults(tmp_path, SOUND.replace("# %% setup\n", f"# %% setup\n\n{cells}")) == []


OPENING = """# %% [markdown]
# # A title
#
# Numbers can be doubled.
#
# After this notebook you can
#
# - double a tensor, in any
#   shape;
# - tell why.
#
# **Points**: 2. **Time**: about 5 minutes of reading and
# 3 minutes for the exercise. **You need**: nothing.
"""
WITH_OPENING = OPENING + SOUND[SOUND.index("\n# %% setup") :]


def gaps(folder: Path, text: str) -> list[str]:
    return [gap.message for gap in find_gaps(read_source(write(folder, text)))]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("After this notebook you can", "By the end you can", "must say `After this notebook you can`"),
        ("After this notebook you can", "Well. After this notebook you can", "must say `After this notebook you can`"),
        ("# - double a tensor, in any\n#   shape;\n# - tell why.", "# Double.", "then a list"),
        (OPENING, "# %%\n1 + 1\n", "must say `After this notebook you can`"),
        ("**Points**: 2. ", "", "needs a paragraph"),
        ("**Points**:", "**Points:**", "needs a paragraph"),
        ("**Points**: 2.", "**Points**: 2, for 1 exercise.", "needs a paragraph"),
        (" **You need**: nothing.", "", "needs a paragraph"),
        (" **You need**:", "\n#\n# **You need**:", "needs a paragraph"),
        ("**Points**: 2.", "**Points**: 3.", "says **Points**: 3, the checks say 2."),
        ("**Points**: 2.", "**Points**: none.", "says **Points**: none, the checks say 2."),
        ("about 5 minutes of reading and\n# 3 minutes for the exercise", "about 8 minutes", "write the time as"),
        ("for the exercise", "for the 2 exercises", "says '2 exercises': it should be 'exercise'."),
        ("for the exercise", "for the 1 exercises", "says '1 exercises': it should be 'exercise'."),
        ("for the exercise", "for the exercise; the rest is optional", "write the time as"),
        ("3 minutes", "8 minutes", "says 8 minutes for the exercise, which add up to 2."),
    ],
)
def test_opening_of_another_form_is_refused(tmp_path, old, new, message):
    assert WITH_OPENING.count(old) == 1
    assert any(message in gap for gap in gaps(tmp_path, WITH_OPENING.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("3 minutes", "7 minutes"),
        ("# Numbers can be doubled.\n#\n", ""),
        ("**You need**: nothing.", "**You need**: a tensor.\n# Ask if you have none.\n#\n# And a word more."),
    ],
)
def test_opening_of_the_right_form_is_no_gap(tmp_path, old, new):
    said = gaps(tmp_path, WITH_OPENING.replace(old, new))
    assert "1 exercises: a notebook has at least 6." in said
    assert [gap for gap in said if "opening" in gap or "the time" in gap] == []


def test_opening_of_a_tour_says_that_there_are_no_points(tmp_path):
    tour = WITH_OPENING.replace("points=2", "points=0").replace("of reading and\n# 3 minutes for the exercise", "")
    assert gaps(tmp_path, tour) == ["the opening says **Points**: 2, the checks say none."]
    assert gaps(tmp_path, tour.replace("**Points**: 2", "**Points**: none")) == [], "a tour may be short"


def test_gaps_of_a_whole_notebook_are_told(tmp_path):
    told = "\n".join(map(str, find_gaps(read_source(write(tmp_path, SOUND)))))
    for gap in ("1 exercises: a notebook has at least 6", "0 sections", "0 pictures", "0 predictions", "`## Recap`"):
        assert gap in told
    assert [str(gap) for gap in find_gaps(read_source(write(tmp_path, "# %% [markdown]\n# Text.\n")))] == [
        f"{tmp_path / '99_fixture.py'}:1: there is no exercise: write one, with a check."
    ]


def test_duplicate_exercise_is_refused(tmp_path):
    twice = SOUND[SOUND.index("# %% [markdown]\n# ### Exercise") :]
    found = faults(tmp_path, SOUND + "\n" + twice)
    assert [fault.message for fault in found if "exercise twice" in fault.message] == [
        "`exercise twice` is there twice (first on line 13): give it another name."
    ]


def test_second_heading_of_the_same_name_is_refused(tmp_path):
    text = SOUND + "\n# %% [markdown]\n# ## Again\n\n# %% [markdown]\n# ## Again\n"
    with pytest.raises(CourseError, match="same heading"):
        expand(read_source(write(tmp_path, text)), data=tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xfe\x00", "not UTF-8"), (b"print(1)\n", "every cell must begin"), (b"", "every cell must begin")],
)
def test_file_that_is_no_source(tmp_path, content, message):
    path = tmp_path / "99_fixture.py"
    path.write_bytes(content)
    with pytest.raises(CourseError, match=message):
        read_source(path)


def test_missing_source(tmp_path):
    with pytest.raises(CourseError, match="does not exist"):
        read_source(tmp_path / "no.py")


@pytest.mark.parametrize(
    "marker", ["# %%", '# %% right="a" wrong="a"', '# %% wrong="a" because="b"', '# %% right="a" maybe=1']
)
def test_variant_cell_that_is_neither(tmp_path, marker):
    with pytest.raises(CourseError, match=r":1: write `# %% right="):
        read_variants(write(tmp_path, marker + "\npass\n"))
