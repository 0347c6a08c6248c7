"""``autograder doctor``: what is missing on a poorer machine is seen, and what it says to do would help."""

import errno
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from rich.console import Console

from autograder import doctor
from autograder.cli import main
from autograder.doctor import Finding
from autograder.errors import CourseError
from autograder.execute.grader.report import CellReport, Report

UNSHARE = shutil.which("unshare")
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux")


@pytest.fixture
def program(tmp_path):
    """Makes a program that does what a line of shell says."""

    def make(line: str) -> str:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def switches(tmp_path):
    """Makes a ``/proc/sys`` with the given files."""

    def make(**files: str) -> Path:
        for name, value in files.items():
            path = tmp_path / "sys" / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")
        return tmp_path / "sys"

    return make


def test_a_missing_bubblewrap_is_to_be_installed():
    finding = doctor.bubblewrap(None)
    assert finding.ok is False
    assert "install bubblewrap" in finding.todo


def test_bubblewrap_is_run_and_not_only_found(program):
    finding = doctor.bubblewrap(program('echo "bwrap: No permissions to create new namespace" >&2; exit 1'))
    assert finding.ok is False
    assert "No permissions to create new namespace" in finding.found
    assert "--unshare-user" in finding.todo


def test_a_bubblewrap_that_hangs_is_no_bubblewrap(program, monkeypatch):
    monkeypatch.setattr(doctor, "PATIENCE", 0.2)
    finding = doctor.bubblewrap(program("exec sleep 5"))
    assert finding.ok is False
    assert "timed out" in finding.found


