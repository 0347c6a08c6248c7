"""The files in a download: a zip file, a folder, or a notebook; zip files inside are looked into as well.

Nothing is extracted under a name from outside: a file's path is only read, to find out whose it is.
"""

import contextlib
import io
import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from autograder.errors import CourseError
from autograder.grading.submissions import LARGEST, printable

#: What the contents of one download may have together, in bytes, and how many zip files may be inside each other.
LARGEST_DOWNLOAD, DEEPEST = 4_000_000_000, 3
#: What systems and computers put beside the learners' files.
OWN_FILES = {"index.html", ".ds_store", "thumbs.db", "desktop.ini", "timestamp.txt"}
OWN_FOLDERS = {"__MACOSX", ".ipynb_checkpoints"}


@dataclass
class Budget:
    """How many more bytes may be read of one download."""

    left: int

    def spend(self, size: int) -> bool:
        """Whether ``size`` bytes were left; they are spent."""
        self.left -= size
        return self.left >= 0


@dataclass(frozen=True)
class Item:
    """A file in a download.

    Attributes:
        path: where it is in the download, as the download says.
        data: what is in it; None if it is no notebook or cannot be read.
        modified: when it was last changed, by the clock of the machine that wrote it.
        problem: why it cannot be collected, if so.
    """

    path: PurePosixPath
    data: bytes | None
    modified: datetime
    problem: str | None = None


def read_download(source: Path) -> Iterator[Item]:
    """All files of a download but the system's own.

    Raises:
        CourseError: there is no such file or folder, or it is neither a folder nor a zip file nor a notebook.
    """
    if source.is_dir():
        items = _in_folder(source)
    elif not source.exists():
        raise CourseError(f"{source} does not exist: name the zip file or the folder that you have downloaded.")
    elif source.suffix.lower() == ".ipynb":
        items = iter([_plain_file(source, PurePosixPath(source.name))])
    else:
        items = _in_zip(source, PurePosixPath(), 1, Budget(LARGEST_DOWNLOAD))
    return (item for item in items if not _is_own(item.path))


def _is_own(path: PurePosixPath) -> bool:
    """Whether a file is the system's or the computer's: Blackboard describes each attempt in a text of its own."""
    described = "_attempt_" in path.name and path.suffix.lower() == ".txt"
    return path.name.lower() in OWN_FILES or bool(OWN_FOLDERS & {*path.parts}) or described


def _in_folder(folder: Path) -> Iterator[Item]:
    """Links are not followed, neither to files nor to folders."""
    budget = Budget(LARGEST_DOWNLOAD)
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            file = Path(place, name)
            path = PurePosixPath(*(printable(part) for part in file.relative_to(folder).parts))
            if file.suffix.lower() == ".zip" and not file.is_symlink():
                yield from _in_zip(file, path, 1, budget)
            else:
                yield _plain_file(file, path)


def _plain_file(file: Path, path: PurePosixPath) -> Item:
    try:
        status = file.lstat()
        modified = datetime.fromtimestamp(status.st_mtime)
        problem = _problem(path, status.st_mode, status.st_size)
        return Item(path, None if problem else file.read_bytes(), modified, problem)
    except OSError as error:
        return Item(path, None, datetime.min, f"it cannot be read: {error.strerror}")


def _in_zip(file: Path | io.BytesIO, at: PurePosixPath, depth: int, budget: Budget) -> Iterator[Item]:
    """The files in a zip file, which is at ``at`` in the download."""
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile, ValueError):
        if at.parts:
            yield Item(at, None, datetime.min, "it is not a zip file, or it is damaged")
            return
        raise CourseError(f"{file} is neither a folder nor a notebook nor a zip file that can be read.") from None
    with archive:
        for entry in archive.infolist():
            path = at / _path(entry)
            if entry.is_dir() or not path.name:
                continue
            inside = path.suffix.lower() == ".zip"
            problem = None if inside and depth < DEEPEST else _problem(path, entry.external_attr >> 16, entry.file_size)
            if problem is None and entry.file_size > LARGEST:
                problem = f"it is larger than {LARGEST / 1e6:.0f} MB"
            if problem is None and not budget.spend(entry.file_size):
                problem = f"the download holds more than {LARGEST_DOWNLOAD / 1e9:.0f} GB"
            data = None
            if problem is None:
                try:
                    data = _read(archive, entry)
                except (OSError, RuntimeError, zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
                    problem = "it is encrypted" if "encrypted" in str(error) else "it is damaged"
            if data is not None and inside:
                yield from _in_zip(io.BytesIO(data), path, depth + 1, budget)
            else:
                yield Item(path, data, _changed(entry), problem)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """What is in a file, as long as it is no longer than it says it is."""
    with archive.open(entry) as stream:
        data = stream.read(entry.file_size + 1)
    if len(data) > entry.file_size:
        raise ValueError("longer than it says")
    return data


def _problem(path: PurePosixPath, mode: int, size: int) -> str | None:
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "it is a link" if stat.S_ISLNK(mode) else "it is not a plain file"
    if ".ipynb" not in path.name.lower():
        return "it is not a notebook"
    return f"it is larger than {LARGEST / 1e6:.0f} MB" if size > LARGEST else None


def _path(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The path that a zip file gives for a file, without what leads out of a folder."""
    name = entry.filename
    if not entry.flag_bits & 0x800:  # written without saying that it is UTF-8, which it mostly is
        with contextlib.suppress(UnicodeEncodeError, UnicodeDecodeError):
            name = name.encode("cp437").decode()
    parts = [printable(part) for part in name.replace("\\", "/").split("/")]
    return PurePosixPath(*(part for part in parts if part not in ("", ".", "..")))


def _changed(entry: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*entry.date_time)
    except ValueError:
        return datetime.min
