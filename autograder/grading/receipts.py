"""The files that nbgrader's exchange writes beside a submission, without which its ``release_feedback`` stops."""

import hashlib
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.grading.timestamps import TIMESTAMP

SECRET = "submission_secret.txt"


class AddReceipt(NbGraderPreprocessor):
    """For feedback on work that did not come through the exchange: an empty time, and a secret that nobody can guess.

    The page is released under a name made from the secret. The secret stays the same, so that a new page replaces the
    previous one.
    """

    def preprocess(self, nb, resources):
        folder, about = Path(resources["metadata"]["path"]), resources["nbgrader"]
        written = resources.setdefault("outputs", {})
        if not (folder / TIMESTAMP).exists():
            written[TIMESTAMP] = b""
        if not (folder / SECRET).exists():
            with Gradebook(about["db_url"]) as gradebook:
                number = gradebook.find_submission(about["assignment"], about["student"]).id  # random
            written[SECRET] = hashlib.sha256(f"{number} {about['assignment']}".encode()).hexdigest().encode()
        return nb, resources
