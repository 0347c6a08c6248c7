"""Which names a piece of notebook code reads, binds and calls, by its syntax tree."""

import ast
import builtins
import re
import threading

MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)
#: Python 3.11 takes the depth of all threads together ("SystemError: AST constructor recursion depth mismatch").
_parsing = threading.Lock()


def parse(code: str) -> ast.Module:
    """The syntax tree of a code cell; lines with IPython magics become ``pass``. Thread-safe.

    Raises:
        SyntaxError: with the line inside the cell.
    """
    with _parsing:
        return ast.parse(MAGIC.sub(r"\1pass", code))


def bound_names(tree: ast.AST) -> set[str]:
    """Every name that the code binds: assignments, definitions, imports, parameters, loops, ``except … as``."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=asname):
                names.add(asname or name.split(".")[0])
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                names.add(name)
    return names


def defined_names(tree: ast.Module) -> set[str]:
    """The names that the code binds at its top level, for later cells to use."""
    names: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(statement.name)
        else:
            names |= bound_names(statement)
    return names


def read_names(tree: ast.AST) -> set[str]:
    """Every name that the code reads."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def free_names(tree: ast.AST) -> set[str]:
    """The names that the code reads without binding them, builtins left out."""
    return read_names(tree) - bound_names(tree) - set(dir(builtins)) - {"get_ipython", "__name__"}
