"""The files beside a notebook, which its code may read: what the learner handed in with it and what the teacher gives.

Links are never followed: they may lead anywhere.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files

from autograder.errors import CourseError

#: Of the files handed in beside a notebook: the size of one that is kept, and how many, and how many bytes, code finds.
LARGEST_FILE, MOST_FILES, MOST_BYTES = 10_000_000, 2_000, 20_000_000


def files_beside(
    directory: CourseDirectory,
    assignment: str,
    submitted: Path,
    room: int,
    teachers: bool,
    learners_own: Collection[str] = (),
) -> dict[str, bytes]:
    """What is in a notebook's folder when it runs, notebooks left out, by path; the teacher's files take precedence.

    Args:
        directory: the course, for nbgrader.
        assignment: nbgrader's name for the assignment.
        submitted: the learner's folder.
        room: how many bytes there may be. Of the learner's files, those that do not fit into half of it, or are too
            many, are left out.
        teachers: whether the files in the assignment's source are among them, as nbgrader has it.
        learners_own: files of the source that are left out, so that the learner's version counts.

    Raises:
        CourseError: the teacher's files are larger than that.
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
    left = min(room // 2, MOST_BYTES)
    for name, path in list(_files(submitted, directory.ignore))[:MOST_FILES]:
        size = path.stat().st_size
        if name not in files and size <= min(left, LARGEST_FILE):
            files[name] = path.read_bytes()
            left -= size
    return files


def _files(folder: Path, ignored: list[str]) -> Iterator[tuple[str, Path]]:
    """The plain files in a folder, by their path in it, in order; none in or behind a link."""
    for name in sorted(find_all_files(str(folder), [*ignored, "*.ipynb"])):
        path = Path(name)
        inside = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and str(inside).isprintable():
            yield inside.as_posix(), path
