"""What learners wrote, on feedback pages and in the formgrader: loaded from nowhere, in its place, in bounds."""
# ruff: noqa: F811 (fixtures of another file)

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from browser.lab import PATIENCE, LabServer, own_home
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.server_extensions.formgrader import handlers
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as BrowserPage
from test_build import NAME
from test_parallel import autograded, course, engine, make_registered, submit  # noqa: F401

from autograder.course import Course
from autograder.feedback import bounds
from autograder.feedback.formulas import formula
from autograder.feedback.pages import write_pages
from autograder.feedback.safe_html import DEEPEST, clean_html
from autograder.feedback.safe_markdown import markdown_as_html
from autograder.grading.grade import grade_class
from autograder.grading.nbgrader_apps import course_config, course_directory
from autograder.grading.restore import read_known, restore
from autograder.lab.jupyter import lab_environment, this_machine

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = "http://elsewhere.invalid/"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="


def about(grade_id: str, **more) -> dict:
    plain = {"grade": False, "solution": False, "task": False, "locked": False, "schema_version": 3}
    return {"nbgrader": plain | {"grade_id": grade_id} | more}


def manual_cells() -> list:
    """A written answer, a code answer and a task, all marked by a teacher."""
    task = about("do-it", task=True, locked=True, points=4, cell_type="markdown")
    return [
        new_markdown_cell("### Explain it"),
        new_markdown_cell("Your words here.", metadata=about("words", grade=True, solution=True, points=3)),
        new_markdown_cell("### Write it"),
        new_code_cell("# your code here", metadata=about("free", grade=True, solution=True, points=2)),
        new_markdown_cell("### Do it\nDraw a layer.", metadata=task),
    ]


@pytest.fixture(scope="module")
def template(tmp_path_factory, short_notebooks) -> Course:
    """A course whose notebook asks for work that a teacher marks, too; ``course`` is a copy of it for one test."""
    return make_registered(tmp_path_factory.mktemp("course"), *manual_cells())


def graded(course: Course, student: str = "a", **answers: str) -> Path:
    """Hand in, with a written answer, and grade; returns the autograded notebook, which may be changed now."""
    submit(course, student, **answers)
    handed_in = course.root / "submitted" / student / NAME / f"{NAME}.ipynb"
    text = handed_in.read_text(encoding="utf-8")
    assert "YOUR ANSWER HERE" in text
    handed_in.write_text(text.replace("YOUR ANSWER HERE", "A layer."), encoding="utf-8")
    grade_class(course, course_config(course.root), NAME)
    path = autograded(course, student)
    path.chmod(0o644)
    return path


def add_cells(path: Path, *cells) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells += cells
    nbformat.write(notebook, path)


def page_of(course: Course) -> str:
    [page] = write_pages(course_config(course.root), NAME)
    return page.read_text(encoding="utf-8")


def formgrader(course: Course, path: Path) -> str:
    """The formgrader's page for a submission, made as nbgrader makes it."""
    config = course_config(course.root)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {"base_url": "", "notebook_id": NAME, "assignment_id": NAME, "submission_id": "1", "index": 0}
    resources |= {"total": 1, "student": "a", "first_name": None, "last_name": None, "notebook_path": "x"}
    html, _ = HTMLExporter(config=config).from_filename(str(path), resources=resources)
    return html


