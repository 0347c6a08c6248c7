"""The report on a class: right figures, nobody's name, nothing of a learner's that could run, and every odd class."""

import csv
import random
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from test_build import NAME, make_course
from test_grade import RIGHT, SECOND
from test_source import SOUND

from autograder.build.builder import build
from autograder.cli import main
from autograder.course import Course
from autograder.grading.demo import answer, hand_in
from autograder.grading.grade import Exercise, grade_class
from autograder.grading.nbgrader_apps import course_config
from autograder.grading.results import Result, named_mistake
from autograder.report.alike import MOST, find_pairs
from autograder.report.anonymous import NAME as HIDDEN
from autograder.report.anonymous import make_mask, number_learners, showable, without_comments
from autograder.report.figures import draw_endings, draw_points
from autograder.report.items import analyse, discrimination, ending
from autograder.report.mistakes import find_mistakes, kind
from autograder.report.normal import LONGEST, normal_form
from autograder.report.page import TEMPLATES, write_report
from autograder.report.records import OWN, ClassRecord, Record, read_class, words
from autograder.report.timing import cell_times

TWICE = Exercise("check-twice", "Exercise 1: Twice", 2)
NEGATE = Exercise("check-negate", "Exercise 2: Negate", 3)
OLD_SIGN = "✗ negate(x)\n  The shape (2, 3) is right; 6 of 6 values differ\n  → The sign is the old one."
SOLUTIONS = {"check-twice": "def twice(x):\n    return 2 * x", "check-negate": "def negate(x):\n    return -x"}


def result(exercise: Exercise, status: str, message: str = "", score: float | None = None) -> Result:
    earned = (exercise.points if status == "right" else 0) if score is None else score
    return Result(exercise.grade_id, exercise.title, earned, exercise.points, status, message)


def record(student: str, *results: Result, answers=None, problems=(), seconds=None) -> Record:
    return Record(
        student,
        sum(each.score for each in results),
        {each.grade_id: each for each in results},
        SOLUTIONS if answers is None else answers,
        seconds or {"3: check-twice": 0.5},
        tuple(problems),
    )


def klass(*records: Record, names=(), exercises=(TWICE, NEGATE), **more) -> ClassRecord:
    about = {
        "name": "99_fixture",
        "exercises": tuple(exercises),
        "solutions": SOLUTIONS,
        "words": frozenset(words("\n".join(SOLUTIONS.values()))),
        "cells": ("3: check-twice", OWN),
        "records": records,
        "unreadable": (),
        "ungraded": 0,
        "names": frozenset({*names, *(each.student for each in records)}),
    }
    return ClassRecord(**(about | more))


def page_of(record: ClassRecord, folder: Path, anonymous: bool = False) -> str:
    page, table = write_report(record, folder / "page.html", anonymous, random.Random(1))
    assert page == folder / "page.html"
    assert table == folder / "page.csv"
    return page.read_text(encoding="utf-8")


def table_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "page.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


