"""The command line: thin; each error takes one line."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from autograder.course import ADDRESS, Course, find_course
from autograder.errors import CourseError

console = Console()


def main(arguments: list[str] | None = None) -> int:
    """Run a command; see ``autograder --help``. Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except CourseError as error:
        print(f"autograder: {_plain(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("autograder: stopped; everything finished so far has been kept.", file=sys.stderr)
        return 130


def _plain(text: str) -> str:
    """``text`` in which nothing controls the terminal: others may have chosen the names in it."""
    return "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autograder", description="Build the course's notebooks and grade what learners hand in."
    )
    parser.add_argument("--version", action="version", version=f"autograder {version('torch-nn-course')}")
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
        "--check", action="store_true", help="build nothing; fail if a notebook does not match its source"
    )
    build.add_argument("--again", action="store_true", help="also rebuild notebooks that have not changed")

    new = command("new", _new, "write the skeleton of a new notebook", "autograder new 17_attention")
    new.add_argument("name", metavar="NAME", help="two digits and lower-case words, such as 17_attention")

    check = command(
        "check",
        _check,
        "test one notebook: its release, its variants, its stored outputs (about a minute)",
        "autograder check 04_linear",
    )
    _add_notebook(check)

    collect = command(
        "collect",
        _collect,
        "put submissions downloaded from an LMS into submitted/ and print a table",
        "autograder collect 04_linear Downloads/submissions.zip --roster class.csv",
    )
    _add_notebook(collect)
    collect.add_argument(
        "sources",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="downloads from Canvas, Moodle, Blackboard, Brightspace or Google Classroom, as zip files or folders; or "
        "a folder that holds one folder per learner (default: downloaded/NAME/archive)",
    )
    collect.add_argument(
        "--roster",
        type=Path,
        metavar="CSV",
        help="a table with a header: the gradebook's ids in the column `id` (else the first one); names, user names "
        "or numbers in the others (default: learners get the names that the LMS gives them)",
    )
    collect.add_argument(
        "--zone",
        type=_zone,
        metavar="ZONE",
        help="the time zone that the LMS uses, such as Asia/Seoul (default: this machine's)",
    )

    grade = command(
        "grade", _grade, "grade the submissions in submitted/ and print a table", "autograder grade 04_linear"
    )
    _add_notebook(grade)
    _add_students(grade)
    grade.add_argument("--again", action="store_true", help="also regrade submissions that have not changed")
    _add_gradebook(grade, "the gradebook, such as postgresql+psycopg://USER@HOST/DATABASE")
    grade.add_argument(
        "--workers", type=_at_least_one, metavar="N", help="run N submissions at a time (default: one per core)"
    )
    _add_execution(grade)

    feedback = command(
        "feedback", _feedback, "write a feedback page for each graded learner", "autograder feedback 04_linear"
    )
    _add_notebook(feedback)
    _add_students(feedback)
    _add_gradebook(feedback)

    report = command(
        "report",
        _report,
        "write a page about what a class did not understand, and a table beside it",
        "autograder report 04_linear",
    )
    _add_notebook(report)
    report.add_argument(
        "--to", type=Path, metavar="FILE.html", help="where to write it (default: reports/NAME/NAME.html)"
    )
    report.add_argument(
        "--anonymous",
        action="store_true",
        help="leave out the section that names learners with similar answers, so that the page can be shown to others",
    )
    _add_gradebook(report)

    export = command(
        "export",
        _export,
        "write the gradebook's grades to a CSV file for an LMS",
        "autograder export --format canvas --notebook 04_linear",
    )
    export.add_argument("--format", required=True, choices=["canvas", "moodle"], help="the LMS that will import it")
    export.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="where to write it (default: reports/grades-FORMAT.csv)"
    )
    export.add_argument(
        "--notebook", action="append", metavar="NAME", help="only this notebook (may be repeated; default: all graded)"
    )
    _add_gradebook(export)

    serve = command(
        "serve",
        _serve,
        "open a web page on which learners hand in and read their feedback",
        "autograder serve\n  autograder serve --host 0.0.0.0 --url http://192.168.1.20:8040",
    )
    serve.add_argument("--port", type=_port, default=8040, help="the port to listen on (default: 8040)")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    _add_url(serve, "http://HOST:PORT")
    _add_gradebook(serve)
    serve.add_argument(
        "--workers", type=_at_least_one, metavar="N", help="run N notebooks at a time (default: one per core)"
    )
    serve.add_argument(
        "--attempts",
        type=_at_least_one,
        default=20,
        metavar="N",
        help="how often a learner may hand in a notebook within an hour (default: 20)",
    )
    serve.add_argument(
        "--best", action="store_true", help="the attempt with the most points counts (default: the last one)"
    )
    serve.add_argument(
        "--largest", type=_at_least_one, default=20, metavar="MB", help="the largest file, in MB (default: 20)"
    )
    serve.add_argument(
        "--queue", type=_at_least_one, default=1000, metavar="N", help="how many notebooks may wait (default: 1000)"
    )
    serve.add_argument(
        "--proxy",
        type=_address,
        metavar="ADDRESS",
        help="the IP address of a proxy in front, whose X-Forwarded-For is believed",
    )
    serve.add_argument(
        "--zone",
        type=_zone,
        metavar="ZONE",
        help="the time zone of dates, such as Asia/Seoul (default: this machine's)",
    )
    _add_execution(serve)

    invite = command(
        "invite",
        _invite,
        "make personal links to the page of `autograder serve`",
        "autograder invite class.csv --expires 2027-03-01 --to links.csv\n  autograder invite --revoke ada",
    )
    invite.add_argument(
        "roster",
        nargs="?",
        type=Path,
        metavar="ROSTER.csv",
        help="a table with a header: the gradebook's ids in the column `id` (else the first one)",
    )
    invite.add_argument("--expires", type=_day, metavar="DATE", help="the last day on which the links work")
    invite.add_argument(
        "--again", action="store_true", help="make new links for everybody; the earlier ones stop working"
    )
    invite.add_argument("--to", type=Path, metavar="FILE.csv", help="where to write the links (default: print them)")
    invite.add_argument("--revoke", metavar="ID", help="end this learner's link, and make none")
    _add_url(invite, "http://127.0.0.1:8040")
    _add_gradebook(invite)

    forget = command(
        "forget",
        _forget,
        "delete everything that is kept about a learner: files, marks, links",
        "autograder forget ada\n  autograder forget ada --yes",
    )
    forget.add_argument("student", metavar="ID", help="the learner")
    forget.add_argument("--yes", action="store_true", help="delete it (default: only list it)")
    _add_gradebook(forget)

    trial = command(
        "try", _try, "grade one notebook of your own, without a gradebook", "autograder try Downloads/04_linear.ipynb"
    )
    trial.add_argument("file", type=Path, metavar="FILE.ipynb", help="a notebook of this course, under any name")
    _add_execution(trial)

    demo = command("demo", _demo, "grade a demo class of 12 made from the variants", "autograder demo 04_linear")
    demo.add_argument("name", nargs="?", default="04_linear", metavar="NAME", help="the notebook (default: 04_linear)")
    demo.add_argument("--folder", type=Path, help="where to work (default: a new temporary folder)")

    command(
        "doctor",
        _doctor,
        "check whether this machine is ready for grading (exit code 0 if it can grade a class with walls, else 1)",
        "autograder doctor",
    )
    command("register", _register, "enter all notebooks in the gradebook, changed or not", "autograder register")

    lab = command(
        "lab",
        _lab,
        "copy the notebooks into work/ and open JupyterLab there, for learners",
        "autograder lab\n  autograder lab -- --ip=0.0.0.0 --port=8890",
    )
    teach = command(
        "teach", _teach, "open JupyterLab on the whole course, for teachers and authors", "autograder teach"
    )
    for sub in (lab, teach):
        sub.add_argument("jupyter", nargs="*", metavar="-- OPTION", help="options for `jupyter lab`, after two dashes")
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time zone; use one such as Europe/Vienna or UTC") from None