class Page(HTMLParser):
    """The tags of a page, each with its attributes and the place where it stands."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


LOADING = [
    f'<img src="{ELSEWHERE}a.png">',
    f"<img src='{ELSEWHERE}a.png'>",
    f"<img src={ELSEWHERE}a.png>",
    f"<IMG SRC={ELSEWHERE}a.png>",
    f'<img src="{PIXEL}" srcset="{ELSEWHERE}a.png 2x">',
    '<img src="//elsewhere.invalid/a.png">',
    '<img src="/formgrader/api/assignments">',
    f'<img/src="{ELSEWHERE}a.png"/onerror="x">',
    f'<p style="background: url({ELSEWHERE}a.png)">a</p>',
    f"<p style=\"background-image: image-set('{ELSEWHERE}a.png' 1x)\">a</p>",
    f'<p style="color: red; background: u\\72l({ELSEWHERE}a.png)">a</p>',
    f"<style>@import '{ELSEWHERE}a.css';</style>",
    f'<link rel="stylesheet" href="{ELSEWHERE}a.css"><link rel="prefetch" href="{ELSEWHERE}b">',
    f'<meta http-equiv="refresh" content="0; url={ELSEWHERE}">',
    f'<base href="{ELSEWHERE}">',
    f'<video poster="{ELSEWHERE}a.png" src="{ELSEWHERE}a.mp4"></video><audio src="{ELSEWHERE}a.ogg"></audio>',
    f'<iframe src="{ELSEWHERE}"></iframe><embed src="{ELSEWHERE}"><object data="{ELSEWHERE}"></object>',
    f'<svg><image href="{ELSEWHERE}a.svg"/><use xlink:href="{ELSEWHERE}a.svg#a"/></svg>',
    f'<table background="{ELSEWHERE}a.png"><td background="{ELSEWHERE}a.png">a</table>',
    f'<input type="image" src="{ELSEWHERE}a.png"><body background="{ELSEWHERE}a.png">',
    f'<a ping="{ELSEWHERE}" href="#a">a</a><form action="{ELSEWHERE}"><button>a</button></form>',
    f'<math><mglyph src="{ELSEWHERE}a.png"/></math><picture><source srcset="{ELSEWHERE}a.png"></picture>',
    f'<!--><img src="{ELSEWHERE}a.png">-->',
    f'<noscript><p title="</noscript><img src={ELSEWHERE}a.png>"></noscript>',
]
#: Attributes that a browser loads without a click.
LOADS = {"src", "srcset", "poster", "background", "data", "xlink:href", "ping", "action", "formaction", "content"}


def loads_from(html: str) -> list[str]:
    """The addresses that a page would load, other than those in the page itself."""
    found = []
    for tag, attributes in Page(html).tags:
        for key, value in attributes.items():
            loaded = key in LOADS or (key == "href" and tag != "a")
            if loaded and "elsewhere" in (value or ""):
                found.append(f"{tag} {key}={value}")
            if key == "style" and re.search(r"url|image|\\", value or ""):
                found.append(f"{tag} style={value}")
        if tag in ("style", "script", "iframe", "base", "form", "object", "svg", "meta", "link", "input"):
            found.append(tag)
    return found


@pytest.mark.parametrize("text", LOADING)
def test_nothing_is_loaded_from_elsewhere(text):
    for cleaned in (clean_html(text), markdown_as_html(text), markdown_as_html(f"text {text} text")):
        assert loads_from(cleaned) == []


@pytest.mark.parametrize("link", [f"![a]({ELSEWHERE}a.png)", f"![a][b]\n\n[b]: {ELSEWHERE}a.png", "![a](//e/a.png)"])
def test_a_markdown_picture_is_loaded_from_nowhere_and_named(link):
    cleaned = markdown_as_html(link)
    assert Page(cleaned).all("img") == []
    assert "a picture that is not in the notebook: a" in cleaned


def test_pictures_that_are_in_the_notebook_are_shown():
    assert [img["src"] for img in Page(clean_html(f'<img alt="x" src="{PIXEL}">')).all("img")] == [PIXEL]
    attachments = {"a.gif": {"image/gif": PIXEL.split(",")[1]}}
    assert [img["src"] for img in Page(markdown_as_html("![x](attachment:a.gif)", attachments)).all("img")] == [PIXEL]
    evil = {"a.gif": {'image/gif" onerror="x': "AAAA"}}
    assert Page(markdown_as_html("![x](attachment:a.gif)", evil)).all("img") == []


def test_a_pasted_picture_is_shown_once_and_a_missing_one_is_named():
    attachments = {"a.gif": {"image/gif": "A" * 100_000}, "b": 1, "c": {"image/png": 1}}
    html = markdown_as_html(
        "![x](attachment:a.gif)\n\n" * 300 + "![y](attachment:b) ![z](attachment:d) **bold**", attachments
    )
    assert len(Page(html).all("img")) == 1
    assert "a picture that is not in the notebook: y" in html
    assert "a picture that is not in the notebook: z" in html
    assert "<strong>bold</strong>" in html
    assert len(html) < 200_000
    assert markdown_as_html("a", attachments=[1]) == markdown_as_html("a")


def test_a_picture_named_often_does_not_fill_the_page():
    html = markdown_as_html(f"[a]: data:image/png;base64,{'A' * 4_000}\n\n" + "![][a]" * 600)
    assert 0 < len(Page(html).all("img")) < 3
    assert len(html) < 60_000


def test_links_lead_only_where_they_may():
    cleaned = Page(clean_html('<a href="javascript:x">1</a><a href=" java\nscript:x">2</a><a href="/formgrader">3</a>'))
    assert all("href" not in link for link in cleaned.all("a"))
    [link] = Page(clean_html('<a href="https://pytorch.org">a</a>')).all("a")
    assert link["href"] == "https://pytorch.org"
    assert "noreferrer" in link["rel"]


def test_feedback_page_and_formgrader_load_nothing(course, engine):
    everything = "\n\n".join(LOADING)
    path = graded(course)
    html = new_output("display_data", data={"text/html": everything, "text/plain": "x"})
    markdown = new_output("display_data", data={"text/markdown": everything})
    latex = new_output("display_data", data={"text/latex": everything})
    add_cells(path, new_markdown_cell(everything), new_code_cell("1", outputs=[html, markdown, latex]))
    page, shown = Page(page_of(course)), Page(formgrader(course, path))
    for tag, attributes in [*page.tags, *shown.tags]:
        links = {value for key, value in attributes.items() if key in LOADS or (key == "href" and tag != "a")}
        assert not [value for value in links if "elsewhere" in str(value) or re.match(r"https?:|//", str(value))]
    [policy] = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    [policy] = [meta["content"] for meta in shown.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert page.all("script") == []
    assert all(
        script.get("src", "").startswith("/formgrader/static/") for script in shown.all("script") if "src" in script
    )


OVERLAY = (
    '<div style="position:fixed;inset:0;z-index:9;background:white;font-size:90px" class="navbar-fixed-top">16 of 16'
    '</div><p style="margin-top:-9999px">16 of 16</p>'
)


@pytest.fixture
def visits() -> Iterator[list[str]]:
    """What is asked of a server on this machine, which stands in for one elsewhere; the first item is its address."""

    class Visits(BaseHTTPRequestHandler):
        def do_GET(self):
            found.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *about):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Visits) as server:
        found = [f"http://127.0.0.1:{server.server_port}/"]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


@pytest.fixture
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is missing: run `make system-deps`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.mark.browser
def test_a_browser_asks_nothing_of_anybody(course, engine, browser, visits, tmp_path):
    everything = "\n\n".join(LOADING).replace(ELSEWHERE, visits[0])
    path = graded(course)
    outputs = [new_output("display_data", data={kind: everything}) for kind in ("text/html", "text/markdown")]
    add_cells(path, new_markdown_cell(everything + OVERLAY), new_code_cell("1", outputs=outputs))
    page = page_of(course)

    def opened(html: str) -> tuple[set[str], BrowserPage]:
        file = tmp_path / "page.html"
        file.write_text(html, encoding="utf-8")
        del visits[1:]
        tab, asked = browser.new_page(viewport={"width": 400, "height": 800}), set()
        tab.on("request", lambda request: asked.add(request.url))
        tab.goto(file.as_uri(), wait_until="networkidle")
        return {url for url in asked if url != file.as_uri() and not url.startswith("data:")}, tab

    asked, tab = opened(page)
    assert (asked, visits[1:]) == (set(), [])
    for x, y in ((200, 30), (200, 60), (30, 250)):
        place = "([x, y]) => Boolean(document.elementFromPoint(x, y).closest('header, .results, main'))"
        assert tab.evaluate(place, [x, y])
        assert not tab.evaluate("([x, y]) => Boolean(document.elementFromPoint(x, y).closest('.place'))", [x, y])
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400

    # The policy alone prevents it, too; and without both, the server would have been asked.
    raw = "".join(text for text in LOADING if "refresh" not in text).replace(ELSEWHERE, visits[0])
    opened(page.replace("</main>", f"{raw}</main>"))
    assert visits[1:] == []
    opened(re.sub(r"<meta[^>]*Content-Security-Policy[^>]*>", "", page).replace("</main>", f"{raw}</main>"))
    assert len(visits) > 3


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_formgrader_frames_no_picture_and_sets_tables_as_tables(course, engine, browser, scheme):
    """With nbgrader's own style sheets, which give pictures a red frame and tables no room."""
    path = graded(course)
    table = "| kernel | stride |\n|---|---|\n| 3×3 | 1 |"
    frame = "<table border='1'><tr><th>a</th><td>1</td></tr></table>"
    outputs = [new_output("display_data", data={"text/html": f'<img alt="x" src="{PIXEL}">{frame}'})]
    wide = "$$" + " + ".join(f"x_{{{i}}}" for i in range(90)) + "$$"
    add_cells(path, new_markdown_cell(f"![x]({PIXEL})\n\n{table}\n\n{wide}"), new_code_cell("1", outputs=outputs))
    html, static = formgrader(course, path), Path(handlers.static_path)

    def answer(route):
        place = static / route.request.url.partition("/formgrader/static/")[2]
        if route.request.url.endswith("/page"):
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif place.is_file():
            route.fulfill(path=place)
        else:
            route.fulfill(status=404)

    tab = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme=scheme)
    tab.route("**/*", answer)
    tab.goto("http://course.invalid/page")
    style = "(every, name) => every.map(one => getComputedStyle(one)[name])"
    red = tab.evaluate("[...document.styleSheets].some(sheet => (sheet.href || '').endsWith('/formgrade.css'))")
    assert red, "nbgrader's own rules are there, too"
    pictures = tab.locator("#notebook img")
    assert pictures.count() >= 2
    assert set(pictures.evaluate_all(style, "borderTopStyle")) == {"none"}
    cells = tab.locator("#notebook .rendered_html").locator("th, td")
    assert cells.count() >= 6
    for side in ("paddingLeft", "paddingRight"):
        assert min(float(width.removesuffix("px")) for width in cells.evaluate_all(style, side)) >= 6
    for side in ("paddingTop", "borderTopWidth"):
        assert min(float(width.removesuffix("px")) for width in cells.evaluate_all(style, side)) >= 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1200


