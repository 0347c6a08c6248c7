"""nbgrader's configuration for this course: any nbgrader command started in this folder reads it."""

import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader import preprocessors as steps
from sqlalchemy.exc import SAWarning

from autograder.collect.plugin import LMSNames
from autograder.feedback.exporter import FILTERS, FORMGRADER, FeedbackExporter
from autograder.feedback.formgrader import with_policy
from autograder.feedback.preprocessors import CutOutputs, ShowSafely, TellInWords
from autograder.grading import readable
from autograder.grading.follow import FollowSource
from autograder.grading.preprocessors import ClearGradedOutput, ExecuteSubmission, ReadTimestamp, RestoreCells
from autograder.grading.receipts import AddReceipt
from autograder.lab import validation

c = get_config()
course = Path(__file__).resolve().parent
warnings.filterwarnings("ignore", category=SAWarning)  # harmless, and many
# nbgrader starts `alembic` by its name; it is beside this Python, which need not be on the path.
here, path = str(Path(sys.executable).parent), os.environ.get("PATH", "")
if here not in path.split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([here, path])

c.CourseDirectory.course_id = "torch-nn"
c.CourseDirectory.root = str(course)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
# A notebook's source and variants are beside its solution; learners must not get them.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.report.json", "[0-9][0-9]_*.py", "variants.py", "*.po",
    "*.new.ipynb", "*.new-[0-9].ipynb",  # newer releases beside a learner's notebook, which are not handed in
]  # fmt: skip
# The gradebook is SQLite in gradebook.db; for another one give its URL, for example
# c.CourseDirectory.db_url = "postgresql+psycopg://USER@HOST/DATABASE"

# The exchange, where notebooks are released to and handed in. On one machine it is a folder of the course, made here.
# On a hub set NBGRADER_EXCHANGE for teachers and learners to a folder that all of them may write to (mode 0777).
exchange = os.environ.get("NBGRADER_EXCHANGE")
if not exchange:
    exchange = course / "exchange"
    with suppress(OSError):  # it exists, or this course is read-only
        exchange.mkdir()
        exchange.chmod(0o777)  # nbgrader insists
c.Exchange.root = str(exchange)
# What learners fetch and hand in is in work/, where `autograder lab` has put the notebooks already.
with suppress(OSError):  # the assignment list insists that it is there
    (course / "work").mkdir(exist_ok=True)
c.Exchange.assignment_dir = str(course / "work")

# `autograder collect` reads downloads from an LMS; nbgrader's own `zip_collect` recognises the same file names.
c.ZipCollectApp.collector_plugin = LMSNames

# Release: as nbgrader does it, but pictures and examples keep their stored outputs, and exercises may be added or
# removed after something has been handed in.
c.GenerateAssignment.preprocessors = [
    steps.IncludeHeaderFooter,
    steps.LockCells,
    steps.ClearSolutions,
    ClearGradedOutput,
    steps.CheckCellMetadata,
    steps.ComputeChecksums,
    FollowSource,
    steps.SaveCells,
    steps.ClearHiddenTests,
    steps.ComputeChecksums,
    steps.CheckCellMetadata,
]
c.ClearSolutions.code_stub = {"python": "# Your code here\nraise NotImplementedError"}

# Grade: as nbgrader does it, but each notebook runs within the limits below. Cells' metadata is not checked: after
# RestoreCells there is none but the gradebook's.
c.Autograde.sanitize_preprocessors = [
    RestoreCells,
    steps.ClearOutput,
    steps.OverwriteKernelspec,
]
c.Autograde.autograde_preprocessors = [
    ExecuteSubmission,
    steps.IgnorePattern,
    ClearMetadataPreprocessor,
    steps.LimitOutput,
    CutOutputs,
    steps.SaveAutoGrades,
    ReadTimestamp,
    steps.AssignLatePenalties,
]
# A notebook is validated when all steps are done, not after each of them.
c.NotebookExporter.optimistic_validation = True

# What a learner's code may use. Code that uses more is stopped, the table and the feedback page say so, and only the
# checks that could not run lose their marks.
c.ExecuteSubmission.cell_seconds = 30  # seconds that one cell may run, waiting for a busy processor not counted
c.ExecuteSubmission.total_seconds = 300  # seconds that all cells together may run, counted in the same way
c.ExecuteSubmission.output_bytes = 2_000_000  # what one cell may write, beyond which its output is cut
c.ExecuteSubmission.total_output_bytes = 10_000_000  # what all cells together may write; the rest is left out
c.ExecuteSubmission.memory_bytes = 2_000_000_000  # memory beyond that of an empty notebook
c.ExecuteSubmission.processes = 64  # processes and threads at a time
c.ExecuteSubmission.disk_bytes = 200_000_000  # what it may write to files, which are gone at the end
# Behind walls learners' code sees no network, no files but its own and no other process (needs bubblewrap, on Linux).
# False only for code that you would run yourself; `autograder grade --no-isolation` does it for one run.
c.ExecuteSubmission.isolation = True
# Whether learners' code may use the GPU, which all then share; `autograder grade --gpu` allows it for one run.
c.ExecuteSubmission.gpu = False

# nbgrader reads submissions as `autograder grade` does, whatever their file names and encodings.
readable.install()

# Validate: exercises by name, and what their checks say.
validation.install()
c.Execute.timeout = 120  # seconds that one cell may run then: on a small machine importing torch alone can take 30

# Feedback: marks and reasons first, and no hidden tests.
c.GenerateFeedback.exporter_class = FeedbackExporter
c.GenerateFeedback.preprocessors = [steps.GetGrades, TellInWords, AddReceipt]
# The formgrader shows teachers what learners wrote, without anything that could run or be loaded there.
c.HTMLExporter.preprocessors = [ShowSafely]
c.HTMLExporter.filters = FILTERS | {"with_policy": with_policy}
c.HTMLExporter.template_file = FORMGRADER
