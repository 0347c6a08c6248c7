"""The examiner: one process for each notebook, which runs the checks and sees the marks arise. Trusted."""
