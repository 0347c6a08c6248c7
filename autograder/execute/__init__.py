"""Run a submission's notebook: an executed notebook and a report. Knows nothing of marks."""

from autograder.execute.kernel import STOPPED, execute
from autograder.execute.report import CellReport, Limits, Report

__all__ = ["STOPPED", "CellReport", "Limits", "Report", "execute"]