def _day(text: str) -> datetime:
    """The end of a day, on this machine's clock, in UTC without a zone."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it as 2027-03-01") from None
    return datetime.combine(day, time.max).astimezone(UTC).replace(tzinfo=None)


def _url(text: str) -> str:
    if not ADDRESS.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be the address; write one without a path, such as https://hand-in.example.org"
        )
    return text.rstrip("/")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; write a whole number from 1 to 65535")
    return int(text)


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IP address; write one such as 127.0.0.1") from None


def _add_url(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument(
        "--url", type=_url, metavar="URL", help=f"the address of the page, as learners type it (default: {default})"
    )


def _add_notebook(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="the notebook, such as 04_linear")


def _add_students(command: argparse.ArgumentParser) -> None:
    command.add_argument("--student", action="append", metavar="ID", help="only this learner (may be repeated)")


def _add_gradebook(command: argparse.ArgumentParser, what: str = "the gradebook") -> None:
    command.add_argument("--db", metavar="URL", help=f"{what} (default: as configured)")


def _add_execution(command: argparse.ArgumentParser) -> None:
    """The options that change how notebooks are run, whatever is configured."""
    command.add_argument("--gpu", action="store_true", help="let notebooks use the GPU")
    command.add_argument(
        "--no-isolation", action="store_true", help="run notebooks without walls; only for code you would run yourself"
    )


def _execution(options: argparse.Namespace) -> dict[str, bool]:
    """Those options as settings of ``ExecuteSubmission``."""
    return ({"gpu": True} if options.gpu else {}) | ({"isolation": False} if options.no_isolation else {})


def _course(writes: bool) -> Course:
    """The course to work on.

    Outside any course, this is the one that the command was installed from. It may be read, and a line says so; it is
    not written to, because nobody has named it.
    """
    course = find_course()
    if not course.contains(Path.cwd()):
        if writes:
            raise CourseError(f"{Path.cwd()} is not inside a course. Go to one first, for example `cd {course.root}`.")
        print(f"autograder: {Path.cwd()} is not inside a course; using {course.root}.", file=sys.stderr)
    return course


def _require_folder(file: Path | None) -> None:
    """Refuse a file that somebody named in a folder that does not exist: the folder's name may be mistyped."""
    if file is not None and not file.parent.is_dir():
        raise CourseError(f"There is no folder {file.parent}: make it, or name another file.")


