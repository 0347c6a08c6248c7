"""Grading: nbgrader on one submission at a time, and the class as a whole."""
