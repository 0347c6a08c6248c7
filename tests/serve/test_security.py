"""Each way in that somebody may try: links, other people's pages, forms, names, sizes, numbers, headers."""

import asyncio
import datetime as dt
import logging
import re
import sqlite3
from contextlib import ExitStack

import pytest
from served import course, engine, site, template
from serving import Site, notebook
from starlette.requests import Request
from test_build import NAME
from test_parallel import WRONG

from autograder.errors import CourseError
from autograder.serve.invitations import check_id, find, hash_of, revoke
from autograder.serve.openings import Opening, write_opening
from autograder.serve.security import (
    COOKIE,
    HEADERS,
    MOST_CALLERS,
    MOST_SESSIONS,
    POLICY,
    AtATime,
    Limiter,
    Refused,
    address_of,
)
from autograder.serve.service import SENT_AT_A_TIME
from autograder.serve.times import now
from autograder.serve.upload import AROUND, PATIENCE, TooLarge, read_form

EVIL = "<script>alert('x')<"
DAY = dt.timedelta(days=1)


def opened(site, **opening) -> None:
    with site.service.database.writing() as connection:
        write_opening(connection, NAME, Opening(**opening))


@pytest.fixture
def graded(site, course):
    """Ada's browser, and an attempt of hers."""
    ada = site.learner("ada")
    return ada, site.graded(ada.hand_in(notebook(course, "ada", negate=WRONG)))


# Links and sessions


