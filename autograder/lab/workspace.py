"""JupyterLab's layout when a learner opens it for the first time: the start page, and the first notebook beside it."""

import json
from pathlib import Path

from autograder.files import replace_whole

#: JupyterLab's name for the file of its default workspace.
FILE = "default-37a8.jupyterlab-workspace"


def layout(start_page: str, notebook: str) -> dict:
    """A workspace as JupyterLab saves it: two tabs, with the start page in front, and the file browser open.

    Args:
        start_page: the path of a Markdown file, from JupyterLab's root.
        notebook: the path of a notebook.
    """
    tabs = [f"markdownviewer-widget:{start_page}", f"notebook:{notebook}"]
    main = {"type": "tab-area", "currentIndex": 0, "widgets": tabs}
    data = {
        "layout-restorer:data": {
            "main": {"dock": main, "current": tabs[0]},
            "left": {"collapsed": False, "visible": True, "current": "filebrowser", "widgets": ["filebrowser"]},
            "right": {"collapsed": True, "visible": True, "widgets": []},
            "relativeSizes": [0.2, 0.8, 0],
        },
        tabs[0]: {"data": {"path": start_page, "factory": "Markdown Preview"}},
        tabs[1]: {"data": {"path": notebook, "factory": "Notebook"}},
    }
    return {"data": data, "metadata": {"id": "default"}}


def lay_out(workspaces: Path, start_page: str, notebook: str) -> None:
    """Write that layout unless there is one already: JupyterLab keeps the learner's own layout there."""
    if not (workspaces / FILE).exists():
        workspaces.mkdir(parents=True, exist_ok=True)
        replace_whole(workspaces / FILE, json.dumps(layout(start_page, notebook)).encode())
