"""Write a file completely or not at all."""

from pathlib import Path

from autograder.errors import CourseError


def write_whole(path: Path, content: bytes, mode: int | None = None) -> None:
    """Write a file, and create its folder if needed; the old file stays as it is until the new one is complete.

    Args:
        path: where.
        content: what.
        mode: who may read and write it; as usual if None.

    Raises:
        CourseError: it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(content)
            if mode is not None:
                unfinished.chmod(mode)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise CourseError(f"{path} cannot be written: {error.strerror or error}.") from None
