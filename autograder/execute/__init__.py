"""Runs a submission's notebook; gives an executed notebook and a report. Knows nothing about the gradebook."""

from autograder.execute.grader.engine import Stopped, execute, stop
from autograder.execute.grader.jobs import warm_up
from autograder.execute.grader.pictures import drawn_pictures
from autograder.execute.grader.report import CellReport, CheckReport, Report
from autograder.execute.limits import Limits

__all__ = ["CellReport", "CheckReport", "Limits", "Report", "Stopped", "drawn_pictures", "execute", "stop", "warm_up"]
