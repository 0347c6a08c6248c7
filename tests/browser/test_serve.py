"""A class hands in with real browsers, and real grading, at a server that the command has started."""

import csv
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from lab import PATIENCE, copy_course, own_home
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from test_lab import FLAGS

from autograder.course import Course
from autograder.grading.demo import answer, pick
from autograder.grading.grade import grade_class
from autograder.grading.nbgrader_apps import course_config
from autograder.serve.attempts import read_attempts
from autograder.serve.tables import Database
from autograder.source.variants import Variant, read_variants

pytestmark = pytest.mark.browser

NAME = "03_functional_and_relu"
AUTOGRADER = str(Path(sys.executable).with_name("autograder"))
#: A folder for the pictures of the documentation; they are made only if it is named.
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@dataclass
class Server:
    """``autograder serve`` on a course of its own."""

    course: Course
    url: str
    log: Path
    process: subprocess.Popen

    def wait_for(self, pattern: str) -> re.Match:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            if found := re.search(pattern, self.log.read_text()):
                return found
            time.sleep(0.2)
        raise AssertionError(self.log.read_text())


@pytest.fixture
def server(course: Course, tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "course"
    folder.mkdir()
    copied, log = copy_course(course, [NAME], folder), tmp_path / "serve.log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [AUTOGRADER, "serve", "--port", str(port)],
            cwd=folder,
            env=own_home(tmp_path) | {"COLUMNS": "200"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Server(copied, f"http://127.0.0.1:{port}", log, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()


@pytest.fixture
def contexts() -> Iterator[callable]:
    """Makes browsers that know nothing of each other; a violated policy or a script's error fails the test."""
    errors: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)

        def note(message: ConsoleMessage) -> None:
            refused = message.text.startswith("Failed to load resource: the server responded")
            if message.type == "error" and not refused:
                errors.append(message.text)

        def make(**more) -> BrowserContext:
            context = chromium.new_context(**more)
            context.set_default_timeout(PATIENCE * 1000)
            context.on("console", note)
            return context

        yield make
        chromium.close()
    assert not errors


def invite(server: Server, *students: str) -> dict[str, str]:
    """The links of a class, from the command."""
    roster, links = server.course.root / "class.csv", server.course.root / "links.csv"
    roster.write_text("id\n" + "\n".join(students))
    subprocess.run(
        [AUTOGRADER, "invite", "class.csv", "--to", "links.csv", "--url", server.url],
        cwd=server.course.root,
        check=True,
    )
    with links.open(encoding="utf-8-sig") as file:
        return {row["id"]: row["link"] for row in csv.DictReader(file)}


def as_colab_saves_it(course: Course, answers: dict[str, str], path: Path) -> Path:
    """Without cell ids, with Colab's own metadata and the state of widgets."""
    notebook = answer(course.release(NAME), answers)
    notebook.nbformat_minor = 0
    notebook.metadata |= {
        "colab": {"provenance": [], "toc_visible": True},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"1f": {"model_name": "LayoutModel", "state": {}}}},
    }
    for number, cell in enumerate(notebook.cells):
        del cell["id"]
        cell.metadata = {"id": f"c{number}"} | cell.metadata
    path.write_text(nbformat.writes(notebook, version=nbformat.NO_CONVERT), encoding="utf-8")
    return path


def hand_in(page: Page, path: Path) -> None:
    """With the keyboard, but for the file, which the system's own window asks for."""
    page.get_by_label("Your notebook").set_input_files(path)
    page.get_by_label("Your notebook").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Hand in")).to_be_focused()
    page.keyboard.press("Enter")


def expect_points(page: Page, points: float, most: float) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{points:g} of {most:g} points", timeout=PATIENCE * 1000)


