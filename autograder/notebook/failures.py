"""How a failed check is shown in a notebook: its message, the call that failed, the learner's own lines.

A traceback through check, tools and torch would hide the one line that matters. Imports nothing from this package,
because the build copies it into each notebook; the examiner uses ``failing_call``, too.
"""

import ast
import linecache
import re
import traceback
from collections import Counter

import torch
from IPython import get_ipython
from torch import nn

#: The first line of a check cell, as the build writes it.
CHECK_TITLE = re.compile(r"#@title Check of exercise (?P<number>\d+): (?P<title>.*) \{")
#: The first line of a tools cell.
TOOLS_TITLE = "#@title Tools"


def show_failure(shell, kind, error, trace, tb_offset=None) -> None:
    """An IPython exception handler: shows a check's failure in a few lines, other exceptions as IPython does."""
    check = next((name for name in map(_file_of, _frames(trace)) if CHECK_TITLE.match(_first_line(name))), None)
    if check is None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    else:
        shell._showtraceback(kind, error, failure_lines(error, trace, check))


def failure_lines(error: BaseException, trace, check: str) -> list[str]:
    """What a learner sees when ``error`` has ended a check.

    Args:
        error: the exception.
        trace: its traceback.
        check: the file name under which the check's code runs.
    """
    render = getattr(error, "_render_traceback_", None)
    if render is not None:
        return render()
    number = CHECK_TITLE.match(_first_line(check))["number"]
    theirs = [(frame, line) for frame, line in traceback.walk_tb(trace) if _is_learners(frame, check)]
    if type(error) is NotImplementedError and not error.args:  # torch raises it with a text
        called = theirs[-1][0].f_code.co_qualname.split(".")[0] if theirs else ""
        other = len({_file_of(frame) for frame, _ in theirs}) > 1
        return [f"Exercise {number} is not solved yet" + (f": it calls `{called}`, which is not." if other else ".")]
    if isinstance(error, NameError) and not theirs:
        return [f"✗ `{error.name}` is not defined: run the cell of exercise {number} above first."]
    lines = [f"✗ Your code stopped with {type(error).__name__}: {error}"]
    call = failing_call(trace, check)
    lines += [f"  in the call {call}"] * bool(call)
    places = Counter(
        f"  in {frame.f_code.co_name}, line {line}:  {linecache.getline(_file_of(frame), line).strip()}"
        for frame, line in theirs
    )
    return lines + [place + (f"  ({times} times)" if times > 1 else "") for place, times in places.items()]


def failing_call(trace, check: str) -> str:
    """The call in a check that an exception came from, with the shapes of its arguments; empty if unknown.

    Args:
        trace: the exception's traceback.
        check: the file name under which the check's code runs.
    """
    mine = [(frame, step) for frame, step in _steps(trace) if _file_of(frame) == check]
    if not mine:
        return ""
    frame, step = mine[-1]
    first, last, start, end = list(frame.f_code.co_positions())[step // 2]
    if None in (first, last, start, end):
        return ""
    lines = [line.encode() for line in linecache.getlines(check)[first - 1 : last]]
    if not lines:
        return ""
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    text = b"".join(lines).decode(errors="replace")
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return ""
    if not isinstance(node, ast.Call):
        return ast.unparse(node) if isinstance(node, (ast.Attribute, ast.Subscript, ast.BinOp)) else ""
    given = [_bare(argument) for argument in [*node.args, *(keyword.value for keyword in node.keywords)]]
    known = frame.f_globals | frame.f_locals
    told = [
        f"{name} {described}"
        for name in dict.fromkeys(argument.id for argument in given if isinstance(argument, ast.Name))
        if name in known and (described := _described(known[name]))
    ]
    call = ast.unparse(_Bare().visit(node))
    return call + (f" with {', '.join(told)}" if told else "")


def _described(value) -> str:
    """An argument in words; empty if there is no short description."""
    if isinstance(value, torch.Tensor):
        kind = "" if value.dtype == torch.float32 else f" and dtype {str(value.dtype).removeprefix('torch.')}"
        return f"of shape {tuple(value.shape)}{kind}"
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, torch.Tensor) for one in value):
        return f"of shapes {', '.join(str(tuple(one.shape)) for one in value)}"
    if isinstance(value, nn.Module) and type(value).__module__.startswith("torch."):
        return f"= {value}" if len(str(value)) <= 60 else ""
    if isinstance(value, (bool, int, float, str, type(None), tuple, list)) and len(repr(value)) <= 60:
        return f"= {value!r}"
    return ""


def _bare(node):
    """An argument without what learners need not know: ``inplace(x)`` is ``x``, ``*map(inplace, xs)`` is ``*xs``."""
    match node:
        case ast.Starred(value=inner):
            return _bare(inner)
        case ast.Call(func=ast.Name(id="inplace"), args=[inner]):
            return inner
        case ast.Call(func=ast.Name(id="map"), args=[ast.Name(id="inplace"), inner]):
            return inner
    return node


class _Bare(ast.NodeTransformer):
    """Applies ``_bare`` to arguments wherever they are."""

    def visit_Call(self, node):
        return self.generic_visit(node) if _bare(node) is node else self.visit(_bare(node))


def _steps(trace):
    """The frames of a traceback, each with the instruction that it was at."""
    while trace is not None:
        yield trace.tb_frame, trace.tb_lasti
        trace = trace.tb_next


def _frames(trace):
    return [frame for frame, _ in _steps(trace)]


def _file_of(frame) -> str:
    return frame.f_code.co_filename


def _first_line(file: str) -> str:
    return linecache.getline(file, 1)


def _is_learners(frame, check: str) -> bool:
    """Whether a frame's code is from a notebook cell that is neither the check nor the tools."""
    file = _file_of(frame)
    return (
        frame.f_globals.get("__name__") == "__main__"
        and file != check
        and not _first_line(file).startswith(TOOLS_TITLE)
    )


if get_ipython() is not None:
    get_ipython().set_custom_exc((Exception,), show_failure)