# Text that a learner wrote does not pass for the page's own


@pytest.mark.parametrize(
    "style",
    [
        "position:fixed;top:0",
        "position:absolute",
        "margin:-99em",
        "z-index:9",
        "transform:scale(9)",
        "font-size:90px",
        "font:90px serif",
        "top:0;left:0",
        "width:-9px",
        "display:none",
        "color:expression(x)",
        "--x:1",
        "inset:0",
        "zoom:9",
        "color:red\\;position:fixed",
        "color:red/*;*/;position:fixed",
    ],
)
def test_no_style_leaves_its_place(style):
    [p] = Page(clean_html(f'<p style="{style}">16 of 16</p>')).all("p")
    assert set(p) <= {"style"}
    assert re.fullmatch(r"(color:red)?", p.get("style", ""))


def test_harmless_styles_are_kept():
    style = "display:flex;flex-wrap:wrap;gap:8px;max-width:684px;text-align:right;color:rgb(1, 2, 3);background:#fff"
    [div] = Page(clean_html(f'<div style="{style}">a</div>')).all("div")
    assert div["style"] == style


def test_no_class_or_id_of_the_page_is_borrowed():
    text = '<p class="navbar-fixed-top k right sign" id="check-twice" data-link="x" hidden>16 of 16</p>'
    assert Page(clean_html(text)).all("p") == [{"class": "k"}]


