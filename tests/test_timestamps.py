"""When something was handed in: zones are honoured or refused, never dropped."""

import os
from datetime import datetime

import pytest

from autograder.errors import CourseError
from autograder.grading.timestamps import parse_time, read_timestamp


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-27 08:00:00", 8),
        ("2026-11-27 08:00:00.000000 UTC", 8),
        ("2026-11-27T08:00:00Z", 8),
        ("2026-11-27 08:00:00 +0530", 2.5),
        ("2026-11-27 08:00:00 -03:00", 11),
        ("2026-11-27 17:00:00 Asia/Seoul", 8),
        ("Fri, 27 Nov 2026 08:00:00 GMT", 8),
        ("2026-11-27 08:00 EST", 13),
    ],
)
def test_zone_is_honoured(text, hour):
    assert parse_time(text) == datetime(2026, 11, 27, int(hour), int(hour % 1 * 60))


@pytest.mark.parametrize("zone", ["KST", "BST", "UTC+3", "GMT-5", "Mars/Base"])
def test_zone_is_refused(zone):
    with pytest.raises(CourseError, match=f"names the time zone {zone.replace('+', '.')}"):
        parse_time(f"2026-11-27 08:00:00 {zone}")


@pytest.mark.parametrize(
    "text", ["yesterday or so", "08:00:00", "9" * 150, "9" * 1_000, "2026-11-27 08:00 +99:00", "-"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(CourseError, match="contains no date and time"):
        parse_time(text)


def test_only_a_plain_file_is_read(tmp_path):
    assert read_timestamp(tmp_path) is None
    os.mkfifo(tmp_path / "timestamp.txt")
    with pytest.raises(CourseError, match="is not a plain file"):
        read_timestamp(tmp_path)