@contextmanager
def _gradebook(config, must_exist: bool = False) -> Iterator[None]:
    """Check that the gradebook can be used before anything is done; report later errors with it in one line, too."""
    from autograder.grading.gradebook import check_gradebook, gradebook_errors, require_gradebook
    from autograder.grading.nbgrader_apps import course_directory

    url = course_directory(config).db_url
    if must_exist:
        require_gradebook(url)
    check_gradebook(url)
    with gradebook_errors(url):
        yield


def _build(options: argparse.Namespace) -> int:
    from autograder.build.builder import build_all, check

    course = _course(writes=not options.check)
    names = [course.require(name) for name in options.names] or course.names
    if options.check:
        stale = [message for name in names for message in check(course, name)]
        for message in stale:
            print(message, file=sys.stderr)
        if not stale:
            console.print(f"All notebooks checked ({len(names)}) match their sources.")
        return 1 if stale else 0
    with _progress() as progress:
        task = progress.add_task("building", total=len(names))

        def report(name: str, done: str) -> None:
            progress.console.print(f"{name}: {done}")
            progress.advance(task)

        build_all(course, names, options.again, report)
    return 0


def _new(options: argparse.Namespace) -> int:
    from autograder.build.skeleton import write_skeleton

    paths = write_skeleton(_course(writes=True), options.name)
    console.print(f"Written: {' and '.join(paths)}. Now run: autograder build {options.name}", highlight=False)
    return 0


def _check(options: argparse.Namespace) -> int:
    from autograder.build.checkup import check_notebook

    course = _course(writes=False)
    return check_notebook(course, course.require(options.name))


