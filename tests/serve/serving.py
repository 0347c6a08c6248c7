"""A server on a small course with a fake engine, and browsers without scripts that use it."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from starlette.testclient import TestClient
from test_build import NAME
from test_parallel import ANSWERS, Engine

from autograder.course import Course
from autograder.grading.demo import answer
from autograder.grading.nbgrader_apps import course_config
from autograder.serve.app import make_app
from autograder.serve.attempts import Attempt, read_attempt, read_attempts
from autograder.serve.invitations import invite, invite_teacher
from autograder.serve.settings import Settings

#: Seconds that anything may take on a slow and busy machine.
PATIENCE = 120


def notebook(course: Course, student: str, **answers: str) -> bytes:
    """Right answers but for those given, signed, because the fake engine wants to know who was run."""
    signed = ANSWERS | answers
    signed["twice"] += f"  # by {student}"
    return nbformat.writes(answer(course.release(NAME), signed)).encode()


class Browser(TestClient):
    """Somebody's browser: it keeps cookies, follows links and sends forms as the pages have them."""

    def csrf(self, address: str) -> str:
        return re.search(r'name="csrf" value="(\w+)"', self.get(address).text)[1]

    def fill(self, address: str, page: str | None = None, file: bytes | None = None, name="04.ipynb", **fields):
        """Fill in the form for ``address`` that is on ``page``."""
        files = {"file": (name, file)} if file is not None else {"none": ("", b"")}
        return self.post(address, data={"csrf": self.csrf(page or address)} | fields, files=files)

    def hand_in(self, file: bytes, name: str = "04.ipynb"):
        return self.fill(f"/a/{NAME}", file=file, name=name)


class Site:
    """A running server."""

    def __init__(self, course: Course, database: str | None = None, **settings) -> None:
        self.course, self.config = course, course_config(course.root, database=database)
        self.settings = Settings(**{"workers": 2} | settings)
        self.app = make_app(course, self.config, self.settings)
        self.service = self.app.state.service
        self._first = TestClient(self.app)

    def __enter__(self) -> "Site":
        self._first.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._first.__exit__(*error)

    def browser(self, **more) -> Browser:
        browser = Browser(self.app, raise_server_exceptions=False, **more)
        browser.portal = self._first.portal
        return browser

    def link(self, student: str, expires=None, again=True) -> str:
        with self.service.database.writing() as connection:
            return f"/in/{invite(connection, [student], expires, again)[student]}"

    def learner(self, student: str) -> Browser:
        """The browser of a learner who has opened the link."""
        browser = self.browser()
        assert browser.get(self.link(student)).status_code == 200
        return browser

    def teacher(self) -> Browser:
        with self.service.database.writing() as connection:
            token = invite_teacher(connection)
        browser = self.browser()
        assert browser.get(f"/in/{token}").status_code == 200
        return browser

    def attempts(self, student: str | None = None) -> list[Attempt]:
        with self.service.database.reading() as connection:
            return read_attempts(connection, student)

    def attempt(self, number: str) -> Attempt:
        with self.service.database.reading() as connection:
            return read_attempt(connection, number)

    def graded(self, answer) -> Attempt:
        """The attempt that a browser was sent to after handing in, when it has been graded."""
        assert answer.status_code == 200, answer.text
        number = Path(answer.url.path).name
        end = time.monotonic() + PATIENCE
        while self.attempt(number).waiting and time.monotonic() < end:
            time.sleep(0.02)
        return self.attempt(number)


@contextmanager
def held(engine: Engine) -> Iterator[threading.Event]:
    """Nothing that runs ends before the block does, or before the event is set."""
    go_on, before = threading.Event(), engine.before
    engine.before = lambda student: go_on.wait(PATIENCE)
    try:
        yield go_on
    finally:
        go_on.set()
        engine.before = before
