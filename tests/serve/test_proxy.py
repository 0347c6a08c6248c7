"""Behind nginx and Caddy, as a service of systemd: each with the configuration that is printed in `docs/serve.md`."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from conftest import ROOT
from listening import listening
from served import course, engine, template
from serving import PATIENCE, Site, notebook
from test_build import NAME

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
OPENSSL, CADDY, ANALYZE = map(shutil.which, ("openssl", "caddy", "systemd-analyze"))
MAIN = """{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {printed}
}}
"""


def printed(language: str) -> str:
    """The one block of a language that the page has."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / "serve.md").read_text(), re.M | re.S)
    return block


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as place:
        return place.getsockname()[1]


def replaced(text: str, pattern: str, new: str, times: int) -> str:
    """The text with another thing in each of so many places."""
    changed, found = re.subn(pattern, new, text)
    assert found == times, f"{pattern} is there {found} times"
    return changed


@dataclass(frozen=True)
class Proxy:
    """nginx as configured in the docs, but for ports and certificate."""

    folder: Path
    http: int
    https: int

    def configure(self, server: int) -> None:
        certificate = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=hand-in.example.org"]
        files = ["-keyout", str(self.folder / "key.pem"), "-out", str(self.folder / "certificate.pem")]
        subprocess.run([*certificate, *files], check=True, capture_output=True, timeout=PATIENCE)
        text = replaced(printed("nginx"), r"listen \[::\]:\d+.*;\n", "", 2)  # not every machine has IPv6
        text = replaced(text, r"listen 80;", f"listen 127.0.0.1:{self.http};", 1)
        text = replaced(
            text, r"listen 443 ssl;", f"listen 127.0.0.1:{self.https} ssl; listen 127.0.0.2:{self.https} ssl;", 1
        )
        text = replaced(
            text, r"/etc/letsencrypt/live/hand-in.example.org/fullchain.pem", f"{self.folder}/certificate.pem", 1
        )
        text = replaced(text, r"/etc/letsencrypt/live/hand-in.example.org/privkey.pem", f"{self.folder}/key.pem", 1)
        text = replaced(text, r"http://127.0.0.1:8040", f"http://127.0.0.1:{server}", 2)
        user = "user root;" if os.geteuid() == 0 else ""
        main = MAIN.format(user=user, folder=self.folder, printed=text)
        (self.folder / "nginx.conf").write_text(main)

    def command(self, *options: str) -> list[str]:
        return [NGINX, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), *options]

    def browser(self, address: str = "127.0.0.1", **more) -> httpx.Client:
        """A browser on the computer with this address."""
        transport = httpx.HTTPTransport(verify=False, local_address=address)
        return httpx.Client(base_url=f"https://127.0.0.1:{self.https}", transport=transport, timeout=PATIENCE, **more)

    def logs(self) -> str:
        return "".join((self.folder / name).read_text() for name in ("access.log", "error.log"))


with_nginx = pytest.mark.skipif(
    sys.platform != "linux" or not (NGINX and OPENSSL), reason="needs Linux, nginx and openssl"
)


@pytest.fixture
def proxy(tmp_path) -> Proxy:
    (tmp_path / "nginx").mkdir()
    return Proxy(tmp_path / "nginx", free_port(), free_port())


@contextmanager
def running(command: list[str], port: int, **more) -> Iterator[None]:
    """A program that listens on a port, from when it does until the block ends."""
    process, end = subprocess.Popen(command, **more), time.monotonic() + PATIENCE
    try:
        while time.monotonic() < end and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def site(course, engine, proxy) -> Iterator[Site]:
    """A server behind the proxy."""
    url = "https://hand-in.example.org"
    with listening(course, url=url, proxy="127.0.0.1", posts_a_minute_and_address=4) as site:
        proxy.configure(site.settings.port)
        with running(proxy.command(), proxy.https):
            yield site


@with_nginx
def test_nginx_accepts_the_configuration(proxy):
    proxy.configure(8040)
    tested = subprocess.run(proxy.command("-t"), capture_output=True, text=True, timeout=PATIENCE)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr
    (proxy.folder / "nginx.conf").write_text((proxy.folder / "nginx.conf").read_text().replace("proxy_pass", "pass"))
    assert subprocess.run(proxy.command("-t"), capture_output=True, timeout=PATIENCE).returncode  # it does look


def csrf(browser: httpx.Client) -> str:
    return re.search(r'name="csrf" value="(\w+)"', browser.get(f"/a/{NAME}").text)[1]


def send(browser: httpx.Client, file: bytes) -> httpx.Response:
    return browser.post(f"/a/{NAME}", data={"csrf": csrf(browser)}, files={"file": ("04.ipynb", file)})


def large(course, size: int) -> bytes:
    """Ada's notebook, made larger by something that is stored with it."""
    content = json.loads(notebook(course, "ada"))
    return json.dumps(content | {"metadata": content["metadata"] | {"widgets": "x" * size}}).encode()