def _collect(options: argparse.Namespace) -> int:
    from autograder.collect.collect import collect
    from autograder.collect.roster import read_roster
    from autograder.collect.table import print_lines
    from autograder.grading.submissions import read_telltales

    course = _course(writes=True)
    name = course.require(options.name, plain=True)
    solutions = sorted((course.solutions / name).glob("*.ipynb")) if name in course.plain else [course.solution(name)]
    notebooks = {solution.stem: read_telltales(solution) for solution in solutions}
    roster = read_roster(options.roster) if options.roster else None
    sources = options.sources or [course.root / "downloaded" / name / "archive"]
    with console.status("reading the downloads …"):
        lines = collect(course.root, name, notebooks, sources, roster, options.zone)
    print_lines(console, name, lines)
    return 1 if not lines or any(line.lost for line in lines) else 0


def _grade(options: argparse.Namespace) -> int:
    from autograder.grading.assignment import grade_assignment
    from autograder.grading.beside import NOTE
    from autograder.grading.grade import exercises, grade_class
    from autograder.grading.nbgrader_apps import course_config
    from autograder.grading.table import print_table

    course = _course(writes=True)
    name = course.require(options.name, plain=True)
    config = course_config(course.root, database=options.db, execution=_execution(options))
    with _gradebook(config), _progress() as progress:
        report = _reporter(progress, f"grading {name}")
        if name in course.plain:
            asked, rows = grade_assignment(course, config, name, options.student, options.workers, report)
        else:
            rows = grade_class(course, config, name, options.student, options.again, options.workers, report)
            asked = exercises(course.solution(name))
    print_table(console, name, asked, rows)
    if name in course.plain:
        console.print(NOTE, highlight=False, soft_wrap=True)
    return 0 if all(row.graded for row in rows) else 1


def _feedback(options: argparse.Namespace) -> int:
    from autograder.feedback.pages import write_pages
    from autograder.grading.nbgrader_apps import course_config

    course = _course(writes=True)
    name, config = course.require(options.name, plain=True), course_config(course.root, database=options.db)
    with _gradebook(config), _progress() as progress:
        pages = write_pages(config, name, options.student, _reporter(progress, f"feedback on {name}"))
    page = "NOTEBOOK" if name in course.plain else name
    console.print(
        f"Pages ({len(pages)}): {pages[0].parents[2]}/STUDENT/{name}/{page}.html", highlight=False, soft_wrap=True
    )
    return 0


def _report(options: argparse.Namespace) -> int:
    from autograder.grading.nbgrader_apps import course_config
    from autograder.report.page import write_report
    from autograder.report.records import read_class

    course = _course(writes=True)
    name, config = course.require(options.name), course_config(course.root, database=options.db)
    if options.to is not None and options.to.suffix != ".html":
        raise CourseError(f"{options.to} does not end in .html: name a file such as {name}.html.")
    _require_folder(options.to)
    with _gradebook(config, must_exist=True), console.status("reading the records of the class …"):
        record = read_class(course, config, name)
        page, table = write_report(record, options.to or course.reports / name / f"{name}.html", options.anonymous)
    if record.unreadable:
        left_out = ", ".join(record.unreadable)
        print(f"autograder: left out because their records cannot be read: {left_out}.", file=sys.stderr)
    console.print(f"The report: {page}\nThe table: {table}", highlight=False, soft_wrap=True)
    return 0


def _export(options: argparse.Namespace) -> int:
    from autograder.grading.nbgrader_apps import course_config
    from autograder.report.canvas import CanvasExporter
    from autograder.report.export import export_grades
    from autograder.report.moodle import MoodleExporter

    course = _course(writes=True)
    names = [course.require(name, plain=True) for name in options.notebook or []]
    config = course_config(course.root, database=options.db)
    exporter = {"canvas": CanvasExporter, "moodle": MoodleExporter}[options.format]
    _require_folder(options.file)
    with _gradebook(config, must_exist=True):
        path, grades = export_grades(config, exporter, options.file or course.reports / exporter.default_to, names)
    console.print(
        f"Learners: {len(grades.learners)}; {', '.join(grades.assignments)}: {path}", highlight=False, soft_wrap=True
    )
    return 0


