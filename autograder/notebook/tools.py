import os
import warnings
from pathlib import Path

# Where data sets are: the folder of that name beside or above this notebook, else a new one beside it.
DATA = Path(
    os.environ.get("COURSE_DATA") or next((p / "data" for p in Path.cwd().parents if (p / "data").is_dir()), "data")
)
# Set when nobody is at the keyboard (build, tests, grading): nothing is downloaded, no slider is shown.
OFFLINE = os.environ.get("COURSE_OFFLINE") == "1"


# nbgrader takes any line on stderr for a wrong answer; a warning is not one, so it goes to stdout.
def show_warning(message, category, filename, lineno, file=None, line=None):
    print(f"{category.__name__}: {message}")


warnings.showwarning = show_warning
