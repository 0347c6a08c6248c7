"""Downloads of every system end in ``submitted/`` under the right learner, and nothing is skipped in silence."""

import datetime as dt
import os
import stat
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

import nbformat
import pytest
from conftest import COURSE, ROOT
from nbformat.v4 import new_code_cell, new_notebook

from autograder import cli
from autograder.collect import archives
from autograder.collect.archives import read_download
from autograder.collect.collect import Line, collect, id_of
from autograder.collect.names import read_paths
from autograder.collect.roster import read_roster
from autograder.errors import CourseError
from autograder.grading.submissions import read_telltales

NAME = "04_linear"
TELLTALES = read_telltales(COURSE.solution(NAME))
RELEASE = COURSE.release(NAME).read_bytes()
OTHER = COURSE.release("05_mse_loss").read_bytes()
SEOUL = ZoneInfo("Asia/Seoul")
WHEN = dt.datetime(2026, 11, 1, 9, 15, 42)


def work(answer: str) -> bytes:
    """A notebook that somebody has worked on."""
    notebook = nbformat.reads(RELEASE.decode(), as_version=4)
    notebook.cells[0].source += f"\n{answer}"
    return nbformat.writes(notebook).encode()


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def collected(folder: Path) -> dict[str, bytes]:
    """What was collected, by learner."""
    files = [path for path in folder.glob(f"submitted/*/{NAME}/{NAME}.ipynb") if path.is_file()]
    return {path.parts[-3]: path.read_bytes() for path in files}


def run(folder: Path, *sources: Path, roster=None, zone=SEOUL) -> list[Line]:
    return collect(folder, NAME, {NAME: TELLTALES}, sources, roster, zone)


DOWNLOADS = {
    "Canvas": {
        "lovelaceada_101_9001_04_linear.ipynb": "ada",
        "hopper_LATE_102_9002_04_linear-2.ipynb": "hopper",
        "김철수_103_9003_my answers.ipynb": "kim",
    },
    "Moodle": {
        "Ada Lovelace_5001_assignsubmission_file_/04_linear.ipynb": "ada",
        "José Núñez_5002_assignsubmission_file_/answers (1).ipynb": "jose",
        "Kim Lee_5003_assignsubmission_file_04_linear.ipynb": "kim",
    },
    "Blackboard": {
        "04 Linear_x_ada.lovelace_attempt_2026-11-01-09-15-42_04_linear.ipynb": "ada",
        "04 Linear_x_ada.lovelace_attempt_2026-11-01-09-15-42.txt": None,
        "04 Linear_x_s-123_attempt_2026-11-01-00-00-00_04_linear.ipynb": "s",
        "04 Linear_x_kim@uni.ac.kr_attempt_2026-11-01-23-59-59_04_linear.ipynb": "kim",
    },
    "Brightspace": {
        "index.html": None,
        "173216-123456 - Ada Lovelace - Nov 1, 2026 915 AM/04_linear.ipynb": "ada",
        "173217-123456 - Anne-Marie O'Neil- 1 November, 2026 1715/04_linear.ipynb": "anne",
        "173218-123456 - N0123456 - Kim Lee - Nov 1, 2026 1157 PM/04_linear.ipynb": "kim",
    },
    "Google Classroom": {
        "04 Linear/Ada Lovelace - 04_linear.ipynb": "ada",
        "04 Linear/Kim Lee - Copy of 04_linear.ipynb": "kim",
    },
    "a folder": {
        "__MACOSX/class/ada/._04_linear.ipynb": None,
        "class/ada/04_linear.ipynb": "ada",
        "class/Kim Lee/deeper/04_linear.ipynb": "kim",
        "class/s-123/04_linear (1).ipynb": "s",
        "class/.DS_Store": None,
    },
    "files": {"04_linear_s-123.ipynb": "s", "kim-04_linear (1).ipynb": "kim"},
    "zip files": {"class/ada.zip": "ada", "class/kim.zip": "kim"},
}
IDS = {
    "Canvas": {"lovelaceada", "hopper", "김철수"},
    "Moodle": {"Ada-Lovelace", "José-Núñez", "Kim-Lee"},
    "Blackboard": {"ada.lovelace", "s-123", "kim@uni.ac.kr"},
    "Brightspace": {"Ada-Lovelace", "Anne-Marie-O-Neil", "N0123456"},
    "Google Classroom": {"Ada-Lovelace", "Kim-Lee"},
    "a folder": {"ada", "Kim-Lee", "s-123"},
    "files": {"s-123", "kim"},
    "zip files": {"ada", "kim"},
}


