"""Let a class hand in on the page of `autograder serve` within a minute, and measure how long it waits for its marks.

The course is copied to a temporary folder and served there, on this machine alone. Each learner opens a personal link,
hands in a notebook, right or wrong, and looks at the page as the script on it does, until the marks are there. Then
`autograder grade` grades the same files in another folder, and all marks are compared. The exit code is 1 if anything
was lost or a mark differs. Needs Linux.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from crowd import Visit, hand_in_all
from findings import Taken, different, figures, lost, verdict
from meter import measure
from rich import box
from rich.console import Console
from server import Server, invite
from ways import BIN, ENVIRONMENT, Marks, copy_course, learner, make_class, read_marks

from autograder.course import Course, find_course
from autograder.grading.demo import hand_in


def main() -> int:
    """Measure, and print what came of it."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *about: sys.exit("stopped"))  # tidies up on the way out
    console, course = Console(highlight=False), find_course()
    name = course.require(options.notebook)
    console.print(f"The machine has {os.cpu_count()} cores; at the start its load was {os.getloadavg()[0]:.1f}.")
    notebooks = make_class(course, name, options.learners)
    files = {learner(number): nbformat.writes(notebook).encode() for number, notebook in enumerate(notebooks)}

    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        visits, taken = _serve(console, course, name, folder, files, options)
        missing = lost(folder, name, files, visits)
        shown = [visit for visit in visits if visit.shown is not None]
        served = read_marks(folder, name, [visit.student for visit in shown])
    with console.status("`autograder grade` grades the same files"):
        graded = _grade(course, name, files, options.workers)
    unlike = different(served, graded, shown)

    table = figures(f"{name}: {len(files)} learners within {options.seconds:g} s", visits, taken)
    if options.markdown:
        table.box, table.show_header = box.MARKDOWN, True
    console.print("", table)
    marks = sum(len(graded[visit.student]) for visit in shown)
    console.print("", *verdict(visits, taken, missing, unlike, marks), sep="\n", markup=False)
    return 1 if missing or unlike else 0


def _serve(
    console: Console, course: Course, name: str, folder: Path, files: dict[str, bytes], options: argparse.Namespace
) -> tuple[list[Visit], Taken]:
    """Let the class hand in on a server in ``folder``."""
    copy_course(course, name, folder)
    with console.status("the server starts") as status, Server(folder, options.workers) as server:
        status.update("learners are invited")
        links = invite(folder, list(files), server.url)
        done, cpu, crowd = [], server.used(), time.process_time()

        def count() -> None:
            done.append(None)
            status.update(f"{len(done)} of {len(files)} learners are done")

        visits = asyncio.run(hand_in_all(links, files, name, options.seconds, options.patience, count))
        cpu, crowd = server.used() - cpu, time.process_time() - crowd
        after = server.memory()
    for line in server.said():
        console.print(line, style="dim", markup=False)
    return visits, Taken(server.started, server.idle, server.highest, after, cpu, crowd)


def _grade(course: Course, name: str, files: dict[str, bytes], workers: int) -> Marks:
    """The marks that ``autograder grade`` gives to the same files."""
    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        copy_course(course, name, folder)
        for student, file in files.items():
            hand_in(file.decode(), folder, student, name)
        measure([str(BIN / "autograder"), "grade", name, "--workers", str(workers)], folder, ENVIRONMENT)
        return read_marks(folder, name, list(files))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Example:\n  python benchmark/serve.py --learners 20 --seconds 10",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--notebook", default="04_linear", metavar="NAME", help="the notebook (default: 04_linear)")
    add("--learners", type=int, default=200, metavar="N", help="how many hand in (default: 200)")
    add("--seconds", type=float, default=60, help="within how many seconds they come; 0: all at once (default: 60)")
    add("--workers", type=int, default=2, help="notebooks that the server runs at a time (default: 2)")
    add("--patience", type=float, default=600, help="seconds that each learner waits for marks (default: 600)")
    add("--markdown", action="store_true", help="print the table as Markdown")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped")
