"""The examiner's end of the line: requests to the learner's process, and what both sides share.

A request is a pickle, because it comes from the trusted side; what comes back is ``wire`` data and nothing else.
Modules that crossed in either direction are kept equal: before each request the other side hears what has changed
here, and each answer tells what has changed there. A result that the learner's code overwrites later changes here, too.
Both sides forget what no check holds any longer; otherwise each request would cost more than the one before. What a
learner's code does to an argument counts only if the check marked it with ``inplace``.
"""

import gc
import io
import socket
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from types import GeneratorType
from typing import Any

import cloudpickle
import numpy as np
import torch
from torch import nn

from autograder.execute.crossing import frames, wire
from autograder.execute.crossing.classes import stock_class
from autograder.execute.crossing.frames import WireError
from autograder.execute.crossing.simple import is_name, is_simple
from autograder.execute.crossing.slots import State, grad_of, same_state, same_values, slots, state_of
from autograder.execute.examiner.standins import CannotCross, Standin, Twin, fill_twin, make_standin
from autograder.execute.examiner.usage import Clock

#: Exceptions of a learner's code that arrive as what they are; others arrive as the nearest of these.
ERRORS = {
    kind.__name__: kind
    for kind in (
        Exception, ArithmeticError, AssertionError, AttributeError, EOFError, FileNotFoundError, ImportError,
        IndexError, KeyError, LookupError, MemoryError, ModuleNotFoundError, NameError, NotImplementedError, OSError,
        OverflowError, PermissionError, RecursionError, RuntimeError, StopIteration, SyntaxError, TypeError,
        UnboundLocalError, UnicodeError, ValueError, ZeroDivisionError,
    )
}  # fmt: skip


#: Requests that change nothing in the learner's process, if its code behaves.
LOOKS = {"attribute", "item", "length", "text", "is_instance"}
#: How many objects may be added before we look again for those that are no longer in use.
CROWD = 16


class Lost(BaseException):
    """A request came to nothing; not an ``Exception``, so that a check's ``except`` lets it through.

    Args:
        why: ``"time"``, ``"output"`` or ``"interrupt"`` if it was interrupted; ``"gone"`` or ``"protocol"`` if there is
            nobody to ask any more.
    """

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(why)
        self.why, self.detail = why, detail


@dataclass
class Inplace:
    """An argument that a check marked: what the learner's code does to it is carried back."""

    value: Any


@dataclass
class Watching:
    """An active ``Watch`` of a check; it may want only the names of functions."""

    operations: list
    functions: list
    wants_operations: bool
    make: Callable


@dataclass
class Result:
    """A tensor that a check has been given, and its version when both sides last agreed on its values."""

    tensor: weakref.ref
    version: int | None


@dataclass
class _Call:
    """What one request carries besides its words."""

    tensors: list[torch.Tensor] = field(default_factory=list)
    keys: dict[int, int] = field(default_factory=dict)
    marked: set[int] = field(default_factory=set)
    storages: dict[tuple, int] = field(default_factory=dict)
    new: dict[int, Any] = field(default_factory=dict)
    objects: dict[int, Any] = field(default_factory=dict)
    held: list = field(default_factory=list)
    places: dict[int, tuple[int, str]] = field(default_factory=dict)
    restructured: dict[int, set[str]] = field(default_factory=dict)