@pytest.mark.parametrize(
    "text", ["</div></section></main>a", "<p></section><b>a", "<li><div></li></div>a<td>b", "<a><a>"]
)
def test_every_tag_is_closed_where_it_was_opened(text):
    cleaned, stack = clean_html(text), []
    for closing, name in re.findall(r"<(/?)(\w+)", cleaned):
        assert not closing or stack.pop() == name
        stack += [] if closing or name in ("img", "br") else [name]
    assert stack == []


def test_what_turns_text_around_is_not_shown(course, engine):
    turned = "\u202e61 fo 61\u2066\u200f"
    path = graded(course)
    outputs = [
        new_output("stream", name="stdout", text=turned),
        new_output("display_data", data={"text/html": f"<b>{turned}</b>&#x202e;"}),
        new_output("display_data", data={"text/plain": turned}),
        new_output("error", ename="E", evalue=turned, traceback=[turned]),
    ]
    add_cells(path, new_markdown_cell(f"{turned} &#8238; $x \\unicode{{x202e}} {turned}$"))
    add_cells(path, new_code_cell(f"'{turned}'", outputs=outputs))
    for html in (page_of(course), formgrader(course, path)):
        assert "61 fo 61" in html
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f]|&#(x202e|8238)", html)


def test_titles_and_hints_are_the_courses_own(course, engine):
    """What stands above an exercise can be edited in the notebook."""
    path = graded(course, negate="def negate(x):\n    return x  # wrong")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("Put a minus.", "This answer is right.").replace("### ", "### 16 of 16 ")
    nbformat.write(notebook, path)
    html = page_of(course)
    listed = html[: html.index("Your notebook")]
    assert "Put a minus." in listed
    assert "This answer is right." not in listed
    assert "16 of 16" not in listed
    assert "This answer is right." in html