def fits(page: Page) -> bool:
    """Whether nothing sticks out at the right."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_class_hands_in(server, contexts, tmp_path):
    course = server.course
    variants = read_variants(course.variants(NAME))
    right = pick(variants, True, 0)
    wrong: Variant = next(one for one in variants if not one.right and one.says)
    teacher_link = server.wait_for(r"Your own link: (\S+)")[1]
    links = invite(server, "ada", "kim")

    phone = contexts(viewport={"width": 390, "height": 800}, color_scheme="dark")
    ada = phone.new_page()
    ada.goto(links["ada"])
    assert ada.url == f"{server.url}/", "the token is gone from the address"
    assert fits(ada)
    ada.get_by_role("link", name="ReLU").click()
    assert fits(ada)
    hand_in(ada, as_colab_saves_it(course, right | {wrong.exercise: wrong.text}, tmp_path / "Copy of 03.ipynb"))
    expect(ada.get_by_role("article").filter(has_text="✗")).to_have_count(1, timeout=PATIENCE * 1000)
    expect(ada.get_by_role("article").filter(has_text="✗")).to_contain_text(wrong.says)
    assert fits(ada)
    most = float(re.search(r"of ([\d.]+)", ada.get_by_role("heading", level=1).inner_text())[1])
    ada.get_by_role("link", name="Feedback page").click()
    expect(ada.get_by_text("Feedback on")).to_be_visible()
    assert fits(ada)
    ada.go_back()

    # As if she were signed out meanwhile: the script has the page loaded again, which says what there is to say.
    ada.route("**/status", lambda route: route.fulfill(status=401))
    ada.get_by_role("link", name="Hand in again").click()
    hand_in(ada, as_colab_saves_it(course, right, tmp_path / "03 (1).ipynb"))
    expect_points(ada, most, most)
    ada.get_by_role("link", name="Assignments").click()
    expect(ada.get_by_text(f"{most:g} of {most:g} points")).to_be_visible()

    plain = contexts(java_script_enabled=False)
    kim = plain.new_page()
    kim.goto(links["kim"])
    kim.get_by_role("link", name="ReLU").click()
    large, picture = tmp_path / "large.ipynb", tmp_path / "picture.ipynb"
    large.write_bytes(bytes(30_000_000))
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    for path, said in ((large, "more than 20 MB"), (picture, "it is a picture")):
        kim.get_by_label("Your notebook").set_input_files(path)
        kim.get_by_role("button", name="Hand in").click()
        expect(kim.get_by_role("alert").filter(has_text="Not handed in")).to_contain_text(said)
    kim.get_by_label("Your notebook").set_input_files(as_colab_saves_it(course, {}, tmp_path / "kim.ipynb"))
    kim.get_by_role("button", name="Hand in").click()
    expect_points(kim, 0, most)  # the page reloads by itself

    desk = contexts(viewport={"width": 1100, "height": 800})
    teacher = desk.new_page()
    teacher.goto(teacher_link)
    teacher.get_by_role("link", name=NAME, exact=True).click()
    expect(teacher.get_by_role("row").filter(has_text="of")).to_have_count(3)
    teacher.get_by_role("button", name="Close it now").click()
    expect(teacher.get_by_text("now closed")).to_be_visible()
    ada.get_by_role("link", name="ReLU").click()
    expect(ada.get_by_text("This assignment is closed")).to_be_visible()
    if SCREENSHOTS:
        take_pictures(teacher, ada, Path(SCREENSHOTS))

    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(PATIENCE) == 130
    for secret in (links["ada"], links["kim"], phone.cookies()[0]["value"]):
        assert secret.rpartition("/")[2] not in server.log.read_text()
    config = course_config(course.root)
    database = Database(f"sqlite:///{course.root / 'gradebook.db'}")
    with database.reading() as connection:
        kept = {one.student: one for one in read_attempts(connection) if one.counts}
    rows = {row.student: row for row in grade_class(course, config, NAME, again=True)}
    assert {student: row.score for student, row in rows.items()} == {"ada": most, "kim": 0}
    for student, row in rows.items():
        assert kept[student].score == row.score
        assert [one["message"] for one in kept[student].results] == [result.message for result in row.results]


def take_pictures(teacher: Page, learner: Page, folder: Path) -> None:
    """The pictures of the documentation."""
    teacher.screenshot(path=folder / "class.png")
    learner.set_viewport_size({"width": 1100, "height": 800})
    learner.emulate_media(color_scheme="light")
    learner.locator("tbody a").last.click()
    learner.screenshot(path=folder / "handed-in.png")