class Link:
    """Asks the learner's process.

    Args:
        connection: to it.
        interrupt: called when the time is up; sends it an interrupt.
        output_limit: characters that a cell or a check may print.
    """

    #: Seconds that the learner's process has to answer after an interrupt.
    GRACE = 2.0

    def __init__(self, connection: socket.socket, interrupt: Callable[[], None], output_limit: int) -> None:
        self.connection, self.interrupt, self.output_limit = connection, interrupt, output_limit
        self.clock: Clock
        # The learner's objects have numbers from 0 on, as results have; the check's own have negative ones.
        self.twins: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self.results: dict[int, Result] = {}
        self.modules: weakref.WeakValueDictionary[int, nn.Module] = weakref.WeakValueDictionary()
        self.given: dict[int, Any] = {}
        self.given_numbers: dict[int, int] = {}
        self.new_numbers = count(-1, -1)
        self.told: set[int] = set()
        self.crowd = CROWD
        self.agreed: dict[int, dict[str, State]] = {}
        self.training: dict[int, bool] = {}
        self.structures: dict[int, list] = {}
        self.hooks: dict[tuple[int, str], list] = {}
        self.looks: dict[tuple, tuple] = {}
        #: what the check has set since the last request, and what applied in the learner's process after it
        self.seeds: list[int] = []
        self.learners_seed = 0
        self.watching: list[Watching] = []
        self.tapes = 0
        self.waiting = False  # for an answer, which must not be mistaken for the next request's
        self.printed = 0
        self.print: Callable[[str], None] = lambda text: None

    # Asking

    def ask(self, what: str, *words: Any) -> Any:
        """What the learner's process answers.

        Raises:
            Exception: of the learner's code, with the number of the request in ``learners_request``.
            Lost: it ran too long, wrote too much, is gone or does not keep to the protocol.
            CannotCross: something in ``words`` cannot be handed over.
        """
        call = _Call()
        words = self._unwrap(words, call)
        self.tapes += 1
        gone, rewritten = self._look_at_results(call)
        if what not in LOOKS:
            self.looks.clear()
        request = {
            "do": what,
            "with": words,
            "number": self.tapes,
            "grad": torch.is_grad_enabled(),
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            "watch": bool(self.watching),
            "watch_operations": any(one.wants_operations for one in self.watching),
            "output_limit": self.output_limit,
            "seeds": self.seeds,
            "forget": sorted(gone | self._forget(call)),
            "new": call.new,
            "restructured": {number: self._contents(number) for number in call.restructured},
            "inplace": sorted(call.objects),
            "rewritten": rewritten,
        }
        self.seeds = []
        request["state"] = self._state(call)
        payload = self._pickle(request, call)
        try:
            return self._take(self._exchange(payload), call, what)
        except frames.Closed as closed:
            raise Lost("gone", str(closed)) from None
        except WireError as error:
            raise Lost("protocol", str(error)) from None

    def look(self, what: str, target: Any, *words: str) -> Any:
        """What a look at a learner's object finds: always the same, until something else has happened.

        Otherwise an object could give each line of a check the answer that suits it.
        """
        key = (vars(target)["_number"], what, *words)
        if key not in self.looks or self.looks[key][0] is not target or self._has_changed():
            found = self.ask(what, target, *words)
            self.looks[key] = target, found
        return self.looks[key][1]

    def _has_changed(self) -> bool:
        """Whether the check has changed a shared module since the last request, or set a seed."""
        for number, module in self._shared():
            agreed = self.agreed.get(number, {})
            if self.training.get(number) != module.training or any(
                name not in agreed or not same_state(tensor, agreed[name]) for name, tensor in slots(module)
            ):
                return True
        return bool(self.seeds)

    def _exchange(self, payload: bytes) -> dict:
        self.waiting = True
        try:
            frames.send(self.connection, payload, self.clock.left)
        except frames.OutOfTime:
            raise frames.Closed("it does not read what it is sent") from None
        try:
            raw = frames.receive(self.connection, self.clock.left)
        except frames.OutOfTime:
            self.interrupt()
            try:
                frames.receive(self.connection, self.clock.another(self.GRACE).left)
            except (frames.OutOfTime, WireError):  # it may have been interrupted in the middle of an answer
                raise frames.Closed("it could not be interrupted") from None
            self.waiting = False
            raise Lost("time") from None
        self.waiting = False
        pairs = wire.unpack(raw)
        try:
            return dict(pairs)
        except (TypeError, ValueError):
            raise WireError("an invalid answer") from None

    def begin(self, seed: int) -> None:
        """Begin a check; nothing is kept of the previous one."""
        self.hooks.clear()
        self.looks.clear()
        gc.collect()
        self.crowd = CROWD
        self.ask("begin", seed)

    def _forget(self, call: _Call) -> set[int]:
        """The numbers of objects no longer in use here; all others are kept alive until the answer arrives."""
        if len(self.twins) + len(self.modules) > self.crowd:
            gc.collect()  # a twin and its parameters refer to each other, a check's functions to its names
            self.crowd = len(self.twins) + len(self.modules) + CROWD
        alive = {**self.twins, **self.modules}
        call.held += alive.values()
        gone = self.told - alive.keys()
        self.told -= gone
        for number in gone:
            for mine in (self.agreed, self.training, self.structures):
                mine.pop(number, None)
        return gone

    def _look_at_results(self, call: _Call) -> tuple[set[int], list[tuple[int, "_Raw"]]]:
        """The numbers of results no longer in use here, and those that the check has written into.

        They may be the learner's own tensors. All that are left are held until the answer arrives.
        """
        gone, rewritten = set(), []
        for number, result in self.results.items():
            tensor = result.tensor()
            if tensor is None:
                gone.add(number)
                continue
            call.held.append(tensor)
            if result.version is not None and tensor._version != result.version:
                result.version = tensor._version
                rewritten.append((number, _Raw(wire.once(tensor))))
        for number in gone:
            del self.results[number]
        return gone, rewritten

    # Handing over

    def _unwrap(self, value: Any, call: _Call) -> Any:
        """``value`` without its marks, its new modules and marked containers noted."""
        if isinstance(value, Inplace):
            inner = value.value
            if isinstance(inner, torch.Tensor):
                call.marked.add(id(inner))
                return inner
            if isinstance(inner, nn.Module) and not isinstance(inner, Twin):
                self._note_modules(inner, call)
                for part in inner.modules():
                    if not isinstance(part, Twin):
                        call.objects[self.given_numbers[id(part)]] = part
            elif isinstance(inner, (list, dict, set)):
                call.objects[self._give(inner, call)] = inner
            return inner
        if isinstance(value, nn.Module) and not isinstance(value, Twin):
            self._note_modules(value, call)
        elif type(value) in (list, tuple):
            return type(value)(self._unwrap(one, call) for one in value)
        elif type(value) is dict:
            return {key: self._unwrap(one, call) for key, one in value.items()}
        elif isinstance(value, GeneratorType):  # such as net.parameters()
            return iter([self._unwrap(one, call) for one in value])
        elif hasattr(value, "__dict__") and not isinstance(value, _VALUES) and self._given_number(value) is None:
            self._give(value, call)
        return value

    def _note_modules(self, module: nn.Module, call: _Call) -> None:
        """Note the module and its parts, as far as they are new or their own parts have changed since."""
        for part in _parts_first(module):
            number = self._given_number(part)
            if number is None:
                number = self._give(part, call)
                self.training[number] = part.training
                self.agreed[number] = {name: state_of(tensor) for name, tensor in slots(part)}
            elif self.structures[number] != self._structure(part):
                call.restructured[number] = {name for name in self.structures[number] if isinstance(name, str)}
            self.structures[number] = self._structure(part)

    def _contents(self, number: int) -> dict[str, dict]:
        return {kind: dict(vars(self.modules[number])[kind]) for kind in ("_parameters", "_buffers", "_modules")}

    def _structure(self, module: nn.Module) -> list:
        """The names of parameters and buffers, and names and numbers of parts."""
        parts = vars(module).get("_modules") or {}
        numbers = [vars(m)["_number"] if isinstance(m, Twin) else self._given_number(m) for m in parts.values()]
        return [*(name for name, _ in slots(module)), *zip(parts, numbers)]

    def _give(self, value: Any, call: _Call) -> int:
        number = next(self.new_numbers)
        call.new[number] = value
        if isinstance(value, nn.Module):
            self.modules[number] = value
            self.told.add(number)
        else:
            self.given[number] = value
        if not isinstance(value, (list, dict, set)):  # their content changes, so they cross anew each time
            self.given_numbers[id(value)] = number
        return number

    def _given_number(self, value: Any) -> int | None:
        """The number of what was handed over before; an ``id`` alone may have been another's, which is gone."""
        number = self.given_numbers.get(id(value))
        known = self.given.get(number, self.modules.get(number))
        return number if number is not None and known is value else None

    def _pickle(self, request: dict, call: _Call) -> bytes:
        file = io.BytesIO()
        try:
            _Pickler(file, self, call).dump(request)
        except Exception as error:
            raise CannotCross(f"an argument cannot be handed to the learner's code: {error}") from None
        return file.getvalue()

    def _state(self, call: _Call) -> list:
        """What has changed here in shared modules since the other side last heard of them.

        Also notes where the tensors are that the other side knows already.
        """
        state = []
        for number, module in self._shared():
            changed, agreed = [], self.agreed.setdefault(number, {})
            known = None if number in call.new else call.restructured.get(number)
            for name, tensor in slots(module):
                if number not in call.new and (known is None or name in known):
                    call.places[id(tensor)] = number, name
                before, grad = agreed.get(name), grad_of(tensor)
                # a module that crosses for the first time brings its tensors, but not their gradients
                if before is None or not same_state(tensor, before) or (number in call.new and grad is not None):
                    # writing the same values again would make autograd refuse to go back through earlier calls
                    unchanged = before is not None and same_values(tensor, before.values)
                    values, gradient = None if unchanged else _Raw(tensor), None if grad is None else _Raw(grad)
                    changed.append((name, values, tensor.requires_grad, gradient))
                    agreed[name] = state_of(tensor)
            training = module.training if self.training.get(number) != module.training else None
            self.training[number] = module.training
            attributes = _plain_attributes(module) if number in call.objects else {}
            if changed or training is not None or attributes:
                state.append((number, training, attributes, changed))
        return state

    def _shared(self):
        for number, one in [*self.twins.items(), *self.modules.items()]:
            if isinstance(one, nn.Module) and "_parameters" in vars(one):
                yield number, one

    # Taking

    def _take(self, answer: dict, call: _Call, what: str) -> Any:
        decoder = self._decoder(call)
        try:
            descriptions = answer.get("modules") or []
            for description in descriptions:
                self._standin(call, description[0], *description[1])
            for description in descriptions:
                self._take_module(*description[:-1], decoder.decode(description[-1]))
            for number, tensors, parts in answer.get("contents") or []:
                self._take_contents(number, call.objects[number], tensors, parts, decoder)
            for number, name, tensor, needs_grad, grad in answer.get("changes") or []:
                self._take_change(number, name, decoder.decode(tensor), bool(needs_grad), _tensor(grad), call)
            for number, tensor in answer.get("rewritten") or []:
                self._take_rewritten(self.results[number], _tensor(tensor))
            for key, kind, value, grad in answer.get("arguments") or []:
                self._take_argument(call, key, kind, value, _tensor(grad), decoder)
            printed = answer.get("printed") or ""
            if not isinstance(printed, str):
                raise WireError("invalid printed text")
            operations = [(str(n), decoder.decode(a), int(most)) for n, a, most in _in_order(answer.get("operations"))]
            functions = [str(name) for name in _in_order(answer.get("functions"))]
            for watching in self.watching:
                if watching.wants_operations:
                    watching.operations += [watching.make(*about) for about in operations]
                watching.functions += functions
            self.learners_seed = int(answer.get("seed", self.learners_seed))
            events = [self._event(decoder, *event) for event in answer.get("events") or []]
            error = answer.get("error")
            value = None if error else self._take_value(answer.get("value"), decoder, call)
        except (WireError, CannotCross):
            raise
        except Exception as problem:
            raise WireError(f"an answer that is malformed ({type(problem).__name__})") from None
        if what != "run":
            self._pass_on(printed, answer.get("too_much") is True)
        if error:
            raise _exception(error, self.tapes)
        for twin, hooks, values in events:
            for hook in hooks:
                hook(twin, *values)
        return value

    def _pass_on(self, printed: str, too_much: bool) -> None:
        """Print what a call has printed; what it says of its amount is not believed."""
        self.printed += len(printed)
        if printed:
            self.print(printed[: self.output_limit])
        if too_much or self.printed > self.output_limit:
            raise Lost("output")

    def _event(self, decoder: wire.Decoder, number: int, kind: str, encoded: Any) -> tuple:
        """A call of a module that a check has hooks on: the module, the hooks, and what they are called with."""
        twin, values = self.twins[number], decoder.decode(encoded)
        if not isinstance(twin, Twin) or not isinstance(values, tuple):
            raise WireError("an invalid event")
        return twin, list(self.hooks.get((number, kind), [])), values

    def _decoder(self, call: _Call) -> wire.Decoder:
        def argument(rest: list) -> torch.Tensor:
            return call.tensors[_index(rest[0])]

        return wire.Decoder(
            {
                "object": lambda rest: self._standin(call, *rest),
                "given": lambda rest: self._known(min(rest[0], -1)),
                "class": lambda rest: stock_class(rest[0]),
                "slot": lambda rest: dict(slots(self._known(rest[0])))[rest[1]],
                "argument": argument,
                "view": lambda rest: _view(argument(rest), *rest[1:]),
                "view of a leaf": lambda rest: _view_of_leaf(argument(rest), *rest[1:]),
                "output": lambda rest: _Output(_index(rest[0]), _tensor(rest[1])),
                "expanded": lambda rest: wire.decode_expanded(*rest),
                "sparse": lambda rest: _tensor(rest[0]).to_sparse(),
                "again": lambda rest: self.results[rest[0]].tensor(),
                "result": lambda rest: self._result(_index(rest[0]), _tensor(rest[1], as_parameter=True)),
            }
        )

    def _known(self, number: int) -> Any:
        if number >= 0:
            return self.twins[number]
        return self.modules[number] if number in self.modules else self.given[number]

    def _result(self, number: int, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor that the learner's code may write into again while the check has it."""
        self.results[number] = Result(weakref.ref(tensor), _version(tensor))
        return tensor

    def _standin(self, call: _Call, number, name, stock, has, module, kind, text) -> Any:
        if not (type(number) is int and number >= 0 and isinstance(name, str) and isinstance(text, str)):
            raise WireError("an invalid object")
        if number not in self.twins:
            # one line each: in a check's message, nothing that a learner wrote may look like a line of the check
            name, text = (" ".join(part.splitlines()) for part in (name, text))
            made = make_standin(self, number, name, stock, has, module is True, kind is True, text)
            call.held.append(made)
            self.twins[number] = made
            self.told.add(number)
        return self.twins[number]

    def _take_module(self, number, about, sound, training, own, buffers, children, simple) -> None:
        twin = self.twins[number]
        if not isinstance(twin, Twin):
            raise WireError("an invalid module")
        parameters, missing = own or ([], [])
        parts = {str(name): self.twins[child] for name, child in children}
        if not all(isinstance(part, Twin) for part in parts.values()):
            raise WireError("a part that is not a module")
        if not all(is_name(name) and is_simple(value) for name, value in simple.items()):
            raise WireError("an attribute that is not simple")
        fill_twin(twin, sound is True, training is True, parameters, missing, buffers, parts, simple)
        self.training[number] = training is True

    def _take_contents(self, number: int, mine: nn.Module, tensors: list, parts: list, decoder: wire.Decoder) -> None:
        """Update a module that the check marked with what the learner's code has put into it or taken out of it."""
        for kind, name, became in tensors:
            if kind not in ("_parameters", "_buffers") or type(name) is not str:
                raise WireError("invalid contents")
            own = vars(mine)[kind]
            old = own.get(name)
            if became == "gone":
                own.pop(name, None)
            elif became == "none":
                own[name] = None
            elif old is not None:  # another tensor; its values come with the changes
                new = old.detach().clone()
                own[name] = nn.Parameter(new, old.requires_grad) if kind == "_parameters" else new
                self.agreed[number][name] = state_of(own[name])
        parts = {str(name): decoder.decode(part) for name, part in parts}
        if not all(part is None or isinstance(part, nn.Module) for part in parts.values()):
            raise WireError("a part that is not a module")
        vars(mine)["_modules"] = parts
        self.structures[number] = self._structure(mine)

    def _take_change(self, number, name: str, tensor: torch.Tensor, needs_grad: bool, grad, call: _Call) -> None:
        owner = self._known(number)
        if number < 0 and number not in call.objects:
            self.agreed.get(number, {}).pop(name, None)  # not asked for: the copy is put right before the next call
            return
        for kind in ("_parameters", "_buffers"):
            if name in vars(owner)[kind]:
                break
        else:
            if number < 0:  # the learner's code has added it to the check's module
                kind = "_parameters" if isinstance(tensor, nn.Parameter) else "_buffers"
                vars(owner)[kind][name] = tensor
                self.structures[number] = self._structure(owner)
                self.agreed[number][name] = state_of(tensor)
            return
        mine = vars(owner)[kind][name]
        with torch.no_grad():
            if mine is None or (type(mine) is not torch.Tensor and not isinstance(mine, nn.Parameter)):
                mine = nn.Parameter(tensor, needs_grad) if kind == "_parameters" else tensor
                mine.twin = owner  # which is known as long as a check holds one of its tensors
                vars(owner)[kind][name] = mine
            elif mine.shape == tensor.shape and mine.dtype == tensor.dtype:
                if not same_values(mine, tensor):
                    wire.overwrite(mine, tensor)
            else:
                mine.data = tensor
            if mine.is_leaf and (mine.is_floating_point() or mine.is_complex()):
                mine.requires_grad_(needs_grad)
                if grad is None or mine.grad is None or not same_values(mine.grad, grad):
                    mine.grad = grad
        self.agreed.setdefault(number, {})[name] = state_of(mine)

    def _take_rewritten(self, result: "Result", new: torch.Tensor) -> None:
        mine = result.tensor()
        if mine.shape != new.shape or mine.dtype != new.dtype:
            raise WireError("a result whose shape or dtype has changed")
        with torch.no_grad():
            wire.overwrite(mine, new)
        result.version = _version(mine)

    def _take_argument(self, call: _Call, key: int, kind: str, value: Any, grad, decoder: wire.Decoder) -> None:
        if kind in ("storage", "moved"):
            tensor, new = self._marked(call, key), _tensor(value)
            with torch.no_grad():
                if kind == "moved":
                    tensor.data = new
                else:
                    whole = wire.whole(tensor)
                    if whole.shape != new.shape or whole.dtype != new.dtype:
                        raise WireError("an argument whose size or dtype has changed")
                    if not same_values(whole, new):
                        whole.copy_(new)
                if grad is not None and tensor.is_leaf and tensor.requires_grad:
                    tensor.grad = grad
            return
        if kind == "needs_grad":
            tensor = self._marked(call, key)
            if tensor.is_leaf and type(value) is bool:
                tensor.requires_grad_(value)
            return
        if kind == "cleared":
            self._marked(call, key).grad = None
            return
        if kind == "geometry":
            match value:
                case [int(offset), list(shape), list(stride)]:
                    tensor = self._marked(call, key)
                    tensor.data = _view(tensor, offset, shape, stride)
                    return
            raise WireError("an argument with an invalid shape")
        mine, new = call.objects[key], _as_leaves(decoder.decode(value))
        if kind == "attributes":
            if isinstance(mine, nn.Module) and type(new.get("training")) is bool:
                mine.training = self.training[key] = new["training"]
            there = _plain_attributes(mine)
            vars(mine).update({name: one for name, one in new.items() if name in there and name != "training"})
        elif type(mine) is not type(new):
            raise WireError("a container whose type has changed")
        elif isinstance(mine, list):
            mine[:] = new
        else:
            mine.clear()
            mine.update(new)

    def _marked(self, call: _Call, key: Any) -> torch.Tensor:
        tensor = call.tensors[_index(key)]
        if id(tensor) not in call.marked:
            raise WireError("an argument that was not marked")
        return tensor

    def _take_value(self, value: Any, decoder: wire.Decoder, call: _Call) -> Any:
        if isinstance(value, list) and value and value[0] == "taped":
            _, encoded, keys, places = value
            inputs = [call.tensors[_index(key)] for key in keys]
            inputs += [dict(slots(self._known(number)))[name] for number, name in places]
            decoded = decoder.decode(encoded)
            found: dict[int, torch.Tensor] = {}
            _collect(decoded, found)
            order = sorted(found)
            if order != list(range(len(order))):
                raise WireError("outputs out of order")
            made = _Back.apply(self, self.tapes, len(inputs), *inputs, *(found[i] for i in order), _ANCHOR)
            return _place(decoded, dict(zip(order, made)))
        return decoder.decode(value)

    def hook(self, twin: Twin, kind: str, hook: Callable) -> "_Handle":
        """Have ``hook`` called for each call of the learner's module, after the request in which it happened."""
        self.ask("hook", twin, kind)
        hooks = self.hooks.setdefault((vars(twin)["_number"], kind), [])
        hooks.append(hook)
        return _Handle(hooks, hook)


class _Handle:
    def __init__(self, hooks: list, hook: Callable) -> None:
        self.hooks, self.hook = hooks, hook

    def remove(self) -> None:
        self.hooks.remove(self.hook)


@dataclass
class _Output:
    """A tensor in an answer that autograd can go back through."""

    index: int
    tensor: torch.Tensor


@dataclass
class _Raw:
    """A tensor that crosses as its values alone."""

    tensor: torch.Tensor


#: Makes outputs require gradients even when no input of the call does: the learner's own leaves may collect them.
_ANCHOR = torch.zeros((), requires_grad=True)


class _Back(torch.autograd.Function):
    """The way back through a call of the learner's code: gradients of outputs go over, those of inputs come back."""

    @staticmethod
    def forward(ctx, link: Link, number: int, count: int, *tensors):
        ctx.link, ctx.number, ctx.count = link, number, count
        ctx.set_materialize_grads(False)
        ctx.like = [(tensor.shape, tensor.dtype) for tensor in tensors[:count]]
        return tuple(tensor.clone() for tensor in tensors[count:-1])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *gradients):
        found = ctx.link.ask("backward", ctx.number, list(gradients))
        if not isinstance(found, list) or len(found) != ctx.count:
            raise WireError("invalid gradients")
        for gradient, (shape, dtype) in zip(found, ctx.like):
            if gradient is not None and (
                not isinstance(gradient, torch.Tensor) or gradient.shape != shape or gradient.dtype != dtype
            ):
                raise WireError("a gradient of another shape")
        return None, None, None, *found, *[None] * (len(gradients) + 1)


