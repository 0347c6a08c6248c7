"""Runs a submission's notebook; gives an executed notebook and a report. Knows nothing about the gradebook."""

from autograder.execute.engine import Stopped, execute, stop
from autograder.execute.pictures import drawn_pictures
from autograder.execute.report import CellReport, CheckReport, Limits, Report
from autograder.execute.warm_server import warm_up

__all__ = ["CellReport", "CheckReport", "Limits", "Report", "Stopped", "drawn_pictures", "execute", "stop", "warm_up"]
