"""The start page: the map of the course, made from the notebooks themselves, and how to work with them."""

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.course import Course

#: The glossary's name, in the same folder.
GLOSSARY = "GLOSSARY.md"
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
#: What an opening says about the time, up to the next bold word.
TIME = re.compile(r"\*\*Time\*\*:(.*?)(?:\*\*|$)", re.DOTALL)
MINUTES = re.compile(r"(\d+) minutes")
#: The first list.
GOALS = re.compile(r"(?:^- .*\n(?:  .*\n)*)+", re.MULTILINE)

PAGE = """\
# Welcome

{opening}

## How a notebook works

- **Run it from the top**, one cell at a time, with <kbd>Shift</kbd>+<kbd>Enter</kbd>.
- **Predict first.** Where the text says *Before you run it*, answer in your head or on paper. Then run the cell and
  unfold *Why?*.
- **Solve the exercises.** Your code goes where it says `# Your code here`. The folded cell below it is the check: run
  it as often as you like. `✓` is right; `✗` says what differs and often names the mistake. *Run All* does not stop at
  unsolved exercises.
- **Stuck?** Unfold a hint. There is one for each obstacle, ideas before syntax.
- **Done?** *Validate*, in the notebook's toolbar, reruns everything from scratch and lists the exercises that are not
  right yet. The grader tries more values than the checks you see, but it asks for nothing new.

## The course

{glossary}{map}
## Hand in

- *Nbgrader → Assignment List* shows what your teacher has released. *Submit* hands in the notebook in the folder of
  that name; *Fetch Feedback* gets your feedback page.
- If your class does not use that list, hand in the file itself: right-click it and choose *Download*.
- To grade a notebook yourself, open *File → New → Terminal* and type

      {autograder} try {example}

## Good to know

- Everything in this folder is yours. A course update never overwrites a notebook you have edited: the newer
  version is put beside it, with `.new` in its name.
- If you delete a notebook, you get a fresh copy the next time you start the course. `START.md`
  and `GLOSSARY.md` are rewritten every time.
- To stop, save your notebooks, close the browser tab and press <kbd>Ctrl</kbd>+<kbd>C</kbd> in the terminal where you
  started the course.
"""


@dataclass(frozen=True)
class Entry:
    """A notebook on the map.

    Attributes:
        name: such as ``04_linear``.
        title: its heading.
        goals: what a learner will be able to do, as Markdown.
        minutes: how long it takes, 0 if it does not say.
        exercises: how many it has.
        points: what they are worth in total.
    """

    name: str
    title: str
    goals: tuple[str, ...]
    minutes: int
    exercises: int
    points: int

    @property
    def path(self) -> str:
        """Its path, relative to the start page."""
        return f"{self.name}/{self.name}.ipynb"


def read_entry(notebook: Path) -> Entry:
    """What a released notebook says about itself in its first cell, and what its checks are worth."""
    cells = nbformat.read(notebook, as_version=4).cells
    opening = (cells[0].source if cells else "") + "\n"
    title, goals = TITLE.search(opening), GOALS.search(opening)
    checks = [about for cell in cells if (about := cell.metadata.get("nbgrader", {})).get("grade")]
    return Entry(
        name=notebook.stem,
        title=title[1].strip() if title else notebook.stem,
        goals=tuple(_items(goals[0])) if goals else (),
        minutes=_minutes(opening),
        exercises=len(checks),
        points=sum(about["points"] for about in checks),
    )


def start_page(course: Course, glossary: bool) -> str:
    """The text of the start page.

    Args:
        course: its notebooks are on the map.
        glossary: whether there is a glossary beside the page.
    """
    entries = [read_entry(course.release(name)) for name in course.names if course.release(name).is_file()]
    if not entries:
        return "# Welcome\n\nThis course has no notebooks yet.\n"
    first = entries[0]
    opening = f"Start with **[{first.title}]({first.path})**; it is already open in the next tab"
    opening += f" and takes about {first.minutes} minutes." if first.minutes else "."
    example = next((entry.path for entry in entries if entry.points), first.path)
    # The full path: the command may not be on the path of a terminal in JupyterLab.
    autograder = shlex.quote(str(Path(sys.executable).with_name("autograder")))
    look_up = f"Forgotten a word? The [glossary]({GLOSSARY}) explains it and links to the notebook that introduces it."
    return PAGE.format(
        opening=opening,
        glossary=f"{look_up}\n\n" if glossary else "",
        map="\n".join(map(_on_the_map, entries)),
        example=example,
        autograder=autograder,
    )


def _on_the_map(entry: Entry) -> str:
    """A notebook's lines: its title as a link; its minutes, exercises and points; and, folded, what it teaches."""
    facts = [f"{entry.minutes} minutes"] * (entry.minutes > 0)
    facts += [_count(entry.exercises, "exercise")] * (entry.exercises > 0)
    facts += [_count(entry.points, "point") if entry.points else "no points"]
    lines = [f"### {_number(entry.name)}[{entry.title}]({entry.path})", "", " · ".join(facts), ""]
    if entry.goals:
        lines += ["<details><summary>What you will be able to do</summary>", ""]
        lines += [f"- {goal}" for goal in entry.goals]
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def _minutes(opening: str) -> int:
    """The minutes of a line such as "**Time**: about 45 minutes of reading and 60 minutes for the exercises"."""
    said = TIME.search(opening)
    return sum(map(int, MINUTES.findall(said[1]))) if said else 0


def _items(text: str) -> list[str]:
    """The items of a Markdown list, each on one line."""
    items = re.split(r"^- ", text, flags=re.MULTILINE)
    return [" ".join(item.split()) for item in items if item.strip()]


def _number(name: str) -> str:
    number = name.split("_")[0]
    return f"{number} " if number.isdecimal() else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
