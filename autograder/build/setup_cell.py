"""Write the set-up cell: the same beginning for every notebook, and the helpers of ``autograder.notebook`` it uses."""

import ast
import base64
import gzip
import lzma
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from autograder import notebook
from autograder.source.names import bound_names, defined_names, read_names

PIECES_DIR = Path(notebook.__file__).parent
#: In the order in which they are written.
MODULES = ("expect", "watch", "draw", "movement", "networks", "data")
#: What every notebook gets, whether it names it or not.
ALWAYS = {"expect"}
TITLE = '#@title Set-up: run this cell first. There is nothing to do in it. { display-mode: "form" }'


@dataclass(frozen=True)
class Piece:
    """A top-level definition of ``autograder.notebook``: its text, what it needs, and for an import nothing else."""

    name: str
    text: str
    needs: frozenset[str]


@cache
def _prelude() -> str:
    return (PIECES_DIR / "setup.py").read_text(encoding="utf-8")


@cache
def _pieces() -> tuple[dict[str, Piece], dict[str, str]]:
    """All definitions by name, and all imports by the name that they bind."""
    pieces, imports = {}, {}
    for module in MODULES:
        text = (PIECES_DIR / f"{module}.py").read_text(encoding="utf-8")
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
    return pieces, imports


def _text_of(node: ast.stmt, text: str) -> str:
    """A definition as it is written, its decorators too."""
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def setup_names() -> set[str]:
    """Every name that a set-up cell can define."""
    pieces, _ = _pieces()
    return set(pieces) | defined_names(ast.parse(_prelude()))


def write_setup(used: set[str], data: Path) -> str:
    """The text of a set-up cell.

    Args:
        used: the names that the notebook reads.
        data: the folder with ``digits.csv.gz``.
    """
    pieces, imports = _pieces()
    wanted, queue = set(), sorted((used | ALWAYS) & pieces.keys())
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.add(name)
            queue += pieces[name].needs & pieces.keys()
    chosen = list(dict.fromkeys(pieces[name] for name in pieces if name in wanted))
    there = bound_names(ast.parse(_prelude()))
    needed = set().union(*(piece.needs for piece in chosen)) & imports.keys() - there
    texts = [_digits(data) if piece.name == "DIGITS_BLOB" else piece.text for piece in chosen]
    head = "\n".join(sorted(imports[name] for name in needed))
    return "\n\n\n".join(["\n".join([TITLE, head, _prelude().strip()]), *texts])


def _digits(data: Path) -> str:
    """The assignment that holds the digits as text: columns first, because neighbours in a column are alike."""
    with gzip.open(data / "digits.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    packed = lzma.compress(table.T.copy().tobytes(), format=lzma.FORMAT_ALONE, preset=9)
    lines = textwrap.wrap(base64.b85encode(packed).decode(), 118)
    return 'DIGITS_BLOB = """\n' + "\n".join(lines) + '\n"""'
