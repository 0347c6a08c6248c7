"""The grader's side: reads the notebook, sends its cells to an examiner, writes what comes back. Loads no torch."""
