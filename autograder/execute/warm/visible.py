"""What learners' code sees of the file system: programs, this Python, this package, and never a course.

A course may be anywhere, even among programs: in a container it may be ``/usr/src/app``.
"""

import sys
import sysconfig
from pathlib import Path

import autograder

#: Parts of the system: programs and what they load, fonts, time zones. All of ``share`` might include an exchange.
SYSTEM = (
    *(f"/usr/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libexec", "include")),
    *(f"/usr/share/{name}" for name in ("fonts", "fontconfig", "zoneinfo", "locale", "terminfo", "mime")),
    *(f"/usr/local/{name}" for name in ("bin", "lib", "lib64", "nvidia", "share/fonts")),
    *("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/alternatives"),
)
#: Parts of the folders that Python is installed in.
PYTHON = ("bin", "lib", "lib64", "include", "etc", "ssl", "pyvenv.cfg")
#: What marks the folder of a course.
COURSE = "nbgrader_config.py"


def courses() -> list[Path]:
    """The courses that contain the working directory or this package."""
    starts = [Path.cwd(), Path(autograder.__file__).resolve()]
    found = {folder for start in starts for folder in [start, *start.parents] if (folder / COURSE).is_file()}
    return sorted(found)


def known_as(course: Path) -> list[Path]:
    """The paths of a course behind the walls: its own, and those that a shown folder gives it that is a link."""
    real = {path: path.resolve() for path in _candidates()}
    inside = [path / course.relative_to(where) for path, where in real.items() if course.is_relative_to(where)]
    return sorted({course, *inside})


def visible(hidden: list[Path]) -> list[Path]:
    """The files and folders that are shown; one inside another is listed only if one of ``hidden`` is in between."""
    shown: list[Path] = []
    for path in _candidates():
        around = max((one for one in shown if path.is_relative_to(one)), default=None, key=_depth)
        if path.exists() and (around is None or _between(around, path, hidden)):
            shown.append(path)
    return shown


def _candidates() -> list[Path]:
    prefixes = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_exec_prefix)}
    paths = [Path(path) for path in SYSTEM] + [prefix / name for prefix in sorted(prefixes) for name in PYTHON]
    paths += [Path(sysconfig.get_path("stdlib")), Path(sys.executable).resolve().parent]
    return sorted([*paths, Path(autograder.__file__).parent])


def mounts() -> list[str]:
    """bubblewrap's options that show all this and nothing else, ordered so that deeper places win."""
    hidden = [path for course in courses() for path in known_as(course)]
    shown = visible(hidden)
    covers = [one for one in hidden if any(one.is_relative_to(path) for path in shown)]
    options = []
    for parent in sorted({parent for path in shown for parent in path.parents[:-1]}):
        if not any(parent.is_relative_to(cover) for cover in covers):
            options += _folder(parent)  # root's bubblewrap would make them for root alone
    for place in sorted({*shown, *covers}, key=_depth):
        if place in covers and place not in shown:
            options += ["--perms", "0755", "--tmpfs", str(place)]
            inside = {parent for path in shown for parent in path.parents if parent.is_relative_to(place)}
            for parent in sorted(inside - {place}):
                options += _folder(parent)
        else:
            options += ["--ro-bind", str(place), str(place)]
    for cover in covers:
        options += ["--remount-ro", str(cover)]
    return options


def _folder(path: Path) -> list[str]:
    return ["--perms", "0755", "--dir", str(path)]


def _between(around: Path, path: Path, hidden: list[Path]) -> bool:
    return any(one.is_relative_to(around) and path.is_relative_to(one) for one in hidden)


def _depth(path: Path) -> int:
    return len(path.parts)