def test_what_learners_wrote_and_printed_stands_in_boxes_that_say_so(course, engine):
    path = graded(course)
    output = new_output("stream", name="stdout", text="✓ 16 of 16 points")
    add_cells(path, new_markdown_cell("My own words."), new_code_cell("my_own = 1", outputs=[output]))
    html = page_of(course)
    own = html[html.index("Your notebook") :]
    assert re.search(
        r'class="cell text theirs">\s*<p class="label mine">Your text</p>\s*<div class="place"><p>My own', own
    )
    assert re.search(r'Your code</p>\s*<div class="highlight"><pre><span></span><span class="n">my_own', own)
    assert re.search(r'Output</p>\s*<div class="place">(?:(?!</section>).)*✓ 16 of 16', own, re.DOTALL)
    assert own.count(">Your text<") == 1, "the course's own words are not the learner's"


# Costs


def cpu_seconds(work) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


NESTED = [
    "<ul><li>",
    "<div>",
    "<b>",
    "<table><tr><td>",
    "<a>",
    "<",
    '<a "',
    "<a '\"",
    "<!--",
    "<script>",
    "<p x='",
    "&#",
]


@pytest.mark.parametrize("piece", NESTED)
def test_cleaning_takes_time_that_grows_with_length_only(piece):
    """Ten times the text in less than forty times the time: a square would be a hundred."""
    short, long = piece * 3_000, piece * 30_000
    slow = cpu_seconds(lambda: [clean_html(short, longest=10**9) for _ in range(3)]) / 3
    assert cpu_seconds(lambda: clean_html(long, longest=10**9)) < 40 * slow + 0.2
    assert re.search(rf"(?:<\w+>){{{DEEPEST + 1}}}", clean_html(long, longest=10**9)) is None


def test_long_html_is_cut_and_says_so():
    cleaned = clean_html("<table>" + "<tr><td>1234567890</td></tr>" * 10_000)
    assert len(cleaned) < 50_000
    assert "Cut here" in cleaned
    assert cleaned.count("<td>") == cleaned.count("</td>")
    assert "Cut here" not in clean_html(f'<img src="data:image/png;base64,{"A" * 200_000}">')


def test_outputs_are_cut_and_say_so():
    outputs = [new_output("stream", name="stdout", text="a" * 1_900_000)]
    outputs += [new_output("display_data", data={"image/png": "A" * 4_000_000, "text/plain": "p"})]
    outputs += [new_output("stream", name="stdout", text="few")]
    outputs += [new_output("error", ename="E", evalue="e" * 900_000, traceback=["t" * 900_000])]
    notebook = new_notebook(cells=[new_code_cell("1", outputs=outputs)])
    bounds.cut_outputs(notebook)
    first, second, third, error = notebook.cells[0].outputs
    assert first.text.endswith("1.9 MB more, not shown.")
    assert "an output of 4.0 MB" in second.text
    assert third.text == "few"
    assert error.output_type == "error"
    assert len(error.evalue) + len(error.traceback[0]) < 50_000
    before = str(notebook)
    bounds.cut_outputs(notebook)
    assert str(notebook) == before, "the second time nothing is cut"
    nbformat.validate(notebook)


def test_all_outputs_of_a_notebook_have_a_bound():
    def outputs():
        return [
            new_output("stream", name="stdout", text="a" * 30_000),
            new_output("display_data", data={"text/html": "<b>a</b>" * 200_000}),
        ] * 80

    notebook = new_notebook(cells=[new_code_cell("1", outputs=outputs()) for _ in range(5)])
    bounds.cut_outputs(notebook)
    assert len(str(notebook)) < bounds.ALL_TEXT + bounds.ALL_PICTURES + 400_000


@pytest.mark.filterwarnings("error::UserWarning")
def test_an_output_with_nothing_to_show_is_left_out(course, engine):
    path = graded(course)
    outputs = [
        new_output("display_data", data=data) for data in ({"text/html": "<ul><li>"}, {"application/x": "x"}, {})
    ]
    add_cells(path, new_code_cell("nothing_to_show", outputs=outputs))
    own = page_of(course).partition("nothing_to_show")[2]
    assert "Output" not in own
    assert "nothing_to_show" in formgrader(course, path)


def test_cells_left_out_move_no_label(course, engine):
    path = graded(course)
    notebook = nbformat.read(path, as_version=4)
    place = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith("### Explain it"))
    notebook.cells[place:place] = [new_markdown_cell(f"My word {number}.") for number in range(bounds.CELLS)]
    nbformat.write(notebook, path)
    own = page_of(course).partition("Your notebook")[2]
    assert "more cells of this notebook" in own
    labels = re.findall(r'>Your text</p>\s*<div class="place"><p>(My word)', own)
    assert 0 < len(labels) == own.count(">Your text<") == own.count("My word ")