@pytest.mark.parametrize("form", ["zip", "folder"])
@pytest.mark.parametrize("system", DOWNLOADS)
def test_each_systems_download_is_collected(tmp_path, system, form):
    files = {}
    for number, (path, whose) in enumerate(DOWNLOADS[system].items()):
        data = work(f"number {number}") if whose else b"x"
        if path.endswith(".zip"):
            zipped(tmp_path / "inner.zip", {"homework/04_linear.ipynb": data})
            data = (tmp_path / "inner.zip").read_bytes()
        files[path] = data
    if form == "zip":
        source = zipped(tmp_path / "download.zip", files)
    else:
        source = tmp_path / "download"
        for path, data in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(data)
    lines = run(tmp_path / "course", source)
    assert not [line for line in lines if line.lost]
    got = collected(tmp_path / "course")
    assert set(got) == IDS[system]
    assert len(set(got.values())) == len(got)


def test_times_are_those_of_the_zone(tmp_path):
    files = {"hw_ada_attempt_2026-11-01-08-00-00_a.ipynb": RELEASE}
    run(tmp_path, zipped(tmp_path / "a.zip", files), zone=SEOUL)
    assert (tmp_path / "submitted/ada" / NAME / "timestamp.txt").read_text() == "2026-10-31 23:00:00.000000 UTC\n"


@pytest.mark.parametrize("second", range(0, 86_400, 617))
def test_any_second_of_the_day(second):
    when = dt.datetime(2026, 11, 1) + dt.timedelta(seconds=second)
    path = PurePosixPath(f"x_ada_attempt_{when:%Y-%m-%d-%H-%M-%S}_04_linear.ipynb")
    assert read_paths([path], [NAME])[path].when == when
    clock = f"{when:%I%M %p}".removeprefix("0")
    folder = PurePosixPath(f"1-2 - Ada - {when:%b} {when.day}, 2026 {clock}/a.ipynb")
    assert read_paths([folder], [NAME])[folder].when == when.replace(second=0)


def test_the_last_attempt_counts_and_all_are_kept(tmp_path):
    early, late, latest = work("early"), work("late"), work("latest")
    files = {
        "hw_ada_attempt_2026-11-02-10-00-00_04_linear.ipynb": late,
        "hw_ada_attempt_2026-11-01-10-00-00_04_linear.ipynb": early,
    }
    lines = run(tmp_path, zipped(tmp_path / "a.zip", files))
    assert collected(tmp_path) == {"ada": late}
    assert [line.said for line in lines] == ["an earlier attempt: kept, not graded", "collected"]
    files["hw_ada_attempt_2026-11-03-10-00-00_04_linear.ipynb"] = latest
    run(tmp_path, zipped(tmp_path / "b.zip", files))
    assert collected(tmp_path) == {"ada": latest}
    kept = {path.read_bytes() for path in (tmp_path / "downloaded" / NAME / "attempts/ada").iterdir()}
    assert kept == {early, late}
    lines = run(tmp_path, tmp_path / "a.zip")  # an old download once more
    assert collected(tmp_path) == {"ada": latest}
    assert lines[-1].said == "kept, not graded: a later attempt was collected before"
    assert [line.said for line in run(tmp_path, tmp_path / "b.zip")][-1] == "collected before"
    assert len(list((tmp_path / "downloaded" / NAME / "attempts/ada").iterdir())) == 2


