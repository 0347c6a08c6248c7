"""The ``grade_id`` of an exercise's cell and of its check: one of these, and the exercise's name."""

EXERCISE, CHECK = "exercise-", "check-"