def test_many_outputs_and_cells_are_cut_but_no_mark():
    many = [new_output("stream", name="stdout", text=str(number)) for number in range(1_000)]
    many += [new_output("error", ename="E", evalue="e", traceback=[])]
    cells = [new_code_cell("1", outputs=many)] + [new_markdown_cell("a") for _ in range(5_000)]
    cells += [new_code_cell("assert x", metadata=about("check-x", grade=True, points=1, locked=True))]
    notebook = new_notebook(cells=cells)
    bounds.cut_outputs(notebook)
    bounds.cut_cells(notebook)
    assert [output.output_type for output in notebook.cells[0].outputs][-1] == "error"
    assert len(notebook.cells[0].outputs) <= bounds.OUTPUTS + 2
    assert len(notebook.cells) <= bounds.CELLS + 2
    assert [cell.metadata.nbgrader.grade_id for cell in notebook.cells if cell.metadata] == ["check-x"]
    assert "more cells" in notebook.cells[-1].source


def test_grading_keeps_no_enormous_notebook(course, engine):
    def flood(notebook):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs += [new_output("stream", name="stdout", text="a" * 1_900_000)]

    call = engine.__class__.__call__

    def flooding(notebook, limits, **settings):
        report = call(engine, notebook, limits, **settings)
        flood(notebook)
        return report

    from autograder.grading import preprocessors

    preprocessors.execute = flooding  # the fixture puts back what was there
    path = graded(course, negate="def negate(x):\n    return x  # wrong")
    assert path.stat().st_size < 1_000_000
    assert "1.9 MB more, not shown." in path.read_text(encoding="utf-8")
    assert "<small>of 14 points" in page_of(course)


def test_a_page_of_nested_lists_costs_little(course, engine):
    """It took a minute; compared with a page of as many plain outputs, and generously."""

    def page_with(html: str) -> float:
        path = graded(course)
        output = new_output("display_data", data={"text/html": html})
        add_cells(path, *[new_code_cell("1", outputs=[output]) for _ in range(60)])
        return cpu_seconds(lambda: page_of(course))

    assert page_with("<ul><li>" * 2_400) < 4 * page_with("<p>plain words</p>" * 1_100) + 2


@pytest.mark.parametrize(
    "text", ["{" * 900, "x^" * 450, r"\frac" * 180, r"\left(" * 150, "\\begin{a}" * 100, "$" * 900]
)
def test_formulas_made_to_break_the_reader_are_shown_as_typed(text):
    assert cpu_seconds(lambda: formula(text, f"${text}$")) < 5
    assert formula(text, "typed").startswith(("<math", "<code>typed"))


def test_the_number_of_formulas_in_a_text_is_bounded():
    """Each takes a third of a millisecond, and a notebook has room for 50,000."""
    shown = markdown_as_html(" ".join(f"$x_{{{number}}}$" for number in range(300)))
    assert shown.count("<math") == 200
    assert "<code>$x_{299}$</code>" in shown


def test_a_formula_defines_no_commands():
    """Each definition may double what the one before it stands for."""
    names = [f"\\{chr(65 + number)}" for number in range(22)]
    text = f"\\def{names[0]}{{x}}" + "".join(f"\\def{b}{{{{{a}}}{{{a}}}}}" for a, b in pairwise(names)) + names[-1]
    assert formula(text, "typed") == "<code>typed</code>"


def test_a_raw_cell_is_text_in_the_formgrader(course, engine):
    path = graded(course)
    add_cells(path, new_raw_cell('<a class="btn btn-success" href="x.html">Full credit</a>'))
    html = formgrader(course, path)
    assert "&lt;a class=" in html
    assert '<a class="btn' not in html


# Marks and comments that teachers give


def give_marks(course: Course, student: str = "a") -> None:
    directory = course_directory(course_config(course.root))
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        for grade_id, score, extra in (("words", 3, 2), ("free", 1, 0), ("do-it", 0, 0), ("check-twice", 2, 5)):
            grade = gradebook.find_grade(grade_id, NAME, NAME, student)
            grade.manual_score, grade.extra_credit, grade.needs_manual_grade = score, extra, False
        for grade_id in ("words", "free", "do-it", "exercise-negate"):
            gradebook.find_comment(grade_id, NAME, NAME, student).manual_comment = f"On {grade_id}: *well* <b>said"
        gradebook.db.commit()


