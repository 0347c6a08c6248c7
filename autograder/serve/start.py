"""Start the server."""

import socket

import uvicorn
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from autograder.course import Course
from autograder.errors import CourseError
from autograder.execute import Limits, execute, warm_up
from autograder.grading.nbgrader_apps import course_directory
from autograder.grading.preprocessors import ExecuteSubmission
from autograder.serve.app import make_app
from autograder.serve.invitations import invite_teacher
from autograder.serve.settings import Settings
from autograder.serve.tables import Database

#: Seconds that answers may take once the server is to end.
LAST_ANSWERS = 5


def teacher_link(config: Config, settings: Settings) -> str:
    """A new link for the teacher; the one of an earlier start ends."""
    database = Database(course_directory(config).db_url)
    try:
        with database.writing() as connection:
            return f"{settings.url}/in/{invite_teacher(connection)}"
    finally:
        database.close()


def page_address(host: str, port: int) -> str:
    """The address of a server's page, where nobody has named one."""
    if host in ("0.0.0.0", "::"):  # all of this machine's addresses
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(settings: Settings) -> socket.socket:
    """The socket that the server listens on.

    Raises:
        CourseError: it cannot.
    """
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        place = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        raise CourseError(
            f"Port {settings.port} of {settings.host} cannot be used: {reason}. Name another with --port or --host."
        ) from None
    # Connections inherit it; without it an answer takes 40 ms, because its body waits until its head has arrived.
    place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return place


def check_machine(config: Config) -> None:
    """Check that this machine can run notebooks, and have it ready to.

    Raises:
        CourseError: it cannot run them as configured.
    """
    step = ExecuteSubmission(config=config)
    warm_up(step.isolation, step.gpu)
    execute(new_notebook(cells=[new_code_cell("1 + 1")]), Limits(), isolation=step.isolation, gpu=step.gpu)


def run_server(course: Course, config: Config, settings: Settings, place: socket.socket) -> None:
    """Serve until somebody presses Ctrl-C.

    No access log is written: it would have the tokens of links. The address of whoever asks is taken from the
    connection; see ``address_of`` for what is believed of a proxy.
    """
    uvicorn.Server(
        uvicorn.Config(
            make_app(course, config, settings),
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=LAST_ANSWERS,
        )
    ).run(sockets=[place])
