"""What all handlers of one server share, and how a handler is wrapped: who may call it, and how often."""

from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from traitlets.config import Config

from autograder.course import Course
from autograder.errors import CourseError
from autograder.serve.assignments import Assignment, assignments
from autograder.serve.attempts import Attempt, TooMany, read_attempt
from autograder.serve.openings import Opening, read_opening
from autograder.serve.queue import Full, GradingQueue
from autograder.serve.security import COOKIE, AtATime, Limiter, NotFound, Refused, Session, address_of, find_session
from autograder.serve.settings import Settings
from autograder.serve.tables import Database
from autograder.serve.times import now
from autograder.serve.upload import Form, NotStored, TooLarge, read_form

#: Forms other than uploads are short.
LARGEST_FORM = 10_000
#: How many forms one learner may be sending.
SENT_AT_A_TIME = 3
#: How many uploads are parsed at a time: each takes a multiple of its size in memory.
PARSED_AT_A_TIME = 2
#: What an error means to a browser; any other is 400.
STATUS = {TooLarge: 413, TooMany: 429, NotStored: 500, Full: 503}


@dataclass
class Service:
    """A running server.

    Attributes:
        course, config: the course and its nbgrader configuration.
        settings: as started.
        database: the gradebook's.
        queue: what grades.
        by_learner, by_address: limits on how often forms are sent.
        at_a_time: a limit on how many forms a learner may be sending.
        parsing: lets a few uploads be in memory at a time.
    """

    course: Course
    config: Config
    settings: Settings
    database: Database
    queue: GradingQueue
    by_learner: Limiter = field(init=False)
    by_address: Limiter = field(init=False)
    at_a_time: AtATime = field(init=False)
    parsing: anyio.CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self.by_learner = Limiter(self.settings.posts_a_minute, 60)
        self.by_address = Limiter(self.settings.posts_a_minute_and_address, 60)
        self.at_a_time = AtATime(SENT_AT_A_TIME)
        self.parsing = anyio.CapacityLimiter(PARSED_AT_A_TIME)

    def session(self, request: Request) -> Session | None:
        """Who has sent a request."""
        token = request.cookies.get(COOKIE, "")
        if not token:
            return None
        with self.database.reading() as connection:
            return find_session(connection, token)

    def count(self, request: Request) -> None:
        """Count something that an address may do only so often.

        Raises:
            Refused: it has done that too often.
        """
        self.by_address.check(address_of(request, self.settings.proxy))

    def assignments(self) -> dict[str, Assignment]:
        """The course's assignments."""
        return assignments(self.course)

    def assignment(self, session: Session, name: str, when: datetime | None = None) -> tuple[Assignment, Opening, str]:
        """An assignment that somebody may see, when it is open, and its state at a time, or now.

        Raises:
            NotFound: there is none of that name, or none that this learner may see.
        """
        known = self.assignments()
        if name not in known:
            raise NotFound
        with self.database.reading() as connection:
            opening = read_opening(connection, name)
        state = opening.state(when or now())
        if state == "hidden" and session.role != "teacher":
            raise NotFound
        return known[name], opening, state

    def attempt(self, session: Session, number: str) -> Attempt:
        """An attempt that somebody may see.

        Raises:
            NotFound: there is none of that number, or it is somebody else's, or its assignment is hidden.
        """
        with self.database.reading() as connection:
            attempt = read_attempt(connection, number)
        if attempt is None or not session.may_see(attempt):
            raise NotFound
        self.assignment(session, attempt.assignment)
        return attempt


def service_of(request: Request) -> Service:
    """The server that a request has come to."""
    return request.app.state.service


def _require(session: Session | None, role: str) -> Session:
    if session is None:
        raise Refused(401, "You are not signed in: open your personal link. If you have lost it, ask your teacher.")
    if role not in ("anyone", session.role):
        raise NotFound
    return session


Show = Callable[[Request, Service, Session], Response]
Take = Callable[[Request, Service, Session, Form], Response]
Refuse = Callable[[Request, Service, Session, int, str], Response]


def shows(role: str) -> Callable[[Show], Callable[[Request], Response]]:
    """Wraps a handler of a page for a role, or for ``"anyone"`` who is signed in."""

    def wrap(show: Show) -> Callable[[Request], Response]:
        @wraps(show)
        def handle(request: Request) -> Response:
            service = service_of(request)
            return show(request, service, _require(service.session(request), role))

        return handle

    return wrap


def takes(role: str, refuse: Refuse | None = None) -> Callable[[Take], Callable[[Request], Awaitable[Response]]]:
    """Wraps a handler of a form, which may have a file if ``refuse`` can say what is wrong with it.

    Who sends it is known before anything of it is read; then it is read, within limits; then it must prove that it
    comes from one of our pages.
    """

    def wrap(take: Take) -> Callable[[Request], Awaitable[Response]]:
        @wraps(take)
        async def handle(request: Request) -> Response:
            service = service_of(request)
            session = _require(await run_in_threadpool(service.session, request), role)
            caller = f"{session.role} {session.student}"
            service.count(request)
            service.by_learner.check(caller)
            most = LARGEST_FORM if refuse is None else service.settings.largest_upload
            try:
                with service.at_a_time.one_more(caller):
                    form = await read_form(request, most, service.settings.upload_seconds)
                    with closing(form):
                        session.check_form(form.fields)
                        async with service.parsing:
                            return await run_in_threadpool(take, request, service, session, form)
            except CourseError as error:
                status, sentence = STATUS.get(type(error), 400), str(error)
            if refuse is None:
                raise Refused(status, sentence[:1].upper() + sentence[1:].rstrip(".") + ".")
            return await run_in_threadpool(refuse, request, service, session, status, sentence)

        return handle

    return wrap
