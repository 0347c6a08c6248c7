"""One connection to the gradebook for all of nbgrader's steps, which open it a dozen times for each submission.

The only place where nbgrader's gradebook is patched. nbgrader's steps call ``Gradebook(url)``, each for itself, and
cannot be given one that is already open. Unpatched, recording takes several times as long, and a submission whose
recording is interrupted is half recorded, because each step commits on its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import nbgrader.api
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from autograder.grading.gradebook import make_gradebook


@contextmanager
def one_engine() -> Iterator[None]:
    """Let nbgrader keep its database engine for a gradebook during the block.

    For one submission nbgrader opens the gradebook a dozen times; doing so with a new engine each time, which has no
    cached queries, takes half of the recording time.
    """
    create = nbgrader.api.create_engine
    nbgrader.api.create_engine = cache(create)
    try:
        yield
    finally:
        nbgrader.api.create_engine = create


@contextmanager
def one_transaction(directory: CourseDirectory) -> Iterator[None]:
    """Let nbgrader write to the gradebook in one transaction during the block: all of it, or nothing if it fails.

    For one submission nbgrader opens the gradebook a dozen times and commits thirty times, and each commit waits for
    the disk.
    """
    make_gradebook(directory.db_url)
    whole = Gradebook(directory.db_url, directory.course_id)
    session = whole.db()
    commit, session.commit = session.commit, session.flush
    begin, end = Gradebook.__init__, Gradebook.close
    Gradebook.__init__ = lambda self, *about, **more: vars(self).update(vars(whole))
    Gradebook.close = lambda self: whole.db.expire_all()  # whoever opens it next sees what was written, as usual
    try:
        yield
        commit()
    finally:
        Gradebook.__init__, Gradebook.close = begin, end
        whole.close()
