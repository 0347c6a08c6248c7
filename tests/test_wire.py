"""What comes from a learner's process is data or it is refused: 100,000 mutated messages do nothing else."""

import random
import signal
import socket
import sys
import threading
import weakref

import pytest
import torch
from torch import nn

from autograder.execute.crossing import frames, wire
from autograder.execute.crossing.frames import WireError
from autograder.execute.examiner.link import Inplace, Link, Lost, Result

MESSAGES = 100_000
#: Events of Python's audit hooks that would mean that a message was run, loaded or looked up instead of read.
DEEDS = {
    "exec",
    "compile",
    "import",
    "pickle.find_class",
    "os.system",
    "subprocess.Popen",
    "open",
    "os.exec",
    "socket.connect",
}


def plain(value):
    return wire.Encoder(lambda other: ["object", 0, "Odd", "", [], False, False, "odd"], lambda tensor: None).encode(
        value
    )


WEIGHT, BIAS = wire.encode_tensor(torch.ones(2, 3)), wire.encode_tensor(torch.zeros(2))
ABOUT = ["Net", "torch.nn.modules.linear.Linear", ["__call__", "__len__"], True, False, "Net()"]
#: Answers as a learner's process gives them; together they use everything that the protocol has.
ANSWERS = [
    {"value": plain(v), "printed": "x", "too_much": False}
    for v in (
        None,
        3,
        [1, (2.0, {"a": 2**70})],
        {1, 2},
        range(3),
        torch.randn(2, 3),
        torch.float32,
        {"k": torch.ones(2)},
    )
] + [
    {"error": [["Mine", "ValueError", "Exception", "object"], "text"], "printed": ""},
    {"error": [["KeyboardInterrupt", "BaseException"], ""], "too_much": True},
    {
        "value": ["object", 1, *ABOUT],
        "modules": [
            [
                1,
                ABOUT,
                True,
                True,
                [["weight", "bias"], ["none"]],
                [["seen", True]],
                [["part", 2]],
                plain({"n": (3, 4)}),
            ],
            [2, ["Part", "torch.nn.modules.module.Module", [], True, False, ""], False, True, [], [], [], plain({})],
        ],
        "changes": [[1, "weight", WEIGHT, True, None], [1, "bias", BIAS, True, BIAS], [1, "seen", BIAS, False, None]],
        "events": [[1, "forward", plain((torch.ones(1), torch.ones(2)))]],
    },
    {
        "value": ["view", 0, 1, [2], [1]],
        "arguments": [[0, "storage", wire.encode_tensor(torch.zeros(6)), None], [-1, "container", plain([1, 2]), None]],
    },
    {"value": ["argument", 0], "arguments": [[0, "moved", WEIGHT, WEIGHT]]},
    {"value": ["argument", 0], "arguments": [[0, "geometry", [0, [1, 2], [2, 1]], None]]},
    {"value": ["taped", ["output", 0, WEIGHT], [0], []]},
    {"value": ["list", [["given", -2], ["class", "torch.nn.modules.linear.Linear"], ["slot", -2, "weight"]]]},
    {
        "value": 1,
        "changes": [[-2, "weight", WEIGHT, True, None]],
        "arguments": [[-2, "attributes", plain({"n": 4}), None]],
    },
    {
        "value": ["result", 7, WEIGHT],
        "operations": [[["mm", plain(((2, 3), None)), 6]], b"\0\0\0\0" * 2],
        "functions": [["matmul", "add"], b"\1\0\0\0\0\0\0\0"],
    },
    {"value": ["list", [["sparse", WEIGHT], ["again", 9]]]},
    {"value": ["list", [["view of a leaf", 0, 1, [2], [1]], ["class", "torch.optim.sgd.SGD"]]]},
    {
        "value": ["result", 7, wire.encode_tensor(nn.Parameter(torch.ones(2)))],
        "modules": [[1, ABOUT, True, True, [["weight"], []], [], [], plain({})]],
        "contents": [
            [
                -2,
                [["_parameters", "bias", "none"], ["_parameters", "weight", "new"], ["_buffers", "seen", "gone"]],
                [["part", ["object", 1, *ABOUT]]],
            ]
        ],
    },
    {"value": ["result", 8, ["expanded", BIAS, [4, 2]]], "rewritten": [[9, WEIGHT]]},
    {"value": plain([torch.zeros(0, 4), torch.tensor(True), 1j, b"bytes", "é", frozenset([2])])},
]