def test_what_a_teacher_marks_has_a_score_box_in_the_formgrader(course, engine):
    html = Page(formgrader(course, graded(course)))
    scores = {box["id"] for box in html.all("input") if "score" in box["class"].split()}
    assert scores == {"check-twice", "check-negate", "words", "free", "do-it"}
    comments = {box["id"] for box in html.all("textarea")}
    assert {"words-comment", "free-comment", "do-it-comment"} <= comments


def test_tasks_are_restored_like_everything_else(course):
    directory = course_directory(course_config(course.root))
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        known = read_known(gradebook, NAME, NAME)
    handed_in = nbformat.read(course.release(NAME), as_version=4)
    [task] = [cell for cell in handed_in.cells if utils.is_task(cell)]
    task.source, task.metadata.nbgrader.points = "Nothing to do.", 99
    restore(handed_in, known)
    assert (task.source, task.metadata.nbgrader.points) == ("### Do it\nDraw a layer.", 4)
    assert task.metadata.nbgrader.task
    assert not task.metadata.nbgrader.grade
    handed_in.cells.remove(task)
    restore(handed_in, known)
    assert utils.is_task(handed_in.cells[-1]), "one that is missing is put back, and not among the set-up"


def test_what_a_teacher_marks_is_on_the_page(course, engine):
    graded(course)
    html = page_of(course)
    listed = html[: html.index("Your notebook")]
    assert re.findall(r'<article class="(\w+)">', listed) == ["right", "right", "waiting", "unsolved", "waiting"]
    assert "Not everything has been marked yet." in listed
    assert listed.count("not marked yet, 0 /") == 2
    assert listed.count("Not answered.") == 1

    give_marks(course)
    html = page_of(course)
    listed, own = html[: html.index("Your notebook")], html[html.index("Your notebook") :]
    assert re.findall(r'<article class="(\w+)">', listed) == ["right", "right", "right", "partly", "wrong"]
    assert re.findall(r'href="#(.*?)">(.*?)</a>', listed)[2:] == [
        ("words", "Explain it"),
        ("free", "Write it"),
        ("do-it", "Do it"),
    ]
    assert "Not everything" not in listed
    assert "5 / 3, 2 of them extra" in listed
    assert "1 / 2</span>" in listed
    assert "0 / 4</span>" in listed
    assert {link["href"][1:] for link in Page(listed).all("a")} == {
        each["id"] for _, each in Page(own).tags if "id" in each
    } - {each["id"] for _, each in Page(own).tags if each.get("id", "").startswith("cell-")}
    for part in (listed, own):
        for grade_id in ("words", "free", "do-it", "exercise-negate"):
            assert f"On {grade_id}: <em>well</em> <b>said" in part
    assert "No response" not in html


def test_extra_credit_draws_no_bar_longer_than_whole(course, engine):
    graded(course)
    give_marks(course)
    directory = course_directory(course_config(course.root))
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        gradebook.find_grade("do-it", NAME, NAME, "a").extra_credit = 30
        gradebook.db.commit()
    html = page_of(course)
    assert "46 <small>of 14 points" in html
    assert 'style="width:100%"' in html


@pytest.mark.browser
def test_teachers_mark_in_the_formgrader_and_nothing_is_loaded_from_elsewhere(course, engine, browser, tmp_path):
    path = graded(course)
    give_marks(course)
    add_cells(path, new_markdown_cell("\n\n".join(LOADING)))
    directory = course_directory(course_config(course.root))
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        submission = gradebook.find_submission_notebook(NAME, NAME, "a").id
    (tmp_path / "home").mkdir()
    with LabServer("teach", course, own_home(tmp_path / "home"), tmp_path / "log") as server:
        tab, asked, errors = browser.new_page(), [], []
        tab.set_default_timeout(PATIENCE * 1000)
        tab.goto(f"{server.url}lab?token={server.token}", wait_until="commit")
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(f"{server.url}formgrader/submissions/{submission}/", wait_until="commit")
        expect(tab.locator("#free")).to_have_value("1", timeout=PATIENCE * 1000)
        expect(tab.locator("#do-it")).to_have_value("0")
        expect(tab.locator("#do-it-comment")).to_have_value("On do-it: *well* <b>said")
        with tab.expect_response(lambda response: response.request.method == "PUT"):
            tab.locator("#do-it").fill("3")
            tab.locator("#do-it").blur()
        assert errors == []
        assert [url for url in asked if not url.startswith((server.url, "data:"))] == []
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        assert gradebook.find_grade("do-it", NAME, NAME, "a").manual_score == 3


# Set-up is folded