def test_a_bubblewrap_that_runs_tells_its_version(program):
    finding = doctor.bubblewrap(program('if [ "$1" = --version ]; then echo bubblewrap 9.8.7; fi'))
    assert finding.ok is True
    assert finding.found.startswith("9.8.7")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"kernel__unprivileged_userns_clone": "0"}, "kernel.unprivileged_userns_clone=1"),
        ({"user__max_user_namespaces": "0"}, "user.max_user_namespaces=15000"),
        (
            {"kernel__apparmor_restrict_unprivileged_userns": "1", "user__max_user_namespaces": "9"},
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_switch_that_forbids_namespaces_is_named(program, switches, files, says):
    finding = doctor.namespaces(program("exit 1"), switches(**files), {})
    assert finding.ok is False
    assert re.findall(r"[\w.]+=\d+", finding.todo) == [says]


def test_namespaces_that_no_switch_forbids_are_refused_with_the_reason(program, switches):
    allowing = switches(user__max_user_namespaces="9", kernel__apparmor_restrict_unprivileged_userns="0")
    finding = doctor.namespaces(program("echo unshare failed: Operation not permitted >&2; exit 1"), allowing, {})
    assert finding.ok is False
    assert "Operation not permitted" in finding.found
    assert "sysctl" not in finding.todo


def test_without_unshare_nothing_is_claimed_about_namespaces(switches):
    assert doctor.namespaces(None, switches(), {}).ok is None


@linux
def test_real_namespaces_are_seen_to_be_there_and_to_be_forbidden():
    if UNSHARE is None or doctor.trouble([UNSHARE, *doctor.UNSHARE]):
        pytest.skip("no namespaces here")
    look = "from autograder.doctor import *; print(namespaces(shutil.which('unshare'), Path('/proc/sys'), {}))"
    forbid = "echo 0 > /proc/sys/user/max_user_namespaces"  # counts in this namespace alone
    inside = f'{forbid}; exec "{sys.executable}" -c "{look}"'
    command = [UNSHARE, "--user", "--map-root-user", "sh", "-c", inside]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "ok=False, found='forbidden: user.max_user_namespaces is 0'" in done.stdout
    assert doctor.namespaces(UNSHARE, Path("/proc/sys"), {}).ok is True


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can try as somebody else")
def test_root_tries_namespaces_as_somebody_else():
    command = ["/bin/sh", "-c", "id -u >&2; exit 1"]
    assert doctor.trouble(command, **doctor.ordinary_user()) == str(doctor.NOBODY)


@pytest.mark.parametrize(("error", "ok"), [(errno.EFAULT, True), (errno.EINVAL, False), (errno.ENOSYS, False)])
def test_seccomp_is_what_the_kernel_says(error, ok):
    assert doctor.seccomp(error).ok is ok


@pytest.mark.parametrize(
    ("number", "ok"), [((3, 10, 14), False), ((3, 11, 0), True), ((3, 13, 5), True), ((3, 14, 0), False)]
)
def test_python_within_its_bounds(number, ok):
    finding = doctor.python(number)
    assert finding.ok is ok
    assert bool(finding.todo) is not ok


@pytest.mark.parametrize(
    ("system", "machine", "ok"),
    [
        ("Linux", "x86_64", True),
        ("Linux", "aarch64", True),
        ("Linux", "riscv64", False),
        ("Darwin", "x86_64", False),
        ("Windows", "AMD64", False),
    ],
)
def test_walls_need_linux_on_a_known_processor(system, machine, ok):
    assert doctor.operating_system(system, machine, "").ok is ok


def cgroup(folder: Path, controllers: str) -> None:
    folder.mkdir(parents=True)
    (folder / "cgroup.procs").touch()
    (folder / "cgroup.controllers").write_text(controllers)


def test_a_delegated_cgroup_of_version_2_is_found(tmp_path):
    cgroup(tmp_path / "user.slice" / "mine", "cpu memory pids")
    mounts = f"41 31 0:38 / {tmp_path} rw,relatime shared:4 - cgroup2 cgroup2 rw\n"
    kind, folder = doctor.memory_cgroup("0::/user.slice/mine\n", mounts)
    assert (kind, folder) == ("v2", tmp_path / "user.slice" / "mine")
    assert "memory cgroup v2 is writable" in doctor.memory_limits(True, "0::/user.slice/mine\n", mounts).found


def test_a_cgroup_of_version_2_without_its_memory_controller_is_no_limit(tmp_path):
    cgroup(tmp_path / "mine", "cpu pids")
    mounts = f"41 31 0:38 / {tmp_path} rw,relatime - cgroup2 cgroup2 rw\n"
    assert doctor.memory_cgroup("0::/mine\n", mounts) is None
    finding = doctor.memory_limits(True, "0::/mine\n", mounts)
    assert finding.ok is True
    assert "no writable memory cgroup" in finding.found


def test_a_memory_cgroup_of_version_1_is_found_where_its_mount_begins_further_down(tmp_path):
    cgroup(tmp_path / "memory" / "job", "")
    mounts = (
        f"34 31 0:31 / {tmp_path}/cpu rw - cgroup cgroup rw,cpu\n"
        f"35 31 0:32 /box {tmp_path}/memory rw - cgroup cgroup rw,memory\n"
    )
    assert doctor.memory_cgroup("4:memory:/box/job\n1:cpu:/\n0::/\n", mounts) == ("v1", tmp_path / "memory" / "job")


def test_a_memory_cgroup_of_somebody_else_is_no_limit(tmp_path, monkeypatch):
    cgroup(tmp_path / "mine", "memory")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert doctor.memory_cgroup("0::/mine\n", f"41 31 0:38 / {tmp_path} rw - cgroup2 cgroup2 rw\n") is None


def test_no_limit_on_memory_holds_outside_linux():
    assert doctor.memory_limits(False, "", "").ok is False


def machine(gpus: list[str] = (), mps: bool = False) -> SimpleNamespace:
    """A torch that sees these devices."""
    return SimpleNamespace(
        __version__="2.99",
        cuda=SimpleNamespace(device_count=lambda: len(gpus), get_device_name=lambda number: gpus[number]),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
        get_num_threads=lambda: 1,
    )


def test_devices_are_named():
    assert doctor.pytorch(machine).found == "2.99; CPU; 1 thread"
    assert "CPU, H1, H2;" in doctor.pytorch(lambda: machine(["H1", "H2"])).found
    assert "CPU, MPS;" in doctor.pytorch(lambda: machine(mps=True)).found


def test_a_torch_that_cannot_be_imported_is_missing():
    def load():
        raise ImportError("libtorch.so: no such file")

    finding = doctor.pytorch(load)
    assert finding.ok is False
    assert "libtorch.so" in finding.found


def test_a_missing_nbgrader_is_missing():
    def find_version():
        raise PackageNotFoundError("nbgrader")

    assert doctor.nbgrader(find_version).ok is False
    assert doctor.nbgrader(lambda: "0.9.6").found == "0.9.6"


def test_the_exchange_is_open_to_everybody_or_says_what_to_do(tmp_path):
    folder = tmp_path / "exchange"
    assert "mkdir" in doctor.exchange(folder).todo
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert doctor.exchange(folder).ok is None
    assert f"chmod 777 {folder}" in doctor.exchange(folder).todo
    folder.chmod(0o777)
    assert doctor.exchange(folder) == Finding("exchange", True, f"{folder}, mode 777")
    assert doctor.exchange(None).ok is None


def test_a_full_disk_is_seen():
    assert doctor.disk(Path("/tmp"), 10_000_000).ok is False
    assert doctor.disk(Path("/tmp"), 10_000_000_000).ok is True


@linux
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_course_that_learners_can_read_is_found(course, tmp_path):
    assert [cell.status for cell in doctor._run_cells(course.root).cells] == ["ok", "ok"]
    seen = Path(sys.prefix) / "lib" / f"course-of-a-test-{os.getpid()}"
    seen.mkdir()
    try:
        (seen / "nbgrader_config.py").write_text("")  # which the working directory is not in
        assert [cell.status for cell in doctor._run_cells(seen).cells] == ["ok", "error"]
    finally:
        shutil.rmtree(seen)


def refuse() -> Report:
    raise CourseError("bubblewrap cannot put up walls here")


@pytest.mark.parametrize(
    ("run", "ok", "found"),
    [
        (lambda: Report([CellReport(1, None, "ok"), CellReport(2, None, "ok")]), True, "a cell ran"),
        (lambda: Report([CellReport(1, None, "ok"), CellReport(2, None, "error")]), False, "can read the course"),
        (lambda: Report([CellReport(1, None, "died")], problems=["it died in cell 1"]), False, "it died in cell 1"),
        (refuse, False, "bubblewrap cannot put up walls here"),
    ],
)
def test_walls_stand_if_a_cell_ran_behind_them(run, ok, found):
    finding = doctor.walls(run)
    assert finding.ok is ok
    assert found in finding.found
    assert bool(finding.todo) is not ok


@linux
def test_a_cell_is_run_behind_the_walls_unless_something_is_missing(course, monkeypatch):
    monkeypatch.setattr(doctor, "_run_cells", lambda root: Report([CellReport(1, None, "error")]))
    monkeypatch.setattr(doctor, "bubblewrap", lambda program: Finding("bubblewrap", True, "planted"))
    monkeypatch.setattr(doctor, "namespaces", lambda *about: Finding("namespaces", True, "planted"))
    assert doctor.diagnose(course)[-1].what == "walls"
    assert doctor.verdict(doctor.diagnose(course))[0] is False
    monkeypatch.setattr(doctor, "bubblewrap", lambda program: Finding("bubblewrap", False, "planted"))
    assert "walls" not in [finding.what for finding in doctor.diagnose(course)]


def test_the_verdict_names_the_first_thing_to_do():
    there, without = Finding("a", True, "x"), Finding("b", None, "y", "have a rest")
    missing = [Finding("c", False, "z", "install c"), Finding("d", False, "z", "install d")]
    assert doctor.verdict([there, without]) == (True, "A class can be graded with walls here.")
    able, sentence = doctor.verdict([there, without, *missing])
    assert not able
    assert "install c" in sentence
    assert "rest" not in sentence


def test_the_verdict_is_the_last_line(capsys):
    findings = [Finding("a [b]", True, "x"), Finding("c", False, "[red]z[/]", "install [c]")]
    doctor.print_findings(Console(width=100), findings)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines[:-1])) <= 100
    assert lines[-1] == doctor.verdict(findings)[1]
    assert any("✗" in line and "[red]z[/]" in line and "install [c]" in line for line in lines)


@linux
def test_the_exit_code_says_whether_a_class_can_be_graded(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert main(["doctor"]) == 1
    assert "install bubblewrap" in capsys.readouterr().out.splitlines()[-1]
    able = [Finding("everything", True, "there")]
    monkeypatch.setattr(doctor, "diagnose", lambda course: able)
    assert main(["doctor"]) == 0
