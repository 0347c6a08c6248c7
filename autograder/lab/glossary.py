"""The glossary: the course's words, what they mean, and the notebook that introduces each."""

import re
from dataclasses import dataclass

from autograder.course import Course
from autograder.errors import CourseError

#: ``## 04_linear``: the terms below it are introduced there.
NOTEBOOK = re.compile(r"## (\S+)$")
#: ``- **fan-in**: how many inputs a unit has.``
TERM = re.compile(r"- \*\*(.+?)\*\*: (.+)$")

PAGE = """\
# Glossary

The words of this course, and the notebook that introduces each.

{terms}
"""


@dataclass(frozen=True)
class Term:
    """A word of the course.

    Attributes:
        name: the word, as Markdown.
        meaning: one or two sentences, as Markdown.
        notebook: the notebook that introduces it, such as ``04_linear``.
    """

    name: str
    meaning: str
    notebook: str


def read_terms(course: Course) -> list[Term]:
    """The terms in ``solutions/GLOSSARY.md``, in its order; none if there is no such file.

    Terms of notebooks that the course does not have are left out.

    Raises:
        CourseError: a line is not what a glossary has there, or a term comes twice.
    """
    path = course.glossary
    if not path.is_file():
        return []
    terms: list[Term] = []
    notebook, known = None, set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        place = f"{path}:{number}"
        if heading := NOTEBOOK.match(line):
            notebook = heading[1]
        elif line.startswith("- "):
            entry = TERM.match(line)
            if entry is None or notebook is None:
                raise CourseError(f"{place}: a term looks like `- **name**: meaning`, below `## NOTEBOOK`.")
            if entry[1].casefold() in known:
                raise CourseError(f"{place}: {entry[1]!r} comes twice.")
            known.add(entry[1].casefold())
            terms.append(Term(entry[1], entry[2], notebook))
        elif line.startswith("  ") and terms:
            last = terms.pop()
            terms.append(Term(last.name, f"{last.meaning} {line.strip()}", last.notebook))
    names = set(course.names)
    return [term for term in terms if term.notebook in names]


def glossary_page(terms: list[Term]) -> str:
    """The glossary as learners read it: in alphabetical order, each term with a link to its notebook."""
    ordered = sorted(terms, key=lambda term: _letters(term.name))
    lines = [
        f"- **{one.name}**: {one.meaning} → [{one.notebook}]({one.notebook}/{one.notebook}.ipynb)" for one in ordered
    ]
    return PAGE.format(terms="\n".join(lines))


def _letters(name: str) -> str:
    """What a name is sorted by: `` `nn.Linear` `` comes under n, and γ after z."""
    return name.replace("`", "").casefold()