def test_a_link_signs_in_once_opened_and_is_gone_from_the_address(site):
    browser = site.browser(follow_redirects=False)
    answer = browser.get(site.link("ada"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(r"autograder-session=[\w-]{43}; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax", cookie)


def test_the_cookie_is_secure_where_learners_come_by_https(course, engine):
    with Site(course, url="https://hand-in.example.org") as site:
        answer = site.browser(follow_redirects=False).get(site.link("ada"))
        assert answer.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize("kind", ["wrong", "expired", "revoked", "replaced", "cut off", "empty"])
def test_a_link_that_does_not_work(site, kind):
    link = site.link("ada", expires=now() - DAY if kind == "expired" else now() + DAY)
    if kind == "revoked":
        with site.service.database.writing() as connection:
            assert revoke(connection, "ada") == 1
    elif kind == "replaced":
        site.link("ada")
    wrong = {"wrong": f"/in/{'A' * 43}", "cut off": link[:-1], "empty": "/in/"}
    browser = site.browser()
    answer = browser.get(wrong.get(kind, link))
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers
    assert browser.get("/").status_code == 401


def test_one_link_does_not_open_anothers(site):
    with site.service.database.reading() as connection:
        token = site.link("ada").removeprefix("/in/")
    with site.service.database.reading() as connection:
        assert find(connection, token).student == "ada"
        assert find(connection, hash_of(token)) is None, "whoever reads the gradebook cannot sign in"


@pytest.mark.parametrize("end", ["revoked", "expired", "too old", "signed out"])
def test_a_session_ends(site, monkeypatch, end):
    browser = site.browser()
    assert browser.get(site.link("ada", expires=now() + DAY if end == "expired" else None)).status_code == 200
    kept = dict(browser.cookies)
    if end == "revoked":
        with site.service.database.writing() as connection:
            revoke(connection, "ada")
    elif end == "signed out":
        assert "You are signed out" in browser.fill("/out", "/").text
        browser.cookies.update(kept)
    else:
        later = now() + (2 * DAY if end == "expired" else 31 * DAY)
        for module in ("security", "invitations"):
            monkeypatch.setattr(f"autograder.serve.{module}.now", lambda: later)
    assert browser.get("/").status_code == 401


def test_a_session_that_somebody_else_has_chosen_is_not_used(site):
    """Session fixation."""
    browser = site.browser()
    browser.cookies.set(COOKIE, "chosen-by-somebody-else", domain="testserver.local")
    browser.get(site.link("ada"))
    assert browser.cookies[COOKIE] != "chosen-by-somebody-else"
    assert browser.get("/").status_code == 200
    other = site.browser()
    other.cookies.set(COOKIE, "chosen-by-somebody-else")
    assert other.get("/").status_code == 401


def test_a_second_sign_in_ends_the_first_session_of_a_browser(site):
    """Kim opens her link in a browser that Ada has used: Ada's session is over, also for whoever copied the cookie."""
    browser = site.learner("ada")
    copied = dict(browser.cookies)
    browser.get(site.link("kim"))
    assert "<span>kim</span>" in browser.get("/").text
    other = site.browser()
    other.cookies.update(copied)
    assert other.get("/").status_code == 401


def test_the_gradebook_holds_no_token(site, course):
    link = site.link("ada").removeprefix("/in/")
    browser = site.browser()
    browser.get(f"/in/{link}")
    tables = sqlite3.connect(course.root / "gradebook.db").iterdump()
    text = "\n".join(tables)
    assert hash_of(link) in text
    assert link not in text
    assert browser.cookies[COOKIE] not in text


def test_a_new_teachers_link_ends_the_old_one(site):
    first = site.teacher()
    assert first.get("/teacher").status_code == 200
    site.teacher()
    assert first.get("/teacher").status_code == 401


def test_a_link_that_is_opened_again_and_again_does_not_fill_the_database(site):
    link, browsers = site.link("ada"), [site.browser() for _ in range(MOST_SESSIONS + 5)]
    for browser in browsers:
        browser.get(link)
    codes = [browser.get("/").status_code for browser in browsers]
    assert codes == [401] * 5 + [200] * MOST_SESSIONS


def test_no_secret_is_logged(site, caplog):
    with caplog.at_level(logging.DEBUG):
        browser = site.browser()
        link = site.link("ada")
        browser.get(link)
        browser.get("/")
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    assert not [line for line in ours if link.removeprefix("/in/") in line or browser.cookies[COOKIE] in line]


# Other people's pages


PAGES = ["", "/status", "/feedback", "/notebook"]


def test_pages_are_their_owners_and_the_teachers(site, graded):
    ada, attempt = graded
    teacher, kim, stranger = site.teacher(), site.learner("kim"), site.browser()
    for page in PAGES:
        address = f"/attempts/{attempt.id}{page}"
        codes = [browser.get(address).status_code for browser in (ada, teacher, kim, stranger)]
        assert codes == [200, 200, 404, 401], page
        answer = kim.get(address)
        assert "ada" not in answer.text
        assert answer.text == kim.get(f"/attempts/{'0' * 32}{page}").text, "not even that it exists"
    for address in ("/teacher", f"/teacher/{NAME}", f"/teacher/{NAME}/report", "/teacher/marks.csv"):
        codes = [browser.get(address).status_code for browser in (ada, teacher, stranger)]
        assert codes == [404, 200, 401], address


def test_a_learner_cannot_do_what_a_teacher_does(site, graded):
    ada, attempt = graded
    for address in (f"/teacher/{NAME}", f"/teacher/{NAME}/again", f"/attempts/{attempt.id}/again"):
        assert ada.fill(address, f"/a/{NAME}", due="2030-01-01T00:00").status_code == 404
    assert site.teacher().fill(f"/a/{NAME}", f"/teacher/{NAME}", b"x").status_code == 404


def test_nothing_of_a_hidden_assignment_can_be_seen(site, graded):
    ada, attempt = graded
    csrf = ada.csrf("/")
    for opening in ({"hidden": True}, {"opens": now() + DAY}):
        opened(site, **opening)
        for address in (f"/a/{NAME}", *(f"/attempts/{attempt.id}{page}" for page in PAGES)):
            assert ada.get(address).status_code == 404
        assert NAME not in ada.get("/").text
        answer = ada.post(f"/a/{NAME}", data={"csrf": csrf}, files={"file": notebook(site.course, "ada")})
        assert answer.status_code == 404
        assert len(site.attempts()) == 1


def test_a_closed_assignment_takes_nothing_and_its_feedback_can_be_read(site, graded):
    ada, attempt = graded
    opened(site, closes=now() - DAY)
    assert "This assignment is closed" in ada.get(f"/a/{NAME}").text
    answer = ada.fill(f"/a/{NAME}", "/", notebook(site.course, "ada"))
    assert answer.status_code == 403
    assert len(site.attempts()) == 1
    assert ada.get(f"/attempts/{attempt.id}/feedback").status_code == 200


# Forms


def test_a_form_from_another_site_does_nothing(site, course):
    ada, kim = site.learner("ada"), site.learner("kim")
    file = {"file": ("a.ipynb", notebook(course, "ada"))}
    for forged in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": kim.csrf("/")}, {"csrf": "\u20ac"}):
        answer = ada.post(f"/a/{NAME}", data=forged, files=file)
        assert answer.status_code == 403
        assert "out of date" in answer.text
    assert site.attempts() == []
    teacher = site.teacher()
    assert teacher.post(f"/teacher/{NAME}", data={"do": "close"}, files={"none": b""}).status_code == 403
    assert ada.post("/out", data={}, files={"none": b""}).status_code == 403
    assert ada.get("/").status_code == 200


NO_FORMS = [
    ("application/json", b"{}"),
    ("application/x-www-form-urlencoded", b"csrf=1"),
    ("multipart/form-data", b"x"),
    ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"1" * 5000),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n1\r\n' * 3 + b"--x--",
    ),
]


