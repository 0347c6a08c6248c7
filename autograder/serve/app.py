"""The web application, from settings."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from traitlets.config import Config

from autograder.course import Course
from autograder.grading.gradebook import database_reason
from autograder.grading.nbgrader_apps import course_directory
from autograder.serve import learner, teacher
from autograder.serve.marking import Marker
from autograder.serve.pages import STATIC, refused
from autograder.serve.queue import GradingQueue
from autograder.serve.security import HEADERS, NotFound, Refused, SafeHeaders
from autograder.serve.service import Service
from autograder.serve.settings import Settings
from autograder.serve.tables import Database

log = logging.getLogger("autograder.serve")
ROUTES = [
    Route("/", learner.home),
    Route("/in/{token}", learner.enter),
    Route("/out", learner.leave, methods=["POST"]),
    Route("/a/{name}", learner.show_assignment),
    Route("/a/{name}", learner.hand_in, methods=["POST"]),
    Route("/attempts/{number}", learner.show_attempt),
    Route("/attempts/{number}/status", learner.show_status),
    Route("/attempts/{number}/feedback", learner.show_feedback),
    Route("/attempts/{number}/notebook", learner.send_notebook),
    Route("/attempts/{number}/again", teacher.regrade, methods=["POST"]),
    Route("/teacher", teacher.overview),
    Route("/teacher/marks.csv", teacher.send_marks),
    Route("/teacher/{name}", teacher.show_class),
    Route("/teacher/{name}", teacher.change_dates, methods=["POST"]),
    Route("/teacher/{name}/now", teacher.open_or_close, methods=["POST"]),
    Route("/teacher/{name}/again", teacher.regrade_failed, methods=["POST"]),
    Route("/teacher/{name}/report", teacher.show_report),
    Mount("/static", StaticFiles(directory=STATIC)),
]


def make_app(course: Course, config: Config, settings: Settings) -> Starlette:
    """The application; its queue grades as long as the application runs."""
    database = Database(course_directory(config).db_url)
    queue = GradingQueue(
        database, Marker(course, config, database, settings.which), settings.workers, settings.longest_queue
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        queue.start()
        try:
            yield
        finally:
            queue.close()
            database.close()

    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(SafeHeaders)],
        exception_handlers={
            Refused: refused,
            HTTPException: _no_page,
            OperationalError: _no_gradebook,
            Exception: _failed,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # it would redirect to whatever host the request names
    app.state.service = Service(course, config, settings, database, queue)
    return app


def _no_page(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return refused(request, NotFound())
    return refused(request, Refused(error.status_code, "Pages cannot be used in this way: go to the start page."))


def _no_gradebook(request: Request, error: Exception) -> Response:
    """The gradebook is locked, or the disk is full."""
    assert isinstance(error, OperationalError)
    log.error("the gradebook cannot be used: %s", database_reason(error))
    sentence = "The gradebook cannot be used now, so nothing was changed: try again, then tell your teacher."
    return refused(request, Refused(503, sentence))


def _failed(request: Request, error: Exception) -> Response:
    response = refused(request, Refused(500, "Something went wrong on the server: try again, then tell your teacher."))
    response.headers.update(HEADERS)  # Starlette answers this outside of our middleware
    return response
