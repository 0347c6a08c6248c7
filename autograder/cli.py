"""The command line: thin, and what goes wrong is said in one line."""

import argparse
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from autograder.course import find_course
from autograder.errors import CourseError

console = Console()


def main(arguments: list[str] | None = None) -> int:
    """Run a command; see ``autograder --help``. Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except CourseError as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("autograder: stopped; what was finished is kept.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autograder", description="Build the course's notebooks and grade what learners hand in."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run, help: str, example: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=f"Example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(run=run)
        return sub

    build = command("build", _build, "build notebooks from their sources", "autograder build 04_linear")
    build.add_argument("names", nargs="*", metavar="NAME", help="notebooks, such as 04_linear (default: all)")
    build.add_argument(
        "--check", action="store_true", help="build nothing; fail if a notebook is not what its source gives"
    )
    build.add_argument("--again", action="store_true", help="run notebooks that have not changed, too")
    return parser


def _build(options: argparse.Namespace) -> int:
    from autograder.build.builder import build_all, check

    course = find_course()
    names = [course.require(name) for name in options.names] or course.names
    if options.check:
        stale = [message for name in names for message in check(course, name)]
        for message in stale:
            print(message, file=sys.stderr)
        if not stale:
            console.print(f"{len(names)} notebooks are what their sources give.")
        return 1 if stale else 0
    with _progress() as progress:
        task = progress.add_task("building", total=len(names))

        def report(name: str, done: str) -> None:
            progress.console.print(f"{name}: {done}")
            progress.advance(task)

        build_all(course, names, options.again, report)
    return 0


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console)