def ask(payload: bytes):
    """What a request with marked arguments brings when ``payload`` is the answer."""
    link = Link(None, interrupt=lambda: None, output_limit=1000)
    link.hooks[1, "forward"] = [lambda module, *values: None]
    tensor, module = torch.ones(2, 3, requires_grad=True), nn.Linear(3, 2)
    module.n = 3
    earlier = torch.zeros(2, 3)
    link.results[9] = Result(weakref.ref(earlier), 0)
    link._pickle = lambda request, call: call.tensors.append(tensor)  # what is asked is not what is tested
    link._exchange = lambda request: _pairs(wire.unpack(payload))
    return link.ask("call", None, (Inplace(tensor), Inplace([1]), Inplace(module)), {})


def _pairs(value):
    try:
        return dict(value)
    except (TypeError, ValueError):
        raise WireError("none") from None


def message(answer: dict) -> bytes:
    return wire.pack([[key, value] for key, value in answer.items()])


def mutate(value, draw: random.Random):
    """The same structure with something in it replaced, dropped, doubled or nested."""
    if isinstance(value, list) and value and draw.random() < 0.85:
        place = draw.randrange(len(value))
        copy = list(value)
        match draw.randrange(8):
            case 0:
                del copy[place]
            case 1:
                copy.insert(place, copy[place])
            case 2:
                copy[place] = junk(draw)
            case _:
                copy[place] = mutate(copy[place], draw)
        return copy
    return junk(draw)


def junk(draw: random.Random):
    texts = [
        "object",
        "tensor",
        "dict",
        "torch.nn.modules.linear.Linear",
        "builtins.eval",
        "__class__",
        "os.system",
        "float32",
    ]
    nested: list = []
    for _ in range(draw.choice([1, 5, 60])):
        nested = [draw.choice(texts), nested]
    choices = [
        None,
        True,
        -1,
        0,
        1,
        2**63,
        -(2**62),
        2**31,
        1e308,
        float("nan"),
        "",
        b"",
        b"\x80\x04cos\nsystem\n",
        [],
        nested,
    ]
    return draw.choice(
        choices + texts + [["tensor", "float32", [2**31, 2**31, 0], b"", "cpu", False], ["int", "f" * 30_000]]
    )


def flip(payload: bytes, draw: random.Random) -> bytes:
    """The same bytes with some changed, cut off or added."""
    data = bytearray(payload)
    for _ in range(draw.randrange(1, 6)):
        place = draw.randrange(len(data)) if data else 0
        match draw.randrange(4):
            case 0:
                data[place:place] = draw.randbytes(draw.randrange(1, 9))
            case 1:
                del data[place : place + draw.randrange(1, 9)]
            case _:
                data[place : place + 1] = draw.randbytes(1)
    return bytes(data)


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
def test_samples_are_understood(answer):
    """Else the mutations below would all be refused at the door."""
    if "error" in answer:
        with pytest.raises((ValueError, Lost)):
            ask(message(answer))
    else:
        ask(message(answer))


