"""What this machine can do: each thing that grading needs, whether it is there, and what to do if it is not.

Every finding comes from a function that is given what it looks at, so that tests can simulate a poorer machine.
"""

import ctypes
import errno
import importlib
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

from nbformat.v4 import new_code_cell, new_notebook
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.course import Course
from autograder.errors import CourseError
from autograder.execute.grader.report import Report

OLDEST, NEWEST = (3, 11), (3, 13)
PROCESSORS = ("x86_64", "aarch64")
NOBODY = 65534
PATIENCE = 20
DISK_WANTED = 1_000_000_000
#: Options as the engine uses them; ``true`` is all that runs inside.
BUBBLE = ["--unshare-user", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--ro-bind", "/", "/", "true"]
#: Mounting needs a capability inside the namespace: Ubuntu's AppArmor lets anybody unshare, but grants no capabilities.
UNSHARE = ["--user", "--map-root-user", "--mount", "--pid", "--net", "--fork", "true"]
#: Files under ``/proc/sys``, with the value that denies namespaces to ordinary users, and one that allows them.
SWITCHES = [
    ("kernel/unprivileged_userns_clone", "0", "1"),
    ("user/max_user_namespaces", "0", "15000"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
]
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
SYSTEM_DEPS = "`make system-deps` as root (Debian, Ubuntu)"


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Attributes:
        what: the thing looked for.
        ok: ``True`` if it is there, ``False`` if it is missing and grading with walls needs it, ``None`` if it is
            missing and grading works without it.
        found: what is there.
        todo: what to install or do; empty if nothing.
    """

    what: str
    ok: bool | None
    found: str
    todo: str = ""


def diagnose(course: Course) -> list[Finding]:
    """Examine this machine as the current user; if nothing is missing, run a cell behind the walls."""
    linux = sys.platform == "linux"
    temporary = Path(tempfile.gettempdir())
    findings = [
        python(sys.version_info[:3]),
        operating_system(platform.system(), platform.machine(), _distribution()),
        namespaces(shutil.which("unshare"), Path("/proc/sys"), ordinary_user()),
        bubblewrap(shutil.which("bwrap")),
        seccomp(_refusal_of_a_filter() if linux else errno.ENOSYS),
        memory_limits(linux, _read(Path("/proc/self/cgroup")), _read(Path("/proc/self/mountinfo"))),
        pytorch(lambda: importlib.import_module("torch")),
        nbgrader(lambda: version("nbgrader")),
        exchange(_exchange_folder(course)),
        disk(temporary, shutil.disk_usage(temporary).free),
        cores(len(os.sched_getaffinity(0)) if linux else os.cpu_count() or 1),
        chromium(shutil.which("chromium")),
    ]
    return findings + ([walls(lambda: _run_cells(course.root))] if verdict(findings)[0] else [])


def verdict(findings: list[Finding]) -> tuple[bool, str]:
    """Whether a class can be graded with walls, and a sentence that says so or says what to do first."""
    missing = [finding for finding in findings if finding.ok is False]
    if missing:
        return False, f"A class cannot be graded with walls here; first, {missing[0].todo}."
    return True, "A class can be graded with walls here."


def print_findings(console: Console, findings: list[Finding]) -> None:
    """Print the table, with the verdict as the last line."""
    table = Table(header_style="bold")
    table.add_column("")
    table.add_column("what", no_wrap=True)
    table.add_column("found", overflow="fold")
    table.add_column("to do", overflow="fold")
    marks = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]–[/]"}
    for finding in findings:
        table.add_row(marks[finding.ok], finding.what, escape(finding.found), escape(finding.todo))
    console.print(table)
    console.print("✓ found   ✗ missing, and walls need it   – missing, but grading works without it", style="dim")
    able, sentence = verdict(findings)
    console.print(sentence, style="green" if able else "red", highlight=False, markup=False, soft_wrap=True)


def python(number: tuple[int, int, int]) -> Finding:
    """The Python that runs this command."""
    oldest, newest = _dotted(OLDEST), _dotted(NEWEST)
    todo = f"install a Python from {oldest} to {newest} and name it: `make lab PYTHON=python{newest}`"
    return _finding("Python", OLDEST <= number[:2] <= NEWEST, _dotted(number), todo)


def operating_system(system: str, machine: str, distribution: str) -> Finding:
    """The walls need parts that only Linux has, and system call numbers, which differ between processors."""
    ok = system == "Linux" and machine in PROCESSORS
    todo = f"grade on Linux on {' or '.join(PROCESSORS)}; a virtual machine or WSL 2 will do"
    return _finding("operating system", ok, ", ".join(filter(None, [system, machine, distribution])), todo)


def namespaces(program: str | None, switches: Path, user: dict) -> Finding:
    """Whether an ordinary user may create namespaces, so that nobody has to be root to put up walls.

    Args:
        program: ``unshare`` from util-linux, to try it with; ``None`` if it is not there.
        switches: ``/proc/sys``.
        user: the user to try it as, for ``subprocess.run``; empty for the current user.
    """
    if program is None:
        return Finding("namespaces", None, "not tried: no unshare on the path", "install util-linux and try again")
    why_not = trouble([program, *UNSHARE], **user)
    if not why_not:
        return Finding("namespaces", True, "an ordinary user may create them")
    off = [(name.replace("/", "."), bad, good) for name, bad, good in SWITCHES if _read(switches / name).strip() == bad]
    if not off:
        todo = "allow user namespaces (in Docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined)"
        return Finding("namespaces", False, f"refused: {why_not}", todo)
    found = "forbidden: " + ", ".join(f"{name} is {bad}" for name, bad, _ in off)
    settings = " ".join(f"{name}={good}" for name, _, good in off)
    return Finding("namespaces", False, found, f"run `sysctl -w {settings}` as root (permanent in /etc/sysctl.d/)")


def bubblewrap(program: str | None) -> Finding:
    """The program that puts up the walls; this runs it.

    Args:
        program: where it is; ``None`` if it is not on the path.
    """
    if program is None:
        return Finding("bubblewrap", False, "no bwrap on the path", f"install bubblewrap: {SYSTEM_DEPS}")
    why_not = trouble([program, *BUBBLE])
    if why_not:
        return Finding(
            "bubblewrap", False, f"{program} fails: {why_not}", f"make sure that `{program} {' '.join(BUBBLE)}` runs"
        )
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return Finding("bubblewrap", True, f"{done.stdout.strip().removeprefix('bubblewrap ')}, runs ({program})")


def seccomp(error: int) -> Finding:
    """Whether the kernel filters system calls.

    Args:
        error: its ``errno`` when offered a filter at address 0: EFAULT from a kernel that tried to read it.
    """
    able = error == errno.EFAULT
    found = "filters system calls" if able else f"no filters: {os.strerror(error)}"
    return _finding("seccomp", able, found, "use a kernel with CONFIG_SECCOMP_FILTER")


def memory_limits(linux: bool, cgroups: str, mounts: str) -> Finding:
    """How memory can be limited: per process on any Linux, for several processes together in a writable cgroup.

    Args:
        linux: elsewhere RLIMIT_AS does nothing.
        cgroups: ``/proc/self/cgroup``.
        mounts: ``/proc/self/mountinfo``.
    """
    if not linux:
        return Finding("memory limits", False, "none that are enforced", "grade on Linux")
    found = memory_cgroup(cgroups, mounts)
    kinds = f"memory cgroup {found[0]} is writable" if found else "no writable memory cgroup"
    return Finding("memory limits", True, f"per process (RLIMIT_AS); {kinds}")


def memory_cgroup(cgroups: str, mounts: str) -> tuple[str, Path] | None:
    """The kind (``"v1"``, ``"v2"``) and folder of this process's memory cgroup, if cgroups may be created in it."""
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        kind = "v2" if not controllers else "v1"
        if controllers and "memory" not in controllers.split(","):
            continue
        for folder in mounted(mounts, kind, path):
            offered = kind == "v1" or "memory" in _read(folder / "cgroup.controllers").split()
            if offered and os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK):
                return kind, folder
    return None


def mounted(mounts: str, kind: str, path: str) -> list[Path]:
    """The folders in which the cgroup ``path`` is visible."""
    found = []
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        root, point = before.split()[3:5]
        filesystem, _, options = after.split()[:3]
        mine = filesystem == "cgroup2" if kind == "v2" else filesystem == "cgroup" and "memory" in options.split(",")
        if mine and path.startswith(root):
            found.append(Path(point) / path.removeprefix(root).lstrip("/"))
    return found


def pytorch(load: Callable[[], ModuleType]) -> Finding:
    """torch, the devices it sees and the threads it uses.

    Args:
        load: imports torch.
    """
    try:
        torch = load()
    except ImportError as error:
        return Finding("torch", False, f"cannot be imported: {error}", "install the course: `make lab`")
    devices = ["CPU"] + [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    devices += ["MPS"] if torch.backends.mps.is_available() else []
    return Finding(
        "torch", True, f"{torch.__version__}; {', '.join(devices)}; {_count(torch.get_num_threads(), 'thread')}"
    )


def nbgrader(find_version: Callable[[], str]) -> Finding:
    """nbgrader, which owns the gradebook.

    Args:
        find_version: raises ``PackageNotFoundError`` if it is not installed.
    """
    try:
        return Finding("nbgrader", True, find_version())
    except PackageNotFoundError:
        return Finding("nbgrader", False, "not installed", "install the course: `make lab`")


def exchange(folder: Path | None) -> Finding:
    """The folder through which notebooks are released and handed in; grading itself does not need it.

    Args:
        folder: as configured; ``None`` if the configuration cannot be read.
    """
    if folder is None:
        return Finding("exchange", None, "nbgrader_config.py could not be read", "fix nbgrader_config.py")
    if not folder.is_dir():
        return Finding("exchange", None, f"{folder} does not exist", f"`mkdir -m 777 {folder}`")
    mode = stat.S_IMODE(folder.stat().st_mode)
    found = f"{folder}, mode {mode:o}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding("exchange", None, f"{found}, not writable", f"`chmod 777 {folder}`, as its owner")
    if mode & 0o007 != 0o007:
        return Finding("exchange", None, f"{found}: not open to everyone", f"`chmod 777 {folder}`")
    return Finding("exchange", True, found)


def disk(folder: Path, free: int) -> Finding:
    """Free bytes where submissions are graded."""
    todo = f"free some space, or set TMPDIR to another folder: {DISK_WANTED / 1e9:g} GB are needed"
    return _finding("temporary folder", free >= DISK_WANTED, f"{folder}, {free / 1e9:.1f} GB free", todo)


def cores(number: int) -> Finding:
    """How many submissions can be graded at a time."""
    return Finding("cores", True, str(number))


def chromium(program: str | None) -> Finding:
    """The browser for the browser tests."""
    if program is None:
        return Finding("chromium", None, "not on the path", f"for the browser tests: {SYSTEM_DEPS}")
    return Finding("chromium", True, program)


def walls(run: Callable[[], Report]) -> Finding:
    """The engine itself, with everything that it puts around a learner's code.

    Args:
        run: runs a notebook of two cells; the second fails if it sees the course.
    """
    todo = "let programs in bubblewrap create namespaces of their own: AppArmor's profile for bwrap may forbid it"
    began = time.monotonic()
    try:
        report = run()
    except (CourseError, OSError) as error:
        return Finding("walls", False, str(error), todo)
    if report.cells[0].status != "ok":
        return Finding("walls", False, "; ".join(report.problems) or "a cell failed behind them", todo)
    if report.cells[-1].status != "ok":
        todo = "move the course to a folder that holds neither programs nor Python, such as one in /srv or /home"
        return Finding("walls", False, "learners' code can read the course", todo)
    return Finding("walls", True, f"a cell ran behind them, {time.monotonic() - began:.0f} s from a cold start")


def _run_cells(course: Path) -> Report:
    from autograder.execute import Limits, execute

    look = f"import os\nassert not os.path.exists({str(course / 'nbgrader_config.py')!r})"
    cells = [new_code_cell(code) for code in ("import torch; torch.ones(2).sum()", look)]
    return execute(new_notebook(cells=cells), Limits())


def trouble(command: list[str], **who) -> str:
    """Run ``command``. Returns the last line of its error output if it failed, else an empty string.

    Args:
        command: the program and its arguments.
        who: ``user`` and the like, for ``subprocess.run``.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, **who)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    words = done.stderr.strip().splitlines()
    return "" if done.returncode == 0 else words[-1] if words else f"exit code {done.returncode}"


def ordinary_user() -> dict:
    """For ``subprocess.run``: a user other than root, because root may do what others may not."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if root else {}


def _refusal_of_a_filter() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, None, 0, 0)
    return ctypes.get_errno()


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return platform.release()


def _exchange_folder(course: Course) -> Path | None:
    """Where the course's configuration puts the exchange."""
    try:
        from autograder.grading.nbgrader_apps import course_config

        return Path(course_config(course.root).Exchange.root)
    except Exception:  # a configuration is a program: it may raise anything
        return None


def _finding(what: str, ok: bool, found: str, todo: str) -> Finding:
    return Finding(what, ok, found, "" if ok else todo)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(map(str, number))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
