"""The files beside a notebook, which its code may read: the learner's, handed in with it, and the teacher's.

Links are never followed: they may lead anywhere.
"""

import os
import shutil
from collections import deque
from collections.abc import Collection, Iterator
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from autograder.errors import CourseError

#: How many of the files handed in beside a notebook are kept, and their largest size, each and in total.
MOST_FILES, LARGEST_FILE, LARGEST_FILES = 500, 10_000_000, 20_000_000
#: How many files and folders are looked at to find them.
MOST_LOOKED_AT = 10_000


def copy_files(source: Path, target: Path) -> None:
    """Copy the files that are kept beside a submission's notebook."""
    for path in kept_files(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def kept_files(folder: Path) -> Iterator[Path]:
    """The files that are kept beside a submission's notebook: the first plain files that are not too large."""
    left, room = MOST_FILES, LARGEST_FILES
    for path in _plain_files(folder, ["*.ipynb"]):
        size = path.stat().st_size
        if size <= min(LARGEST_FILE, room) and left:
            yield path
            left, room = left - 1, room - size


def files_beside(
    directory: CourseDirectory,
    assignment: str,
    submitted: Path,
    room: int,
    teachers: bool,
    learners_own: Collection[str] = (),
) -> dict[str, bytes]:
    """The files in a notebook's folder when it runs, by path, without notebooks; the teacher's take precedence.

    Args:
        directory: the course, for nbgrader.
        assignment: nbgrader's name for the assignment.
        submitted: the learner's folder.
        room: how many bytes there may be. The learner's files may take up half of it; those that do not fit, or are too
            many, are left out.
        teachers: whether to include the files in the assignment's source, as nbgrader does.
        learners_own: files of the source to leave out, so that the learner's version is used.

    Raises:
        CourseError: the teacher's files do not fit.
    """
    source = Path(directory.format_path(directory.source_directory, ".", assignment))
    theirs = _files(source, directory.ignore) if teachers else []
    found = {name: path for name, path in theirs if name not in learners_own}
    needed = sum(path.stat().st_size for path in found.values())
    if needed > room:
        raise CourseError(
            f"the files in {source} need {needed / 1e6:.0f} MB, more than the {room / 1e6:.0f} MB that learners' code "
            "may write: raise c.ExecuteSubmission.disk_bytes in nbgrader_config.py"
        )
    files = {name: path.read_bytes() for name, path in found.items()}
    left = min(room // 2, LARGEST_FILES)
    for name, path in list(_files(submitted, directory.ignore))[:MOST_FILES]:
        size = path.stat().st_size
        if name not in files and size <= min(left, LARGEST_FILE):
            files[name] = path.read_bytes()
            left -= size
    return files


def _files(folder: Path, ignored: list[str]) -> Iterator[tuple[str, Path]]:
    """The plain files in a folder, each with its path in it; those whose path cannot be printed are left out."""
    for path in _plain_files(folder, [*ignored, "*.ipynb"]):
        inside = path.relative_to(folder).as_posix()
        if inside.isprintable():
            yield inside, path


def _plain_files(folder: Path, ignored: list[str]) -> Iterator[Path]:
    """The plain files in a folder by name, then those in its subfolders; if there are very many, only some of them."""
    folders, left = deque([folder] if folder.is_dir() else []), MOST_LOOKED_AT
    while folders and left > 0:
        with os.scandir(folders.popleft()) as entries:
            some = sorted(islice(entries, left), key=lambda entry: entry.name)
        left -= len(some)
        wanted = [entry for entry in some if not any(fnmatch(entry.name, pattern) for pattern in ignored)]
        yield from (Path(entry.path) for entry in wanted if entry.is_file(follow_symlinks=False))
        folders += [Path(entry.path) for entry in wanted if entry.is_dir(follow_symlinks=False)]
