"""From what an LMS downloads to nbgrader's ``submitted/``."""
