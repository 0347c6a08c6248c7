"""The learner's process: runs cells in an IPython shell, and answers the examiner's requests about what they defined.

Everything here runs beside the learner's code, which can change it. So nothing here decides about marks, and nothing
that leaves this process is trusted on the other side.
"""

import ast
import base64
import copy
import gc
import importlib
import io
import pickle
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import FunctionType
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from torch import nn
from traitlets import Type
from traitlets.config import Config

from autograder.execute.crossing import frames, wire
from autograder.execute.crossing.classes import crosses_by_name, full_name
from autograder.execute.crossing.simple import simple_attributes
from autograder.execute.crossing.slots import State, grad_of, same_state, same_values, slots, state_of
from autograder.notebook.watch import THREAD, Watch

#: How many characters of a learner's ``repr`` are sent.
REPR = 200
#: What IPython does to a cell before it looks for magics.
IPYTHONS_OWN = TransformerManager().cleanup_transforms
#: Frames of these files are not the learner's.
OURS = str(Path(__file__).parent)


class TooMuchOutput(BaseException):
    """Ends a cell that has written too much; not an ``Exception``, so that a learner's ``except`` lets it through."""


class Outputs:
    """The outputs of what is running, as the notebook format has them, up to a limit."""

    def __init__(self) -> None:
        self.limit = 0
        self.clear()

    def clear(self) -> None:
        self.items: list[dict] = []
        self.bytes, self.too_much = 0, False

    def add(self, item: dict, size: int) -> None:
        self.bytes += size
        if self.bytes > self.limit:
            self.too_much = True
            raise TooMuchOutput
        self.items.append(item)

    def write(self, name: str, text: str) -> None:
        room = max(0, self.limit - self.bytes)
        last = self.items[-1] if self.items else {}
        if last.get("name") == name:
            last["text"].append(text[:room])
        elif text:
            self.items.append({"output_type": "stream", "name": name, "text": [text[:room]]})
        self.bytes += len(text)
        if self.bytes > self.limit:
            self.too_much = True
            raise TooMuchOutput

    def take(self) -> list[dict]:
        """The outputs so far, which are then forgotten."""
        for item in self.items:
            if item["output_type"] == "stream":
                item["text"] = "".join(item["text"])
        items = self.items
        self.items = []
        return items


OUTPUTS = Outputs()


class Stream(io.TextIOBase):
    """``sys.stdout`` and ``sys.stderr`` of the learner's process."""

    encoding = "utf-8"

    def __init__(self, name: str) -> None:
        self.name = name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        OUTPUTS.write(self.name, str(text))
        return len(text)


class Publisher(DisplayPublisher):
    """Where ``display`` goes."""

    def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **kwargs) -> None:
        item = {"output_type": "display_data", "data": _mime(data), "metadata": dict(metadata or {})}
        OUTPUTS.add(item, _size(item["data"]))

    def clear_output(self, wait=False) -> None:
        OUTPUTS.clear()


