"""Write a file completely or not at all."""

import secrets
from pathlib import Path

from autograder.errors import CourseError


def write_whole(path: Path, content: bytes, mode: int | None = None) -> None:
    """Write a file, and create its folder if needed; the old file stays as it is until the new one is complete.

    A link of this name is replaced and not followed.

    Args:
        path: where.
        content: what.
        mode: who may read and write it; as usual if None.

    Raises:
        CourseError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(path, content, mode)
    except OSError as error:
        raise CourseError(f"{path} cannot be written: {error.strerror or error}.") from None


def replace_whole(path: Path, content: bytes, mode: int | None = None) -> None:
    """The same in a folder that exists, for callers with words of their own for what goes wrong.

    Raises:
        OSError: it cannot be written; its ``filename`` is ``path``.
    """
    # Nobody else uses or can foresee this name: two who write the same file do not mix, no link is written through.
    unfinished = path.with_name(f".{secrets.token_hex(8)}.unfinished")
    try:
        try:
            unfinished.touch(exist_ok=False)
            unfinished.write_bytes(content)
            if mode is not None:
                unfinished.chmod(mode)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise
