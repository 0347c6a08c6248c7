"""The report's pictures, as SVG in the page's colours, each with a description in words."""

import io
import math
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autograder.report.items import ENDINGS, SIGNS, Item

#: Colours to draw with. Each is replaced by a CSS variable of the page, so that a dark page can have its own.
COLOURS = {
    "ink": "#010101",
    "quiet": "#020202",
    "line": "#030303",
    "solved": "#040404",
    "wrong": "#050505",
    "stopped": "#060606",
    "unsolved": "#070707",
    "inside": "#080808",
}
#: Inches of 72 dots: as wide as a page on a phone, so that the labels are as large as the text around them.
WIDTH = 5.0
MOST_BARS = 20


@dataclass(frozen=True)
class Picture:
    """An SVG element and what it shows, in words and numbers."""

    svg: str
    alt: str


def draw_points(scores: Sequence[float], most: float) -> Picture:
    """How many learners got how many points."""
    step = max(1, math.ceil((most + 1) / MOST_BARS))
    counts = Counter(min(int(max(score, 0)), int(most)) // step for score in scores)
    bars = [counts[number] for number in range(int(most) // step + 1)]
    figure, ax = _figure(2.6)
    ax.bar(range(len(bars)), bars, width=0.86, color=COLOURS["solved"])
    for place, count in enumerate(bars):
        if count:
            ax.text(place, count, f"{count}", ha="center", va="bottom", color=COLOURS["ink"], fontsize=10)
    every = max(1, math.ceil(len(bars) / 9))
    ax.set_xticks(range(0, len(bars), every), [_range(place, step, most) for place in range(0, len(bars), every)])
    ax.set_yticks([])
    ax.set_ylim(0, max(bars) * 1.15)
    ax.set_xlabel(f"points, of {most:g}", color=COLOURS["quiet"], fontsize=10)
    said = [f"{_range(place, step, most)} points: {_learners(count)}" for place, count in enumerate(bars) if count]
    return Picture(_svg(figure, "points"), f"Bar chart of points, of {most:g}. {'; '.join(said)}.")


def draw_endings(items: Sequence[Item]) -> Picture:
    """For each exercise, the share of learners who solved it, were wrong, were stopped, or did not solve it."""
    figure, ax = _figure(0.62 * max(len(items), 1) + 0.2)
    for place, item in enumerate(items):
        title = _short(f"{item.number}  {item.title}")
        ax.text(0, place - 0.29, title, va="bottom", color=COLOURS["ink"], fontsize=10, parse_math=False)
        left, total = 0.0, len(item.endings)
        for ending in ENDINGS:
            share = item.count(ending) / total if total else 0
            if share:
                ax.barh(place, share, 0.5, left, color=COLOURS[ending], edgecolor=COLOURS["inside"], linewidth=1)
            if share > 0.07:
                ax.text(
                    left + share / 2,
                    place,
                    f"{item.count(ending)} {SIGNS[ending]}",
                    ha="center",
                    va="center_baseline",
                    color=COLOURS["inside"],
                    fontsize=10,
                )
            left += share
        if not total:
            ax.text(0, place, "no results", va="center_baseline", color=COLOURS["quiet"], fontsize=10)
    ax.set_xlim(0, 1)
    ax.set_ylim(max(len(items), 1) - 0.7, -0.7)
    ax.set_axis_off()
    return Picture(_svg(figure, "exercises"), f"Bar chart by exercise. {' '.join(map(_said, items))}")


def _said(item: Item) -> str:
    counts = ", ".join(f"{item.count(ending)} {ending}" for ending in ENDINGS if item.count(ending))
    return f"Exercise {item.number}, {item.title}: {counts or 'no results'}."


def _range(place: int, step: int, most: float) -> str:
    """The points that a bar stands for."""
    first, last = place * step, min(place * step + step - 1, int(most))
    return f"{first}" if first == last else f"{first}–{last}"


def _learners(count: int) -> str:
    return "1 learner" if count == 1 else f"{count} learners"


def _short(title: str, length: int = 52) -> str:
    return title if len(title) <= length else title[: length - 1].rstrip() + "…"


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    ax = figure.add_subplot()
    ax.spines[["top", "left", "right"]].set_visible(False)
    ax.spines["bottom"].set_color(COLOURS["line"])
    ax.tick_params(colors=COLOURS["quiet"], length=0, labelsize=10)
    return figure, ax


def _svg(figure: Figure, name: str) -> str:
    """The figure as an SVG element for a page: text as text, ids of its own, colours from the page."""
    text = io.StringIO()
    style = {"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about characters that only the browser's fonts have
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r"<svg \1>", svg, count=1)
    for variable, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg.strip()