def test_canvas_says_who_was_late(tmp_path):
    files = {"ada_1_2_04_linear.ipynb": work("ada"), "hopper_LATE_3_4_04_linear.ipynb": work("hopper")}
    lines = {line.student: line.said for line in run(tmp_path, zipped(tmp_path / "a.zip", files))}
    assert lines == {"ada": "collected", "hopper": "collected; late, says Canvas, but not by how much"}


def test_canvas_counts_attempts(tmp_path):
    files = {f"ada_1_{i}_04_linear{end}.ipynb": work(end) for i, end in enumerate(["-10", "-9", ""])}
    run(tmp_path, zipped(tmp_path / "a.zip", files))
    assert collected(tmp_path) == {"ada": work("-10")}


def plain_notebook(grade_id: str, text: str) -> bytes:
    """A notebook in nbgrader's own format."""
    about = {"grade": True, "solution": True, "locked": False, "points": 1, "schema_version": 3, "grade_id": grade_id}
    cell = new_code_cell(text, metadata={"nbgrader": about})
    return nbformat.writes(new_notebook(cells=[cell])).encode()


@pytest.mark.parametrize("ids", [("sum", "product"), ("task", "task")], ids=["own ids", "the same ids"])
def test_plain_assignment_with_several_notebooks(tmp_path, monkeypatch, capsys, ids):
    """Each file is collected as the notebook that it is: by its content, or by its name where that is alike."""
    solutions = tmp_path / "solutions/ps1"
    solutions.mkdir(parents=True)
    (tmp_path / "nbgrader_config.py").touch()
    for name, grade_id in zip(("adding", "multiplying"), ids, strict=True):
        (solutions / f"{name}.ipynb").write_bytes(plain_notebook(grade_id, ""))
    done = {
        "Ada Lovelace_7_assignsubmission_file_/adding.ipynb": plain_notebook(ids[0], "1 + 1"),
        "Ada Lovelace_7_assignsubmission_file_/multiplying (1).ipynb": plain_notebook(ids[1], "1 * 1"),
        "Kim Lee_8_assignsubmission_file_/multiplying.ipynb": plain_notebook(ids[1], "2 * 2"),
        "Kim Lee_8_assignsubmission_file_/04_linear.ipynb": RELEASE,
    }
    source = zipped(tmp_path / "a.zip", done)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["collect", "ps1", str(source)]) == 1, "one file was not collected"
    assert "2 collected; 1 file was not" in capsys.readouterr().out
    found = {
        str(path.relative_to(tmp_path / "submitted")): path.read_bytes() for path in tmp_path.glob("submitted/*/*/*")
    }
    assert found == {
        "Ada-Lovelace/ps1/adding.ipynb": done["Ada Lovelace_7_assignsubmission_file_/adding.ipynb"],
        "Ada-Lovelace/ps1/multiplying.ipynb": done["Ada Lovelace_7_assignsubmission_file_/multiplying (1).ipynb"],
        "Kim-Lee/ps1/multiplying.ipynb": done["Kim Lee_8_assignsubmission_file_/multiplying.ipynb"],
    }


def test_last_notebook_of_an_assignment_says_when_it_was_handed_in(tmp_path):
    telltales = {name: {name: name} for name in ("adding", "multiplying")}

    def hand_in(day: int, *names: str) -> str:
        files = {
            f"hw_ada_attempt_2026-11-{day:02d}-10-00-00_{name}.ipynb": plain_notebook(name, f"{day}") for name in names
        }
        files["hw_kim_attempt_2026-11-01-10-00-00_adding.ipynb"] = plain_notebook("adding", "")
        source = zipped(tmp_path / f"{day}.zip", files)
        collect(tmp_path, "ps1", telltales, [source], None, dt.UTC)
        return (tmp_path / "submitted/ada/ps1/timestamp.txt").read_text()[:10]

    assert hand_in(2, "adding") == "2026-11-02"
    assert hand_in(5, "adding") == "2026-11-05"
    assert hand_in(4, "multiplying") == "2026-11-05"
    assert hand_in(7, "adding", "multiplying") == "2026-11-07"