class _Pickler(cloudpickle.Pickler):
    """Writes requests; the learner's objects, shared modules' slots and tensors appear in them by reference."""

    def __init__(self, file, link: Link, call: _Call) -> None:
        super().__init__(file)
        self.link, self.call = link, call

    def persistent_id(self, value: Any) -> tuple | None:
        if type(value) in _PLAIN:
            return None
        if isinstance(value, (Standin, Twin)):
            return "object", vars(value)["_number"]
        if isinstance(value, _Raw):
            return None
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        number = self.link._given_number(value)
        if number is not None and number not in self.call.new:
            return "given", number
        return None

    def reducer_override(self, value: Any):
        if isinstance(value, _Raw):
            return wire.decode_tensor, (*wire.encode_tensor(value.tensor)[1:5], False)
        if isinstance(value, torch.Generator):
            return _generator, (value.get_state(),)
        return super().reducer_override(value)

    def _tensor(self, value: torch.Tensor) -> tuple:
        if id(value) in self.call.places:
            return "slot", *self.call.places[id(value)]
        if id(value) in self.call.keys:
            return "argument", self.call.keys[id(value)]
        if value.layout != torch.strided or value.dtype not in wire.DTYPE_NAMES or value.is_meta:
            raise CannotCross(f"a tensor with {value.dtype}, {value.layout} on {value.device} cannot cross")
        place, storages = (value.untyped_storage().data_ptr(), value.dtype), self.call.storages
        data = None if place in storages else tuple(wire.encode_tensor(wire.whole(value))[1:5])
        storage = storages.setdefault(place, len(storages))
        self.call.keys[id(value)] = len(self.call.tensors)
        self.call.tensors.append(value)
        grad = None if grad_of(value) is None else wire.encode_tensor(value.grad)
        about = {
            "storage": storage,
            "data": data,  # only with the first tensor in this storage
            "offset": value.storage_offset(),
            "shape": tuple(value.shape),
            "stride": value.stride(),
            "needs_grad": value.requires_grad,
            "parameter": isinstance(value, nn.Parameter),
            "marked": id(value) in self.call.marked,
            "is_view": value._base is not None,
            "is_leaf": value.is_leaf,
            "grad": None if grad is None else tuple(grad[1:5]),
        }
        return "tensor", about


