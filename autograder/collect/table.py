"""The table that collecting ends with."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from autograder.collect.collect import Line


def print_lines(console: Console, name: str, lines: list[Line]) -> None:
    """Print a line for each file, then how many learners' work was collected and how many files were not."""
    if not lines:
        console.print("There is nothing in what was downloaded.")
        return
    table = Table(title=name, title_justify="left", header_style="bold", pad_edge=False)
    table.add_column("student", overflow="fold")
    table.add_column("handed in", no_wrap=True)
    table.add_column("what became of it", overflow="fold")
    table.add_column("file", overflow="fold")
    for line in lines:
        when = f"{line.when:%Y-%m-%d %H:%M:%S}" if line.when else "–"
        style = "red" if line.lost else ""
        table.add_row(escape(line.student or "–"), when, Text(line.said, style=style), escape(line.file))
    console.print(table)
    students, lost = len({line.student for line in lines if not line.lost}), sum(line.lost for line in lines)
    files = "1 file was" if lost == 1 else f"{lost} files were"
    console.print(f"{students} collected" + (f"; {files} not, see above." if lost else "."), highlight=False)
