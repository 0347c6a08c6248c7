"""Write a file completely or not at all."""

from pathlib import Path

from autograder.errors import CourseError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, and make its folder if there is none; until all is written, an older file stays as it was.

    Raises:
        CourseError: it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(content)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise CourseError(f"{path} cannot be written: {error.strerror or error}.") from None
