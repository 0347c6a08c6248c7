"""Learners who hand in on the page of `autograder serve`, each with a browser, an address and a moment of their own."""

import asyncio
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import httpx

#: When the script on the page asks for the place in the queue: seconds until it first does, then between two times,
#: how much longer each time, at most. See `autograder/serve/static/serve.js`.
FIRST, PAUSE, LONGER, LONGEST = 0.3, 0.4, 1.3, 5.0
#: A server closes connections that have been idle for 5 s; a browser then opens another, this one does so before.
LIMITS = httpx.Limits(keepalive_expiry=3)
CSRF = re.compile(r'name="csrf" value="(\w+)"')
STATIC = re.compile(r'(?:href|src)="(/static/[^"]+)"')
POINTS = re.compile(r"<h1>([\d.]+) <small>of [\d.]+ points")
AHEAD, NEXT = re.compile(r"Waiting: (\d+) notebook"), "Your notebook is next."


@dataclass(frozen=True)
class Visit:
    """How one learner fared.

    Attributes:
        student: who.
        began: when the upload began, in seconds of the monotonic clock; None if it never did.
        shown: when the marks were on the page; None if they never were.
        points: the points on the page.
        queue: the most notebooks that were waiting, this one included, as the page said.
        fault: what went wrong; empty if nothing did.
    """

    student: str
    began: float | None = None
    shown: float | None = None
    points: float | None = None
    queue: int = 0
    fault: str = ""


class Wrong(Exception):
    """A page is not what it should be."""


def moments(size: int, seconds: float) -> list[float]:
    """When each learner comes: at random within ``seconds``, as people do, but at the same moments in every run."""
    chance = random.Random(0)
    return sorted(chance.uniform(0, seconds) for _ in range(size))


async def hand_in_all(
    links: Mapping[str, str],
    files: Mapping[str, bytes],
    name: str,
    seconds: float,
    patience: float,
    done: Callable[[], None],
) -> list[Visit]:
    """Have every learner hand in one notebook and wait for the marks.

    Args:
        links: the learners' personal links.
        files: their notebooks.
        name: the assignment.
        seconds: within how many they come.
        patience: how many each stays.
        done: called after each.
    """

    async def come(number: int, student: str, moment: float) -> Visit:
        await asyncio.sleep(moment)
        site, _, token = links[student].rpartition("/in/")
        visit = await _Browser(site, number).visit(Visit(student), token, files[student], name, patience)
        done()
        return visit

    comers = zip(range(len(links)), links, moments(len(links), seconds))
    return await asyncio.gather(*(come(*comer) for comer in comers))


class _Browser:
    """What a browser does between the link and the marks, its script included."""

    def __init__(self, site: str, number: int) -> None:
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self._queue = 0
        self._client = httpx.AsyncClient(
            base_url=site,
            headers={"x-forwarded-for": address},  # limits go by it; all learners would share them otherwise
            limits=LIMITS,
            timeout=None,  # there is one for the whole visit
            trust_env=False,  # no proxy on the way to this machine
            verify=False,  # nor certificates: to load them takes longer than the visit
        )

    async def visit(self, visit: Visit, token: str, file: bytes, name: str, patience: float) -> Visit:
        """Open the link, the list and the assignment, hand in, and stay until the marks are there."""
        try:
            async with asyncio.timeout(patience), self._client:
                form = await self._open(token, name)
                visit = replace(visit, began=time.monotonic())
                page = await self._hand_in(form, file, name)
                points = float(_found(POINTS, page, "marks"))
                visit = replace(visit, shown=time.monotonic(), points=points)
        except TimeoutError:
            visit = replace(visit, fault=f"no marks after {patience:g} s")
        except (httpx.HTTPError, Wrong) as error:
            visit = replace(visit, fault=f"{type(error).__name__}: {error}")
        return replace(visit, queue=self._queue)

    async def _open(self, token: str, name: str) -> str:
        """The token of the assignment's form."""
        _expect(303, await self._client.get(f"/in/{token}"))
        home = await self._get("/")
        for address in STATIC.findall(home):
            await self._get(address)
        return _found(CSRF, await self._get(f"/a/{name}"), "form")

    async def _hand_in(self, form: str, file: bytes, name: str) -> str:
        """The page with the marks."""
        upload = {"file": (f"{name}.ipynb", file, "application/octet-stream")}
        answer = await self._client.post(f"/a/{name}", data={"csrf": form}, files=upload)
        place = _expect(303, answer).headers["location"]
        page, waits = await self._get(place), pauses()
        while "data-status" in page:
            await asyncio.sleep(next(waits))
            status = _expect(200, await self._client.get(f"{place}/status")).json()
            self._note(status["text"])
            if not status["waiting"]:
                page = await self._get(place)
        return page

    async def _get(self, address: str) -> str:
        text = _expect(200, await self._client.get(address)).text
        self._note(text)
        return text

    def _note(self, text: str) -> None:
        """Note the place in the queue."""
        places = [int(ahead) + 1 for ahead in AHEAD.findall(text)]
        self._queue = max([self._queue, *places, int(NEXT in text)])


def pauses() -> Iterator[float]:
    """The seconds between the script's questions."""
    yield FIRST
    pause = PAUSE
    while True:
        yield pause
        pause = min(pause * LONGER, LONGEST)


def _expect(status: int, answer: httpx.Response) -> httpx.Response:
    if answer.status_code != status:
        raise Wrong(f"the server answered {answer.status_code}: {_said(answer.text)}")
    return answer


def _found(pattern: re.Pattern, page: str, what: str) -> str:
    found = pattern.search(page)
    if found is None:
        raise Wrong(f"there is no {what} on the page: {_said(page)}")
    return found[1]


def _said(page: str) -> str:
    """What a page says, in one line."""
    main = page.partition("<main")[2].partition(">")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", main).split())[:200]
