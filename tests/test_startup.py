"""What costs seconds at each start is not imported."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["autograder.cli", "autograder.grading.trial", "autograder.execute.warm.server"])
def test_no_grammars_are_compiled(module):
    code = f"import sys, {module}; print('rfc3987_syntax.syntax_helpers' in sys.modules, 'lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("module", ["torch", "nbgrader", "nbconvert"])
def test_the_command_line_starts_without(module):
    code = f"import sys, autograder.cli; print('{module}' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "False"
