"""Where a course is and how it is configured."""

import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError

#: A page's address, without a path, that can stand in a notebook's text as it is.
ADDRESS = re.compile(r"""https?://[^\s/?#@<>()"'`]+/?""")


@dataclass(frozen=True)
class Course:
    """The folder of a course; nbgrader's folders are in it, under nbgrader's names."""

    root: Path

    @property
    def solutions(self) -> Path:
        return self.root / "solutions"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def work(self) -> Path:
        """The learner's folder."""
        return self.root / "work"

    @property
    def reports(self) -> Path:
        """The folder for reports on a class, which teachers read."""
        return self.root / "reports"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def glossary(self) -> Path:
        """The source of the glossary."""
        return self.solutions / "GLOSSARY.md"

    @property
    def names(self) -> list[str]:
        """The notebooks of the course, in order."""
        return sorted(path.stem for path in self.solutions.glob("*/*.py") if path.stem == path.parent.name)

    @property
    def plain(self) -> list[str]:
        """The assignments in nbgrader's own format: folders of notebooks for which we have no source."""
        return sorted({path.parent.name for path in self.solutions.glob("*/*.ipynb")} - set(self.names))

    def source(self, name: str) -> Path:
        """The source file of a notebook."""
        return self.solutions / name / f"{name}.py"

    def variants(self, name: str) -> Path:
        """Right and wrong answers to a notebook's exercises."""
        return self.solutions / name / "variants.py"

    def solution(self, name: str) -> Path:
        """The executed solution of a notebook."""
        return self.solutions / name / f"{name}.ipynb"

    def release(self, name: str) -> Path:
        """What learners get of a notebook."""
        return self.notebooks / name / f"{name}.ipynb"

    def require(self, name: str, plain: bool = False) -> str:
        """``name``, if the course has such a notebook, or with ``plain`` such an assignment in nbgrader's own format.

        Raises:
            CourseError: it does not; the message names the one that was probably meant, or lists those that exist.
        """
        names = [*self.names, *self.plain] if plain else self.names
        if name in names:
            return name
        meant = likely_name(name, names)
        if meant is not None:
            raise CourseError(f"There is no notebook {name!r} in {self.solutions}. Did you mean {meant}?")
        raise CourseError(f"There is no notebook {name!r} in {self.solutions}; there are {', '.join(names)}.")

    def contains(self, folder: Path) -> bool:
        """Whether ``folder`` is the course's folder or inside it."""
        return folder.resolve().is_relative_to(self.root)

    def repository(self) -> tuple[str, str]:
        """The repository's address (empty if unknown) and branch, from ``pyproject.toml``."""
        settings = self._settings()
        return settings.get("repository", ""), settings.get("branch", "main")

    def serve_address(self) -> str:
        """Where learners hand in, without a slash at the end, from ``pyproject.toml``; empty if none is configured.

        Raises:
            CourseError: it cannot be the address.
        """
        value = self._settings().get("serve", "")
        if value != "" and (not isinstance(value, str) or not ADDRESS.fullmatch(value)):
            raise CourseError(
                f"{self._pyproject}: serve = {value!r} cannot be the address; "
                "write one without a path, such as https://hand-in.example.org"
            )
        return value.rstrip("/")

    @property
    def _pyproject(self) -> Path:
        return self.root / "pyproject.toml"

    def _settings(self) -> dict:
        """The table ``[tool.autograder]``."""
        table = tomllib.loads(self._pyproject.read_text(encoding="utf-8")) if self._pyproject.exists() else {}
        return table.get("tool", {}).get("autograder", {})


def likely_name(text: str, names: list[str]) -> str | None:
    """The notebook meant by a file, a path, a part of its name or a near miss; None if unclear."""
    parts = [part.removesuffix(".ipynb").removesuffix(".py") for part in reversed(Path(text).parts)]
    whole = next((part for part in parts if part in names), None)
    if whole is not None:
        return whole
    typed = parts[0].lower() if parts else ""
    close = difflib.get_close_matches(typed, names, n=1)
    if close:
        return close[0]
    containing = [name for name in names if typed and typed in name]
    return containing[0] if len(containing) == 1 else None


def installed_course() -> Course:
    """The course that this package came from."""
    return Course(Path(__file__).resolve().parents[1])


def find_course(start: Path | None = None) -> Course:
    """The course that contains ``start`` (default: the working directory), else the one this package came from.

    Raises:
        CourseError: neither is a course.
    """
    here = (start or Path.cwd()).resolve()
    for folder in [here, *here.parents, installed_course().root]:
        if (folder / "nbgrader_config.py").is_file() and (folder / "solutions").is_dir():
            return Course(folder)
    raise CourseError(f"{here} is not inside a course: go to the folder with nbgrader_config.py and solutions/.")
