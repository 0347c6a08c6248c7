"""CSV files that a spreadsheet opens without running anything in them."""

import csv
import io
from collections.abc import Iterable

#: What a formula begins with in Excel, LibreOffice and Google Sheets; the wide forms count in East Asian editions.
FORMULA = tuple("=+-@＝＋－＠")
#: Excel skips these before it looks for a formula.
SKIPPED = " \t\r\n\v\f\xa0\u3000\ufeff"
#: Moodle reads this as a missing grade, and spreadsheets read it as text.
NO_GRADE = "-"
#: A line of a file: texts, numbers, empty cells.
Row = list[str | float | None]


def csv_bytes(rows: Iterable[Row]) -> bytes:
    """A CSV file with ``rows``: numbers as numbers, texts as text, None as an empty cell.

    UTF-8 with a byte order mark: without it, Excel reads the file in the system's old encoding and spoils every name
    that is not ASCII. Canvas and Moodle accept the mark.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig", errors="replace")


def inert(text: str) -> str:
    """``text`` for a cell, with an apostrophe before it if a spreadsheet would take it for a formula."""
    begins = text.lstrip(SKIPPED)
    return f"'{text}" if begins.startswith(FORMULA) and text != NO_GRADE else text


def _cell(value: str | float | None) -> str | float:
    if value is None:
        return ""
    if isinstance(value, str):
        return inert(value)
    return int(value) if value == int(value) else round(value, 2)