def test_what_is_no_form_is_refused(site):
    ada = site.learner("ada")
    for content_type, body in NO_FORMS:
        answer = ada.post(f"/a/{NAME}", content=body, headers={"content-type": content_type})
        assert answer.status_code in (400, 403), body
        assert "Not handed in" in answer.text or "out of date" in answer.text


# Names


def test_nothing_that_a_learner_wrote_can_run(site, course, monkeypatch):
    """In the learner's id, the file's name, the notebook and a check's message."""
    monkeypatch.setattr("test_parallel.MESSAGE", f"✗ negate(x)\n{EVIL}/script>")
    ada = site.learner(EVIL)
    file = notebook(course, EVIL, negate=f"def negate(x):\n    '''{EVIL}/script>'''  # wrong")
    attempt = site.graded(ada.hand_in(file, name=f"{EVIL}.ipynb"))
    teacher = site.teacher()
    ours = [ada.get("/"), ada.get(f"/a/{NAME}"), ada.get(f"/attempts/{attempt.id}"), teacher.get(f"/teacher/{NAME}")]
    for page in ours:
        assert page.status_code == 200
        assert page.headers["content-security-policy"] == POLICY
        assert re.findall(r"<script[^>]*>", page.text) == ['<script src="/static/serve.js" defer>']
        assert " on" not in " ".join(re.findall(r"<[^>]*\son\w+=[^>]*>", page.text))
        assert "style=" not in page.text
        assert "<style" not in page.text
    assert "&lt;script&gt;" in ours[2].text
    for address in (f"/attempts/{attempt.id}/feedback", f"/teacher/{NAME}/report"):
        page = teacher.get(address)
        policy = page.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "sandbox", "form-action 'none'"} <= {*policy}
        assert not [rule for rule in policy if rule.startswith("script-src") or "allow-" in rule]


def test_downloads_are_attachments_under_our_name(site, course):
    ada = site.learner('q"\u00e9')
    data = notebook(course, "ada")
    attempt = site.graded(ada.hand_in(data, name='a"; filename="b.html\r\nX-Evil: 1'))
    answer = ada.get(f"/attempts/{attempt.id}/notebook")
    assert answer.headers["content-disposition"] == f'attachment; filename="{NAME}.ipynb"'
    assert answer.headers["content-type"] == "application/x-ipynb+json"
    assert answer.content == data
    marks = site.teacher().get("/teacher/marks.csv")
    assert marks.headers["content-disposition"] == 'attachment; filename="marks.csv"'