class Displayer(DisplayHook):
    """Where the value of a cell's last expression goes."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict, md_dict=None) -> None:
        item = {"output_type": "execute_result", "data": _mime(format_dict), "metadata": dict(md_dict or {})}
        item["execution_count"] = self.prompt_count
        OUTPUTS.add(item, _size(item["data"]))

    def finish_displayhook(self) -> None:
        self._is_active = False


class Compiler(CachingCompiler):
    """IPython's own, which also knows the course's cells that were parsed before the fork."""

    def __init__(self) -> None:
        super().__init__()
        self.early: dict[str, ast.AST] = {}

    def ast_parse(self, source: str, filename: str = "<unknown>", symbol: str = "exec") -> ast.AST:
        return self.early.get(source) or super().ast_parse(source, filename, symbol)


class Shell(InteractiveShell):
    """IPython without a terminal or ZMQ: magics, rich output and tracebacks as learners know them."""

    compiler_class = Type(Compiler)
    display_pub_class = Type(Publisher)
    displayhook_class = Type(Displayer)

    def enable_gui(self, gui=None) -> None:
        pass

    def transform_cell(self, raw_cell: str) -> str:
        """As IPython's own, which looks for magics token by token; that is skipped for plain Python, which has none."""
        added = self.input_transformers_cleanup != IPYTHONS_OWN or self.input_transformers_post
        if raw_cell in self.compile.early and not added:
            return raw_cell
        if added or raw_cell[:1].isspace() or "\n" not in raw_cell.strip():  # a single line may be a magic's name
            return super().transform_cell(raw_cell)
        try:
            compile(raw_cell, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return super().transform_cell(raw_cell)
        return raw_cell if raw_cell.endswith("\n") else f"{raw_cell}\n"

    def parse_early(self, code: str) -> None:
        """Parse a cell that is plain Python, as the course's own are, before it is run."""
        self.compile.early[code] = self.compile.ast_parse(code)

    def _showtraceback(self, etype, evalue, stb) -> None:
        text = _text(evalue)
        OUTPUTS.items.append(
            {"output_type": "error", "ename": etype.__name__, "evalue": text, "traceback": [str(line) for line in stb]}
        )


def make_shell() -> Shell:
    """The shell of all learners' processes, made once before the fork."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.banner1 = ""
    config.InteractiveShell.autoindent = False
    shell = Shell.instance(config=config)
    shell.system = run_command
    from matplotlib_inline.backend_inline import configure_inline_support

    configure_inline_support(shell, "module://matplotlib_inline.backend_inline")
    try:
        raise ValueError
    except ValueError:  # the first traceback is slow: it looks for the source of every module
        shell.InteractiveTB.structured_traceback(*sys.exc_info())
    return shell


def run_command(command: str) -> None:
    """Run a line that begins with ``!``; IPython's own way needs a session of its own and a terminal."""
    shell = InteractiveShell.instance()
    text = shell.var_expand(command, depth=1)
    with subprocess.Popen(text, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for part in io.TextIOWrapper(process.stdout, errors="replace"):
            sys.stdout.write(part)
    shell.user_ns["_exit_code"] = process.returncode


class Student:
    """Answers requests, one at a time, until the examiner hangs up.

    Attributes:
        objects: the learner's objects that the examiner has a handle to, by number.
        given: the examiner's objects that this process has a copy of, by number.
        results: tensors that a check has been given, by number, and their versions then.
        tapes: outputs and inputs of calls that autograd may go back through, by number.
        failed: the exception that ended the last request.
    """

    def __init__(self, connection: socket.socket, shell: Shell) -> None:
        self.connection, self.shell, self.folder = connection, shell, Path.cwd()
        self.objects: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.given: dict[int, Any] = {}
        self.given_numbers: dict[int, int] = {}
        self.tapes: dict[int, tuple[list, list]] = {}
        self.new_numbers, self.first_new = count(), 0
        self.described: dict[int, tuple] = {}
        self.seen: dict[int, dict[str, State]] = {}
        self.contents: dict[int, dict[str, dict]] = {}
        self.hooked: dict[tuple[int, str], Any] = {}
        self.results: dict[int, tuple[torch.Tensor, int]] = {}
        self.result_numbers: dict[int, int] = {}
        self.events: list = []
        self.arguments: list[torch.Tensor] = []
        self.pointers: list[int] = []
        self.sources: list[tuple] = []
        self.leaves: list[torch.Tensor] = []
        self.needed_grad: list[bool] = []
        self.had_grad: list[bool] = []
        self.geometries: list[list] = []
        self.marked: list[int] = []
        self.outputs: list[torch.Tensor] = []
        self.encoder = wire.Encoder(self._encode_object, self._encode_tensor)
        self.busy = False
        self.failed: BaseException | None = None
        sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
        signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, number, frame) -> None:
        if self.busy:
            raise KeyboardInterrupt

    def serve(self) -> None:
        """Answer until the connection closes."""
        while True:
            try:
                request = frames.receive(self.connection, largest=2**40)
            except frames.Closed:
                return
            self.busy = True
            try:
                answer = self._answer(request)
            except BaseException as error:  # interrupted, or out of memory, while the answer was made
                answer = {"error": _error(error)}
            self.busy = False
            frames.send(self.connection, self._packed(answer))

    def _packed(self, answer: dict) -> bytes:
        """An answer as bytes; if it is too large, an answer that says so."""
        try:
            payload = wire.pack(_lists(answer))
            if len(payload) <= frames.LARGEST:
                return payload
            size = f"it takes {len(payload) / 1e6:.0f} MB, more than {frames.LARGEST / 1e6:.0f} MB"
            error = _error(wire.TooLarge(size))
            payload = wire.pack(_lists(answer | {"value": None, "error": error}))
            if len(payload) <= frames.LARGEST:
                return payload
        except BaseException as problem:
            error = _error(problem)
        self._take_back()
        return wire.pack(_lists({"error": error}))

    def _take_back(self) -> None:
        """Forget what is new since the last request, and any change: the examiner has not been told of them."""
        self._forget([number for number in [*self.objects, *self.results] if number >= self.first_new])
        self.described.clear()
        self.seen.clear()

    # Requests

    def _answer(self, payload: bytes) -> dict:
        OUTPUTS.too_much, OUTPUTS.bytes = False, 0
        self.arguments, self.pointers, self.geometries, self.marked, self.outputs, self.events = [], [], [], [], [], []
        self.sources, self.leaves, self.needed_grad, self.had_grad = [], [], [], []
        self.encoder.left, self.first_new = wire.MOST, next(self.new_numbers)
        request = Unpickler(io.BytesIO(payload), self).load()
        if request["do"] != "traceback":
            self.failed = None
        self._forget(request["forget"])
        for number, one in request["new"].items():
            self.given[number], self.given_numbers[id(one)] = one, number
            if isinstance(one, nn.Module):
                self.seen[number] = {name: state_of(tensor) for name, tensor in slots(one)}
                self.contents[number] = _contents(one)
        for number, contents in request["restructured"].items():
            vars(self.given[number]).update(contents)
            self.contents[number] = _contents(self.given[number])
        OUTPUTS.limit = request["output_limit"]
        answer: dict[str, Any] = {"error": None, "value": None}
        watch = Watch(operations=request["watch_operations"]) if request["watch"] else None
        if watch and _other_threads():
            watch.functions.append(THREAD)
        try:
            self._take_state(request)
            mode = torch.enable_grad() if request["grad"] else torch.no_grad()
            deterministic = _deterministic() if request["deterministic"] else nullcontext()
            with mode, deterministic, watch or nullcontext():
                result = getattr(self, f"_do_{request['do']}")(*request["with"])
            answer["value"] = self._encode_result(result, request)
        except BaseException as error:
            answer["error"], self.failed = _error(error), error
            if isinstance(error, wire.TooLarge):
                self._take_back()  # else every later request would look at all of it
                return {"error": answer["error"]}
        answer["printed"] = _stream_text(OUTPUTS.take())
        answer["too_much"] = OUTPUTS.too_much
        answer["operations"], answer["functions"] = self._watched(watch) if watch else (None, None)
        answer["contents"] = self._changed_contents(request["inplace"])
        answer["modules"] = self._descriptions()
        answer["changes"] = self._changes()
        answer["rewritten"] = self._rewritten()
        answer["arguments"] = self._changed_arguments(request)
        self._settle_contents(request["inplace"])
        answer["events"] = self.events
        answer["seed"] = torch.initial_seed()
        return answer

    def _watched(self, watch: Watch) -> tuple[list, list]:
        """What a ``Watch`` has seen, each different operation and name once: a loop repeats itself a thousand times."""
        seen = {(one.name, repr(one.arguments), one.largest): one for one in watch.operations}
        operations = [[one.name, self.encoder.encode(one.arguments), one.largest] for one in seen.values()]
        in_turn = [(one.name, repr(one.arguments), one.largest) for one in watch.operations]
        names = list(dict.fromkeys(watch.functions))
        return [operations, _order(seen, in_turn)], [names, _order(names, watch.functions)]

    def _do_run(self, code: str, pictures: dict[str, str], alone: list[str]) -> dict:
        """Run a cell; its outcome and its outputs. ``pictures`` are known by their text alternatives."""
        OUTPUTS.clear()
        importlib.invalidate_caches()  # so that a module which the previous cell has just written is found
        status, problem = "ok", None
        try:
            with _not_drawn(pictures, alone, self.shell.user_ns):
                result = self.shell.run_cell(code, store_history=True)
            problem = result.error_before_exec or result.error_in_exec
            if problem is not None:
                status = "error"
        except BaseException as error:
            status = "error"
            self.shell._showtraceback(type(error), error, [f"{type(error).__name__}: {_text(error)}"])
        outputs = OUTPUTS.take()
        return {
            "status": status,
            "outputs": outputs,
            "too_much": OUTPUTS.too_much,
            "count": self.shell.execution_count - 1,
        }

    def _do_files(self, most: int) -> dict[str, bytes]:
        """The files in the notebook's folder, without links and without what does not fit into ``most`` bytes."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= most:
                found[path.relative_to(self.folder).as_posix()] = content = path.read_bytes()
                most -= len(content)
        return found

    def _do_begin(self, seed: int) -> None:
        """A check begins: its random numbers are the same for everyone."""
        self.tapes.clear()
        self._unhook(self.hooked.keys())
        _seed(seed)

    def _do_fetch(self, names: list[str]) -> dict:
        """Objects by name. A class of torch's own is an answer here, so it stays where its use can be watched."""
        space = self.shell.user_ns
        found = {name: space[name] for name in names if name in space}
        return {name: _Answer(one) if isinstance(one, type) else one for name, one in found.items()}

    def _do_call(self, function, arguments: tuple, options: dict) -> Any:
        return function(*arguments, **options)

    def _do_attribute(self, target, name: str) -> Any:
        return getattr(target, name)

    def _do_set(self, target, name: str, value) -> None:
        setattr(target, name, value)

    def _do_item(self, target, key) -> Any:
        return target[key]

    def _do_set_item(self, target, key, value) -> None:
        target[key] = value

    def _do_length(self, target) -> int:
        return len(target)

    def _do_iterate(self, target) -> Any:
        return iter(target)

    def _do_next(self, target) -> list:
        try:
            return [next(target)]
        except StopIteration:
            return []

    def _do_is_instance(self, value, kind) -> bool:
        return isinstance(value, kind)

    def _do_text(self, target) -> str:
        return str(target)

    def _do_copy(self, target) -> Any:
        return copy.deepcopy(target)

    def _do_hook(self, target: nn.Module, kind: str) -> None:
        number = self.numbers[id(target)]
        if (number, kind) in self.hooked:
            return

        def note(module, *values):
            self.events.append([number, kind, self.encoder.encode(_detached(values))])

        self.hooked[number, kind] = getattr(target, f"register_{kind}_hook")(note)

    def _unhook(self, keys: Iterable[tuple[int, str]]) -> None:
        for key in list(keys):
            self.hooked.pop(key).remove()

    def _do_backward(self, number: int, gradients: list) -> list:
        """The gradients of the inputs of a call, from those of its outputs; other leaves collect theirs."""
        outputs, inputs = self.tapes[number]
        before = [tensor.grad for tensor in inputs]
        for tensor in inputs:
            tensor.grad = None
        pairs = [(output, gradient) for output, gradient in zip(outputs, gradients) if gradient is not None]
        torch.autograd.backward([o for o, _ in pairs], [g for _, g in pairs], retain_graph=True)
        found = [None if tensor.grad is None else tensor.grad.detach() for tensor in inputs]
        for tensor, old in zip(inputs, before):
            tensor.grad = old
        return found

    # State shared with the examiner

    def _forget(self, numbers: list[int]) -> None:
        """Drop what no check holds any longer."""
        for number in numbers:
            if number in self.results:
                tensor, _ = self.results.pop(number)
                del self.result_numbers[id(tensor)]
            self._unhook(key for key in self.hooked if key[0] == number)
            for mine in (self.described, self.seen, self.contents):
                mine.pop(number, None)
            for objects, known in ((self.objects, self.numbers), (self.given, self.given_numbers)):
                if number in objects and known.get(id(objects[number])) == number:
                    del known[id(objects[number])]
                objects.pop(number, None)

    def _take_state(self, request: dict) -> None:
        """Bring shared modules to the state that they have on the examiner's side."""
        for seed in request["seeds"]:
            torch.manual_seed(seed)
        for number, training, attributes, tensors in request["state"]:
            owner = self.objects[number] if number >= 0 else self.given[number]
            if training is not None:
                owner.training = training
            vars(owner).update(attributes)
            for name, tensor, needs_grad, grad in tensors:
                self._set_slot(number, owner, name, tensor, needs_grad, grad)
        for number, new in request["rewritten"]:
            mine, _ = self.results[number]
            with torch.no_grad():
                wire.once(mine).copy_(new)
            self.results[number] = mine, mine._version

    def _original(self, number: int, name: str) -> torch.Tensor | None:
        """A parameter or buffer that one of the check's modules had when it arrived."""
        contents = self.contents[number]
        return contents["_parameters"].get(name, contents["_buffers"].get(name))

    def _settle_contents(self, marked: list[int]) -> None:
        """Undo what a call has put into, or taken out of, the check's modules, except those that the check marked."""
        for number, contents in self.contents.items():
            if number in marked:
                self.contents[number] = _contents(self.given[number])
            else:
                for kind, parts in contents.items():
                    vars(self.given[number])[kind] = dict(parts)
                names = {name for name, _ in slots(self.given[number])}
                seen = self.seen.get(number, {})  # nothing, if the last answer was taken back
                self.seen[number] = {name: state for name, state in seen.items() if name in names}

    def _set_slot(self, number, owner: nn.Module, name: str, tensor, needs_grad: bool, grad) -> None:
        mine = owner._parameters.get(name, owner._buffers.get(name))
        if mine is None:
            return
        with torch.no_grad():
            if tensor is not None:
                if mine.shape == tensor.shape and mine.dtype == tensor.dtype:
                    wire.overwrite(mine, tensor)
                else:
                    mine.data = tensor.detach()
            if mine.is_leaf:
                mine.requires_grad_(needs_grad)
                mine.grad = grad
        self.seen.setdefault(number, {})[name] = state_of(mine)

    def _modules(self):
        """All modules that both sides know, with their numbers; the examiner's have negative ones."""
        for number, one in [*self.objects.items(), *self.given.items()]:
            if isinstance(one, nn.Module):
                yield number, one

    def _changes(self) -> list:
        """What has changed in parameters and buffers since the examiner last heard of them."""
        changes = []
        for number, module in self._modules():
            for name, tensor in slots(module):
                seen = self.seen.setdefault(number, {})
                before = seen.get(name)
                if before is None or not same_state(tensor, before):
                    seen[name] = state_of(tensor)
                    grad = None if grad_of(tensor) is None else wire.encode_tensor(tensor.grad)
                    own = any(tensor is one for one in self.arguments)
                    shared = None if own else self._encode_shared(tensor.detach())
                    encoded = shared or wire.encode_expanded(tensor)
                    changes.append([number, name, encoded, tensor.requires_grad, grad])
        return changes

    def _rewritten(self) -> list:
        """Earlier results that the learner's code has written into since."""
        written = [(number, tensor) for number, (tensor, version) in self.results.items() if tensor._version != version]
        self.results.update({number: (tensor, tensor._version) for number, tensor in written})
        return [[number, wire.encode_expanded(tensor)] for number, tensor in written]

    def _descriptions(self) -> list:
        """What the examiner must know of the learner's modules: new ones, and those whose structure has changed."""
        news, done = [], set()
        queue = [one for one in self.objects.values() if isinstance(one, nn.Module)]
        while queue:
            module = queue.pop()
            number = self._number(module)
            if number in done:
                continue
            done.add(number)
            description = self._describe(module)
            queue += [child for child in (vars(module).get("_modules") or {}).values() if isinstance(child, nn.Module)]
            if self.described.get(number) != description:
                self.described[number] = description
                simple = self.encoder.encode(simple_attributes(module) if description[1] else {})
                news.append([number, self._about(module), *description[1:-1], simple])
        return news

    def _describe(self, module: nn.Module) -> tuple:
        """Type, slots, parts and simple attributes of a module, or that its ``__init__`` was never called."""
        fields = vars(module)
        if not all(isinstance(fields.get(name), dict) for name in ("_parameters", "_buffers", "_modules")):
            return type(module), False, True, [], [], [], ""
        children = [[n, self._number(m)] for n, m in module._modules.items() if isinstance(m, nn.Module)]
        parameters = [n for n, _ in slots(module) if n in module._parameters]
        missing = [n for n, p in [*module._parameters.items(), *module._buffers.items()] if p is None]
        simple = repr(simple_attributes(module))  # which tells 1 from True
        buffers = [
            [n, n not in module._non_persistent_buffers_set] for n, b in module._buffers.items() if b is not None
        ]
        return type(module), True, bool(module.training), [parameters, missing], buffers, children, simple

    def _changed_contents(self, marked: list[int]) -> list:
        """What has been replaced, set to None, or taken out in modules that the check marked; and their parts."""
        changed = []
        for number in marked:
            if number not in self.contents:
                continue
            before, now = self.contents[number], _contents(self.given[number])
            if _same_objects(before, now):
                continue
            tensors = []
            for kind in ("_parameters", "_buffers"):
                for name in before[kind].keys() | now[kind].keys():
                    if name in now[kind] and now[kind][name] is before[kind].get(name):
                        continue
                    became = "gone" if name not in now[kind] else "none" if now[kind][name] is None else "new"
                    tensors.append([kind, name, became])
            parts = [[name, self.encoder.encode(part)] for name, part in now["_modules"].items()]
            changed.append([number, tensors, parts])
        return changed

    def _changed_arguments(self, request: dict) -> list:
        """What has become of the arguments that the check marked with ``inplace``."""
        changed = []
        for key in self.marked:
            tensor = self.arguments[key]
            grad = grad_of(tensor)
            gradient = None if grad is None else wire.encode_tensor(grad)
            moved = tensor.untyped_storage().data_ptr() != self.pointers[key]
            now = wire.encode_tensor(tensor if moved else wire.whole(tensor))
            if moved or gradient or now[1:5] != list(self.sources[key]):
                changed.append([key, "moved" if moved else "storage", now, gradient])
            if not moved and _geometry(tensor) != self.geometries[key]:
                changed.append([key, "geometry", _geometry(tensor), None])  # t_(), squeeze_(), …
            if tensor is self.leaves[key] and tensor.requires_grad != self.needed_grad[key]:
                changed.append([key, "needs_grad", tensor.requires_grad, None])
            if tensor is self.leaves[key] and self.had_grad[key] and grad is None:
                changed.append([key, "cleared", None, None])
        for number in request["inplace"]:
            one = self.given[number]
            if isinstance(one, (list, dict, set)):
                changed.append([number, "container", self.encoder.encode(one), None])
            else:
                plain = {
                    name: value for name, value in vars(one).items() if not name.startswith("_") and _is_plain(value)
                }
                changed.append([number, "attributes", self.encoder.encode(plain), None])
        return changed

    # Results

    def _encode_result(self, result: Any, request: dict) -> Any:
        encoded = wire.Encoder(self._encode_object, self._encode_result_tensor).encode(result)
        if self.outputs:
            number = request["number"]
            keys = [key for key, leaf in enumerate(self.leaves) if leaf.requires_grad]
            inputs = [self.leaves[key] for key in keys]
            places = [(n, name, t) for n, m in self._modules() for name, t in slots(m) if t.requires_grad and t.is_leaf]
            unmarked = self.contents.keys() - set(request["inplace"])  # no check sees what a call has put there
            places = [one for one in places if one[0] not in unmarked or one[2] is self._original(*one[:2])]
            self.tapes[number] = (self.outputs, [*inputs, *(tensor for _, _, tensor in places)])
            return ["taped", encoded, keys, [[n, name] for n, name, _ in places]]
        return encoded

    def _encode_tensor(self, tensor: torch.Tensor) -> list | None:
        if tensor.layout != torch.strided:
            dense = wire.encode_tensor(tensor.detach().to_dense())
            return None if dense is None else ["sparse", dense]
        plain = tensor.as_subclass(torch.Tensor) if type(tensor) is not nn.Parameter else tensor
        if (shared := self._encode_shared(tensor)) is not None:
            return shared
        for number, module in self._modules():
            for name, mine in slots(module):
                if mine is tensor and (number < 0 or number in self.described):
                    return ["slot", number, name]
        if plain.requires_grad and type(plain) is not nn.Parameter and (encoded := wire.encode_tensor(plain)):
            self.outputs.append(plain)
            return ["output", len(self.outputs) - 1, encoded]
        return None

    def _encode_shared(self, tensor: torch.Tensor) -> list | None:
        """A tensor that is an argument, or shares memory with one that is still as the check knows it."""
        for key, argument in enumerate(self.arguments):
            if tensor is not argument and not _share(tensor, argument):
                continue
            if tensor.requires_grad and tensor is not argument:
                if key in self.marked and argument.is_leaf and tensor._base is argument:
                    return ["view of a leaf", key, *_geometry(tensor)]
                continue
            if key not in self.marked and (tensor.requires_grad or not self._is_as_it_came(key)):
                continue
            if tensor is argument:
                return ["argument", key]
            if tensor.dtype == argument.dtype:
                return ["view", key, *_geometry(tensor)]
        return None

    def _is_as_it_came(self, key: int) -> bool:
        """Whether an argument's memory is unchanged; batch normalisation writes without incrementing the version."""
        return same_values(wire.whole(self.arguments[key]), wire.decode_tensor(*self.sources[key], False))

    def _encode_result_tensor(self, tensor: torch.Tensor) -> list | None:
        """As ``_encode_tensor``; a plain result is remembered, because a later call may write into it."""
        if (encoded := self._encode_tensor(tensor)) is not None or type(tensor) not in (torch.Tensor, nn.Parameter):
            return encoded
        if (number := self.result_numbers.get(id(tensor))) is not None:
            return ["again", number]
        if tensor.is_inference() or (encoded := wire.encode_expanded(tensor)) is None:
            return None
        number = next(self.new_numbers)
        self.results[number], self.result_numbers[id(tensor)] = (tensor, tensor._version), number
        return ["result", number, encoded]

    def _encode_object(self, value: Any) -> list:
        if isinstance(value, _Answer):
            return ["object", self._number(value.kind), *self._about(value.kind)]
        number = self.given_numbers.get(id(value))
        if number is not None and self.given[number] is value:
            return ["given", number]
        if isinstance(value, type) and crosses_by_name(value):
            return ["class", full_name(value)]
        return ["object", self._number(value), *self._about(value)]

    def _about(self, value: Any) -> list:
        """What the examiner's stand-in for an object must know: names of its types, and what can be done with it."""
        kind = type(value)
        stock = next(
            (f"{c.__module__}.{c.__qualname__}" for c in kind.__mro__ if c.__module__.startswith("torch.")), ""
        )
        has = [
            name
            for name in ("__call__", "__iter__", "__next__", "__len__", "__getitem__")
            if any(name in vars(c) for c in kind.__mro__)
        ]
        return [kind.__name__, stock, has, isinstance(value, nn.Module), isinstance(value, type), _repr(value)]

    def _number(self, value: Any) -> int:
        number = self.numbers.get(id(value))
        if number is None:
            number = next(self.new_numbers)
            self.objects[number], self.numbers[id(value)] = value, number
        return number

    def _do_traceback(self) -> str:
        """Where the last request has failed."""
        text, self.failed = self._traceback(self.failed), None
        gc.collect()  # the formatter leaves cycles with the frames, and so with what the answer had in memory
        return text

    def _traceback(self, error: BaseException | None) -> str:
        """The traceback as IPython shows it, from the learner's first frame on."""
        place = error and error.__traceback__
        while place is not None and place.tb_frame.f_code.co_filename.startswith(OURS):
            place = place.tb_next
        if place is None:
            return ""
        try:
            return "\n".join(self.shell.InteractiveTB.structured_traceback(type(error), error, place))
        except BaseException:
            return ""
        finally:
            self.shell.InteractiveTB.tb = None


@dataclass(frozen=True)
class _Answer:
    """A class that is itself an answer to an exercise."""

    kind: type


class Unpickler(pickle.Unpickler):
    """Reads the examiner's requests, in which the learner's own objects stand as numbers."""

    def __init__(self, file: io.BytesIO, student: Student) -> None:
        super().__init__(file)
        self.student = student
        self.storages: dict[int, torch.Tensor] = {}
        self.sources: dict[int, tuple] = {}

    def persistent_load(self, reference: tuple) -> Any:
        student = self.student
        match reference:
            case "object", number:
                return student.objects[number]
            case "given", number:
                return student.given[number]
            case "slot", number, name:
                owner = student.objects[number] if number >= 0 else student.given[number]
                return owner._parameters.get(name, owner._buffers.get(name))
            case "argument", key:
                return student.arguments[key]
            case "tensor", tensor:
                return self._tensor(**tensor)
        raise pickle.UnpicklingError(f"unknown reference {reference[0]!r}")

    def _tensor(
        self, storage, data, offset, shape, stride, needs_grad, parameter, marked, is_view, is_leaf, grad
    ) -> torch.Tensor:
        if storage not in self.storages:
            self.storages[storage], self.sources[storage] = wire.decode_tensor(*data, False), data
        tensor = self.storages[storage].as_strided(shape, stride, offset)
        if parameter:
            tensor = nn.Parameter(tensor, needs_grad)
        elif needs_grad or not is_view:
            tensor = tensor.detach().requires_grad_(needs_grad)
        if grad is not None:
            tensor.grad = wire.decode_tensor(*grad, False)
        self.student.leaves.append(tensor)
        self.student.needed_grad.append(needs_grad)
        self.student.had_grad.append(grad is not None)
        if not is_leaf:
            tensor = _Computed.apply(tensor)
        if marked:
            self.student.marked.append(len(self.student.arguments))
        self.student.arguments.append(tensor)
        self.student.pointers.append(tensor.untyped_storage().data_ptr())
        self.student.geometries.append(_geometry(tensor))
        self.student.sources.append(self.sources[storage])
        return tensor


class _Computed(torch.autograd.Function):
    """A tensor in the same memory that is not a leaf, as if another layer had computed it."""

    @staticmethod
    def forward(ctx, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.detach()

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


def _contents(module: nn.Module) -> dict[str, dict]:
    """The parameters, buffers and parts of a module, by name."""
    return {kind: dict(vars(module).get(kind) or {}) for kind in ("_parameters", "_buffers", "_modules")}


def _same_objects(before: dict[str, dict], now: dict[str, dict]) -> bool:
    """Whether a module has the same parameters, buffers and parts as before, in the same order."""
    return all(
        list(before[kind]) == list(now[kind]) and all(before[kind][name] is one for name, one in now[kind].items())
        for kind in before
    )


def _other_threads() -> bool:
    """Whether the learner's code has left threads running, in which nothing can be watched."""
    return len(sys._current_frames()) > 1


def _geometry(tensor: torch.Tensor) -> list:
    """How a tensor views its memory: offset, shape and strides."""
    return [tensor.storage_offset(), list(tensor.shape), list(tensor.stride())]


def _order(different: Iterable, in_turn: list) -> bytes:
    """The index of each thing among the different ones, as 32-bit integers."""
    places = {one: number for number, one in enumerate(different)}
    return np.array([places[one] for one in in_turn], "<u4").tobytes()


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def _deterministic() -> Iterator[None]:
    """As in a check that has asked for it: ``torch.empty`` gives nan, for instance."""
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def _share(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.layout != torch.strided or one.numel() == 0:
        return False
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _detached(values: Any) -> Any:
    if isinstance(values, torch.Tensor):
        return values.detach()
    return tuple(_detached(one) for one in values) if isinstance(values, (tuple, list)) else values


@contextmanager
def _not_drawn(pictures: dict[str, str], alone: list[str], space: dict) -> Iterator[None]:
    """Let the notebook's ``picture`` return those that are known, and what draws one from ``alt=`` show it at once."""
    names = dict(space) if pictures else {}
    drawing = {name: one for name, one in names.items() if name == "picture" or "alt" in _keywords(one)}

    def picture(figure, alt):
        if alt not in pictures:
            return drawing["picture"](figure, alt)
        if figure is not None:
            plt.close(figure)
        return pictures[alt]

    def showing(draw):
        def known(*values, **options):
            if options.get("alt") not in alone or options["alt"] not in pictures:
                return draw(*values, **options)
            space["show"](None, options["alt"])

        return known

    instead = {name: picture if name == "picture" else showing(one) for name, one in drawing.items()}
    space.update(instead)
    try:
        yield
    finally:
        space.update({name: drawing[name] for name, one in instead.items() if space.get(name) is one})


def _keywords(value: Any) -> tuple[str, ...]:
    """The keyword-only parameters of a plain function."""
    code = getattr(value, "__code__", None) if isinstance(value, FunctionType) else None
    return code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount] if code else ()


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(one) for one in value)
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(one) for key, one in value.items())
    return value is None or isinstance(value, (bool, int, float, str, torch.Tensor))


def _mime(data: dict) -> dict:
    """Representations by MIME type; bytes, as of a PNG, as the text that a notebook holds."""
    return {
        str(kind): base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
        if isinstance(value, (str, dict, list, bytes))
    }


def _size(data: dict) -> int:
    return sum(len(str(value)) for value in data.values())


def _stream_text(items: list[dict]) -> str:
    return "".join(item["text"] for item in items if item["output_type"] == "stream")


def _lists(value: Any) -> Any:
    """An answer with its outermost dict as pairs: the wire knows no maps."""
    return [[key, part] for key, part in value.items()]


def _error(error: BaseException) -> list:
    return [[kind.__name__ for kind in type(error).__mro__], _text(error)]


def _text(value: Any) -> str:
    try:
        return str(value)[:5000]
    except BaseException:
        return ""


def _repr(value: Any) -> str:
    try:
        return repr(value)[:REPR]
    except BaseException:
        return ""
