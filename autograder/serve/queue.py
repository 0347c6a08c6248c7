"""The queue: notebooks run in a pool, one thread records; the same thread does whatever else needs nbgrader."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from autograder.errors import CourseError
from autograder.execute import Stopped, stop
from autograder.grading.grade import was_crowded
from autograder.grading.gradebook import database_reason
from autograder.grading.one_gradebook import one_engine
from autograder.grading.parallel import cores
from autograder.grading.prepare import Prepared
from autograder.serve.attempts import DONE, QUEUED, Attempt, begin, requeue, set_result, set_state
from autograder.serve.marking import Marker, failed
from autograder.serve.tables import Database

Given = TypeVar("Given")
log = logging.getLogger("autograder.serve")
#: Seconds until the writer tries again what the gradebook has refused.
PAUSE = 5.0


class Full(CourseError):
    """As many notebooks are waiting as may."""


class GradingQueue:
    """Grades attempts in the order in which they came, several at a time, but only one of a learner's.

    One thread, the writer, begins runs, records them and answers ``call``. nbgrader's gradebook is patched there (see
    ``one_gradebook``), so no other thread may use it. Everything the writer has to do is an event; between two of them
    it starts whatever can run. Feedback pages take longer to write than marks, so they are written when nothing else
    is to do, or when somebody asks for one.
    """

    def __init__(self, database: Database, marker: Marker, workers: int | None, longest: int) -> None:
        self._database, self._marker, self._longest = database, marker, longest
        self._workers = workers or cores()
        self._lock = threading.Lock()  # guards what is waiting and running, which other threads ask about
        self._waiting: deque[Attempt] = deque()
        self._running: dict[str, Attempt] = {}
        self._crowded: deque[Attempt] = deque()  # to be run again, alone
        self._alone = False
        self._pages: deque[Attempt] = deque()  # to be written; only the writer uses it
        self._events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._stopping = threading.Event()
        self._asked: set[Future] = set()  # calls that the writer has not answered yet
        self._runs: set[Future[Prepared]] = set()
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="run")
        self._writer = threading.Thread(target=self._write, name="writer", daemon=True)

    def start(self) -> None:
        """Begin with everything that an earlier start has left."""
        with self._database.writing() as connection:
            self._waiting.extend(requeue(connection))
        self._writer.start()

    def close(self) -> None:
        """Stop what is running, and end. What was not recorded is graded at the next start."""
        self._stopping.set()
        self._events.put(lambda: None)
        # A run may be just about to begin, so the order to stop is repeated until all have ended.
        while running := [future for future in list(self._runs) if not future.done()]:
            for future in running:
                future.cancel()
            stop()
            wait(running, timeout=0.1)
        self._writer.join()
        self._pool.shutdown(cancel_futures=True)
        for future in list(self._asked):
            future.cancel()  # whoever waits for it would wait forever

    def check_room(self) -> None:
        """Check that another attempt may wait.

        Raises:
            Full: it may not.
        """
        with self._lock:
            if len(self._waiting) >= self._longest:
                raise Full(f"{len(self._waiting)} notebooks are waiting to be graded: try again in a few minutes")

    def add(self, attempt: Attempt) -> None:
        """Queue an attempt that is stored and entered; one that is queued or running already stays where it is."""
        with self._lock:
            known = {*self._running, *(one.id for one in self._waiting), *(one.id for one in self._crowded)}
            if attempt.id not in known:
                self._waiting.append(attempt)
        self._events.put(lambda: None)

    def ahead(self, number: str) -> int | None:
        """How many attempts are before this one; None if it is not waiting."""
        with self._lock:
            return next((place for place, one in enumerate(self._waiting) if one.id == number), None)

    def lengths(self) -> tuple[int, int]:
        """How many attempts are waiting and how many are running."""
        with self._lock:
            return len(self._waiting) + len(self._crowded), len(self._running)

    def call(self, function: Callable[[], Given]) -> Future[Given]:
        """Have the writer call a function that uses nbgrader's gradebook."""
        future: Future[Given] = Future()

        def answer() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:
                    future.set_exception(error)

        self._asked.add(future)
        future.add_done_callback(self._asked.discard)
        self._events.put(answer)
        if self._stopping.is_set():
            future.cancel()
        return future

    def write_page(self, attempt: Attempt) -> Future[None]:
        """Have an attempt's feedback page written before anything else."""
        return self.call(lambda: self._marker.write_page(attempt))

    def _write(self) -> None:
        with one_engine():
            while not self._stopping.is_set():
                try:
                    self._begin_what_can_run()
                    if self._pages and self._events.empty():
                        self._marker.write_page(self._pages.popleft())
                    else:
                        self._events.get()()
                except Exception:  # the next event may be all right, and a server without a writer is no use
                    log.exception("the writer went on after an error")

    def _begin_what_can_run(self) -> None:
        while (attempt := self._next()) is not None:
            self._begin(attempt)

    def _next(self) -> Attempt | None:
        """The next attempt to run, noted as running; None if nothing can run now."""
        with self._lock:
            if self._alone or len(self._running) >= self._workers or (self._crowded and self._running):
                return None
            if self._crowded:
                attempt, self._alone = self._crowded.popleft(), True
            else:
                busy = {one.student for one in self._running.values()}
                attempt = next((one for one in self._waiting if one.student not in busy), None)
                if attempt is None:
                    return None
                self._waiting.remove(attempt)
            self._running[attempt.id] = attempt
            return attempt

    def _begin(self, attempt: Attempt) -> None:
        """Begin a run, with the attempt as it is entered now: since it was queued, another one may have been graded."""
        current = None
        try:
            current = self._enter(lambda connection: begin(connection, attempt.id))
            if current is None:
                raise CourseError("it was deleted")
            future = self._pool.submit(self._marker.work(current))
        except Exception as error:
            self._end(failed(current or attempt, error))
            return
        self._runs.add(future)
        future.add_done_callback(lambda future: self._events.put(lambda: self._finish(current, future)))

    def _finish(self, attempt: Attempt, future: Future[Prepared]) -> None:
        self._runs.discard(future)
        if future.cancelled() or isinstance(future.exception(), Stopped):
            return  # the server ends; the attempt is queued again at the next start
        if not self._alone and self._workers > 1 and was_crowded(future):
            with self._lock:
                del self._running[attempt.id]
                self._crowded.append(attempt)
            return
        self._write_pages_of(attempt)
        ended = self._marker.finish(attempt, future)
        self._end(ended)
        if attempt.counts and ended.state == DONE and not ended.counts:
            self._count_another(ended)

    def _count_another(self, attempt: Attempt) -> None:
        """Have the attempt graded that counts now that this one, graded again, no longer does."""
        chosen = self._marker.counting(attempt)
        if chosen is not None and not chosen.counts:
            self._enter(lambda connection: set_state(connection, chosen.id, QUEUED))
            self.add(chosen)

    def _write_pages_of(self, attempt: Attempt) -> None:
        """Write the page on what is about to be replaced, while nbgrader still has it."""
        theirs = attempt.student, attempt.assignment
        for other in [one for one in self._pages if (one.student, one.assignment) == theirs]:
            self._pages.remove(other)
            try:
                self._marker.write_page(other)
            except Exception as error:  # marks matter more than this page
                log.warning("the feedback page of attempt %s could not be written: %s", other.id, error)

    def _end(self, attempt: Attempt) -> None:
        try:
            self._enter(lambda connection: set_result(connection, attempt))
        finally:
            with self._lock:
                self._running.pop(attempt.id, None)
                self._alone = False
        if attempt.counts:
            self._pages.append(attempt)

    def _enter(self, work: Callable[[Connection], Given]) -> Given:
        """Enter something; if the gradebook is locked or the disk is full, again until it works or the server ends."""
        while True:
            try:
                with self._database.writing() as connection:
                    return work(connection)
            except OperationalError as error:
                if self._stopping.is_set():
                    raise
                log.error("the gradebook cannot be written to, trying again: %s", database_reason(error))
                self._stopping.wait(PAUSE)
