"""The walls around learners' code: bubblewrap around the server, and namespaces, limits and seccomp for each learner.

Linux only. The constants are from the kernel's headers (``linux/sched.h``, ``linux/prctl.h``, ``linux/seccomp.h``).
"""

import ctypes
import errno
import os
import platform
import shutil
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path

from autograder.errors import CourseError
from autograder.execute.limits import Limits
from autograder.execute.warm.visible import mounts, visible

#: The names of the GPU's devices in /dev.
GPU_DEVICES = "nvidia*"
#: The user that the server becomes when root starts it: limits on processes do not apply to root.
NOBODY = 65534
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 0x1, 0x2, 0x4, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 38, 47
SIGKILL = 9
#: System calls that are useful only to attackers: by name, with the numbers on x86-64 and on 64-bit ARM.
FORBIDDEN_CALLS = {
    "memfd_create": (319, 279),  # memory that RLIMIT_AS does not count
    "memfd_secret": (447, 447),
    "shmget": (29, 194),  # nor does it count this, which even outlives its process
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "sched_setscheduler": (144, 119),  # waiting for a processor is not counted, and these three make it wait
    "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "syslog": (103, 116),
    "personality": (135, 92),
}
#: ``prctl`` is filtered by what it sets: a learner's process must end with the examiner.
PRCTL = (157, 167)
#: ``setsid`` reports success but does nothing: if the kernel divides the processor among sessions, a learner's
#: processes get one share together.
SETSID = (112, 157)
#: ``clone`` is filtered by its flags; ``clone3`` hides them in memory: without it, libc falls back to ``clone``.
CLONE, CLONE3 = (56, 220), (435, 435)
#: Socket families that a network namespace confines: Unix, IPv4, IPv6, netlink. Others may reach the host.
SOCKET, FAMILIES = (41, 198), (1, 2, 10, 16)
#: ``setsockopt`` reports success but does nothing for the sizes of buffers (``asm-generic/socket.h``): the examiner
#: counts a socket as holding what is usual.
SETSOCKOPT, SOL_SOCKET, BUFFER_SIZES = (54, 208), 1, (7, 8, 32, 33)
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def command(arguments: list[str], environment: dict[str, str], gpu: bool) -> list[str]:
    """The bubblewrap command that runs ``arguments`` with no network and a read-only system, most of it hidden.

    Args:
        arguments: a command.
        environment: its entire environment.
        gpu: whether it may use the GPU's devices.

    Raises:
        CourseError: this machine cannot put up such walls; the message says why.
    """
    bwrap = find_bwrap()
    wrapped = [bwrap, "--unshare-net", "--unshare-ipc", "--unshare-uts", "--new-session", "--clearenv"]
    if os.geteuid() == 0:
        wrapped += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    for path in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if Path(path).is_symlink():
            wrapped += ["--symlink", str(Path(path).readlink()), path]
        elif Path(path).exists():
            wrapped += ["--ro-bind", path, path]
    wrapped += ["--perms", "1777", "--tmpfs", "/tmp"]  # first, because a course may be in it
    wrapped += mounts()
    wrapped += ["--bind", "/proc", "/proc", "--dev", "/dev"]
    if gpu:
        wrapped += ["--ro-bind", "/sys", "/sys"]  # CUDA finds its devices there
        for device in sorted(Path("/dev").glob(GPU_DEVICES)):
            wrapped += ["--dev-bind", str(device), str(device)]
    wrapped += ["--remount-ro", "/dev"]
    for name, value in environment.items():
        wrapped += ["--setenv", name, value]
    return [*wrapped, "--chdir", "/tmp", "--remount-ro", "/", "--", *arguments]


@cache
def find_bwrap() -> str:
    """Where bubblewrap is, after testing that it works.

    Raises:
        CourseError: it is missing or does not work here.
    """
    way_out = "grade with --no-isolation if you trust every submission"
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
        raise CourseError(f"Walls around learners' code need Linux: {way_out}.")
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise CourseError(
            f"Walls need bubblewrap, which is missing: install it (apt-get install bubblewrap), or {way_out}."
        )
    tried = subprocess.run(
        [bwrap, "--unshare-net", "--unshare-user", "--ro-bind", "/", "/", "true"], capture_output=True, text=True
    )
    if tried.returncode:
        reason = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CourseError(f"bubblewrap cannot put up walls here ({reason}): see `autograder doctor`, or {way_out}.")
    return bwrap


