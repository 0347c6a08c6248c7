"""A teacher and a learner go once round the course in JupyterLab, each in their own, with mouse and keyboard."""

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from lab import PATIENCE, LabServer, copy_course, own_home
from nbgrader.utils import is_grade
from PIL import Image
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import FrameLocator, Locator, Page, expect, sync_playwright

from autograder.course import Course
from autograder.grading.demo import pick
from autograder.grading.grade import exercises
from autograder.source.variants import read_variants

pytestmark = pytest.mark.browser

START, NAME = "00_start", "04_linear"
FIRST, SECOND, LAST = "linear_forward", "parameter_count", ["collapse", "two_layer_backward"]
SIZE = {"width": 1400, "height": 900}
#: A folder for the pictures of the README; they are made only if it is named.
SCREENSHOTS = os.environ.get("SCREENSHOTS")
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", re.DOTALL)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Session:
    """What the steps share: the course in its folder, two browser pages, and where pictures of failures go."""

    course: Course
    teacher: Page
    learner: Page
    folder: Path

    def __post_init__(self) -> None:
        notebook = nbformat.read(self.course.release(NAME), as_version=4)
        variants = read_variants(self.course.solutions / NAME / "variants.py")
        self.answers = pick(variants, True, 0)
        self.wrong = next(one for one in variants if one.exercise == SECOND and not one.right and one.says)
        self.places = {cell.metadata.get("nbgrader", {}).get("grade_id"): i for i, cell in enumerate(notebook.cells)}

    def cell(self, grade_id: str) -> Locator:
        """A cell of the open notebook."""
        return shown_notebook(self.learner).locator(".jp-Cell").nth(self.places[grade_id])

    def output(self, exercise: str) -> Locator:
        """What the check of an exercise says in the open notebook."""
        return self.cell(f"check-{exercise}").locator(".jp-Cell-outputArea")

    def marks(self) -> tuple[float, float]:
        """The marks that the learner deserves, and those that there are."""
        points = {exercise.grade_id: exercise.points for exercise in exercises(self.course.solution(NAME))}
        lost = sum(points[f"check-{exercise}"] for exercise in (SECOND, *LAST))
        return sum(points.values()) - lost, sum(points.values())

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """A part of the round; when it fails, the error names it and a picture of the page."""
        try:
            yield
        except Exception as error:
            error.add_note(f"This happened when {what}. Pictures of both pages and logs are in {self.folder}.")
            with suppress(PlaywrightError):  # the browser may be what failed
                self.teacher.screenshot(path=self.folder / "teacher.png")
                self.learner.screenshot(path=self.folder / "learner.png")
            raise


@pytest.fixture
def session(course: Course, tmp_path: Path) -> Iterator[Session]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is missing: run `make system-deps`")
    (tmp_path / "course").mkdir()
    copy, environment = copy_course(course, [START, NAME], tmp_path / "course"), own_home(tmp_path / "home")
    with (
        LabServer("teach", copy, environment, tmp_path / "teach.log") as teach,
        LabServer("lab", copy, environment, tmp_path / "lab.log") as lab,
        sync_playwright() as playwright,
    ):
        expect.set_options(timeout=PATIENCE * 1000)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        pages = []
        for server in (teach, lab):
            page = browser.new_page(viewport=SIZE)  # each has a context, and so a login, of its own
            page.set_default_timeout(PATIENCE * 1000)
            page.goto(server.address("lab"))
            pages.append(page)
        yield Session(copy, *pages, tmp_path)
        browser.close()