NO_PAGES = [
    "/in/x%0d%0aX-Evil:%201",
    f"/a/{NAME}%0d%0aX-Evil:%201",
    "/a/..%2f..%2fgradebook.db",
    "/attempts/..%2fada%2f1",
    "/static/../app.py",
    "/static/..%2f..%2fapp.py",
    "/static/%2e%2e/%2e%2e/app.py",
    "/a/%00",
    "/teacher/",
    f"/a/{NAME}/",
]


def test_addresses_that_are_no_pages(site):
    ada = site.learner("ada")
    for address in NO_PAGES:
        answer = ada.get(address, follow_redirects=False)
        assert answer.status_code == 404, address
        assert not {"x-evil", "location"} & {*answer.headers}


@pytest.mark.parametrize("student", ["", ".", "..", ".x", "a/b", "a\\b", "a\nb", "a\x00b", "x" * 101, "é" * 51])
def test_ids_that_cannot_be_folders(student):
    with pytest.raises(CourseError, match=r"^The id "):
        check_id(student)


# Sizes and numbers


class Sender:
    """A browser that sends a large file in parts, and counts how many have been taken."""

    def __init__(self, parts: int) -> None:
        self.parts, self.taken = parts, 0

    async def __call__(self) -> dict:
        self.taken += 1
        start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' if self.taken == 1 else b""
        return {"type": "http.request", "body": start + bytes(100_000), "more_body": self.taken < self.parts}

    def request(self) -> Request:
        headers = [(b"content-type", b"multipart/form-data; boundary=x")]
        return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, self)


def test_a_large_upload_is_refused_while_it_is_read():
    """It is then read on for a while, so that the browser shows the answer, but not to its end."""
    sender = Sender(parts=1000)
    with pytest.raises(TooLarge, match="more than 1 MB: clear its outputs"):
        asyncio.run(read_form(sender.request(), 1_000_000, 60))
    assert sender.taken <= 2 + (1_000_000 * (1 + PATIENCE) + AROUND) / 100_000


def test_30_mb(site):
    answer = site.learner("ada").hand_in(bytes(30_000_000))
    assert answer.status_code == 413
    assert "the file has more than 20 MB: clear its outputs and save it again" in answer.text
    assert site.attempts() == []


def test_a_slow_upload_ends():
    class Slow(Sender):
        async def __call__(self) -> dict:
            await asyncio.Event().wait()

    with pytest.raises(CourseError, match="took too long"):
        asyncio.run(read_form(Slow(1).request(), 1_000_000, 0.01))


def test_uploads_at_a_time():
    """Of one learner: nobody fills the disk with files that never end."""
    at_a_time = AtATime(2)
    with at_a_time.one_more("ada"), at_a_time.one_more("ada"):
        with pytest.raises(Refused), at_a_time.one_more("ada"):
            pass
        with at_a_time.one_more("kim"):
            pass
    with at_a_time.one_more("ada"):
        pass


def test_a_learner_sends_few_files_at_a_time(site, course):
    ada = site.learner("ada")
    csrf = ada.csrf("/")
    with ExitStack() as stack:
        for _ in range(SENT_AT_A_TIME):
            stack.enter_context(site.service.at_a_time.one_more("learner ada"))
        assert ada.post(f"/a/{NAME}", data={"csrf": csrf}, files={"file": b"x"}).status_code == 429
    assert ada.hand_in(notebook(course, "ada")).status_code == 200


def test_a_deeply_nested_file_and_one_of_many_values(site):
    ada = site.learner("ada")
    assert "nested too deeply" in ada.hand_in(b"[" * 100_000).text
    assert "more than 1000000 lists and values" in ada.hand_in(b"[" + b"0," * 1_100_000 + b"0]").text


