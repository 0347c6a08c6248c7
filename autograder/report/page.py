"""The report on a class: one self-contained page, and a table beside it."""

import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from autograder.files import write_whole
from autograder.report.alike import find_pairs
from autograder.report.anonymous import Mask, make_mask, number_learners, showable
from autograder.report.figures import draw_endings, draw_points
from autograder.report.items import ENDINGS, SIGNS, Item, analyse
from autograder.report.mistakes import Mistake, find_mistakes
from autograder.report.normal import normal_form
from autograder.report.records import ClassRecord
from autograder.report.spreadsheet import Row, csv_bytes
from autograder.report.timing import cell_times

TEMPLATES = Path(__file__).parent / "templates"
#: A file's name, which may contain its author's: everything back to a colon or semicolon.
FILE_NAME = re.compile(r"[^:;]{0,300}\.ipynb")
#: How many pairs of learners are shown, and how many answers of each.
MOST_PAIRS, MOST_ANSWERS = 20, 3
#: How many kinds of failure are shown before the rest is folded, how many in total, and how many cells.
FIRST_KINDS, MOST_KINDS, FIRST_CELLS = 12, 60, 8
#: How many mistakes are listed at the top.
FIRST_MISTAKES = 4


@dataclass(frozen=True)
class Answer:
    """An answer to show."""

    who: str
    code: str


@dataclass(frozen=True)
class Shown:
    """A mistake to show, in which everything may be seen by anybody."""

    item: Item
    count: int
    sentence: str
    message: str
    answers: tuple[Answer, ...]


def write_report(
    record: ClassRecord, path: Path, anonymous: bool = False, chance: random.Random | None = None
) -> tuple[Path, Path]:
    """Write the page to ``path`` and the table beside it.

    Args:
        record: the class.
        path: where the page goes.
        anonymous: leave out the section that says whose answers are alike.
        chance: the random numbers by which learners are numbered; by default nobody can reproduce them.

    Returns:
        The paths of the page and the table.

    Raises:
        CourseError: they cannot be written.
    """
    learners = number_learners((each.student for each in record.records), chance or random.SystemRandom())
    numbers = {student: number for number, student in enumerate(learners)}
    # In this order from here on, so that no list gives away the gradebook's order.
    record = replace(record, records=tuple(sorted(record.records, key=lambda each: numbers[each.student])))
    items = analyse(record.exercises, record.records)
    named, nameless = find_mistakes(record.records, lambda code: normal_form(code) or code)
    table = path.with_suffix(".csv")
    html = render(record, items, named, nameless, learners, anonymous)
    write_whole(path, html.encode("utf-8", errors="replace"))
    write_whole(table, csv_bytes(table_rows(items, named)))
    return path, table


def table_rows(items: Sequence[Item], named: Sequence[Mistake]) -> list[Row]:
    """The table: a heading, and a line for each exercise."""
    heading: Row = ["exercise", "title", "points", "learners", *ENDINGS, "share of points", "discrimination"]
    rows = [[*heading, "most frequent named mistake", "learners who made it"]]
    for item in items:
        mistake = next((each for each in named if each.grade_id == item.exercise.grade_id), None)
        rows.append(
            [item.number, item.title, item.exercise.points, len(item.endings)]
            + [item.count(ending) for ending in ENDINGS]
            + [item.share, item.discrimination]
            + ([mistake.sentence, len(mistake.students)] if mistake else [None, None])
        )
    return rows


def render(
    record: ClassRecord,
    items: Sequence[Item],
    named: Sequence[Mistake],
    nameless: Sequence[Mistake],
    learners: Mapping[str, str],
    anonymous: bool,
) -> str:
    """The page, as HTML."""
    mask = make_mask(record.names, record.words)
    by_check = {item.exercise.grade_id: item for item in items}
    scores = [each.score for each in record.records]
    most = sum(exercise.points for exercise in record.exercises)
    pairs = [] if anonymous else find_pairs(record.records, record.solutions)
    problems: dict[str, list[str]] = defaultdict(list)
    for each in record.records:
        for problem in dict.fromkeys(each.problems):
            problems[mask.text(FILE_NAME.sub("a notebook", problem))].append(learners[each.student])
    template = _environment().get_template("report.html.j2")
    return template.render(
        name=record.name,
        graded=len(scores),
        ungraded=record.ungraded,
        unreadable=len(record.unreadable),
        most=most,
        mean=fmean(scores),
        median=median(scores),
        items=items,
        endings=ENDINGS,
        signs=SIGNS,
        who_solved=_who_solved(items, learners),
        points_picture=draw_points(scores, most),
        endings_picture=draw_endings(items),
        named=_shown(named, by_check, learners, mask),
        nameless=_shown(nameless, by_check, learners, mask),
        first_mistakes=FIRST_MISTAKES,
        first_kinds=FIRST_KINDS,
        most_kinds=MOST_KINDS,
        problems=sorted(problems.items(), key=lambda entry: (-len(entry[1]), entry[0])),
        times=cell_times(record.cells, record.records),
        first_cells=FIRST_CELLS,
        anonymous=anonymous,
        pairs=pairs[:MOST_PAIRS],
        more_pairs=len(pairs) - len(pairs[:MOST_PAIRS]),
        most_answers=MOST_ANSWERS,
        by_check=by_check,
    )


def _shown(
    mistakes: Sequence[Mistake], by_check: Mapping[str, Item], learners: Mapping[str, str], mask: Mask
) -> list[Shown]:
    return [
        Shown(
            item=by_check[mistake.grade_id],
            count=len(mistake.students),
            sentence=mask.text(mistake.sentence),
            message=mask.text(mistake.message),
            answers=tuple(Answer(learners[student], mask.code(code)) for student, code in mistake.examples.items()),
        )
        for mistake in mistakes
        if mistake.grade_id in by_check
    ]


def _who_solved(items: Sequence[Item], learners: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """For each learner, in the order of their numbers, how each exercise ended, or "" if there is no result."""
    return [(label, [item.endings.get(student, "") for item in items]) for student, label in learners.items()]


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"number": _number, "seconds": _seconds, "showable": showable}
    environment.globals |= {"css": Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")), "svg": Markup}
    return environment


def _number(value: float | None, places: int = 1) -> str:
    """A number without needless zeros and with a real minus sign; a dash if there is no number."""
    if value is None:
        return "–"
    text = f"{value:.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text and places == 1 else text
    return text.replace("-", "−")


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
