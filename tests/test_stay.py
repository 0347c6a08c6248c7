"""The process that stays after `autograder try`: it does what was asked where it was asked, for nobody else."""

import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder import stay

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="needs Linux")

#: Says where it runs and what it was asked; "wait" waits for an interrupt, "fail" fails.
RUN = """
import os, signal, sys, time
from pathlib import Path
from autograder import stay

def run(arguments):
    try:
        print(os.getpid(), os.getcwd(), os.environ.get("MARK"), *arguments, flush=True)
        print("to stderr", file=sys.stderr)
        if arguments == ["try", "fail"]:
            raise ValueError("it failed")
        if arguments == ["try", "wait"]:
            time.sleep(100)
    except KeyboardInterrupt:  # the test may interrupt as soon as it has read the line
        Path("interrupted").touch()
        return 130
    return 7

signal.signal(signal.SIGINT, signal.default_int_handler)
stay.serve(Path(sys.argv[1]), run)
"""
ASK = "import sys; from autograder import stay; stay.TAKES = 60; sys.exit(stay.ask(sys.argv[1:]) or 0)"


@pytest.fixture
def place(monkeypatch) -> Iterator[Path]:
    """Where the socket is; not in pytest's folder, because its path must be short."""
    monkeypatch.setenv("AUTOGRADER_STAY", "1")
    with tempfile.TemporaryDirectory(prefix="stay-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield stay._place()


@pytest.fixture
def server(place):
    running = subprocess.Popen([sys.executable, "-c", RUN, place])
    end = time.monotonic() + 60
    while not takes_connections(place):
        assert running.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    yield running
    running.kill()
    running.wait()


def takes_connections(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(place)) == 0


def ask(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", ASK, *arguments]
    return subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=120)


def test_it_runs_where_it_is_asked(server, tmp_path):
    for mark in ("one", "two"):
        done = ask("try", "x y.ipynb", cwd=tmp_path, MARK=mark)
        assert done.stdout.split() == [str(server.pid), str(tmp_path), mark, "try", "x", "y.ipynb"]
        assert (done.stderr, done.returncode) == ("to stderr\n", 7)


def test_a_failure_is_shown_and_survived(server, tmp_path):
    done = ask("try", "fail", cwd=tmp_path)
    assert "ValueError: it failed" in done.stderr
    assert done.returncode == 1
    assert ask("try", "again", cwd=tmp_path).returncode == 7


def test_whoever_asked_is_gone_and_it_stops(server, tmp_path):
    asking = subprocess.Popen(
        [sys.executable, "-c", ASK, "try", "wait"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert asking.stdout.readline().split()[-1] == "wait"
    asking.kill()
    asking.wait()
    end = time.monotonic() + 60
    while not (tmp_path / "interrupted").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert ask("try", "again", cwd=tmp_path).returncode == 7


def test_only_try_is_done(server, tmp_path):
    assert ask("grade", "04_linear", cwd=tmp_path).stdout == ""
    assert ask("try", "again", cwd=tmp_path).returncode == 7


def test_nonsense_is_survived(server, place, tmp_path):
    for nonsense in (b"", b"x", struct.pack("!I", 5) + b"junk!", struct.pack("!I", 2**31)):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(place))
            connection.sendall(nonsense)
    assert ask("try", "again", cwd=tmp_path).returncode == 7


def test_another_user_is_refused(place, monkeypatch):
    one, other = socket.socketpair()
    assert stay._is_mine(one)
    monkeypatch.setattr(stay.os, "getuid", lambda: os.geteuid() + 1)
    assert not stay._is_mine(one)
    one.close()
    other.close()


@pytest.mark.parametrize("spoil", ["open", "link", "file"])
def test_a_folder_that_others_may_enter_is_not_used(place, tmp_path, spoil):
    folder = place.parent
    if spoil == "open":
        folder.chmod(0o755)
    else:
        folder.rmdir()
        (tmp_path / "other").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "other") if spoil == "link" else folder.touch()
    assert stay._place() is None
    assert stay.ask(["try"]) is None


def test_other_code_and_settings_get_another_process(place, monkeypatch):
    assert stay._place() == place
    monkeypatch.setenv("COURSE_DATA", "/elsewhere")
    assert stay._place() != place


def test_it_goes_when_nobody_asks(place):
    code = RUN.replace("stay.serve", "stay.STAYS = 0.1\nstay.serve")
    subprocess.run([sys.executable, "-c", code, place], timeout=120, check=True)
    assert not place.exists()