def test_thousands_of_small_uploads(site):
    ada, kim = site.learner("ada"), site.learner("kim")
    codes = [ada.hand_in(b"x").status_code for _ in range(40)]
    assert codes == [422] * 30 + [429] * 10
    assert kim.hand_in(b"x").status_code == 422, "it is each learner's own number"


def test_a_learner_called_teacher_is_not_the_teacher(course, engine):
    with Site(course, posts_a_minute=3) as site:
        learner, teacher = site.learner("teacher"), site.teacher()
        assert [learner.hand_in(b"x").status_code for _ in range(4)] == [422] * 3 + [429]
        assert teacher.fill(f"/teacher/{NAME}/now", f"/teacher/{NAME}", do="close").status_code == 200


def test_guessing_links_is_limited_whatever_the_guesser_says_about_the_address(course, engine):
    with Site(course, posts_a_minute_and_address=5) as site:
        browser = site.browser()
        codes = [
            browser.get(f"/in/{number}", headers={"x-forwarded-for": f"10.0.0.{number}"}).status_code
            for number in range(7)
        ]
        assert codes == [404] * 5 + [429] * 2


def request(peer: str, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    return Request({"type": "http", "headers": headers, "client": (peer, 1)})


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxy", "address"),
    [
        ("1.2.3.4", [], None, "1.2.3.4"),
        ("1.2.3.4", ["9.9.9.9"], None, "1.2.3.4"),
        ("127.0.0.1", ["9.9.9.9"], None, "127.0.0.1"),
        ("1.2.3.4", ["9.9.9.9"], "127.0.0.1", "1.2.3.4"),
        ("127.0.0.1", ["9.9.9.9, 5.6.7.8"], "127.0.0.1", "5.6.7.8"),
        ("127.0.0.1", ["9.9.9.9", "5.6.7.8"], "127.0.0.1", "5.6.7.8"),
        ("127.0.0.1", [], "127.0.0.1", "127.0.0.1"),
    ],
)
def test_whose_address_it_is(peer, forwarded, proxy, address):
    assert address_of(request(peer, *forwarded), proxy) == address


def test_a_limiter_counts_within_its_time_and_forgets_callers():
    moment = [0.0]
    limiter = Limiter(2, 60, lambda: moment[0])
    limiter.check("a")
    moment[0] = 50
    limiter.check("a")
    with pytest.raises(Refused):
        limiter.check("a")
    moment[0] = 60
    limiter.check("a")
    with pytest.raises(Refused):
        limiter.check("a")
    for number in range(MOST_CALLERS + 1):
        moment[0] += 1
        limiter.check(str(number))
    assert len(limiter._calls) < 100


# Headers


def test_what_pages_are_not_for_is_one_sentence(site):
    answer = site.learner("ada").put("/")
    assert answer.status_code == 405
    assert "Pages cannot be used in this way: go to the start page." in answer.text


def test_every_answer_has_safe_headers(site, graded):
    ada, attempt = graded
    stranger = site.browser()
    answers = [
        *(ada.get(page) for page in ("/", f"/a/{NAME}", f"/attempts/{attempt.id}", "/nothing", "/static/serve.css")),
        *(ada.get(f"/attempts/{attempt.id}{page}") for page in PAGES),
        stranger.get("/"),
        stranger.get("/in/x"),
        stranger.put("/"),
        ada.hand_in(b"x"),
    ]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS if "policy" not in name} == {
            name: value for name, value in HEADERS.items() if "policy" not in name
        }, answer.url
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_an_error_of_ours_is_one_sentence_with_safe_headers(site, monkeypatch):
    kim = site.learner("kim")
    monkeypatch.setattr("autograder.serve.learner.read_attempts", lambda *given: 1 / 0)
    answer = kim.get(f"/a/{NAME}")
    assert answer.status_code == 500
    assert "Something went wrong on the server" in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
