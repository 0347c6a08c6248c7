"""How JupyterLab is started: its command and its environment, the same with make, conda and WSL.

Nothing is copied into the Python environment: settings, nbgrader's configuration and the warm kernel are found through
the search paths that Jupyter reads from environment variables.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from autograder import execute
from autograder.course import Course

#: JupyterLab's settings for this course, in the layout of Jupyter configuration folders.
CONFIG = Path(__file__).with_name("config")
#: The folder whose ``kernels/`` contains the kernel that starts warm.
KERNELS = Path(execute.__file__).parent


@dataclass(frozen=True)
class Machine:
    """What matters about a machine.

    Attributes:
        linux: whether it runs Linux, WSL included.
        wsl: whether that Linux runs inside Windows.
        root: whether we are root, which JupyterLab refuses unless told otherwise.
        browser: whether a browser can be opened.
    """

    linux: bool
    wsl: bool
    root: bool
    browser: bool


def this_machine(environ: Mapping[str, str]) -> Machine:
    """The machine that this code runs on."""
    linux = platform.system() == "Linux"
    wsl = linux and "microsoft" in platform.release().lower()
    # Without a display, Python would open a text browser in the very terminal in which JupyterLab prints its address.
    screen = any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return Machine(linux, wsl, hasattr(os, "geteuid") and os.geteuid() == 0, screen or wsl or not linux)


def lab_command(folder: Path, machine: Machine, workspaces: Path | None, options: list[str]) -> list[str]:
    """The command that starts JupyterLab.

    Args:
        folder: what it shows.
        machine: where it starts.
        workspaces: where it keeps its layout, if not in the usual place.
        options: more options for it, which override ours.
    """
    # Errors only: then the address with its token, which is logged as critical, is all that is printed.
    ours = [f"--ServerApp.root_dir={folder}", "--log-level=ERROR", "--LabApp.log_level=ERROR"]
    ours += [f"--LabApp.workspaces_dir={workspaces}"] if workspaces is not None else []
    ours += ["--allow-root"] if machine.root else []
    ours += [] if machine.browser else ["--no-browser"]
    # A browser on Windows cannot open the file in WSL's Linux in which Jupyter hides the token.
    ours += ["--ServerApp.use_redirect_file=False"] if machine.wsl else []
    given = {option.partition("=")[0] for option in options}  # Jupyter refuses an option given twice
    kept = [option for option in ours if option.partition("=")[0] not in given]
    return [sys.executable, "-m", "jupyterlab", *kept, *options]


def lab_environment(course: Course, machine: Machine, learner: bool, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which JupyterLab finds the course's configuration, our settings and the warm kernel.

    Args:
        course: the course.
        machine: where it starts.
        learner: whether to leave out what only teachers need.
        environ: the environment so far.
    """
    # nbgrader's JupyterLab extensions look for nbgrader_config.py in the folder shown, and in these.
    config = [course.root, CONFIG / "everyone", *([CONFIG / "learners"] if learner else [])]
    found = dict(environ)
    for name, folders in {"JUPYTER_CONFIG_PATH": config, "JUPYTER_PATH": [KERNELS] * machine.linux}.items():
        paths = [*map(str, folders), *filter(None, [environ.get(name)])]
        if paths:
            found[name] = os.pathsep.join(paths)
    return found


def start_lab(course: Course, folder: Path, workspaces: Path | None, options: list[str]) -> NoReturn:
    """Become JupyterLab, showing ``folder``, which is also the working directory, because nbgrader goes by that.

    Args:
        course: the course.
        folder: the course's own folder for teachers, ``work/`` for learners.
        workspaces: where JupyterLab keeps its layout, if not in the usual place.
        options: more options for JupyterLab.
    """
    machine = this_machine(os.environ)
    command = lab_command(folder, machine, workspaces, options)
    environment = lab_environment(course, machine, folder != course.root, os.environ)
    os.chdir(folder)
    if os.name == "nt":  # where a process that becomes another one loses its terminal
        sys.exit(subprocess.call(command, env=environment))
    os.execve(command[0], command, environment)
