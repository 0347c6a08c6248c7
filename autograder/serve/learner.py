"""What learners see and send."""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from autograder.errors import CourseError
from autograder.serve.attempts import FOLDER, Attempt, left, read_attempts, store
from autograder.serve.invitations import find
from autograder.serve.pages import download, page, sealed
from autograder.serve.security import COOKIE, NotFound, Refused, Session, clear_cookie, set_cookie, sign_in, sign_out
from autograder.serve.service import Service, service_of, shows, takes
from autograder.serve.tables import due_date
from autograder.serve.times import now
from autograder.serve.upload import Form, find_fault

log = logging.getLogger("autograder.serve")
SEE_OTHER = 303


def enter(request: Request) -> Response:
    """A personal link: exchange its token for a new session, so that no later address has it."""
    service = service_of(request)
    service.count(request)
    with service.database.reading() as connection:
        invitation = find(connection, request.path_params["token"])
    if invitation is None:
        raise Refused(404, "This link does not work, or no longer works: ask your teacher for a new one.")
    with service.database.writing() as connection:
        sign_out(connection, request.cookies.get(COOKIE, ""))
        token = sign_in(connection, invitation, service.settings.session_days)
    response = RedirectResponse("/", SEE_OTHER)
    set_cookie(response, token, service.settings.session_days, service.settings.secure)
    return response


@takes("anyone")
def leave(request: Request, service: Service, session: Session, form: Form) -> Response:
    """Sign out."""
    with service.database.writing() as connection:
        sign_out(connection, session.token)
    response = page(service, None, "left.html.j2")
    clear_cookie(response, service.settings.secure)
    return response


@shows("anyone")
def home(request: Request, service: Service, session: Session) -> Response:
    """The assignments, with the learner's marks."""
    if session.role == "teacher":
        return RedirectResponse("/teacher", SEE_OTHER)
    rows = []
    for name in service.assignments():
        try:
            assignment, opening, state = service.assignment(session, name)
        except NotFound:
            continue
        with service.database.reading() as connection:
            due = due_date(connection, name, session.student)
            mine = read_attempts(connection, session.student, name)
        rows.append((assignment, opening, state, due, mine, _counting(mine)))
    return page(service, session, "home.html.j2", rows=rows)


@shows("learner")
def show_assignment(request: Request, service: Service, session: Session) -> Response:
    """One assignment: where to hand in, and what was handed in."""
    return _assignment_page(service, session, request.path_params["name"])


def _assignment_page(
    service: Service, session: Session, name: str, status: int = 200, fault: str | None = None
) -> Response:
    assignment, opening, state = service.assignment(session, name)
    most = service.settings.attempts_an_hour
    with service.database.reading() as connection:
        due = due_date(connection, name, session.student)
        mine = read_attempts(connection, session.student, name)
        remaining = left(connection, session.student, name, now(), most)
    return page(
        service,
        session,
        "assignment.html.j2",
        status,
        assignment=assignment,
        opening=opening,
        state=state,
        due=due,
        mine=mine,
        counted=_counting(mine),
        which=service.settings.which,
        left=remaining,
        most=most,
        largest=service.settings.largest_upload,
        fault=fault,
        now=now(),
    )


def _counting(mine: list[Attempt]) -> Attempt | None:
    return next((attempt for attempt in mine if attempt.counts), None)


def _refuse(request: Request, service: Service, session: Session, status: int, sentence: str) -> Response:
    return _assignment_page(service, session, request.path_params["name"], status, sentence)


@takes("learner", _refuse)
def hand_in(request: Request, service: Service, session: Session, form: Form) -> Response:
    """Store what was handed in and queue it."""
    assignment, _, state = service.assignment(session, request.path_params["name"], form.received)
    if state != "open":
        return _refuse(request, service, session, 403, "the assignment is closed")
    data = form.content()
    fault = find_fault(data, assignment.name, assignment.telltales)
    if fault is not None:
        return _refuse(request, service, session, 422, fault)
    service.queue.check_room()
    most, root = service.settings.attempts_an_hour, service.course.root
    try:
        attempt = store(service.database, root, session.student, assignment.name, data, form.received, most)
    except OSError as error:
        log.error("what %s handed in cannot be written to %s: %s", session.student, root / FOLDER, error.strerror)
        return _refuse(request, service, session, 500, "the server could not store it: tell your teacher")
    if attempt.waiting:
        service.queue.add(attempt)
    return RedirectResponse(f"/attempts/{attempt.id}", SEE_OTHER)


def waiting_text(service: Service, attempt: Attempt) -> str:
    """Where an attempt is in the queue, for people."""
    ahead = service.queue.ahead(attempt.id)
    if ahead is None or ahead == 0:
        return "Your notebook is being graded." if ahead is None else "Your notebook is next."
    return f"Waiting: {ahead} notebook{'' if ahead == 1 else 's'} before yours."


@shows("anyone")
def show_attempt(request: Request, service: Service, session: Session) -> Response:
    """One attempt: its place in the queue, then its marks."""
    attempt = service.attempt(session, request.path_params["number"])
    return page(
        service,
        session,
        "attempt.html.j2",
        attempt=attempt,
        assignment=service.assignments()[attempt.assignment],
        text=waiting_text(service, attempt),
        has_page=attempt.counts or attempt.page(service.course.root).is_file(),
    )


@shows("anyone")
def show_status(request: Request, service: Service, session: Session) -> Response:
    """The same for the script that waits."""
    attempt = service.attempt(session, request.path_params["number"])
    return JSONResponse({"waiting": attempt.waiting, "text": waiting_text(service, attempt)})


@shows("anyone")
def show_feedback(request: Request, service: Service, session: Session) -> Response:
    """nbgrader's feedback page of an attempt."""
    attempt = service.attempt(session, request.path_params["number"])
    path = attempt.page(service.course.root)
    if attempt.counts and not path.is_file():
        try:
            service.queue.write_page(attempt).result()
        except CourseError as error:
            log.warning("the feedback page of attempt %s could not be written: %s", attempt.id, error)
    if not path.is_file():
        raise Refused(404, "There is no feedback page for this attempt.")
    return sealed(path.read_bytes())


@shows("anyone")
def send_notebook(request: Request, service: Service, session: Session) -> Response:
    """What was handed in, as a download."""
    attempt = service.attempt(session, request.path_params["number"])
    path = attempt.file(service.course.root)
    if not path.is_file():
        raise NotFound
    return download(path, attempt)
