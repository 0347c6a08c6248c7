"""The examiner: one process for each notebook, which runs the checks and decides the marks. Trusted."""