class Seen(HTMLParser):
    """The elements of a page with their attributes; void ones aside, each must be closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


# Figures


def test_corrected_item_total_correlation():
    """By hand: items 1, 1, 0, 0 and rests 3, 2, 2, 1 have r = 1 / √2."""
    assert discrimination([1, 1, 0, 0], [4, 3, 2, 1]) == pytest.approx(0.5**0.5)
    assert discrimination([1, 1, 0, 0], [2, 2, 1, 2]) < 0


def test_an_item_that_makes_up_the_total_does_not_correlate_with_itself():
    """With the item left in the total, r would be 1."""
    assert discrimination([3, 0, 3, 0], [3, 0, 3, 0]) is None
    tenths = [tenth / 10 for tenth in range(1, 8)]
    assert len({tenth + 0.7 - tenth for tenth in tenths}) > 1
    assert discrimination(tenths, [tenth + 0.7 for tenth in tenths]) is None


@pytest.mark.parametrize(("scores", "totals"), [([], []), ([1], [1]), ([1, 0], [3, 1]), ([1, 1, 1], [1, 2, 3])])
def test_too_little_for_a_correlation(scores, totals):
    assert discrimination(scores, totals) is None


def test_items():
    records = [
        record("a", result(TWICE, "right"), result(NEGATE, "wrong", OLD_SIGN)),
        record("b", result(TWICE, "unsolved"), result(NEGATE, "stopped")),
        record("c", result(TWICE, "right")),
    ]
    first, second = analyse([TWICE, NEGATE], records)
    assert first.endings == {"a": "solved", "b": "unsolved", "c": "solved"}
    assert second.endings == {"a": "wrong", "b": "stopped"}
    assert (first.share, second.share) == (pytest.approx(2 / 3), 0)
    assert first.title == "Twice"


def test_the_gradebook_has_the_last_word():
    assert ending(result(NEGATE, "wrong", OLD_SIGN, score=3)) == "solved"
    assert ending(result(NEGATE, "right", score=1)) == "wrong"
    given, taken = (
        record("a", result(NEGATE, "wrong", OLD_SIGN, score=3)),
        record("b", result(NEGATE, "right", score=1)),
    )
    assert find_mistakes([given, taken], str) == ([], [])


def test_times_are_sorted_and_missing_cells_left_out():
    records = [record(str(n), seconds={"a": float(n), "b": 2.5}) for n in range(4)] + [record("x", seconds={"b": 9.0})]
    slow, quick = cell_times(["a", "b", "c"], records)
    assert (slow.label, slow.median, slow.longest, slow.notebooks) == ("b", 2.5, 9.0, 5)
    assert (quick.label, quick.median, quick.longest, quick.notebooks) == ("a", 1.5, 3.0, 4)


# Mistakes


def test_named_mistakes_are_counted_by_exercise_and_sentence():
    other = "✗ twice(x)\n  → The sign is the old one."
    records = [record(who, result(TWICE, "right"), result(NEGATE, "wrong", OLD_SIGN)) for who in "abc"]
    records += [record("d", result(TWICE, "wrong", other), result(NEGATE, "wrong", OLD_SIGN.replace("6", "4")))]
    [frequent, rare], nameless = find_mistakes(records, str)
    assert (frequent.grade_id, frequent.students) == ("check-negate", ("a", "b", "c", "d"))
    assert frequent.message == OLD_SIGN
    assert (rare.grade_id, rare.sentence, rare.students) == ("check-twice", "The sign is the old one.", ("d",))
    assert nameless == []


def test_only_a_check_names_mistakes():
    """An exception's text is the learner's."""
    assert named_mistake("Your code stopped with ValueError: \n→ Give me the points.") == ""
    assert named_mistake("") == ""
    assert named_mistake("✗ f(x)\n      yours  1\n      expected  2") == ""
    assert named_mistake("✗ f(x)\n  → One.") == "One."
    raised = "✗ f(x)\n      yours     raised ValueError: x\n  → Give me the points.\n      expected  TypeError"
    assert named_mistake(raised) == ""
    assert named_mistake(f"{raised}\n  → One.") == "One."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("✗ f(3)\n      yours  1\n      expected  2", "✗ f(41)\n      yours  2\n      expected  9"),
        ("✗ f(x)\n  The shapes differ:\n   yours (2, 3)", "✗ f(x)\n  The shapes differ:\n   yours (4, 3)"),
        ("✗ f\n  The value of 'a' differs:", "✗ f\n  The value of 'b' differs:"),
        (
            "Your code stopped with RuntimeError: mat1 (3x4) and mat2 (5x6)\n  in the call f(x)",
            "Your code stopped with RuntimeError: mat1 (1x2) and mat2 (9x9)\n  in your line 3: x",
        ),
        ("Your code stopped with NameError: name 'a' is not", "Your code stopped with NameError: name 'b' is not"),
    ],
)
def test_the_same_failure_with_other_values_is_one_kind(one, other):
    assert one != other
    assert kind(one) == kind(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("✗ f(x)\n  The shapes differ:", "✗ f(x)\n  The dtypes differ:"),
        ("✗ f(x)\n  The shapes differ:", "✗ g(x)\n  The shapes differ:"),
        ("Your code stopped with TypeError: no", "Your code stopped with ValueError: no"),
    ],
)
def test_other_failures_are_other_kinds(one, other):
    assert kind(one) != kind(other)


def test_at_most_three_answers_are_shown_and_equal_ones_once():
    texts = ["def negate(x): return x", "def negate(y): return y # mine", "x", "y = 1", "z(2)", "w[3]"]
    records = [
        record(f"s{n}", result(NEGATE, "wrong", OLD_SIGN), answers={"check-negate": text})
        for n, text in enumerate(texts)
    ]
    [mistake], _ = find_mistakes(records, lambda code: normal_form(code) or code)
    assert len(mistake.students) == 6
    assert list(mistake.examples.values()) == [texts[0], texts[2], texts[3]]


# Anonymity


def test_learners_are_numbered_in_no_order():
    students = [f"student{n:02}" for n in range(30)]
    numbered = number_learners(students, random.Random(1))
    assert sorted(numbered.values()) == sorted(f"learner {n}" for n in range(1, 31))
    assert list(numbered) != students
    assert numbered == number_learners(reversed(students), random.Random(1))
    assert numbered != number_learners(students, random.Random(2))


def test_nothing_on_the_page_is_in_the_gradebook_s_order(tmp_path):
    records = [
        record(
            f"student{n:02}",
            result(NEGATE, "wrong", OLD_SIGN),
            answers={"check-negate": f"f({n})"},
            problems=["cell 5 was stopped"],
        )
        for n in range(30)
    ]
    page = page_of(klass(*records), tmp_path)
    assert re.findall(r"<h4>learner (\d+)", page) == ["1", "2", "3"]
    assert "(learner 1, learner 2, learner 3, learner 4, learner 5 and 25 more)" in page
    assert "f(0)" not in page


def test_comments_and_docstrings_are_taken_out():
    code = '''# Ada
def f(x):  # Ada's
    """By Ada,

    who wrote it."""
    text = "# no comment"
    'Ada'  # again

    return """a