def test_mutated_messages_do_nothing():
    draw, outcomes, deeds = random.Random(7), {"read": 0, "refused": 0, "learner's": 0}, []
    watching = [False]

    def hook(event, arguments):
        if watching[0] and event in DEEDS:
            deeds.append((event, arguments))

    def too_long(number, frame):
        raise TimeoutError

    sys.addaudithook(hook)
    before = signal.signal(signal.SIGALRM, too_long)
    payloads = [message(answer) for answer in ANSWERS]
    try:
        for number in range(MESSAGES):
            if number % 2:
                payload = wire.pack(mutate([[k, v] for k, v in draw.choice(ANSWERS).items()], draw))
            else:
                payload = flip(draw.choice(payloads), draw)
            signal.setitimer(signal.ITIMER_REAL, 20)
            watching[0] = True
            try:
                ask(payload)
                outcomes["read"] += 1
            except Lost:
                outcomes["refused"] += 1
            except Exception as error:
                outcomes["learner's" if hasattr(error, "learners_name") else f"{error!r} from {payload!r}"] = (
                    outcomes["learner's"] + 1
                )
            finally:
                watching[0] = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert deeds == []
    assert len(outcomes) == 3, "something else than a learner's exception escaped"
    assert min(outcomes.values()) > MESSAGES / 200, outcomes


def test_announced_length_reserves_nothing():
    here, there = socket.socketpair()
    there.sendall((2**60).to_bytes(8, "big"))
    with pytest.raises(WireError, match="more than"):
        frames.receive(here)
    there.sendall((10**8).to_bytes(8, "big") + b"short")
    there.close()
    with pytest.raises(frames.Closed):
        frames.receive(here)


def test_deadline_does_not_cut_a_frame_in_two():
    """Else its rest would be taken for the next one."""
    here, there = socket.socketpair()
    there.sendall((5).to_bytes(8, "big") + b"on")
    threading.Timer(0.3, there.sendall, [b"ce!"]).start()
    assert frames.receive(here, frames.within(0.1)) == b"once!"
    with pytest.raises(frames.OutOfTime):
        frames.receive(here, frames.within(0.1))


def test_frames_come_whole_however_they_are_cut():
    here, there = socket.socketpair()
    content = random.Random(1).randbytes(3_000_000)
    sender = threading.Thread(target=frames.send, args=(there, content))
    sender.start()
    assert frames.receive(here) == content
    sender.join()


@pytest.mark.parametrize(
    "bad",
    [
        ["tensor", "float32", [2, 3], b"\0" * 20, "cpu", False],
        ["tensor", "float32", [-1], b"", "cpu", False],
        ["tensor", "float32", [2**40, 0], b"", "cpu", False],
        ["tensor", "object", [1], b"\0", "cpu", False],
        ["tensor", "bool", [1], b"\7", "cpu", False],
        ["array", "O", [1], b"\0" * 8, False],
        ["class", "builtins.print"],
        ["class", "os.system"],
        ["class", "torch.nn.modules.module.sys"],
        ["int", "1" * 30_000],
        ["view", 0, 5, [2], [1]],
        ["view", 0, 0, [2, 2], [2**39, 1]],
        ["argument", 7],
        ["expanded", BIAS, [2**20, 2**20, 2]],
        ["expanded", BIAS, [3]],
        ["result", -1, BIAS],
        ["given", -99],
        ["slot", -3, "weight", 1],
        ["unheard of"],
        [],
    ],
    ids=str,
)
def test_bad_value_is_refused(bad):
    with pytest.raises(Lost) as lost:
        ask(message({"value": bad}))
    assert lost.value.why == "protocol"


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(1, 4)[:, -1],
        torch.tensor(1).expand(1),
        torch.randn(2, 3).T,
        torch.randn(3, 1).expand(3, 4),
        torch.randn(4)[::2],
        torch.tensor(2.0),
        torch.empty(0, 3),
        torch.randn(5, dtype=torch.complex64).conj(),
        torch.randn(3).to(torch.bfloat16)[1:2],
    ],
    ids=lambda tensor: f"{tuple(tensor.shape)} stride {tensor.stride()} {tensor.dtype}",
)
def test_tensor_crosses_whatever_its_strides(tensor):
    returned = wire.Decoder({}).decode(wire.unpack(wire.pack(wire.encode_tensor(tensor))))
    assert returned.dtype == tensor.dtype
    assert torch.equal(returned, tensor)