def test_a_round_through_the_course(session: Session):
    with session.step("the teacher releases the notebook in the formgrader"):
        release(session)
    with session.step("the learner lands on the start page"):
        land(session)
    with session.step("the learner fetches it from the assignment list and opens it"):
        fetch_and_open(session)
    with session.step("the learner runs all cells of the unsolved notebook"):
        run_unsolved(session)
    with session.step("the learner answers the first exercise, first wrong, then right"):
        answer_first(session)
    if SCREENSHOTS:
        picture_of_notebook(session, Path(SCREENSHOTS) / "notebook.png")
    with session.step("the learner answers some other exercises, one of them wrong"):
        answer_more(session)
    with session.step("the learner validates"):
        validate(session)
    with session.step("the learner submits"):
        submit(session)
    with session.step("the teacher collects and autogrades in the formgrader"):
        collect_and_grade(session)
    with session.step("the teacher looks at the submission"):
        look_at_submission(session)
    with session.step("the teacher generates and releases feedback"):
        give_feedback(session)
    with session.step("the learner fetches the feedback and reads it"):
        read_feedback(session)
    if SCREENSHOTS:
        picture_of_feedback(session, Path(SCREENSHOTS) / "feedback.png")


def release(session: Session) -> None:
    row = assignment_row(open_formgrader(session.teacher))
    expect(row.locator(".status")).to_have_text("draft")
    row.locator(".release a").click()
    succeeds(session.teacher, "Successfully released")
    expect(row.locator(".status")).to_have_text("released")


def land(session: Session) -> None:
    page = session.learner
    expect(page.locator(".jp-MarkdownViewer h1")).to_have_text(re.compile("Welcome"))
    tabs = page.locator("#jp-main-dock-panel .lm-DockPanel-tabBar .lm-TabBar-tabLabel")
    expect(tabs).to_have_text(["START.md", f"{START}.ipynb"])
    expect(page.locator(".jp-DirListing-itemName")).to_have_text([START, NAME, "START.md"])
    points = sum(one.points for one in exercises(session.course.solution(NAME)))
    expect(page.locator(".jp-MarkdownViewer")).to_contain_text(f"{points:g} points")
    page.locator(".jp-MarkdownViewer").get_by_role("link", name="Start here").first.click()
    expect(shown_notebook(page).locator("h1").first).to_have_text(re.compile("Start here"))
    expect(page.locator(".jp-Dialog, .Toastify__toast")).to_have_count(0)  # no news, no questions


def fetch_and_open(session: Session) -> None:
    page = session.learner
    shutil.rmtree(session.course.work / NAME)  # as if this course had come without it
    menu(page, "Nbgrader", "Assignment List")
    button(page.locator("#released_assignments_list"), "Fetch").click()
    fetched = page.locator("#fetched_assignments_list")
    fetched.locator(".assignment-notebooks-link", has_text=NAME).click()
    fetched.locator(".nested_list_item").get_by_text(NAME).click()
    expect(session.cell(f"exercise-{FIRST}")).to_be_visible()
    indicator = shown_notebook(page).locator(".jp-Notebook-ExecutionIndicator")
    expect(indicator).to_have_attribute("data-status", "idle")
    assert (session.course.work / NAME / f"{NAME}.ipynb").is_file()


def run_unsolved(session: Session) -> None:
    menu(session.learner, "Run", "Run All Cells")
    expect(session.output(FIRST)).to_have_text("Exercise 1 is not solved yet.")
    number = len(session.answers)  # it has gone on to the last one
    expect(session.output(LAST[-1])).to_have_text(f"Exercise {number} is not solved yet.")


def answer_first(session: Session) -> None:
    page, said = session.learner, session.output(FIRST)
    editor = session.cell(f"exercise-{FIRST}").locator(".cm-content")
    editor.click()
    press(page, "Control+End", "Shift+ArrowUp", "Shift+Home")  # selects the two lines of the stub
    page.keyboard.type("return x @ weight + bias")
    press(page, "Shift+Enter", "Shift+Enter")  # runs the answer, then its check
    expect(said).to_contain_text("✗ linear(x, weight, bias) for shapes (5, 3), (3, 3), (3,)")
    expect(said).to_contain_text("→ The weight is not transposed")
    editor.click()
    press(page, "Control+End", "Shift+Home")
    page.keyboard.type("return x @ weight.T + bias")
    press(page, "Shift+Enter", "Shift+Enter")
    expect(said).to_contain_text("✓ linear(x, weight, bias) for shapes (6, 5), (2, 5), (2,)")
    expect(said).not_to_contain_text("✗")


