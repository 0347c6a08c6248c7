"""Our steps in nbgrader's pipelines; ``nbgrader_config.py`` installs them."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor
from traitlets import Bool, Dict, Instance, Integer, List

from autograder.execute import Limits, Report, execute
from autograder.grading.beside import runs_beside, settle_beside
from autograder.grading.causes import name_causes
from autograder.grading.folder import files_beside
from autograder.grading.restore import KnownCell, read_known, restore
from autograder.grading.runs import Run, name_cells, note_missing, same_cells, settle_checks, take_missing, take_over
from autograder.grading.timestamps import read_timestamp
from autograder.source.cells import UNRELEASED


class ClearGradedOutput(NbGraderPreprocessor):
    """On release: drop the outputs of exercises, checks and predictions; keep those of pictures and examples.

    Checks get the tag that lets *Run All* continue after an exception.
    """

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type == "code":
            tags = cell.metadata.get("tags", [])
            if utils.is_solution(cell) or utils.is_grade(cell) or set(tags) & set(UNRELEASED):
                cell.outputs = []
            if utils.is_grade(cell):
                cell.metadata["tags"] = [*tags, "raises-exception"]
            cell.execution_count = None
        return cell, resources


class RestoreCells(NbGraderPreprocessor):
    """Replaces nbgrader's ``OverwriteCells``: restores what the gradebook knows about a cell, see ``restore``.

    What cannot be restored is recorded in the notebook's metadata, see ``note_missing``: nbgrader sanitizes and grades
    in two conversions, which share nothing but the file.
    """

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as gradebook:
            known = read_known(gradebook, about["assignment"], about["notebook"])
        note_missing(nb, restore(nb, known))
        return nb, resources


class ReadTimestamp(NbGraderPreprocessor):
    """Corrects the time at which a submission was handed in, for the late penalty: nbgrader drops most time zones."""

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        handed_in = read_timestamp(Path(resources["metadata"]["path"]))
        if handed_in is not None:
            with Gradebook(about["db_url"]) as gradebook:
                gradebook.update_or_create_submission(about["assignment"], about["student"], timestamp=handed_in)
        return nb, resources


class ExecuteSubmission(NbGraderPreprocessor):
    """Replaces nbgrader's ``Execute``: runs the notebook within limits and keeps the report beside the result.

    Two attributes are set in code, not in the configuration: ``finished``, earlier runs, one of which is taken over if
    its cells are the same, and ``pictures``, which need not be drawn again.
    """

    cell_seconds = Integer(
        Limits.cell_seconds, help="Seconds that one cell may run, not counting waits for a processor"
    ).tag(config=True)
    total_seconds = Integer(Limits.total_seconds, help="Seconds that all cells may run in total").tag(config=True)
    output_bytes = Integer(Limits.output_bytes, help="Bytes that one cell may write").tag(config=True)
    total_output_bytes = Integer(Limits.total_output_bytes, help="Bytes that all cells may write in total").tag(
        config=True
    )
    memory_bytes = Integer(
        Limits.memory_bytes, help="Bytes of memory that a learner's processes may use, beyond an empty notebook's"
    ).tag(config=True)
    processes = Integer(Limits.processes, help="Processes and threads that a learner's code may have").tag(config=True)
    disk_bytes = Integer(Limits.disk_bytes, help="Bytes that a learner's code may write to files").tag(config=True)
    isolation = Bool(
        True, help="Whether learners' code runs behind walls: no network, no files or processes but its own"
    ).tag(config=True)
    gpu = Bool(False, help="Whether learners' code may use the GPU").tag(config=True)
    finished = List(Instance(Run))
    pictures = Dict()

    def preprocess(self, nb, resources):
        finished = next((run for run in self.finished if same_cells(nb, run.notebook)), None)
        report = take_over(nb, finished) if finished else self._run_here(nb, resources)
        name = f"{resources['unique_key']}.report.json"
        resources.setdefault("outputs", {})[name] = report.to_json().encode()
        return nb, resources

    def _run_here(self, notebook: NotebookNode, resources: dict) -> Report:
        """Run a notebook within nbgrader's own step; ``resources["folder"]`` is what the previous notebook left."""
        about, directory = resources["nbgrader"], CourseDirectory(config=self.config)
        with Gradebook(about["db_url"]) as gradebook:
            known = read_known(gradebook, about["assignment"], about["notebook"])
        submitted = directory.format_path(directory.submitted_directory, about["student"], about["assignment"])
        resources["folder"] = resources.get("folder") or self.folder(known, about["assignment"], Path(submitted))
        return self.run(notebook, known, resources["folder"])

    def folder(self, known: Mapping[str, KnownCell], assignment: str, submitted: Path) -> dict[str, bytes]:
        """The files in a notebook's folder before it runs, by path, see ``files_beside``.

        Args:
            known: the source's cells, from ``read_known``.
            assignment: nbgrader's name for the assignment.
            submitted: the folder that was handed in.

        Raises:
            CourseError: they are larger than what learners' code may write.
        """
        directory, teachers = CourseDirectory(config=self.config), runs_beside(known)
        learners_own = self.config.Autograde.get("exclude_overwriting", {}).get(assignment, [])
        return files_beside(directory, assignment, submitted, self.disk_bytes, teachers, learners_own)

    def run(self, notebook: NotebookNode, known: Mapping[str, KnownCell], folder: dict[str, bytes]) -> Report:
        """Run a restored notebook in place; afterwards its checks' outputs give the same marks as the report.

        Args:
            notebook: a submission, restored.
            known: the source's cells, from ``read_known``.
            folder: the files in its folder, by path; unless the notebook is ours, brought up to date after the run.

        Raises:
            CourseError: this machine cannot run it as configured.
        """
        missing = take_missing(notebook)
        name_cells(notebook)
        limits = Limits(**{field.name: getattr(self, field.name) for field in fields(Limits)})
        beside = runs_beside(known)
        report = execute(
            notebook,
            limits,
            isolation=self.isolation,
            gpu=self.gpu,
            pictures={} if beside else self.pictures,
            beside=beside,
            files=folder,
        )
        report.problems[:0] = missing
        name_causes(notebook, report)
        if beside:
            settle_beside(notebook, report, ClearHiddenTests(parent=self))
        else:
            settle_checks(notebook, report)
        return report
