"""One server at a time for a course."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from autograder.course import Course
from autograder.errors import CourseError

#: In the course's folder.
LOCK = ".serve.lock"


@contextmanager
def only_one(course: Course) -> Iterator[None]:
    """Hold the course: two servers would grade everything twice. The system lets go of it, whatever happens.

    Raises:
        CourseError: a server holds it, or the course's folder cannot be written to.
    """
    if os.name != "posix":
        yield
        return
    import fcntl  # exists on POSIX only

    path = course.root / LOCK
    try:
        file = path.open("wb")
    except OSError as error:
        raise CourseError(f"{path} cannot be written: {error.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CourseError(f"`autograder serve` is running for {course.root}: stop it first.") from None
        yield
