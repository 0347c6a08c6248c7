"""An upload, read with limits while it comes in, and what is wrong with the file in it."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from autograder.errors import CourseError
from autograder.grading.submissions import not_this, parse_notebook
from autograder.serve.times import now

log = logging.getLogger("autograder.serve")
#: The form's fields are short.
LONGEST_FIELD = 1000
#: What a form may have around its file.
AROUND = 10_000
#: How far a refused upload is read on, as a multiple of what is allowed, and thrown away: a browser shows the answer
#: only when it has sent everything.
PATIENCE = 3
#: How files begin that people hand in by mistake.
KINDS = {
    b"PK\x03\x04": "it is a zip file: unpack it and hand in the .ipynb file inside",
    b"\x89PNG": "it is a picture, not a notebook: hand in the .ipynb file",
    b"\xff\xd8\xff": "it is a picture, not a notebook: hand in the .ipynb file",
    b"%PDF": "it is a PDF, not a notebook: hand in the .ipynb file",
}


class TooLarge(CourseError):
    """The upload has more bytes than it may have."""


class NotStored(CourseError):
    """The disk that uploads are kept on is full, or cannot be written to."""


@dataclass(frozen=True)
class Form:
    """A form that was sent. Names that the sender chose for files are not kept.

    Attributes:
        fields: its fields.
        received: when it began to come in, in UTC.
        file: its file, on the disk if it is large; None if it has none.
    """

    fields: Mapping[str, str]
    received: datetime
    file: BinaryIO | None = None

    def content(self) -> bytes | None:
        """What is in the file."""
        return self.file.read() if self.file else None

    def close(self) -> None:
        """Remove the file."""
        if self.file:
            self.file.close()


async def read_form(request: Request, most: int, seconds: float) -> Form:
    """Read a form with at most one file; whoever calls this closes it.

    Args:
        request: nothing of its body has been read yet.
        most: how many bytes the file may have.
        seconds: how long the whole form may take.

    Raises:
        TooLarge: it has more; the rest is not kept.
        NotStored: the disk is full.
        CourseError: it is not a form, was cut off, or took too long.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise CourseError("what was sent is not a form")
    received, stream = now(), request.stream()
    try:
        async with asyncio.timeout(seconds):
            parser = MultiPartParser(
                request.headers, _limited(stream, most), max_files=1, max_fields=10, max_part_size=LONGEST_FIELD
            )
            try:
                parsed = await parser.parse()
            except TooLarge:
                await _drain(stream, PATIENCE * most)
                raise
            items = parsed.multi_items()
            fields = {name: value for name, value in items if isinstance(value, str)}
            files = [value.file for _, value in items if not isinstance(value, str)]
            return Form(fields, received, files[0] if files else None)
    except TimeoutError:
        raise CourseError("the upload took too long: try again with a better connection") from None
    except OSError as error:
        log.error("an upload cannot be kept in %s: %s", tempfile.gettempdir(), error.strerror)
        raise NotStored("the server could not store it: tell your teacher") from None
    except (MultiPartException, ClientDisconnect, KeyError):
        raise CourseError("the upload was cut off or is not a form: try again") from None


async def _limited(stream: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """The parts of ``stream``, as long as they are not too many."""
    left = most + AROUND
    async for part in stream:
        left -= len(part)
        if left < 0:
            raise TooLarge(f"the file has more than {most / 1e6:g} MB: clear its outputs and save it again")
        yield part


async def _drain(stream: AsyncIterator[bytes], most: int) -> None:
    async for part in stream:
        most -= len(part)
        if most < 0:
            return


def find_fault(data: bytes | None, name: str, telltales: Mapping[str, str]) -> str | None:
    """Why an upload is not the notebook ``name``, as a sentence, or None if it is."""
    if data is None:
        return "no file was chosen"
    kind = next((said for begins, said in KINDS.items() if data.startswith(begins)), None)
    if kind is not None:
        return kind
    try:
        return not_this(parse_notebook(data), name, telltales)
    except CourseError as error:
        return str(error)
