"""Grade the same class with nbgrader's own `Execute` and with `autograder grade`, in turns, and compare what it costs.

In each round each way grades a small class and a large one. The difference of the costs, divided by the difference of
the sizes, is what one submission costs; the rest is the start. So neither has to be told where its start ends.
Needs Linux.
"""

import argparse
import os
import signal
import sys

from meter import calibrate
from report import aims, comparison, growth, marks, waiting
from rich import box
from rich.console import Console
from ways import make_class, own_cells, try_once, ways

from autograder.course import find_course


def main() -> None:
    """Measure, and print what came of it."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *about: sys.exit("stopped"))  # tidies up on the way out
    console, course = Console(highlight=False), find_course()
    name = course.require(options.notebook)
    sizes = [size for size in (options.workers, options.size, options.large) if size]

    with console.status("checking how CPU seconds are counted"):
        counted, seen, burned = calibrate()
    console.print(
        f"CPU seconds are counted {counted}. Of {burned:.2f} that a test burned, most of them in processes that were "
        f"killed or that nobody waited for, {seen:.2f} were counted.\n"
        f"The machine has {os.cpu_count()} cores; at the start its load was {os.getloadavg()[0]:.1f}."
    )
    with console.status("autograder try"):
        tries = [try_once(course, name)]
    submissions = make_class(course, name, max(sizes))
    stock, engine = ways(course, name, options.stock, options.size, options.workers)
    for number in range(1, options.rounds + 1):
        for way, size in ((stock, stock.small), (engine, engine.small), (stock, stock.large), (engine, engine.large)):
            with console.status(f"round {number} of {options.rounds}: {way.name}, {size} learners"):
                way.grade(name, submissions[:size])
        with console.status("autograder try"):
            tries.append(try_once(course, name))
    alike = marks(stock.marks, engine.marks)
    if options.large:
        with console.status(f"{engine.name}, {options.large} learners"):
            engine.grade(name, submissions)
    with console.status("the cells by themselves"):
        cells = own_cells(course, name, submissions[: options.size])

    tables = [comparison(f"{name}, medians of {options.rounds} rounds", stock, engine, cells), waiting(tries)]
    tables += [growth(engine, sizes)] if options.large else []
    for table in tables:
        if options.markdown:
            table.box = box.MARKDOWN
        console.print("", table)
    console.print("", *alike, *aims(stock, engine, cells, sizes), sep="\n")
    console.print(
        f"nbgrader's own graded {stock.large} of the {options.size} in each round (--stock). CPU seconds are the "
        "figures to trust: wall times, and throughput with them, follow whatever else the machine does.",
        style="dim",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Example:\n  python benchmark/benchmark.py --rounds 1 --large 0",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--notebook", default="04_linear", metavar="NAME", help="the notebook (default: 04_linear)")
    add("--size", type=int, default=40, help="learners in the class (default: 40)")
    add("--large", type=int, default=400, help="learners in a large class, graded once; 0: none (default: 400)")
    add("--stock", type=int, default=6, help="how many of the class nbgrader's own way grades (default: 6)")
    add("--rounds", type=int, default=3, help="rounds (default: 3)")
    add("--workers", type=int, default=2, help="submissions that autograder runs at a time (default: 2)")
    add("--markdown", action="store_true", help="print the tables as Markdown")
    return parser


if __name__ == "__main__":
    main()