def test_what_was_handed_in_otherwise_is_kept(tmp_path):
    place = tmp_path / "submitted/ada" / NAME
    place.mkdir(parents=True)
    (place / f"{NAME}.ipynb").write_bytes(RELEASE)
    (place / "timestamp.txt").write_text("2026-10-01 10:00:00.000000 UTC\n")
    run(tmp_path, zipped(tmp_path / "a.zip", {"ada_1_2_04_linear.ipynb": work("new")}))
    assert collected(tmp_path) == {"ada": work("new")}
    assert not (place / "timestamp.txt").exists()  # it is not the new attempt's
    assert [path.read_bytes() for path in (tmp_path / "downloaded" / NAME / "attempts/ada").iterdir()] == [RELEASE]


@pytest.mark.parametrize("in_the_way", ["a folder", "a file"])
def test_what_is_in_the_way_is_one_line_and_costs_its_learner_only(tmp_path, in_the_way):
    place = tmp_path / "submitted/ada" / NAME
    if in_the_way == "a folder":
        there = place / f"{NAME}.ipynb"
        there.mkdir(parents=True)
    else:
        there = place
        there.parent.mkdir(parents=True)
        there.write_text("mine")
    files = {f"{name}_{i}_2_04_linear.ipynb": work(name) for i, name in enumerate(["ada", "kim"])}
    lines = {line.student: line for line in run(tmp_path, zipped(tmp_path / "a.zip", files))}
    assert lines["ada"].lost
    assert lines["ada"].said.startswith(f"{there} cannot be written: ")
    assert (place / f"{NAME}.ipynb").is_dir() or place.read_text() == "mine"
    assert collected(tmp_path)["kim"] == work("kim")


def test_names_too_long_for_a_file_system(tmp_path):
    """A file may keep its own name in part; a learner's folder needs all of it."""
    own = 80 * "가"
    files = {f"kim_1_2_{own}-1.ipynb": work("early"), f"kim_1_3_{own}-2.ipynb": work("late")}
    files[f"{'a' * 300}_2_4_04_linear.ipynb"] = work("long")
    lines = run(tmp_path, zipped(tmp_path / "a.zip", files))
    assert collected(tmp_path) == {"kim": work("late")}
    assert [path.read_bytes() for path in (tmp_path / "downloaded" / NAME / "attempts/kim").iterdir()] == [
        work("early")
    ]
    assert ["File name too long" in line.said for line in lines if line.lost] == [True]