def become_ordinary() -> None:
    """If root, become ``nobody`` for good, so that the walls are the same whoever grades."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        _check(_libc().prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")  # else /proc/self belongs to root


def new_rooms() -> None:
    """Move this process into a user namespace of its own; the next child begins a PID namespace.

    Raises:
        OSError: the kernel refuses.
    """
    user, group = os.geteuid(), os.getegid()
    _check(_libc().unshare(CLONE_NEWUSER | CLONE_NEWPID), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def lock_in(limits: Limits, gpu: bool) -> None:
    """Lock this process, the learner's, in: its own mounts, network and IPC, no privileges, and no way back.

    Raises:
        OSError: the kernel refuses.
    """
    _check(_libc().unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS), "unshare")
    _mount("none", "/", None, MS_REC | MS_PRIVATE, None)
    covered = {path: os.open(path, os.O_PATH) for path in visible([]) if path.is_relative_to("/tmp")}
    _mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, f"size={limits.disk_bytes},nr_inodes=20000,mode=755")
    for name, place in (("shm", "/dev/shm"), ("tmp", "/tmp")):  # in one file system, which has one size
        part = Path("/tmp", name)
        part.mkdir()
        part.chmod(0o1777)
        _mount(str(part), place, None, MS_BIND, None)
    for path, handle in covered.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if Path(f"/proc/self/fd/{handle}").is_dir() else path.touch()
        _mount(f"/proc/self/fd/{handle}", str(path), None, MS_BIND | MS_REC, None)
        os.close(handle)
    for parent in {parent for path in covered for parent in path.parents[:-2]}:  # below /tmp
        parent.chmod(0o555)
    if not gpu:  # CUDA reads about its driver in /proc, which shows of other processes what any ordinary user may see
        _mount("tmpfs", "/proc", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4k,nr_inodes=1,mode=555")
    _drop_privileges()
    die_with_parent()  # changing credentials has cleared this, and from here on it is forbidden
    _forbid_calls()


def set_limits(limits: Limits, gpu: bool) -> None:
    """Set limits that the kernel enforces on the learner's process and everything that it starts."""
    import resource  # does not exist on Windows, where this module must still load

    _limit(resource.RLIMIT_NPROC, limits.processes)
    _limit(resource.RLIMIT_FSIZE, limits.disk_bytes)
    _limit(resource.RLIMIT_NOFILE, 512)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, 4 * limits.total_seconds)
    _limit(resource.RLIMIT_MEMLOCK, 1 << 16)
    if not gpu:  # CUDA reserves more addresses than there is memory
        # A little less than what ends the process, so that one that asks for too much gets a MemoryError instead.
        limit_memory(limits.memory_bytes * 19 // 20)


def limit_memory(more: int) -> None:
    """Let this process have ``more`` bytes of address space than it has now."""
    import resource

    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _limit(resource.RLIMIT_AS, size + more)


def _limit(kind: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    if sys.platform == "linux":
        _check(_libc().prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "prctl")


def _mount(source: str, target: str, kind: str | None, flags: int, options: str | None) -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    data = None if options is None else options.encode()
    _check(_libc().mount(*texts, ctypes.c_ulong(flags), data), f"mount {target}")


def _drop_privileges() -> None:
    for capability in range(64):
        if _libc().prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    _libc().prctl(PR_CAP_AMBIENT, 4, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0))  # version 3, this process
    _check(_libc().capset(header, ctypes.create_string_buffer(24)), "capset")
    _check(_libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def _forbid_calls() -> None:
    """Install a seccomp filter: forbidden calls fail with EPERM, all others pass."""
    which, architecture = ARCHITECTURES[platform.machine()]
    numbers = sorted(numbers[which] for numbers in FORBIDDEN_CALLS.values())
    program = [_load(4), _jump_equal(architecture, 1, 0), _RETURN_KILL, _load(0)]
    if which == 0:  # the x32 interface would be a second set of numbers
        program += [_instruction(0x35, 0, 1, 0x40000000), _fail(errno.EPERM)]
    program += [_jump_equal(CLONE3[which], 0, 1), _fail(errno.ENOSYS)]
    for number in numbers:
        program += [_jump_equal(number, 0, 1), _fail(errno.EPERM)]
    program += [_jump_equal(PRCTL[which], 0, 4), _load(16), _jump_equal(PR_SET_PDEATHSIG, 0, 1), _fail(errno.EPERM)]
    program += [_load(0), _jump_equal(SETSID[which], 0, 1), _fail(0)]
    program += [_jump_equal(SOCKET[which], 0, len(FAMILIES) + 3), _load(16)]
    program += [_jump_equal(family, len(FAMILIES) - place, 0) for place, family in enumerate(FAMILIES)]
    program += [_fail(errno.EPERM), _load(0)]
    sizes = [_jump_equal(option, len(BUFFER_SIZES) - place, 0) for place, option in enumerate(BUFFER_SIZES)]
    program += [
        _jump_equal(SETSOCKOPT[which], 0, len(sizes) + 6),
        _load(24),
        _jump_equal(SOL_SOCKET, 0, len(sizes) + 3),
    ]
    program += [_load(32), *sizes, _instruction(0x05, 0, 0, 1), _fail(0), _load(0)]
    program += [_jump_equal(CLONE[which], 0, 3), _load(16), _instruction(0x45, 0, 1, NAMESPACES), _fail(errno.EPERM)]
    program += [_instruction(0x06, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
    _check(_libc().prctl(PR_SET_SECCOMP, 2, header, 0, 0), "seccomp")


def _instruction(code: int, yes: int, no: int, operand: int) -> bytes:
    return struct.pack("HBBI", code, yes, no, operand)


def _load(offset: int) -> bytes:
    return _instruction(0x20, 0, 0, offset)


def _jump_equal(value: int, yes: int, no: int) -> bytes:
    return _instruction(0x15, yes, no, value)


def _fail(number: int) -> bytes:
    return _instruction(0x06, 0, 0, 0x00050000 | number)


_RETURN_KILL = _instruction(0x06, 0, 0, 0x80000000)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
