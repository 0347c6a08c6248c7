"""The gradebook as a table for an LMS: who got how many points for which notebook."""

from collections.abc import Sequence
from dataclasses import dataclass

from nbgrader.api import Assignment, Gradebook, Student, SubmittedAssignment

from autograder.errors import CourseError


@dataclass(frozen=True)
class Learner:
    """A learner as the gradebook knows them; what it does not know is empty."""

    id: str
    first_name: str
    last_name: str
    email: str
    lms_id: str


@dataclass(frozen=True)
class Grades:
    """Learners, the points that each assignment is worth, and the points that each learner earned.

    Attributes:
        learners: those with points for at least one of the assignments.
        assignments: the possible points by assignment.
        scores: points by learner's id and assignment, less late penalties; no entry where nothing was graded.
    """

    learners: list[Learner]
    assignments: dict[str, float]
    scores: dict[tuple[str, str], float]


def read_grades(gradebook: Gradebook, names: Sequence[str] = (), students: Sequence[str] = ()) -> Grades:
    """Read the grades of everyone who has been graded, or of ``students``, for all graded assignments or for ``names``.

    Learners and assignments without a grade are left out: an empty cell would overwrite a grade in the LMS, and a new
    column would create an assignment there.

    Raises:
        CourseError: somebody or something named is unknown, or nothing has been graded.
    """
    most = dict(gradebook.db.query(Assignment.name, Assignment.max_score).order_by(Assignment.name).all())
    known = {student.id: student for student in gradebook.db.query(Student).order_by(Student.id)}
    for name in names:
        if name not in most:
            raise CourseError(f"The gradebook has no notebook {name!r}: nothing has been graded for it.")
    for student in students:
        if student not in known:
            raise CourseError(f"The gradebook has no learner {student!r}.")
    scores = {
        (student, name): max(0.0, score - penalty)
        for student, name, score, penalty in gradebook.db.query(
            SubmittedAssignment.student_id,
            Assignment.name,
            SubmittedAssignment.score,
            SubmittedAssignment.late_submission_penalty,
        ).join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        if (not names or name in names) and (not students or student in students)
    }
    if not scores:
        wanted = " and ".join(names) or "any notebook"
        raise CourseError(f"Nobody has been graded for {wanted}: run `autograder grade {next(iter(names), 'NAME')}`.")
    graded, handed_in = {student for student, _ in scores}, {name for _, name in scores}
    return Grades(
        learners=[_learner(known[student]) for student in known if student in graded],
        assignments={name: points for name, points in most.items() if name in handed_in},
        scores=scores,
    )


def _learner(student: Student) -> Learner:
    about = student.first_name, student.last_name, student.email, student.lms_user_id
    return Learner(student.id, *((text or "").strip() for text in about))
