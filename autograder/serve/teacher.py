"""What teachers see and do."""

from dataclasses import replace
from pathlib import Path

from nbgrader.api import Gradebook
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from autograder.errors import CourseError
from autograder.grading.nbgrader_apps import course_directory
from autograder.report.grades import Grades, read_grades
from autograder.report.page import write_report
from autograder.report.records import read_class
from autograder.report.spreadsheet import Row, csv_bytes
from autograder.serve.attempts import FAILED, QUEUED, Attempt, affected, read_attempts, set_state
from autograder.serve.invitations import invited
from autograder.serve.openings import Opening, read_opening, write_opening
from autograder.serve.pages import page, sealed
from autograder.serve.security import Refused, Session
from autograder.serve.service import Service, shows, takes
from autograder.serve.tables import due_date, set_due_date
from autograder.serve.times import now, read_field, zone_name
from autograder.serve.upload import Form

SEE_OTHER = 303


@shows("teacher")
def overview(request: Request, service: Service, session: Session) -> Response:
    """All assignments, and how many have handed in."""
    rows = []
    for name, assignment in service.assignments().items():
        with service.database.reading() as connection:
            opening, due = read_opening(connection, name), due_date(connection, name)
            everything = read_attempts(connection, name=name)
        learners = {attempt.student for attempt in everything}
        rows.append((assignment, opening.state(now()), due, len(learners), len(everything)))
    waiting, running = service.queue.lengths()
    return page(service, session, "teacher.html.j2", rows=rows, waiting=waiting, running=running)


@shows("teacher")
def show_class(request: Request, service: Service, session: Session) -> Response:
    """One assignment: when it is open, and who has handed in what."""
    return _class_page(service, session, request.path_params["name"])


def _class_page(service: Service, session: Session, name: str, status: int = 200, fault: str | None = None) -> Response:
    assignment, opening, state = service.assignment(session, name)
    with service.database.reading() as connection:
        due = due_date(connection, name)
        everything, learners = read_attempts(connection, name=name), invited(connection)
    by_learner = _by_learner(everything)
    return page(
        service,
        session,
        "class.html.j2",
        status,
        assignment=assignment,
        opening=opening,
        state=state,
        due=due,
        learners=sorted(by_learner.items()),
        failed=sum(attempt.state == FAILED for attempt in everything),
        missing=sorted(learners - by_learner.keys()),
        zone=zone_name(service.settings.zone),
        fault=fault,
    )


def _by_learner(everything: list[Attempt]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for attempt in everything:
        found.setdefault(attempt.student, []).append(attempt)
    return found


@takes("teacher")
def open_or_close(request: Request, service: Service, session: Session, form: Form) -> Response:
    """Open or close an assignment now; the due date stays."""
    name, when = request.path_params["name"], now().replace(second=0, microsecond=0)
    service.assignment(session, name)
    with service.database.writing() as connection:
        opening = read_opening(connection, name)
        if form.fields.get("do") == "close":
            opening = replace(opening, closes=when)
        else:
            ended = opening.closes is not None and opening.closes <= when
            opening = Opening(closes=None if ended else opening.closes)
        write_opening(connection, name, opening)
    return RedirectResponse(f"/teacher/{name}", SEE_OTHER)


@takes("teacher")
def change_dates(request: Request, service: Service, session: Session, form: Form) -> Response:
    """Change when an assignment is open and due, or hide it; marks that rest on the due date are then made again."""
    name, zone = request.path_params["name"], service.settings.zone
    service.assignment(session, name)
    try:
        opens, closes, due = (read_field(form.fields.get(field, ""), zone) for field in ("opens", "closes", "due"))
    except CourseError as error:
        return _class_page(service, session, name, 422, str(error))
    with service.database.writing() as connection:
        write_opening(connection, name, Opening("hidden" in form.fields, opens, closes))
        by_learner = _by_learner(read_attempts(connection, name=name))
        before = {student: due_date(connection, name, student) for student in by_learner}
        set_due_date(connection, name, due)
        again = [
            affected(mine, before[student], due_date(connection, name, student), service.settings.which)
            for student, mine in by_learner.items()
        ]
        for attempt in filter(None, again):
            set_state(connection, attempt.id, QUEUED)
    for attempt in filter(None, again):
        service.queue.add(attempt)
    return RedirectResponse(f"/teacher/{name}", SEE_OTHER)


@takes("teacher")
def regrade(request: Request, service: Service, session: Session, form: Form) -> Response:
    """Grade an attempt again."""
    attempt = service.attempt(session, request.path_params["number"])
    if not attempt.waiting:
        _queue_again(service, [attempt])
    return RedirectResponse(f"/teacher/{attempt.assignment}", SEE_OTHER)


@takes("teacher")
def regrade_failed(request: Request, service: Service, session: Session, form: Form) -> Response:
    """Grade again whatever could not be graded: what was wrong with the machine has been put right."""
    name = service.assignment(session, request.path_params["name"])[0].name
    with service.database.reading() as connection:
        everything = read_attempts(connection, name=name)
    _queue_again(service, [attempt for attempt in reversed(everything) if attempt.state == FAILED])
    return RedirectResponse(f"/teacher/{name}", SEE_OTHER)


def _queue_again(service: Service, again: list[Attempt]) -> None:
    with service.database.writing() as connection:
        for attempt in again:
            set_state(connection, attempt.id, QUEUED)
    for attempt in again:
        service.queue.add(attempt)


@shows("teacher")
def show_report(request: Request, service: Service, session: Session) -> Response:
    """The report on the class, made now."""
    name = service.assignment(session, request.path_params["name"])[0].name

    def write() -> Path:
        record = read_class(service.course, service.config, name)
        return write_report(record, service.course.reports / name / f"{name}.html")[0]

    try:
        return sealed(service.queue.call(write).result().read_bytes())
    except CourseError as error:
        raise Refused(404, str(error)) from None


@shows("teacher")
def send_marks(request: Request, service: Service, session: Session) -> Response:
    """Everybody's marks, for a spreadsheet."""
    directory = course_directory(service.config)

    def read() -> Grades:
        with Gradebook(directory.db_url, directory.course_id) as gradebook:
            return read_grades(gradebook)

    try:
        grades = service.queue.call(read).result()
    except CourseError as error:
        raise Refused(404, str(error)) from None
    return Response(
        csv_bytes(marks_table(grades)),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="marks.csv"'},
    )


def marks_table(grades: Grades) -> list[Row]:
    """A heading with the points possible, and a line for each learner; an empty cell where nothing was graded."""
    heading: Row = [
        "id",
        "first name",
        "last name",
        *(f"{name} ({most:g})" for name, most in grades.assignments.items()),
    ]
    lines: list[Row] = [
        [learner.id, learner.first_name, learner.last_name]
        + [grades.scores.get((learner.id, name)) for name in grades.assignments]
        for learner in grades.learners
    ]
    return [heading, *lines]
