"""What a teacher can set for ``autograder serve``."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal

#: Which attempt counts: the last one, or the one with the most points; in both cases, before those that were late.
Which = Literal["last", "best"]


@dataclass(frozen=True)
class Settings:
    """The settings of one start.

    Attributes:
        host, port: where the server listens.
        url: the address that learners use, without a slash at the end.
        workers: how many notebooks run at a time; None for one per core.
        attempts_an_hour: how many notebooks a learner may hand in for one assignment within an hour.
        largest_upload: how many bytes an upload may have.
        upload_seconds: how long an upload may take.
        longest_queue: how many notebooks may wait.
        which: which attempt counts.
        session_days: how long a browser stays signed in.
        posts_a_minute: how many forms a learner may send within a minute.
        posts_a_minute_and_address: how many forms, and links that do not fit, one address may send.
        proxy: the address of the proxy whose ``X-Forwarded-For`` is believed; None if there is none.
        zone: the zone in which times are shown and entered; None for this machine's.
    """

    host: str = "127.0.0.1"
    port: int = 8040
    url: str = "http://127.0.0.1:8040"
    workers: int | None = None
    attempts_an_hour: int = 20
    largest_upload: int = 20_000_000
    upload_seconds: float = 120
    longest_queue: int = 1000
    which: Which = "last"
    session_days: int = 30
    posts_a_minute: int = 30
    posts_a_minute_and_address: int = 600
    proxy: str | None = None
    zone: tzinfo | None = None

    @property
    def secure(self) -> bool:
        """Whether learners come by HTTPS, so that cookies may be kept from anything else."""
        return self.url.startswith("https://")
