"""Steps of ours in nbgrader's pipelines; ``nbgrader_config.py`` puts them in their places."""

from nbgrader import utils
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
    """nbgrader's restoring of locked cells, silent about checksums: every cell with hidden tests has another one."""

    def report_change(self, name, attr, old, new):
        if attr != "checksum":
            super().report_change(name, attr, old, new)


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
