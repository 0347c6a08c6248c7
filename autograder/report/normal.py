"""Code in a normal form that does not depend on its layout, comments and names."""

import ast
import warnings
from collections.abc import Iterator

from autograder.source.names import bound_names, parse

#: Longer code is not parsed, so that nobody's answer holds up the report.
LONGEST = 5_000
#: Replaces every name that the code itself defines.
OWN_NAME = "_"
#: Parts of a syntax tree that add nothing: how a name is used is clear from its place, and annotations do not count.
SILENT = ast.expr_context, ast.Module, ast.Expr, ast.arguments, ast.Name, ast.Constant
SKIPPED = {"annotation", "returns", "type_comment", "kind", "type_params", "type_ignores"}


def normal_form(code: str) -> tuple[str, ...] | None:
    """The code's syntax tree as a flat list, without comments, docstrings and annotations, and with one name for all.

    Only the code's own names are replaced: functions, parameters and variables that it binds, attributes that it sets.

    Returns:
        None if the code is too long or too nested, or is not Python.
    """
    if len(code) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes and comparisons in the learner's code
            tree = parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store))
    own = bound_names(tree) | {node.attr for node in assigned}
    return tuple(OWN_NAME if token in own else token for token in _tokens(tree))


def _tokens(tree: ast.AST) -> Iterator[str]:
    """The tree's nodes, names and constants in order; uses a stack, because deep nesting would end a recursion."""
    todo: list[object] = [tree]
    while todo:
        match todo.pop():
            case ast.Expr(value=ast.Constant(value=str())):
                continue  # a docstring
            case ast.Constant(value=value):
                yield hex(value) if type(value) is int else repr(value)  # decimal digits have a limit
            case ast.AST() as node:
                if not isinstance(node, SILENT):
                    yield type(node).__name__
                todo += [value for field, value in reversed([*ast.iter_fields(node)]) if field not in SKIPPED]
            case [*nodes]:
                todo += reversed(nodes)
            case str(name):
                yield name
