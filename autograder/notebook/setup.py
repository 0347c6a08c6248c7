import math
import os
import random
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

random.seed(0)
np.random.seed(0)
torch.manual_seed(0)
torch.set_printoptions(precision=4, sci_mode=False, linewidth=100)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

# Where data sets lie: the folder of that name beside or above this notebook, else a new one beside it.
DATA = Path(
    os.environ.get("COURSE_DATA") or next((p / "data" for p in Path.cwd().parents if (p / "data").is_dir()), "data")
)
# Set where nobody is at the keyboard (build, tests, grading): nothing is downloaded, no slider is shown.
OFFLINE = os.environ.get("COURSE_OFFLINE") == "1"


# nbgrader takes any line on stderr for a wrong answer; a warning is none, so it goes to stdout.
def show_warning(message, category, filename, lineno, file=None, line=None):
    print(f"{category.__name__}: {message}")


warnings.showwarning = show_warning
