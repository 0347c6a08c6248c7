"""What a submission's marks rest on, kept with its report: if any of it changes, the submission is graded again."""

import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from traitlets.config import Config

from autograder.execute import Limits
from autograder.files import write_whole
from autograder.grading.folder import kept_files
from autograder.grading.preprocessors import ExecuteSubmission
from autograder.grading.record import Standing
from autograder.grading.restore import KnownCell
from autograder.grading.submissions import Submission
from autograder.grading.timestamps import read_timestamp

#: The key of the basis in the report's file.
KEY = "basis"


@dataclass(frozen=True)
class Basis:
    """Hashes of what marks rest on. The time at which a file was saved does not matter.

    Attributes:
        submission: the file that counts, what is beside it, and when it was handed in.
        checks: the source's cells, as the gradebook has them.
        limits: what a run may use, and whether it has walls and a GPU.
        lateness: the due date with the learner's extension, and how late work is penalised.
    """

    submission: str
    checks: str
    limits: str
    lateness: str


#: Why a submission is graded again, by the attribute that has changed.
REASONS = {
    "submission": "handed in again",
    "checks": "the notebook's source has changed",
    "limits": "the limits have changed",
    "lateness": "the due date or the penalty has changed",
}


def find_basis(
    submission: Submission,
    known: Mapping[str, KnownCell],
    step: ExecuteSubmission,
    config: Config,
    standing: Standing,
) -> Basis:
    """What a submission's marks would rest on if it were graded now.

    Args:
        submission: one without a problem.
        known: the source's cells, from ``read_known``.
        step: runs notebooks, as configured.
        config: the course's nbgrader configuration.
        standing: what the gradebook has about the learner.

    Raises:
        CourseError: the time when it was handed in cannot be read.
        OSError: its file cannot be read.
    """
    handed_in = read_timestamp(submission.folder)
    limits = {name: getattr(step, name) for name in (*(field.name for field in fields(Limits)), "isolation", "gpu")}
    penalty = [repr(config[section]) for section in ("AssignLatePenalties", "LateSubmissionPlugin")]
    return Basis(
        submission=_hash(_content(submission.path), submission.path.name, _beside(submission.folder), handed_in),
        checks=_hash({name: (dict(cell.metadata), cell.source) for name, cell in known.items()}),
        limits=_hash(limits),
        lateness=_hash(standing.due, standing.extension, penalty),
    )


def what_differs(before: Basis | None, now: Basis) -> str:
    """Why marks no longer hold, in a few words; empty if they do."""
    if before is None:
        return "there was no record of what the marks rest on"
    return ", ".join(why for name, why in REASONS.items() if getattr(before, name) != getattr(now, name))


def read_basis(report: Path) -> Basis | None:
    """The basis that is kept in a report's file; None if there is none."""
    try:
        return Basis(**json.loads(report.read_text(encoding="utf-8"))[KEY])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_basis(report: Path, basis: Basis) -> None:
    """Write the basis into the report's file, once the gradebook has the marks.

    If recording is interrupted before that, the submission is graded again.
    """
    content = json.loads(report.read_text(encoding="utf-8")) | {KEY: asdict(basis)}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_whole(report, text.encode(), mode=stat.S_IMODE(report.stat().st_mode))


def _beside(folder: Path) -> dict[str, str]:
    """Hashes of the files that are kept beside a submission's notebook."""
    return {str(path.relative_to(folder)): _content(path) for path in kept_files(folder)}


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash(*what: object) -> str:
    return hashlib.sha256(json.dumps(what, default=str, sort_keys=True).encode()).hexdigest()[:16]
