"""The glossary on the start page: each word of the course, with the notebook that introduces it."""

import re

import pytest
from conftest import COURSE

from autograder.course import Course
from autograder.errors import CourseError
from autograder.lab.glossary import Term, glossary_page, read_terms
from autograder.lab.learner import prepare
from autograder.source.cells import read_source

TERMS = read_terms(COURSE)


def course_with(folder, text: str) -> Course:
    for name in ("01_first", "02_second"):
        (folder / "solutions" / name).mkdir(parents=True)
        (folder / "solutions" / name / f"{name}.py").touch()
        (folder / "notebooks" / name).mkdir(parents=True)
        (folder / "notebooks" / name / f"{name}.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4}')
    (folder / "solutions" / "GLOSSARY.md").write_text(text)
    return Course(folder)


GOOD = """# Glossary

What is below is read.

## 02_second

- **logit**: a number before the
  sigmoid.

## 01_first

- **`dtype`**: the kind of number.
- **Zero**: nothing.
"""


def test_terms_are_read_with_their_notebooks(tmp_path):
    assert read_terms(course_with(tmp_path, GOOD)) == [
        Term("logit", "a number before the sigmoid.", "02_second"),
        Term("`dtype`", "the kind of number.", "01_first"),
        Term("Zero", "nothing.", "01_first"),
    ]


def test_the_page_is_in_alphabetical_order_with_links(tmp_path):
    page = glossary_page(read_terms(course_with(tmp_path, GOOD)))
    assert re.findall(r"- \*\*(.+?)\*\*", page) == ["`dtype`", "logit", "Zero"]
    assert "- **logit**: a number before the sigmoid. → [02_second](02_second/02_second.ipynb)\n" in page


def test_terms_of_notebooks_that_a_course_leaves_out_are_left_out(tmp_path):
    course = course_with(tmp_path, GOOD + "\n## 03_third\n\n- **later**: not here.\n")
    assert "later" not in [term.name for term in read_terms(course)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("## 01_first\n\n- dtype: the kind of number.\n", "GLOSSARY.md:3: a term looks like"),
        ("- **dtype**: the kind of number.\n", "GLOSSARY.md:1: a term looks like"),
        ("## 01_first\n\n- **a**: one.\n- **A**: two.\n", "GLOSSARY.md:4: 'A' comes twice"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, text, says):
    with pytest.raises(CourseError, match=re.escape(says)):
        read_terms(course_with(tmp_path, text))


def test_it_is_beside_the_start_page_which_links_to_it(tmp_path):
    folder = prepare(course_with(tmp_path, GOOD)).folder
    assert "[glossary](GLOSSARY.md)" in (folder / "START.md").read_text()
    assert "**logit**" in (folder / "GLOSSARY.md").read_text()


def test_a_course_without_one_does_not_promise_one(tmp_path):
    course = course_with(tmp_path, "")
    course.glossary.unlink()
    folder = prepare(course).folder
    assert "[glossary]" not in (folder / "START.md").read_text()
    assert not (folder / "GLOSSARY.md").exists()


# This course's


def prose(name: str) -> str:
    """The Markdown of a notebook, without its recap and what comes after, which look ahead."""
    cells = read_source(COURSE.source(name)).cells
    return "\n".join(cell.text for cell in cells if cell.kind == "markdown").partition("\n## Recap")[0]


def pattern(term: Term) -> re.Pattern:
    """A term as prose has it: in the plural, too, and with or without code marks."""
    words = re.escape(term.name.replace("`", "")).replace(r"\ ", r"[\s`*-]+")
    return re.compile(rf"(?<![\w.]){words}(?:s|es)?(?!\w)", re.IGNORECASE)


@pytest.mark.parametrize("name", [name for name in COURSE.names if name != "00_start"])
def test_every_notebook_introduces_some_terms(name):
    assert len([term for term in TERMS if term.notebook == name]) >= 3


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_is_in_the_notebook_that_introduces_it(term):
    assert pattern(term).search(prose(term.notebook).replace("`", ""))