@with_nginx
def test_a_learner_hands_in(site, course, proxy):
    link = site.link("ada")
    with proxy.browser() as browser:
        opened = browser.get(link)
        assert "Secure" in opened.headers["set-cookie"]
        answer = send(browser, large(course, 3_000_000))
        assert answer.status_code == 303, answer.text
        (attempt,) = site.attempts()
        assert answer.headers["location"] == f"/attempts/{attempt.id}"
        assert browser.get(answer.headers["location"]).status_code == 200
        assert attempt.size > 3_000_000


@with_nginx
def test_no_link_is_in_a_log(site, proxy):
    link = site.link("ada")
    token = link.rpartition("/")[2]
    with proxy.browser() as browser:
        for address in (link, f"{browser.base_url}/{link}", link.replace("/in/", "/%69n/"), f"{link}/more"):
            browser.get(address)
        browser.get("/")
    redirected = httpx.get(f"http://127.0.0.1:{proxy.http}{link}", headers={"host": "hand-in.example.org"})
    assert redirected.headers["location"] == f"https://hand-in.example.org{link}"
    assert '"GET / HTTP/1.1" 200' in proxy.logs()
    assert token not in proxy.logs()


@with_nginx
def test_no_link_is_in_a_log_while_the_server_is_down(site, proxy):
    proxy.configure(free_port())
    subprocess.run(proxy.command("-s", "reload"), check=True, timeout=PATIENCE)
    with proxy.browser() as browser:
        end = time.monotonic() + PATIENCE
        while browser.get("/").status_code != 502 and time.monotonic() < end:
            time.sleep(0.05)
        assert browser.get("/in/of-nobody").status_code == 502
    assert "connect() failed" in proxy.logs()
    assert "of-nobody" not in proxy.logs()


@with_nginx
def test_30_mb_are_refused_by_the_page(site, proxy):
    with proxy.browser() as browser:
        browser.get(site.link("ada"))
        answer = send(browser, b"x" * 30_000_000)
    assert answer.status_code == 413
    assert "the file has more than 20 MB" in answer.text
    assert site.attempts() == []


@with_nginx
def test_limits_go_by_the_address_that_the_proxy_reports(site, proxy):
    with proxy.browser() as one, proxy.browser("127.0.0.2") as other:
        guesses = [one.get("/in/x", headers={"x-forwarded-for": f"10.0.0.{n}"}).status_code for n in range(6)]
        assert guesses == [404] * 4 + [429] * 2
        assert other.get("/in/x").status_code == 404


@pytest.mark.skipif(not CADDY, reason="Caddy is not installed")
def test_caddy_reports_the_address_and_logs_no_link(course, engine, tmp_path):
    port, file, log = free_port(), tmp_path / "Caddyfile", tmp_path / "log"
    command = [CADDY, "run", "--config", str(file), "--adapter", "caddyfile"]
    environment = os.environ | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with listening(course, proxy="127.0.0.1", posts_a_minute_and_address=4) as site, log.open("w") as output:
        # Another port, no certificate, and no port for administration, which another Caddy may have.
        text = replaced(printed("caddy"), r"127.0.0.1:8040", f"127.0.0.1:{site.settings.port}", 1)
        text = replaced(text, r"hand-in.example.org", f"http://127.0.0.1:{port}", 1)
        file.write_text(replaced(text, r"\A{", "{\n    admin off", 1))
        with running(command, port, env=environment, stderr=output):
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as browser:
                assert browser.get(site.link("ada")).status_code == 303
                guesses = [
                    browser.get("/in/x", headers={"x-forwarded-for": f"10.0.0.{n}"}).status_code for n in range(5)
                ]
            assert guesses == [404] * 3 + [429] * 2
    with log.open("a") as output, running(command, port, env=environment, stderr=output):
        assert httpx.get(f"http://127.0.0.1:{port}/in/of-nobody").status_code == 502
    assert "serving initial configuration" in log.read_text()
    assert "/in/" not in log.read_text()


@pytest.mark.skipif(not ANALYZE, reason="systemd is not installed")
def test_systemd_accepts_the_unit(tmp_path):
    unit = replaced(printed("ini"), r"/srv/course/.venv/bin/autograder", "/bin/true", 1)
    unit = replaced(replaced(unit, r"=/srv/course\n", f"={tmp_path}\n", 1), "User=course", "User=root", 1)
    path = tmp_path / "hand-in.service"
    path.write_text(unit)
    tested = subprocess.run([ANALYZE, "verify", str(path)], capture_output=True, text=True, timeout=PATIENCE)
    assert "hand-in" not in tested.stderr
    path.write_text(unit.replace("WorkingDirectory", "Folder"))
    tested = subprocess.run([ANALYZE, "verify", str(path)], capture_output=True, text=True, timeout=PATIENCE)
    assert "hand-in" in tested.stderr  # it does look