def test_set_up_and_tools_are_folded(course, engine):
    path = graded(course)
    tools = next(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.source.startswith("#@title"))
    line = max(tools.splitlines()[:40], key=len)
    assert line not in Page(page_of(course)).words
    html = formgrader(course, path)
    open_text = re.sub(r"<details class=\"course-folded\">.*?</details>", "", html, flags=re.DOTALL)
    assert line in Page(html).words
    assert line not in Page(open_text).words
    assert len(Page(html).all("details")) >= 2


def test_the_page_folds_checks_and_no_code_of_the_learner(course, engine):
    path = graded(course)
    add_cells(path, new_code_cell("#@title Check of exercise 1: Twice\nmy_own = 1"))
    own = page_of(course).partition("Your notebook")[2]
    folded = dict(re.findall(r'<details class="code"><summary>(.*?)</summary>(.*?)</details>', own, re.DOTALL))
    assert list(folded) == ["Check of exercise 1: Twice", "Check of exercise 2: Negate"]
    assert "expect" in Page(folded["Check of exercise 1: Twice"]).words
    assert "my_own" not in "".join(folded.values())
    assert "my_own" in own


@pytest.mark.parametrize("looks", ["lab", "classic", "basic"])
def test_static_pages_fold_what_the_notebook_folds(course, tmp_path, looks):
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--template", looks]
    command += ["--output-dir", str(tmp_path), str(course.release(NAME))]
    environment = os.environ.copy()
    if looks == "lab":  # as in a terminal of the JupyterLab that `autograder lab` starts
        machine = this_machine(environment)
        environment = lab_environment(Course(ROOT), machine, learner=True, environ=environment)
    else:
        command += ["--config", str(ROOT / "jupyter_nbconvert_config.py")]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    html = (tmp_path / f"{NAME}.html").read_text(encoding="utf-8")
    folded = re.findall(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", html, re.DOTALL)
    assert any(
        title.strip().startswith("Tools: run this cell") and "def show_failure" in Page(text).words
        for title, text in folded
    )


# Formulas


def formulas_of(path: Path) -> str:
    notebook = nbformat.read(path, as_version=4)
    return "".join(markdown_as_html(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")


def test_every_formula_of_the_course_is_shown(course):
    notebooks = sorted(ROOT.glob("solutions/*/*.ipynb"))
    assert notebooks
    for path in notebooks:
        html = formulas_of(path)
        assert not re.search(r"<code>[^<]*\$", html), path.name
        assert "\\" not in "".join(re.findall(r"<math.*?</math>", html, re.DOTALL)), path.name
        assert "$" not in re.sub(r"<(code|pre)\b.*?</\1>", "", html, flags=re.DOTALL), path.name


@pytest.mark.parametrize("text", ["$x^2$", r"\\(x^2\\)", "$$x^2$$", r"\\[x^2\\]", r"\begin{align}x^2\end{align}"])
def test_formulas_are_mathml(text):
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in markdown_as_html(text)


@pytest.mark.parametrize("text", [r"$\nosuchcommand x$", r"$\frac{$", "$" + "x" * 2_000 + "$"])
def test_a_formula_that_cannot_be_read_stays_as_typed(text):
    cleaned = markdown_as_html(text)
    assert "<math" not in cleaned
    assert text[:15] in Page(cleaned).words
    assert "<code>" in cleaned


@pytest.mark.parametrize(
    "latex",
    [
        rf"\href{{{ELSEWHERE}}}{{x}}",
        r"\style{position:fixed}{x}",
        r"\class{navbar-fixed-top}{x}",
        r"\hspace{-100em}x",
        r"\Huge x",
        r"\raise 99em x",
        r"\rule{99em}{99em}",
        r"\text{<img src=x onerror=y>}",
        r"\color{red;background:url(x)}x",
    ],
)
def test_formulas_load_nothing_and_stay_in_their_place(latex):
    page = Page(formula(latex, "typed"))
    for tag, attributes in page.tags:
        assert tag.startswith("m") or tag == "code"
        assert not set(attributes) - {"display", "width", "form", "stretchy"}
        assert re.fullmatch(r"|-?0?\.\d+em", attributes.get("width", ""))


def test_a_formula_in_an_attribute_ends_nothing():
    cleaned = markdown_as_html(f'![$x$ "y]({PIXEL})\n\n[a](https://a "$x$")\n\n&#xe000;0&#xe001; $z$ &#xe000;7&#xe001;')
    assert cleaned.count("<math") == 1 or "<mi>z</mi>" in cleaned
    for _, attributes in Page(cleaned).tags:
        assert set(attributes) <= {"alt", "src", "href", "rel", "target", "title", "display"}