def test_two_learners_of_one_name_stay_two(tmp_path):
    files = {f"Kim Lee_{n}_assignsubmission_file_/04_linear.ipynb": work(str(n)) for n in (7, 8)}
    run(tmp_path, zipped(tmp_path / "a.zip", files))
    assert collected(tmp_path) == {"Kim-Lee-7": work("7"), "Kim-Lee-8": work("8")}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_roster(tmp_path, delimiter):
    rows = [
        ["First name", "Last name", "id", "Login", "Canvas"],
        ["Ada", "Lovelace", "s1", "ada_l@uni.edu", "101"],
        ["Kim", "Lee", "s2", "kim", "102"],
        ["Kim", "Lee", "s3", "kim2", "103"],
        ["José", "Núñez", "s4", "jose", "104"],
    ]
    path = tmp_path / "class.csv"
    path.write_text("\ufeff" + "\n".join(delimiter.join(row) for row in rows), encoding="utf-8")
    roster = read_roster(path)
    for keys, student in [
        (("999", "lovelaceada"), "s1"),
        (("Ada Lovelace",), "s1"),
        (("ada_l",), "s1"),
        (("102", "leekim"), "s2"),
        (("Nu\u0301n\u0303ez, Jose\u0301",), "s4"),
    ]:
        assert roster.find(keys) == student
    with pytest.raises(CourseError, match="“Kim Lee” fits several learners in the roster: s2, s3"):
        roster.find(["Kim Lee"])
    with pytest.raises(CourseError, match="nobody in the roster is known as “7” or “Bob”"):
        roster.find(["7", "Bob"])
    files = {
        "hw_x_ada_l_attempt_2026-11-01-10-00-00_04_linear.ipynb": work("ada"),
        "hw_x_bob_attempt_2026-11-01-10-00-00_04_linear.ipynb": work("bob"),
    }
    lines = run(tmp_path, zipped(tmp_path / "a.zip", files), roster=roster)
    assert collected(tmp_path) == {"s1": work("ada")}
    assert [line.said for line in lines if line.lost] == [
        "nobody in the roster is known as “bob” or “hw_x_bob” or “x_bob”"
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no learners"),
        ("id,name\n", "has no learners"),
        (None, "cannot be read"),
        ("id,name\n../ada,Ada\n", "cannot be a folder's name"),
        ("id,name\na/da,Ada\n", "cannot be a folder's name"),
    ],
)
def test_roster_that_cannot_be_used(tmp_path, text, says):
    path = tmp_path / "class.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CourseError, match=says):
        read_roster(path)


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


def test_hostile_downloads_harm_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 2_000_000)
    course, source = tmp_path / "inner/course", tmp_path / "a.zip"
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../ada/../04_linear.ipynb", work("slip"))
        archive.writestr("/etc/ben/04_linear.ipynb", work("absolute"))
        archive.writestr("C:\\Users\\cleo\\04_linear.ipynb", work("backslash"))
        archive.writestr(link("dan/04_linear.ipynb"), "/etc/passwd")
        archive.writestr("eve/04_linear.ipynb", b"0" * 3_000_000)
        archive.writestr("fay/04_linear.ipynb", b"not a notebook")
        archive.writestr("gus/04_linear.ipynb", OTHER)
        archive.writestr("hal/report.docx", b"words")
        archive.writestr("ida/04_linear.zip", b"not a zip file")
        archive.writestr("joe/\x1b[31m04_linear.ipynb", work("escape"))
    before = set(tmp_path.rglob("*"))
    lines = run(course, source)
    said = {line.file.split("/")[0]: line.said for line in lines if line.lost}
    assert said["dan"] == "it is a link"
    assert said["eve"] == "it is larger than 2 MB"
    assert "not JSON" in said["fay"]
    assert said["gus"] == "it is the notebook 05_mse_loss, not 04_linear"
    assert said["hal"] == "it is not a notebook"
    assert said["ida"] == "it is not a zip file, or it is damaged"
    assert set(said) == {"dan", "eve", "fay", "gus", "hal", "ida"}
    assert set(collected(course).values()) == {work(text) for text in ("slip", "absolute", "backslash", "escape")}
    assert all(path.is_relative_to(tmp_path / "inner") for path in {*tmp_path.rglob("*")} - before)
    assert all("\x1b" not in line.file for line in lines)


def test_zip_files_inside_each_other_end(tmp_path):
    data = work("deep")
    for depth in range(5):
        inside = "ada.zip" if depth else f"{NAME}.ipynb"
        data = zipped(tmp_path / f"{depth}.zip", {inside: data}).read_bytes()
    (tmp_path / "bomb.zip").write_bytes(data)
    lines = run(tmp_path / "course", tmp_path / "bomb.zip")
    assert [line.said for line in lines] == ["it is not a notebook"]


def test_a_download_that_holds_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST_DOWNLOAD", len(RELEASE) + 10)
    source = zipped(tmp_path / "a.zip", {"ada/a.ipynb": RELEASE, "ben/a.ipynb": RELEASE})
    assert [item.problem is None for item in read_download(source)] == [True, False]