def answer_more(session: Session) -> None:
    for exercise, answer in (session.answers | {SECOND: session.wrong.text}).items():
        if exercise not in (FIRST, *LAST):
            session.cell(f"exercise-{exercise}").locator(".cm-content").click()
            press(session.learner, "Control+a")
            session.learner.keyboard.insert_text(answer)
    unsaved = session.learner.locator(".lm-TabBar-tab.jp-mod-dirty", has_text=NAME)
    expect(unsaved).to_have_count(1)
    press(session.learner, "Control+s")
    expect(unsaved).to_have_count(0)


def validate(session: Session) -> None:
    button(shown_notebook(session.learner).locator(".jp-NotebookPanel-toolbar"), "Validate").click()
    dialog = session.learner.locator(".jp-Dialog")
    expect(dialog).to_contain_text("Validation Results")
    titles = {one.grade_id: one.title for one in exercises(session.course.solution(NAME))}
    failed = [titles[f"check-{exercise}"] for exercise in (SECOND, *LAST)]
    texts = dialog.locator("pre")
    expect(texts).to_have_count(2 * len(failed))  # a name and a message for each
    assert texts.all_inner_texts()[::2] == failed
    expect(dialog).to_contain_text(session.wrong.says)
    expect(dialog.get_by_text("is not solved yet")).to_have_count(len(LAST))
    for code in ("expect(", "#@title", "Traceback", "torch."):
        expect(dialog).not_to_contain_text(code)
    if SCREENSHOTS:
        save(session.learner.screenshot(), Path(SCREENSHOTS) / "validate.png")
    dialog.get_by_role("button").last.click()
    expect(dialog).to_be_hidden()


def submit(session: Session) -> None:
    menu(session.learner, "Nbgrader", "Assignment List")
    button(session.learner.locator("#fetched_assignments_list"), "Submit").click()
    expect(session.learner.locator("#submitted_assignments_list .list_item").first).to_contain_text(NAME)


def collect_and_grade(session: Session) -> None:
    form = open_formgrader(session.teacher)
    row = assignment_row(form)
    row.locator(".collect a").click()
    succeeds(session.teacher, "Successfully collected")
    row.locator(".num-submissions a", has_text="1").click()
    row = form.locator("#main-table tr:has(.student-name)")  # the table of assignments may still be there
    expect(row.locator(".status")).to_have_text("needs autograding")
    row.locator(".autograde a").click()
    succeeds(session.teacher, "Successfully autograded")
    expect(row.locator(".status")).to_have_text("graded")
    expect(row.locator(".score")).to_have_text("{:g} / {:g}".format(*session.marks()))


def look_at_submission(session: Session) -> None:
    form = formgrader(session.teacher)
    form.locator("#main-table .student-name a").click()
    form.locator("#main-table").get_by_role("link", name=NAME).click()
    expect(form.locator(f"#check-{FIRST}")).to_have_attribute("placeholder", "1")
    expect(form.locator(f"#check-{SECOND}")).to_have_attribute("placeholder", "0")


def give_feedback(session: Session) -> None:
    form = formgrader(session.teacher)
    for link in ("Manual Grading", "Manage Assignments"):  # a submission's page has no way to the second
        form.get_by_role("link", name=link).click()
    row = assignment_row(form)
    row.locator(".generate-feedback a").click()
    succeeds(session.teacher, "Successfully generated feedback")
    row.locator(".release-feedback a").click()
    succeeds(session.teacher, "Successfully released feedback")


