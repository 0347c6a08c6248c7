"""Jupyter kernels forked from a process that has torch imported, for nbval and plain nbgrader."""
