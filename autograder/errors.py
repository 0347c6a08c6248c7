"""The errors that end a command with one line for the user instead of a traceback."""


class CourseError(Exception):
    """Something the user can fix; the message says what is wrong and what to do."""
