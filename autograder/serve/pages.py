"""Pages from templates; whatever stands in them is text, never HTML."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from autograder.grading.submissions import printable
from autograder.serve.attempts import Attempt
from autograder.serve.security import SEALED, Refused, Session
from autograder.serve.service import Service, service_of
from autograder.serve.times import field, shown

HERE = Path(__file__).parent
STATIC = HERE / "static"
#: The signs of how exercises end, as on feedback pages.
SIGNS = {"right": "✓", "unsolved": "○"}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"marks": lambda value: f"{round(value, 2):g}", "plain": printable}
    environment.globals |= {"signs": SIGNS}
    return environment


ENVIRONMENT = _environment()


def page(service: Service, session: Session | None, template: str, status: int = 200, **more) -> HTMLResponse:
    """A page for somebody who is signed in, or for nobody in particular."""
    zone = service.settings.zone
    text = ENVIRONMENT.get_template(template).render(
        session=session,
        when=lambda moment: shown(moment, zone),
        entered=lambda moment: field(moment, zone),
        **more,
    )
    return HTMLResponse(text.encode("utf-8", errors="replace"), status)


def refused(request: Request, error: Exception) -> Response:
    """The page for a request that was refused."""
    assert isinstance(error, Refused)
    return page(service_of(request), None, "error.html.j2", error.status, sentence=error.sentence)


def sealed(content: bytes) -> HTMLResponse:
    """A page made from what learners wrote: nothing in it can run."""
    return HTMLResponse(content, headers={"content-security-policy": SEALED})


def download(path: Path, attempt: Attempt) -> FileResponse:
    """A learner's notebook as an attachment, under the course's name for it."""
    return FileResponse(
        path,
        media_type="application/x-ipynb+json",
        filename=f"{attempt.assignment}.ipynb",
        headers={"content-security-policy": SEALED},
    )