def _serve(options: argparse.Namespace) -> int:
    from autograder.grading.nbgrader_apps import course_config
    from autograder.serve.lock import only_one
    from autograder.serve.settings import Settings
    from autograder.serve.start import check_machine, listen, page_address, run_server, teacher_link

    course = _course(writes=True)
    config = course_config(course.root, database=options.db, execution=_execution(options))
    settings = Settings(
        host=options.host,
        port=options.port,
        url=options.url or page_address(options.host, options.port),
        workers=options.workers,
        attempts_an_hour=options.attempts,
        largest_upload=options.largest * 1_000_000,
        longest_queue=options.queue,
        which="best" if options.best else "last",
        proxy=options.proxy,
        zone=options.zone,
    )
    with only_one(course), _gradebook(config), listen(settings) as place:
        check_machine(config)
        for sentence in _register_notebooks(course, config):
            print(f"autograder: {sentence}", file=sys.stderr)
        console.print(f"Learners open the links from `autograder invite`: {settings.url}/in/…", highlight=False)
        console.print(f"Your own link: {teacher_link(config, settings)}", highlight=False, soft_wrap=True)
        console.print("Ctrl-C stops the server; nothing that was handed in is lost.")
        run_server(course, config, settings, place)
    return 0


def _invite(options: argparse.Namespace) -> int:
    from autograder.files import write_whole
    from autograder.grading.nbgrader_apps import course_config
    from autograder.report.spreadsheet import csv_bytes
    from autograder.serve.links import make_links, revoke_links

    course = _course(writes=True)
    config = course_config(course.root, database=options.db)
    if (options.roster is None) == (options.revoke is None):
        raise CourseError("Name a roster, such as `autograder invite class.csv`, or a learner with --revoke.")
    _require_folder(options.to)
    if options.to is not None and options.to.exists():
        raise CourseError(f"{options.to} exists: name another file, so that the links in it are not lost.")
    with _gradebook(config):
        if options.revoke is not None:
            revoke_links(config, options.revoke)
            console.print(f"The link of {_plain(options.revoke)} no longer works.", highlight=False, markup=False)
            return 0
        url = options.url or "http://127.0.0.1:8040"
        rows, had = make_links(config, options.roster, url, options.expires, options.again)
    if options.to is not None and len(rows) > 1:
        write_whole(options.to, csv_bytes(rows), mode=0o600)
        print(f"Links ({len(rows) - 1}): {options.to}", file=sys.stderr)
    elif len(rows) > 1:
        print(csv_bytes(rows).decode("utf-8-sig"), end="")
    if had:
        print(
            f"autograder: Learners who already have a link that works: {had}; --again makes new links for all.",
            file=sys.stderr,
        )
    return 0


def _forget(options: argparse.Namespace) -> int:
    from autograder.grading.nbgrader_apps import course_config
    from autograder.serve.forget import find_kept, forget

    course = _course(writes=True)
    config = course_config(course.root, database=options.db)
    with _gradebook(config, must_exist=True):
        kept = find_kept(course, config, options.student)
        if not kept:
            raise CourseError(f"Nothing is kept about {options.student}: see the ids in the gradebook.")
        for what in kept:
            console.print(what, highlight=False, markup=False, soft_wrap=True)
        if options.yes:
            forget(course, config, options.student)
    console.print("Deleted." if options.yes else "Nothing is deleted yet: add --yes to delete all of it.")
    return 0


def _try(options: argparse.Namespace) -> int:
    from autograder.execute import warm_up
    from autograder.stay import ask

    if options.file.is_file():
        code = None if options.gpu or options.no_isolation else ask(["try", str(options.file)])
        if code is not None:
            return code
        warm_up(not options.no_isolation, options.gpu)  # imports torch while nbgrader is imported here

    from autograder.grading.table import print_table
    from autograder.grading.trial import try_notebook

    course = _course(writes=False)
    with ExitStack() as stack:
        with console.status("running your notebook …"):
            trial = stack.enter_context(try_notebook(course, options.file, _execution(options)))
        print_table(console, trial.name, trial.exercises, [trial.row])
        with console.status("writing the feedback page …"):
            page = trial.write_page()
    console.print(f"The feedback page: {_plain(str(page))}", highlight=False, markup=False, soft_wrap=True)
    return 0


