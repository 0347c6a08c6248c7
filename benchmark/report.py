"""What the measurements say: tables, and which aims are reached."""

from itertools import pairwise
from math import nan
from statistics import median

from meter import Cost
from rich.table import Table
from ways import Marks, Way

#: To be reached on two cores: CPU seconds above the cells' own, times fewer of them, times the throughput, seconds.
MOST_ABOVE, LEAST_CPU, LEAST_THROUGHPUT, MOST_START = 0.10, 12, 20, 10
#: A figure that differs by less than this part has not grown.
STEADY = 0.15


def comparison(title: str, stock: Way, engine: Way, cells: float) -> Table:
    """Both ways side by side.

    Args:
        title: over the table.
        stock, engine: nbgrader's own way and ours.
        cells: CPU seconds of a submission's own cells.
    """
    table = _table(
        title, "", f"{stock.name}, {stock.large} learners", f"{engine.name}, {engine.large} learners", "ratio"
    )
    for figure, what in (("cpu", "CPU, one submission"), ("wall", "wall time, one submission")):
        ratio = f"{times(stock.each(figure), engine.each(figure)):.1f}"
        table.add_row(what, _range(stock.rounds(figure)), _range(engine.rounds(figure)), ratio)
    above = [way.each("cpu") - cells for way in (stock, engine)]
    seconds = (f"{value:.2f} s" for value in above)
    ratio = f"{times(*above):.0f}" if above[1] > 0 else "–"
    table.add_row(f"CPU above its own cells' {cells:.2f} s", *seconds, ratio)
    for figure, what in (("cpu", "start, CPU"), ("wall", "start, wall time")):
        table.add_row(what, *(f"{way.start(figure):.1f} s" for way in (stock, engine)), "")
    peaks = [way.typical("peak", way.large) for way in (stock, engine)]
    table.add_row("peak memory of all processes", *map(_gib, peaks), f"{peaks[0] / peaks[1]:.1f}")
    return table


def growth(engine: Way, sizes: list[int]) -> Table:
    """What a submission costs in a class and in a larger one."""
    table = _table("growth", "learners", "CPU, one submission more", "wall time, one submission more", "peak memory")
    for small, large in pairwise(sizes):
        more = [f"{slope(engine, figure, small, large):.2f} s" for figure in ("cpu", "wall")]
        table.add_row(f"{small} to {large}", *more, _gib(engine.typical("peak", large)))
    return table


def times(one: float, other: float) -> float:
    """How many times ``other`` is in ``one``; not a number if the noise of the machine has swallowed ``other``."""
    return one / other if other > 0 else nan


def slope(way: Way, figure: str, small: int, large: int) -> float:
    """What one submission more costs between two sizes of a class."""
    return (way.typical(figure, large) - way.typical(figure, small)) / (large - small)


def waiting(tries: list[Cost]) -> Table:
    """How long somebody waits for the table of ``autograder try``; the first time disks and caches may be cold."""
    table = _table("autograder try", "", "to the table", "to the end", "CPU")
    for what, costs in (("first time", tries[:1]), (f"again, median of {len(tries) - 1}", tries[1:])):
        table.add_row(what, *(f"{median(v):.1f} s" for v in zip(*((c.marked, c.wall, c.cpu) for c in costs))))
    return table


def marks(one: Marks, other: Marks) -> list[str]:
    """How many of the marks that both ways gave are the same, and which are not."""
    pairs = [(who, what, one[who][what], other[who][what]) for who in sorted(one.keys() & other) for what in one[who]]
    unlike = [f"  {who}, {what}: {mine:g} and {theirs:g}" for who, what, mine, theirs in pairs if mine != theirs]
    return [f"Marks: {len(pairs) - len(unlike)} of {len(pairs)} that both ways gave are the same.", *unlike]


def aims(stock: Way, engine: Way, cells: float, sizes: list[int]) -> list[str]:
    """A line for each aim, with ✓ or ✗."""
    above, start = engine.each("cpu") - cells, engine.start("wall")
    fewer, faster = (times(stock.each(figure), engine.each(figure)) for figure in ("cpu", "wall"))
    found = [
        (above <= MOST_ABOVE, f"at most {MOST_ABOVE:.2f} CPU s above the cells: {above:.2f}"),
        (fewer >= LEAST_CPU, f"at least {LEAST_CPU} times fewer CPU s: {fewer:.1f}"),
        (faster >= LEAST_THROUGHPUT, f"at least {LEAST_THROUGHPUT} times the throughput: {faster:.1f}"),
        (start <= MOST_START, f"starts in at most {MOST_START} s: {start:.1f}"),
    ]
    if len(sizes) > 2:
        cpu = times(slope(engine, "cpu", *sizes[1:]), slope(engine, "cpu", *sizes[:2]))
        memory = engine.typical("peak", sizes[2]) / engine.typical("peak", sizes[1])
        found += [
            (cpu <= 1 + STEADY, f"{sizes[2]} learners cost no more CPU each than {sizes[1]}: {cpu:.2f} times"),
            (memory <= 1 + STEADY, f"{sizes[2]} learners take no more memory than {sizes[1]}: {memory:.2f} times"),
        ]
    return [f"{'✓' if reached else '✗'} {what}" for reached, what in found]


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    return table


def _range(values: list[float]) -> str:
    """The median, and what lies around it."""
    around = f" ({min(values):.2f}–{max(values):.2f})" if len(values) > 1 else ""
    return f"{median(values):.2f} s{around}"


def _gib(size: float) -> str:
    return f"{size / 2**30:.2f} GiB"