text""", x
'''
    assert without_comments(code) == 'def f(x):\n    text = "# no comment"\n    return """a\ntext""", x'


@pytest.mark.parametrize(
    "code", ["def f(:\n  'x' # Ada", "x = '''# Ada\n# Ada", "%time f(x) # Ada", "if 1:\n\tx\n  y # Ada"]
)
def test_what_is_not_python_loses_its_comments(code):
    assert "Ada" not in without_comments(code)


def test_names_are_hidden_and_the_course_s_words_are_not():
    mask = make_mask(["ada", "Max", "Lovelace", "fei-fei", "서연", "2026117", "12", "al", "k@x.org"], ["linear"])
    code = 'def linear(ada_lovelace, x):\n    return max(x), "FEI by Max, 서연 2026117 12 al adapt ada@some.org"'
    shown = mask.code(code)
    assert shown == (
        f"def linear({HIDDEN}_{HIDDEN}, x):\n"
        f'    return max(x), "{HIDDEN} by {HIDDEN}, {HIDDEN} {HIDDEN} 12 al adapt {HIDDEN}"'
    )
    assert mask.text("in your line 3:  ada = 1") == f"in your line 3:  {HIDDEN} = 1"


def test_long_and_invisible_text_is_cut_and_marked():
    assert showable("a\u202eb\x00c\ud800d\te\x1b") == "a�b�c�d\te�"
    long = showable("\n".join(["line"] * 1000))
    assert long.endswith("… (1000 lines, 4,999 characters)")
    assert len(showable("x" * 10**6)) < 5000


def test_a_huge_answer_is_cut_before_it_is_taken_apart():
    mask = make_mask(["ada"], [])
    assert len(mask.code("x = [" + "(" * 3_000_000)) < 5000


def test_no_name_is_on_an_anonymous_page(tmp_path):
    own = LONG.replace("return result", 'return result, "hopper"').replace(":\n", ':\n    """Grace Hopper"""\n', 1)
    answers = {"check-negate": f"# by Grace\n{own}"}
    records = [
        record(who, result(TWICE, "right"), result(NEGATE, "wrong", f"✗ negate\n  yours '{who}'"), answers=answers)
        for who in ("grace", "s-4711")
    ]
    graded = klass(*records, names=["Grace", "Hopper", "ghopper@x.org"])
    assert "grace and s-4711" in page_of(graded, tmp_path)
    page = page_of(graded, tmp_path, anonymous=True)
    assert not re.search("grace|hopper|4711", page, re.IGNORECASE)
    assert "def negate(x):" in page


# Answers that are alike

LONG = """def negate(x):
    result = torch.zeros_like(x)
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            result[row, column] = 0 - x[row, column]
    if result.numel() > 3:
        result = result.clone()
    return result"""
RENAMED = """def negate(t: torch.Tensor) -> torch.Tensor:
    '''Mine.'''

    out = torch.zeros_like(t)  # all mine
    for i in range( t.shape[0] ):
        for j in range(t.shape[1]):
            out[i, j] = (0 - t[i, j])
    if out.numel() > 3: out = out.clone()
    return out"""
OTHER = """def negate(x):
    parts = [torch.stack([-value for value in row]) for row in x]
    while len(parts) < x.shape[0]:
        parts.append(torch.empty(0))
    total = torch.stack(parts).reshape(x.shape)
    assert total.shape == x.shape, "shape"
    return total * 1.0 + 0.0"""


def writers(*codes: str, solution: str = SOLUTIONS["check-negate"]):
    records = [record(f"s{n}", result(NEGATE, "right"), answers={"check-negate": code}) for n, code in enumerate(codes)]
    return [pair.students for pair in find_pairs(records, {"check-negate": solution})]


def test_names_comments_and_layout_do_not_matter():
    assert normal_form(LONG) == normal_form(RENAMED)
    assert normal_form(LONG) != normal_form(OTHER)


def test_what_the_code_does_matters():
    assert normal_form("torch.relu(x)") != normal_form("torch.tanh(x)")
    assert normal_form("x[0] + 1") != normal_form("x[0] + 2")
    assert normal_form("x - y") != normal_form("x + y")


def test_attributes_that_are_assigned_are_names_too():
    one = "class A:\n    def __init__(self):\n        self.w = 1\n    def f(self):\n        return self.w"
    assert normal_form(one) == normal_form(one.replace("w", "weight"))


def test_a_renamed_copy_is_found_and_another_answer_is_not():
    assert writers(LONG, OTHER, RENAMED) == [("s0", "s2")]


def test_a_copy_with_a_line_more_is_found():
    assert writers(LONG, LONG.replace("    return", "    unused = 1\n    return"), OTHER) == [("s0", "s1")]


def test_what_many_write_is_left_out():
    assert sorted(writers(LONG, RENAMED, LONG)) == [("s0", "s1"), ("s0", "s2"), ("s1", "s2")]
    assert writers(LONG, RENAMED, LONG, RENAMED) == []


def test_short_answers_and_the_course_s_own_are_left_out():
    short = "def negate(x):\n    return 0 - x"
    assert writers(short, short) == []
    assert writers(LONG, RENAMED, solution=LONG) == []


def test_pairs_alike_in_more_exercises_come_first():
    def both(student, negate, twice):
        return record(student, answers={"check-negate": negate, "check-twice": twice})

    records = [both("a", LONG, "x"), both("b", OTHER, OTHER), both("c", RENAMED, "y"), both("d", OTHER, OTHER)]
    first, second = find_pairs(records, SOLUTIONS)
    assert (first.students, len(first.likenesses)) == (("b", "d"), 2)
    assert (second.students, second.likenesses[0].share) == (("a", "c"), 1)


DEEP = ["-{}1", "({}", "[{}", "x{}", "lambda:{}1", "not {}1", "1{}", "x if y else {}1", "{}"]


@pytest.mark.parametrize("pattern", DEEP)
def test_malicious_code_does_no_harm(pattern):
    part = {"x{}": ".a", "1{}": "+1", "{}": "x="}.get(pattern, pattern.partition("{}")[0])
    for length in (LONGEST - 20, 10**6):
        code = pattern.format(part * (length // len(part)))
        assert writers(code, code, LONG, LONG) in ([("s2", "s3")], [("s0", "s1"), ("s2", "s3")])


@pytest.mark.parametrize(
    "code", ["", "def f(:", "\x00", "x = '\ud800'", "%time x", "'\\d' is 'x'", "def f(x, x): pass"]
)
def test_anything_may_be_an_answer(code, recwarn):
    normal_form(code)
    assert len(recwarn) == 0


def test_answers_that_take_long_to_compare_are_left_out():
    fine, huge = ("\n".join(f"a{n} = f({n})" for n in range(lines)) for lines in (150, 330))
    assert len(normal_form(fine)) < MOST < len(normal_form(huge))
    assert writers(fine, fine, huge, huge) == [("s0", "s1")]


# The page

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=http://evil.example/x.png onerror=alert(1)>",
    "</pre></details></style><style>@import url(http://evil.example)</style>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "<!-- ",
    "]]><a href='javascript:alert(1)'>",
    "&lt;b&gt;",
]


def check_is_safe(page: str) -> None:
    """No element or attribute that runs or fetches anything, and a policy that would not let it."""
    seen = Seen(page)
    allowed = (
        "html head meta title style body header main footer p b h1 h2 h3 h4 small div figure figcaption ul ol li a "
        "table thead tbody tr th td br details summary article span pre code svg g path text defs clippath rect use "
        "tspan"
    )
    assert {tag for tag, _ in seen.elements} <= set(allowed.split())
    for tag, attributes in seen.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcset", "data", "action")]
        link = attributes.get("href") or attributes.get("xlink:href") or "#"
        assert link.startswith("#"), (tag, link)
        assert not re.search(r"url\((?!#)|@import|expression", attributes.get("style") or "")
    assert [tag for tag, _ in seen.elements].count("style") == 1, "a picture's style would hold for the whole page"
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    [policy] = [each["content"] for tag, each in seen.elements if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert page.index("Content-Security-Policy") < page.index("<style>")


def text_of(page: str) -> str:
    """What a page says, on one line."""
    return unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", "", page)))


@pytest.mark.parametrize("in_ids", [True, False])
def test_nothing_of_a_learner_s_runs_or_is_fetched(in_ids, tmp_path):
    records = []
    for number, text in enumerate(HOSTILE):
        code = f"{LONG}\n    {text!r}\n    return {text}"
        messages = f"✗ {text}\n  yours {text}\n  → {text}", f"Your code stopped with {text}: {text}"
        mine = result(TWICE, "wrong", messages[number % 2]), result(NEGATE, "wrong", messages[1 - number % 2])
        own = "\n".join(f"    a{line} = f{number}(x, {number + line * 10})" for line in range(12))
        answers = {"check-twice": code, "check-negate": f"def negate(x):\n{own}\n    return {text!r}"}
        records += [
            record(
                f"{text}{copy}" if in_ids else f"s{number}-{copy}",
                *mine,
                answers=answers,
                problems=[f"exercise {text} was not found"],
            )
            for copy in (1, 2)
        ]
    page = page_of(klass(*records, cells=("3: check-twice", "4: <script>"), name="99_<b>"), tmp_path)
    check_is_safe(page)
    assert f"<summary>{len(HOSTILE)} pairs" in page
    # Six times in a pair: two ids, twice, and two answers. Elsewhere the words of ids are hidden.
    assert page.count("evil.example") == 2 * 6 if in_ids else page.count("evil.example") > 10
    assert in_ids or page.count("&lt;img src=http://evil.example/x.png onerror=alert(1)&gt;") > 5
    assert "49" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    table = (tmp_path / "page.csv").read_text(encoding="utf-8-sig")
    assert len(table.splitlines()) == 3


def test_a_mistake_that_begins_like_a_formula_is_a_text_in_the_table(tmp_path):
    message = '✗ f\n  → =HYPERLINK("http://evil.example")'
    page_of(klass(record("a", result(TWICE, "wrong", message))), tmp_path)
    assert table_of(tmp_path)[0]["most frequent named mistake"] == '\'=HYPERLINK("http://evil.example")'


def test_the_page_and_the_table_say_what_happened(tmp_path):
    records = [
        record("a", result(TWICE, "right"), result(NEGATE, "wrong", OLD_SIGN), problems=["cell 5 was stopped"]),
        record("b", result(TWICE, "right"), result(NEGATE, "wrong", OLD_SIGN), problems=["cell 5 was stopped"]),
        record("c", result(TWICE, "wrong", "✗ twice(3)\n      yours  1"), result(NEGATE, "right")),
    ]
    page = page_of(klass(*records, ungraded=2, unreadable=("z",)), tmp_path)
    check_is_safe(page)
    text = text_of(page)
    assert "2.3 of 5 points on average, median 2, 3 learners" in text
    assert "2 submissions have not been graded." in text
    assert "The records of 1 learner cannot be read" in text
    assert "Most frequent mistakes The sign is the old one. (2)" in text
    assert "The sign is the old one. 2 learners" in text
    links = [attributes["href"].removeprefix("#") for tag, attributes in Seen(page).elements if tag == "a"]
    assert links == [attributes["id"] for tag, attributes in Seen(page).elements if tag == "article" and attributes]
    assert "1 · Twice 1 learner" in text
    assert re.search(r"cell 5 was stopped \(learner \d, learner \d\)", text)
    first, second = table_of(tmp_path)
    assert (first["title"], first["solved"], first["wrong"], first["share of points"]) == ("Twice", "2", "1", "0.67")
    assert (second["most frequent named mistake"], second["learners who made it"]) == ("The sign is the old one.", "2")
    assert (second["discrimination"], second["unsolved"]) == ("-1", "0")


ODD = {
    "one learner": klass(record("a", result(TWICE, "right"), result(NEGATE, "unsolved"))),
    "everyone perfect": klass(*(record(who, result(TWICE, "right"), result(NEGATE, "right")) for who in "abc")),
    "everyone zero": klass(*(record(who, result(TWICE, "unsolved"), result(NEGATE, "unsolved")) for who in "abc")),
    "no results at all": klass(record("a"), record("b")),
    "an exercise without results": klass(*(record(who, result(TWICE, "right")) for who in "abc")),
    "a result without an exercise": klass(record("a", result(NEGATE, "wrong", OLD_SIGN)), exercises=[TWICE]),
    "no exercises": klass(record("a"), exercises=[]),
    "an exercise without points": klass(
        record("a", result(Exercise("check-twice", "Exercise 1: Twice", 0), "right")),
        exercises=[Exercise("check-twice", "Exercise 1: Twice", 0)],
    ),
    "more points than possible": klass(record("a", result(TWICE, "right", score=7.5))),
    "no answers": klass(*(record(who, result(NEGATE, "wrong", OLD_SIGN), answers={}) for who in "ab")),
    "no times": klass(record("a", result(TWICE, "right"), seconds={"not a cell of the course": 1.0})),
    "many points": klass(record("a", result(Exercise("check-twice", "Twice", 250), "right", score=133.7))),
    "a title with a formula": klass(
        record("a"), exercises=[Exercise("check-a", "Exercise 1: $\\frac{$ & <b> 한국어", 1)]
    ),
}


@pytest.mark.parametrize("what", ODD)
def test_odd_classes_get_a_page(what, tmp_path):
    page = page_of(ODD[what], tmp_path)
    check_is_safe(page)
    assert "nan" not in text_of(page).split()
    assert len(table_of(tmp_path)) == len(ODD[what].exercises)


def test_an_exercise_without_results_is_a_dash(tmp_path):
    page = page_of(ODD["an exercise without results"], tmp_path)
    assert "Exercise 2, Negate: no results." in page
    row = page[page.index('<th scope="row" class="text">Negate') :].partition("</tr>")[0]
    assert row.count("<td>–</td>") == 6


def test_pictures_are_described_with_their_numbers():
    scores = [0, 0, 2.5, 5]
    assert draw_points(scores, 5).alt == (
        "Bar chart of points, of 5. 0 points: 2 learners; 2 points: 1 learner; 5 points: 1 learner."
    )
    assert "39–51 points: 1 learner" in draw_points([45], 250).alt
    items = analyse([TWICE], [record("a", result(TWICE, "right")), record("b", result(TWICE, "unsolved"))])
    assert draw_endings(items).alt == "Bar chart by exercise. Exercise 1, Twice: 1 solved, 1 unsolved."


def test_pictures_take_their_colours_from_the_page_and_share_no_ids(tmp_path):
    page = page_of(ODD["one learner"], tmp_path)
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 2
    assert all(re.search(r"var\(--\w+\)", picture) for picture in pictures)
    assert not re.search(r"#[0-9a-fA-F]{6}\b", "".join(pictures))
    ids = re.findall(r'\bid="([^"]*)"', "".join(pictures))
    assert len(ids) == len(set(ids))
    variables = set(re.findall(r"var\((--\w+)\)", page))
    light, dark = page.split("@media (prefers-color-scheme: dark)", 1)
    assert all(f"{variable}:" in light for variable in variables - {"--this"})
    assert all(f"{variable}:" in dark.partition("body {")[0] for variable in variables - {"--this"})
    described = [each.get("aria-label") for tag, each in Seen(page).elements if tag == "figure"]
    assert described[0].startswith("Bar chart of points")
    assert described[1].startswith("Bar chart by exercise")


# A class that was really graded


@pytest.fixture(scope="module")
def graded(tmp_path_factory, short_notebooks) -> Course:
    course = make_course(tmp_path_factory.mktemp("course"), SOUND + SECOND)
    build(course, NAME)
    wrong = {"negate": "def negate(x):\n    return x  # by ada"}
    crash = {"twice": "def twice(x):\n    return x.reshape(7, 7)"}
    for student, answers in {
        "ada": RIGHT | wrong,
        "alan": RIGHT,
        "hedy": RIGHT | crash,
        "radia": {"twice": RIGHT["twice"]},
        "grace": RIGHT | wrong,
    }.items():
        hand_in(answer(course.release(NAME), answers), course.root, student, NAME)
    hand_in("no notebook", course.root, "zoe", NAME)
    grade_class(course, course_config(course.root), NAME)
    return course


@pytest.fixture
def copy(graded, tmp_path, monkeypatch) -> Course:
    """A copy of the graded course, to work in."""
    shutil.copytree(graded.root, tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    return Course(tmp_path / "course")


def said(capsys) -> tuple[list[str], list[str]]:
    out, err = capsys.readouterr()
    return out.splitlines(), err.splitlines()


def test_a_graded_class_gets_its_report(copy, capsys):
    assert main(["report", NAME]) == 0
    page = copy.root / "reports" / NAME / f"{NAME}.html"
    out, err = said(capsys)
    assert out[-2:] == [f"The report: {page}", f"The table: {page.with_suffix('.csv')}"]
    assert err == []
    html = page.read_text(encoding="utf-8")
    check_is_safe(html)
    text = text_of(html)
    assert "5 learners" in text
    assert "1 submission has not been graded." in text
    assert "The sign is the old one. 2 learners" in text
    assert "Your code stopped with RuntimeError: shape '[7, 7]' is invalid" in text
    assert "by ada" not in text
    assert re.search(r"\d+: check-negate ?\d\.\d\d s", text)
    assert OWN not in text
    with page.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as file:
        first, second = csv.DictReader(file)
    assert [first[key] for key in ("solved", "wrong", "unsolved")] == ["4", "1", "0"]
    assert [second[key] for key in ("solved", "wrong", "unsolved")] == ["2", "2", "1"]


def test_the_report_runs_nothing_and_changes_nothing(copy):
    before = {path: path.read_bytes() for path in (copy.root / "autograded").rglob("*") if path.is_file()}
    record = read_class(copy, course_config(copy.root), NAME)
    assert [each.student for each in record.records] == ["ada", "alan", "grace", "hedy", "radia"]
    assert record.records[0].answers["check-negate"].endswith("# by ada")
    assert record.solutions["check-twice"].startswith("def twice")
    assert before == {path: path.read_bytes() for path in (copy.root / "autograded").rglob("*") if path.is_file()}


def test_missing_and_damaged_records_are_left_out_and_named(copy, capsys):
    folder = copy.root / "autograded"
    (folder / "ada" / NAME / f"{NAME}.report.json").unlink()
    for student, text in {"alan": "{}", "grace": "[1", "hedy": "[" * 10**5}.items():
        path = folder / student / NAME / f"{NAME}.ipynb"
        path.chmod(0o644)
        path.write_text(text, encoding="utf-8")
    Path("there").mkdir()
    assert main(["report", NAME, "--to", "there/my.html", "--anonymous"]) == 0
    out, err = said(capsys)
    assert err == ["autograder: left out because their records cannot be read: ada, alan, grace, hedy."]
    assert out[-2] == "The report: there/my.html"
    html = (copy.root / "there" / "my.html").read_text(encoding="utf-8")
    assert "The records of 4 learners cannot be read" in html
    assert not re.search(r"\b(ada|alan|hedy|radia)\b", html)


def one_line(arguments: list[str], capsys) -> str:
    assert main(arguments) == 1
    _, [line] = said(capsys)
    return line


def test_a_class_without_records_is_refused(copy, capsys):
    shutil.rmtree(copy.root / "autograded")
    line = one_line(["report", NAME], capsys)
    assert line == f"autograder: No graded notebook of {NAME} can be read: run `autograder grade {NAME} --again`."
    assert not (copy.root / "reports").exists()


def test_without_grades_there_is_no_report(copy, capsys):
    (copy.root / "gradebook.db").unlink()
    assert "There is no gradebook" in one_line(["report", NAME], capsys)
    assert not (copy.root / "gradebook.db").exists()
    assert main(["register"]) == 0
    assert "Nobody has been graded for 99_fixture" in one_line(["report", NAME], capsys)


def test_unknown_names_are_refused(copy, capsys):
    assert "Did you mean 99_fixture?" in one_line(["report", "fixture"], capsys)
    assert "does not end in .html" in one_line(["report", NAME, "--to", "page.csv"], capsys)


def test_a_number_of_many_digits_is_read():
    """Python writes no such number in decimal digits."""
    assert normal_form(f"x = 0x{'f' * 3700}") is not None


def test_the_page_has_one_kind_of_apostrophe():
    assert [path.name for path in TEMPLATES.iterdir() if path.is_file() and "’" in path.read_text("utf-8")] == []