def _demo(options: argparse.Namespace) -> int:
    from autograder.grading.demo import run_demo
    from autograder.grading.grade import exercises
    from autograder.grading.nbgrader_apps import course_config
    from autograder.grading.table import print_table
    from autograder.report.page import write_report
    from autograder.report.records import read_class

    course = _course(writes=False)
    name = course.require(options.name)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="autograder-demo-"))
    with _progress() as progress:
        rows, pages = run_demo(course, name, folder, _reporter(progress, "grading a class of 12"))
    record = read_class(course, course_config(course.root, workdir=folder), name)
    report, _ = write_report(record, Course(folder).reports / name / f"{name}.html")
    print_table(console, name, exercises(course.solution(name)), rows)
    console.print(f"The feedback pages: {pages}/STUDENT/{name}/{name}.html", highlight=False, soft_wrap=True)
    console.print(f"The report on the class: {report}", highlight=False, soft_wrap=True)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from autograder.doctor import diagnose, print_findings, verdict

    course = _course(writes=False)
    with console.status("checking this machine …"):
        findings = diagnose(course)
    print_findings(console, findings)
    able, _ = verdict(findings)
    return 0 if able else 1


def _register(options: argparse.Namespace) -> int:
    refused = _note_notebooks(_course(writes=True), again=True)
    for sentence in refused:
        print(f"autograder: {sentence}", file=sys.stderr)
    return 1 if refused else 0


def _note_notebooks(course: Course, again: bool = False) -> list[str]:
    """Enter notebooks in the gradebook: those that are missing there or have changed, or, with ``again``, all of them.

    Returns:
        A sentence for each notebook that the gradebook cannot take; all others are in it.

    Raises:
        CourseError: the gradebook cannot be used.
    """
    from autograder.grading.nbgrader_apps import course_config

    config = course_config(course.root)
    with _gradebook(config):
        return _register_notebooks(course, config, again)


def _register_notebooks(course: Course, config, again: bool = False) -> list[str]:
    """The same in a gradebook that can be used."""
    from autograder.grading.grade import register
    from autograder.grading.nbgrader_apps import StepError
    from autograder.grading.registered import note_registered, unregistered

    refused = []
    names = course.names if again else unregistered(course, config)
    if not names:
        return []
    with _progress() as progress:
        task = progress.add_task("registering", total=len(names))
        for name in names:
            try:
                register(course, config, name)
                note_registered(course, config, name)
            except StepError as error:
                refused.append(f"{name}: {error}")
            progress.advance(task)
    return refused


def _try_to_note_notebooks(course: Course) -> None:
    """The same before JupyterLab opens; it opens even if the gradebook cannot be used."""
    try:
        refused = _note_notebooks(course)
    except CourseError as error:
        refused = [str(error)]
    for sentence in refused:
        print(f"autograder: {sentence}", file=sys.stderr)


def _lab(options: argparse.Namespace) -> int:
    from autograder.lab.jupyter import start_lab
    from autograder.lab.learner import prepare

    course = _course(writes=True)
    _try_to_note_notebooks(course)
    place = prepare(course)
    for sentence in place.said:
        console.print(sentence, highlight=False, soft_wrap=True)
    start_lab(course, place.folder, place.workspaces, options.jupyter)


def _teach(options: argparse.Namespace) -> int:
    from autograder.lab.jupyter import start_lab

    course = _course(writes=True)
    _try_to_note_notebooks(course)
    start_lab(course, course.root, None, options.jupyter)


def _reporter(progress: Progress, description: str):
    """A callback ``(done, total)`` that moves a progress bar."""
    task = progress.add_task(description, total=None)
    return lambda done, total: progress.update(task, completed=done, total=total)


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True)