def _generator(state: torch.Tensor) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(state)
    return generator


def _parts_first(module: nn.Module) -> list[nn.Module]:
    """One of the check's own modules and its parts, each once and after its own parts; none of the learner's."""
    found: dict[int, nn.Module] = {}

    def visit(one: nn.Module | None) -> None:
        if one is None or isinstance(one, Twin) or id(one) in found:
            return
        for part in (vars(one).get("_modules") or {}).values():
            visit(part)
        found[id(one)] = one

    visit(module)
    return list(found.values())


_VALUES = (torch.Tensor, type, Standin, Twin)
#: Types that a request is full of and that are never sent by reference.
_PLAIN = {str, int, float, bool, bytes, type(None), tuple}


def _plain_attributes(module: nn.Module) -> dict:
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and name != "training"
        and isinstance(value, (bool, int, float, str, list, tuple, dict))
    }


def _view(base: torch.Tensor, offset: int, shape: list, stride: list) -> torch.Tensor:
    """A view of the memory of ``base``, its bounds checked."""
    numbers = [offset, *shape, *stride]
    if len(shape) != len(stride) or not all(type(n) is int and 0 <= n < 2**40 for n in numbers):
        raise WireError("an invalid view")
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride))
    whole = wire.whole(base)
    if 0 not in shape and last >= whole.numel():
        raise WireError("a view beyond its memory")
    return whole.as_strided(shape, stride, offset)