def test_links_in_folders_are_not_followed(tmp_path):
    (tmp_path / "download/ada").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/04_linear.ipynb").write_bytes(RELEASE)
    (tmp_path / "download/ada/04_linear.ipynb").symlink_to(tmp_path / "elsewhere/04_linear.ipynb")
    (tmp_path / "download/ben").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "download/ada/pipe.ipynb")
    lines = run(tmp_path / "course", tmp_path / "download")
    assert {line.file: line.said for line in lines} == {
        "ada/04_linear.ipynb": "it is a link",
        "ada/pipe.ipynb": "it is not a plain file",
    }
    (tmp_path / "course/submitted").mkdir(parents=True)
    (tmp_path / "course/submitted/cleo").symlink_to(tmp_path / "elsewhere")
    lines = run(tmp_path / "course", zipped(tmp_path / "a.zip", {"cleo_1_2_04_linear.ipynb": work("cleo")}))
    assert lines[0].lost
    assert "is a link to another folder" in lines[0].said
    assert (tmp_path / "elsewhere/04_linear.ipynb").read_bytes() == RELEASE


@pytest.mark.parametrize(
    ("label", "known"), [(" Ada  Lovelace ", "Ada-Lovelace"), ("../x", "x"), ("[a]?*", "a"), ("..", "unnamed")]
)
def test_ids_are_folder_names(label, known):
    assert id_of(label) == known


def test_command(tmp_path, monkeypatch, capsys):
    for part in ("solutions", "notebooks", "data", "pyproject.toml", "nbgrader_config.py"):
        (tmp_path / part).symlink_to(ROOT / part)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["collect", NAME]) == 1
    place = f"{tmp_path}/downloaded/{NAME}/archive"
    told = f"autograder: {place} does not exist: name the zip file or the folder that you have downloaded.\n"
    assert capsys.readouterr().err == told
    zipped(tmp_path / "downloaded" / NAME / "archive/a.zip", {"ada_1_2_04_linear.ipynb": RELEASE, "x_1_2_a.pdf": b""})
    assert cli.main(["collect", NAME]) == 1
    said = capsys.readouterr().out
    assert "it is not a notebook" in said
    assert "1 collected; 1 file was not, see above." in said
    source = zipped(tmp_path / "b.zip", {"ben_1_2_04_linear.ipynb": RELEASE})
    assert cli.main(["collect", NAME, str(source), "--zone", "UTC"]) == 0
    assert set(collected(tmp_path)) == {"ada", "ben"}
    with pytest.raises(SystemExit):
        cli.main(["collect", NAME, "--zone", "KST9"])
    assert "'KST9' is not a time zone" in capsys.readouterr().err


def test_nbgraders_own_zip_collect_reads_the_same_names(tmp_path):
    for part in ("solutions", "notebooks", "data", "pyproject.toml", "nbgrader_config.py"):
        (tmp_path / part).symlink_to(ROOT / part)
    files = {
        "hw_ada.lovelace_attempt_2026-11-01-14-07-12_04_linear.ipynb": RELEASE,
        "hw_ada.lovelace_attempt_2026-11-01-14-07-12.txt": b"",
        "Kim Lee_5003_assignsubmission_file_/answers.ipynb": RELEASE,
    }
    zipped(tmp_path / "downloaded" / NAME / "archive/a.zip", files)
    command = [sys.executable, "-m", "nbgrader", "zip_collect", NAME, f"--CourseDirectory.root={tmp_path}"]
    environment = os.environ | {"TZ": "Asia/Seoul"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert set(collected(tmp_path)) == {"ada.lovelace", "Kim-Lee"}
    stamp = (tmp_path / "submitted/ada.lovelace" / NAME / "timestamp.txt").read_text()
    assert stamp.startswith("2026-11-01 05:07:12")
