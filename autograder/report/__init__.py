"""What a teacher gets from a graded class: a page about what it did not understand, and grades for an LMS."""