def _view_of_leaf(leaf: torch.Tensor, offset: int, shape: list, stride: list) -> torch.Tensor:
    """As ``_view``, but autograd leads back to the leaf."""
    _view(leaf, offset, shape, stride)  # which checks the bounds
    return leaf.as_strided(shape, stride, offset)


def _tensor(encoded: Any, as_parameter: bool = False) -> torch.Tensor | None:
    if encoded is None:
        return None
    if isinstance(encoded, list) and encoded[:1] == ["expanded"]:
        return wire.decode_expanded(*encoded[1:])
    if not isinstance(encoded, list) or encoded[:1] != ["tensor"] or len(encoded) != 6:
        raise WireError("an invalid tensor")
    return wire.decode_tensor(*encoded[1:5], as_parameter and encoded[5] is True)


def _version(tensor: torch.Tensor) -> int | None:
    """How often a tensor has been written into; tensors of ``torch.inference_mode`` do not count it."""
    return None if tensor.is_inference() else tensor._version


def _in_order(listed: Any) -> list:
    """Things, each of which is reported once, in the order in which they came."""
    if listed is None:
        return []
    different, order = listed
    return [different[number] for number in np.frombuffer(order, "<u4")]


def _index(key: Any) -> int:
    if type(key) is not int or key < 0:
        raise WireError("an invalid number")
    return key


