"""Write the first two code cells: a short set-up, the same in every notebook, and the tools that the notebook uses."""

import ast
import base64
import gzip
import lzma
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from autograder import notebook
from autograder.source.names import bound_names, defined_names, read_names

PIECES_DIR = Path(notebook.__file__).parent
#: In the order in which they are written.
MODULES = ("expect", "failures", "watch", "inputs", "payoff", "draw", "movement", "networks", "data")
#: What every notebook gets, whether it names it or not.
ALWAYS = {"expect", "show_failure"}
TITLE = '#@title Tools: run this cell. There is nothing to do in it. { display-mode: "form" }'


@dataclass(frozen=True)
class Piece:
    """A top-level definition of ``autograder.notebook``: its text, what it needs, and for an import nothing else."""

    name: str
    text: str
    needs: frozenset[str]


@cache
def _text(module: str) -> str:
    return (PIECES_DIR / f"{module}.py").read_text(encoding="utf-8").strip()


@cache
def _pieces() -> tuple[dict[str, Piece], dict[str, str], list[str]]:
    """All definitions by name, all imports by the name that they bind, and the statements that come last."""
    pieces, imports, last = {}, {}, []
    for module in MODULES:
        text = _text(module)
        for node in ast.parse(text).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                if not (getattr(node, "module", None) or "").startswith("autograder.notebook"):
                    for alias in node.names:
                        one = (
                            ast.Import([alias])
                            if isinstance(node, ast.Import)
                            else ast.ImportFrom(node.module, [alias], 0)
                        )
                        imports[alias.asname or alias.name.split(".")[0]] = ast.unparse(one)
            elif names := defined_names(ast.Module([node], [])):
                piece = Piece(min(names), _text_of(node, text), frozenset(read_names(node)))
                pieces |= dict.fromkeys(names, piece)
            elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):  # no docstring
                last.append(_text_of(node, text))
    return pieces, imports, last


def _text_of(node: ast.stmt, text: str) -> str:
    """A definition as it is written, its decorators too."""
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def setup_names() -> set[str]:
    """Every name that set-up and tools can define."""
    return set(_pieces()[0]).union(*(defined_names(ast.parse(_text(module))) for module in ("setup", "tools")))


def setup_text() -> str:
    """The text of the set-up cell."""
    return _text("setup")


def tools_text(used: set[str], data: Path) -> str:
    """The text of the tools cell.

    Args:
        used: the names that the notebook reads.
        data: the folder with ``digits.csv.gz`` and ``cat.jpg``.
    """
    pieces, imports, last = _pieces()
    wanted, queue = set(), sorted((used | ALWAYS) & pieces.keys())
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.add(name)
            queue += pieces[name].needs & pieces.keys()
    chosen = list(dict.fromkeys(pieces[name] for name in pieces if name in wanted))
    there = bound_names(ast.parse(_text("setup"))) | bound_names(ast.parse(_text("tools")))
    needed = set().union(*(piece.needs for piece in chosen), *(read_names(ast.parse(text)) for text in last))
    head = "\n".join(sorted(imports[name] for name in needed & imports.keys() - there))
    texts = [BLOBS[piece.name](data) if piece.name in BLOBS else piece.text for piece in chosen]
    return "\n\n\n".join(["\n".join([TITLE, head, _text("tools")]), *texts, *last])


def _digits(data: Path) -> str:
    """The assignment that holds the digits, one long line: columns first, because neighbours in a column are alike."""
    with gzip.open(data / "digits.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    packed = lzma.compress(table.T.copy().tobytes(), format=lzma.FORMAT_ALONE, preset=9)
    return f'DIGITS_BLOB = """{base64.b85encode(packed).decode()}"""'


def _photo(data: Path) -> str:
    """The assignment that holds the photograph, one line."""
    return f'PHOTO_BLOB = """{base64.b85encode((data / "cat.jpg").read_bytes()).decode()}"""'


#: What writes the data that notebooks carry.
BLOBS = {"DIGITS_BLOB": _digits, "PHOTO_BLOB": _photo}