def read_feedback(session: Session) -> None:
    menu(session.learner, "Nbgrader", "Assignment List")
    session.learner.get_by_title("Refresh assignments list").click()
    submitted = session.learner.locator("#submitted_assignments_list")
    button(submitted, "Fetch Feedback").click()
    submitted.get_by_text("(view feedback)").click()
    session.learner.locator(".jp-DirListing-item", has_text=f"{NAME}.html").dblclick()
    feedback = session.learner.frame_locator(".jp-HTMLViewer iframe")
    expect(feedback.locator("header h1")).to_have_text("{:g} of {:g} points".format(*session.marks()))
    expect(feedback.locator("article.right")).to_have_count(len(session.answers) - 1 - len(LAST))
    expect(feedback.locator("article.wrong")).to_contain_text(session.wrong.says)
    expect(feedback.locator("article.unsolved")).to_have_count(len(LAST))
    text = feedback.locator("body").text_content()  # checks are folded on the page
    shown, hidden = lines_of_checks(session.course)
    assert len(shown) > 100
    assert all(hidden), "a check without hidden lines shows nothing here"
    assert [line for line in shown if line not in text] == []
    assert [line for lines in hidden for line in lines if line in text] == []


def picture_of_notebook(session: Session, path: Path) -> None:
    """The first exercise with its answer and what its check says."""
    page, check = session.learner, session.cell(f"check-{FIRST}")
    page.set_viewport_size({"width": 1400, "height": 1020})
    press(page, "Control+b")  # the side bar
    session.cell(f"exercise-{FIRST}").scroll_into_view_if_needed()
    shown_notebook(page).locator(".jp-WindowedPanel-outer").evaluate(
        "(panel, cell) => { panel.scrollTop += cell.getBoundingClientRect().bottom - 980 }", check.element_handle()
    )
    page.mouse.move(700, 1010)  # where nothing lights up
    save(page.screenshot(), path)
    press(page, "Control+b")
    page.set_viewport_size(SIZE)


def picture_of_feedback(session: Session, path: Path) -> None:
    """The learner's page, for a learner with a name of her own."""
    root, autograder = session.course.root, Path(sys.executable).with_name("autograder")
    mine = next((root / "submitted").iterdir())
    shutil.copytree(mine, mine.with_name("ada"))
    for command in ("grade", "feedback"):
        subprocess.run([autograder, command, NAME, "--student", "ada"], cwd=root, check=True, timeout=PATIENCE)
    page = session.learner.context.browser.new_page(viewport={"width": 1100, "height": 900})
    page.goto((root / "feedback" / "ada" / NAME / f"{NAME}.html").as_uri(), wait_until="commit")
    page.get_by_text("Hint 1").first.click()
    save(page.screenshot(), path)
    page.close()


def save(png: bytes, path: Path) -> None:
    """Write a picture with few colours, so that it is small."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def lines_of_checks(course: Course) -> tuple[set[str], list[set[str]]]:
    """The lines of code in all checks that learners see, and those in each check that they must not see."""
    checks = [cell.source for cell in nbformat.read(course.solution(NAME), as_version=4).cells if is_grade(cell)]
    shown = long_lines("\n".join(HIDDEN.sub("", check) for check in checks))
    return shown, [long_lines("\n".join(HIDDEN.findall(check))) - shown for check in checks]


def long_lines(code: str) -> set[str]:
    """Lines that are hardly found elsewhere by chance."""
    return {line.strip() for line in code.splitlines() if len(line) > 30}


def menu(page: Page, bar: str, item: str) -> None:
    """Choose an item of JupyterLab's menu bar."""
    page.locator("#jp-MainMenu").get_by_text(bar, exact=True).click()
    page.locator(".lm-Menu").get_by_text(item, exact=True).click()


def shown_notebook(page: Page) -> Locator:
    """The notebook whose tab is in front."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def button(part: Locator, name: str) -> Locator:
    return part.get_by_role("button", name=name, exact=True)


def formgrader(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[src*=formgrader]")


def open_formgrader(page: Page) -> FrameLocator:
    menu(page, "Nbgrader", "Formgrader")
    return formgrader(page)


def assignment_row(form: FrameLocator) -> Locator:
    """The notebook's line in the formgrader's table of assignments."""
    return form.locator("#main-table tr", has_text=NAME)


def succeeds(page: Page, message: str) -> None:
    """Wait until the formgrader reports the end of what was clicked, and close its report."""
    report = formgrader(page).locator(".modal-content")
    expect(report).to_contain_text(message)
    button(report, "OK").click()
    expect(report).to_be_hidden()