def _collect(value: Any, found: dict[int, torch.Tensor]) -> None:
    if isinstance(value, _Output):
        found[value.index] = value.tensor
    elif type(value) in (list, tuple, set, frozenset):
        for one in value:
            _collect(one, found)
    elif type(value) is dict:
        for one in value.values():
            _collect(one, found)


def _place(value: Any, made: dict[int, torch.Tensor]) -> Any:
    if isinstance(value, _Output):
        return made[value.index]
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_place(one, made) for one in value)
    if type(value) is dict:
        return {key: _place(one, made) for key, one in value.items()}
    return value


def _as_leaves(value: Any) -> Any:
    """What a container holds now: no way back leads through it, so tensors that require gradients are plain leaves."""
    found: dict[int, torch.Tensor] = {}
    _collect(value, found)
    return _place(value, {index: tensor.requires_grad_() for index, tensor in found.items()})


class _Text(str):
    """What an exception said; ``KeyError`` shows the ``repr`` of it."""

    __repr__ = str.__str__


def _exception(error: Any, request: int) -> Exception:
    """The learner's exception, as the nearest builtin one, with the number of the request that it ended."""
    try:
        names, text = error
        found = next((ERRORS[name] for name in names if name in ERRORS), None)
        if found is None and "KeyboardInterrupt" in names:
            return Lost("interrupt")
        if not (isinstance(text, str) and isinstance(names[0], str)):
            raise TypeError
    except (TypeError, ValueError, IndexError):
        raise WireError("an invalid exception") from None
    exception = (found or Exception)(_Text(text[:5000]))
    exception.learners_name, exception.learners_request = names[0][:100], request
    return exception
