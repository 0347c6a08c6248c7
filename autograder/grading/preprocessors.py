"""Steps of ours in nbgrader's pipelines; ``nbgrader_config.py`` puts them in their places."""

from nbformat.v4 import new_code_cell
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor, OverwriteCells
from traitlets import Integer

from autograder.execute import Limits, execute


class ClearGradedOutput(NbGraderPreprocessor):
    """On release: drop the outputs of exercises, checks and predictions; pictures and examples stay to be read."""

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type == "code":
            graded = utils.is_solution(cell) or utils.is_grade(cell)
            if graded or "predict" in cell.metadata.get("tags", []):
                cell.outputs = []
            cell.execution_count = None
        return cell, resources


class RestoreCells(OverwriteCells):
    """Give every cell of the source its type, metadata and (if locked) content back, whatever became of it.

    Goes further than nbgrader's ``OverwriteCells``, which it ends with: a copy of a cell counts once, unknown or broken
    metadata is replaced, a missing check is put at the end. Silent about checksums, which differ for hidden tests.
    """

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as gradebook:
            known = _metadata_by_id(gradebook.find_notebook(about["notebook"], about["assignment"]))
        seen = set()
        for cell in reversed(nb.cells):  # of copies the last one counts: it has seen all that was defined
            grade_id = _grade_id(cell)
            if grade_id in known and grade_id not in seen:
                cell.metadata["nbgrader"] = dict(known[grade_id])
                seen.add(grade_id)
            else:
                cell.metadata.pop("nbgrader", None)
        for grade_id, metadata in known.items():
            if metadata["grade"] and grade_id not in seen:
                nb.cells.append(new_code_cell(metadata={"nbgrader": dict(metadata)}))
        return super().preprocess(nb, resources)

    def report_change(self, name, attr, old, new):
        if attr != "checksum":
            super().report_change(name, attr, old, new)


def _grade_id(cell) -> str | None:
    about = cell.metadata.get("nbgrader")
    grade_id = about.get("grade_id") if isinstance(about, dict) else None
    return grade_id if isinstance(grade_id, str) else None


def _metadata_by_id(notebook) -> dict[str, dict]:
    """nbgrader's cell metadata as the gradebook has it, by ``grade_id``, in the source's order."""
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    return {
        cell.name: {
            "schema_version": 3,
            "grade_id": cell.name,
            "grade": cell.name in points,
            "solution": cell.name in solutions,
            "locked": cell.locked,
            "task": False,
            "cell_type": cell.cell_type,
            "checksum": cell.checksum,
        }
        | ({"points": points[cell.name]} if cell.name in points else {})
        for cell in notebook.source_cells
    }


class ExecuteSubmission(NbGraderPreprocessor):
    """In place of nbgrader's ``Execute``: run the notebook within limits and keep the report beside the result."""

    cell_seconds = Integer(Limits.cell_seconds, help="Seconds that one cell may run").tag(config=True)
    total_seconds = Integer(Limits.total_seconds, help="Seconds that all cells together may run").tag(config=True)
    output_bytes = Integer(Limits.output_bytes, help="Bytes that one cell may write").tag(config=True)

    def preprocess(self, nb, resources):
        limits = Limits(self.cell_seconds, self.total_seconds, self.output_bytes)
        cwd = resources.get("metadata", {}).get("path") or None
        report = execute(nb, limits, cwd=cwd)
        for cell in nb.cells:
            if utils.is_grade(cell) and cell.cell_type == "code":
                _only_exceptions_cost_marks(cell)
        name = f"{resources['unique_key']}.report.json"
        resources.setdefault("outputs", {})[name] = report.to_json().encode()
        return nb, resources


def _only_exceptions_cost_marks(cell) -> None:
    """Give a check's outputs the only meaning they have here: an error means 0, anything else full marks.

    nbgrader takes a line on stderr, such as a warning, for a wrong answer, and a displayed number for a partial mark.
    """
    for output in cell.outputs:
        if output.output_type == "stream":
            output.name = "stdout"
        elif output.output_type == "execute_result":
            output.output_type = "display_data"
            output.pop("execution_count", None)
