"""Who somebody is, what they may send and how often, and what browsers are told about every page."""

import hmac
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autograder.serve.attempts import Attempt
from autograder.serve.invitations import Invitation, hash_of, is_valid, new_token
from autograder.serve.tables import invitations, sessions
from autograder.serve.times import now

#: Not just ``session``, which other programs on the same host use: browsers do not tell ports apart.
COOKIE = "autograder-session"
#: The form field that shows that one of our pages has sent a form.
CSRF = "csrf"
#: Nothing but our own files; ``connect-src`` is for the script that asks for the place in the queue.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
#: For pages made from what learners wrote: they have their style inside, and nothing in them can run, load or send.
SEALED = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; sandbox"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
#: How many browsers may be signed in by one link.
MOST_SESSIONS = 20
#: How many callers a limiter remembers.
MOST_CALLERS = 10_000


class Refused(Exception):
    """Ends a request with a status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class NotFound(Refused):
    """There is no such page, or it is somebody else's: the answer does not tell which."""

    def __init__(self) -> None:
        super().__init__(404, "There is no such page.")


@dataclass(frozen=True)
class Session:
    """A browser that is signed in.

    Attributes:
        token: the cookie's value.
        role: ``"learner"`` or ``"teacher"``.
        student: the learner's id; empty for a teacher.
    """

    token: str
    role: str
    student: str

    @property
    def csrf(self) -> str:
        """What each of the session's forms carries. It does not give away the cookie."""
        return hmac.new(self.token.encode(), b"form", "sha256").hexdigest()

    def check_form(self, fields: Mapping[str, str]) -> None:
        """Check that a form comes from one of this session's pages.

        Raises:
            Refused: it does not.
        """
        if not hmac.compare_digest(fields.get(CSRF, "").encode(), self.csrf.encode()):
            raise Refused(403, "This form is out of date: go back, reload the page and send it again.")

    def may_see(self, attempt: Attempt) -> bool:
        """Whether an attempt is the learner's own, or this is a teacher."""
        return self.role == "teacher" or (self.role == "learner" and self.student == attempt.student)


def sign_in(connection: Connection, invitation: Invitation, days: int) -> str:
    """Begin a session; returns its token. Nothing of what the browser sent goes into it.

    Of a link's sessions the newest stay: a link that is opened again and again does not fill the database.
    """
    token, begun = new_token(), now()
    connection.execute(delete(sessions).where(sessions.c.expires < begun))
    theirs = select(sessions.c.hash).where(sessions.c.invitation == invitation.id).order_by(sessions.c.created.desc())
    oldest = connection.execute(theirs.offset(MOST_SESSIONS - 1)).scalars().all()
    connection.execute(delete(sessions).where(sessions.c.hash.in_(oldest)))
    connection.execute(
        insert(sessions).values(
            hash=hash_of(token), invitation=invitation.id, created=begun, expires=begun + timedelta(days=days)
        )
    )
    return token


def sign_out(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.hash == hash_of(token)))


def find_session(connection: Connection, token: str) -> Session | None:
    """The session that a cookie belongs to, as long as its link works."""
    row = connection.execute(
        select(sessions.c.expires, invitations.c.role, invitations.c.student, invitations.c.revoked)
        .add_columns(invitations.c.expires.label("link_expires"))
        .join(invitations, invitations.c.id == sessions.c.invitation)
        .where(sessions.c.hash == hash_of(token))
    ).first()
    if row is None or now() >= row.expires or not is_valid(row.revoked, row.link_expires):
        return None
    return Session(token, row.role, row.student or "")


def set_cookie(response: Response, token: str, days: int, secure: bool) -> None:
    """Give a session to the browser; scripts cannot read it, and other sites' forms do not send it."""
    response.set_cookie(COOKIE, token, max_age=days * 86_400, httponly=True, secure=secure, samesite="lax")


def clear_cookie(response: Response, secure: bool) -> None:
    """Take it away again."""
    response.delete_cookie(COOKIE, httponly=True, secure=secure, samesite="lax")


def address_of(request: Request, proxy: str | None) -> str:
    """Where a request comes from. What it says itself counts only if it comes through the proxy that was named."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.getlist("x-forwarded-for")
    if proxy is None or peer != proxy or not forwarded:
        return peer
    return forwarded[-1].rpartition(",")[2].strip()  # the proxy's own word comes last


class Limiter:
    """At most so many calls within so many seconds, for each caller."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.seconds, self.clock = most, seconds, clock
        self._calls: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def check(self, caller: str) -> None:
        """Count a call.

        Raises:
            Refused: there were too many.
        """
        moment = self.clock()
        with self._lock:
            calls = self._calls.setdefault(caller, deque(maxlen=self.most))
            if len(calls) == self.most and moment - calls[0] < self.seconds:
                raise Refused(429, "That was too often: wait a minute, then try again.")
            calls.append(moment)
            if len(self._calls) > MOST_CALLERS:
                self._forget(moment)

    def _forget(self, moment: float) -> None:
        """Forget callers who may call anyway."""
        self._calls = {who: calls for who, calls in self._calls.items() if moment - calls[-1] < self.seconds}


class AtATime:
    """At most so many calls of each caller at the same time; used on the event loop only."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._running: Counter[str] = Counter()

    @contextmanager
    def one_more(self, caller: str) -> Iterator[None]:
        """Count a call until the block ends.

        Raises:
            Refused: as many are running as may.
        """
        if self._running[caller] >= self.most:
            raise Refused(429, "You are sending too much at once: wait until it has arrived, then try again.")
        self._running[caller] += 1
        try:
            yield
        finally:
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]


class SafeHeaders:
    """Adds the headers to every answer that does not have its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_safely if scope["type"] == "http" else send)
