"""Pictures of tensors: cells, numbers and shapes on the edges, as vector graphics with alt text.

Each colour means one thing throughout the course: blue is input, orange is what is learned (weights, kernels),
green is output, red is loss or error. Negative cells are hatched, so every picture also works in grey.
The build copies into a notebook only the functions that it uses.
"""

import base64
import html
import io
import re

import matplotlib
import matplotlib.pyplot as plt
import torch
from IPython.display import HTML, display

INK = "#333333"
COLOURS = {"input": "#3B78B8", "learned": "#E08A1E", "output": "#2A9D6F", "loss": "#C8443A", "plain": "#8A8F98"}


class Picture(HTML):
    """Images with alt text, which is also what plain-text viewers show.

    Notebooks that are not trusted yet show the HTML; viewers that strip HTML, such as GitHub's, show the SVG.
    """

    def __init__(self, data, alt):
        super().__init__(data)
        self.alt = alt

    def __repr__(self):
        return f"[picture: {self.alt}]"

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/html": self.data, "text/plain": repr(self)}
        images = [base64.b64decode(code).decode() for code in re.findall(r"svg\+xml;base64,([^\"]+)", self.data)]
        if images:
            bundle["image/svg+xml"] = _stacked(images, self.alt)
        return bundle


def _stacked(images: list[str], alt: str) -> str:
    """Several SVG images as one, stacked vertically."""
    bodies = [image[image.index("<svg") :] for image in images]
    sizes = [re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', body) for body in bodies]
    width = max(float(size[1]) for size in sizes)
    height, parts = 0.0, []
    for body, size in zip(bodies, sizes):
        # In the units of the outer one, which are points: "pt" would make it a third larger than its place.
        inner = f'y="{height:.6f}" width="{size[1]}" height="{size[2]}"'
        parts.append(body.replace(size[0], inner, 1))
        height += float(size[2]) + 10
    label = html.escape(alt, quote=True)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}"'
    size = f'width="{width}pt" height="{height:.6f}pt" viewBox="0 0 {width} {height:.6f}"'
    return f"{head} {size}>{''.join(parts)}</svg>"


def show(figure, alt: str) -> None:
    """Display a Matplotlib ``figure`` as vector graphics, with ``alt`` for readers who cannot see it, and close it."""
    display(Picture(picture(figure, alt), alt))


def picture(figure, alt: str) -> str:
    """A Matplotlib ``figure`` as an HTML image with alt text; closes the figure.

    The same figure always gives the same bytes. The background is white so that the image is readable in dark themes.
    """
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "course", "svg.fonttype": "path"}):
        metadata = {"Date": None, "Creator": None}
        figure.savefig(buffer, format="svg", bbox_inches="tight", facecolor="white", metadata=metadata)
    plt.close(figure)
    image = base64.b64encode(buffer.getvalue().encode()).decode()
    width = round(figure.get_figwidth() * 80)
    text = html.escape(alt, quote=True)
    style = f"width:{width}px;max-width:100%;background:white;border-radius:4px"
    return f'<img alt="{text}" style="{style}" src="data:image/svg+xml;base64,{image}">'


def plot_axes(width=7.0, height=3.2, columns=1):
    """A figure with ``columns`` axes side by side in the course's style; ``width`` and ``height`` in inches.

    Returns:
        (figure, axes): one Axes, or an array of them if ``columns > 1``.
    """
    figure, axes = plt.subplots(1, columns, figsize=(width, height), layout="constrained")
    for ax in [axes] if columns == 1 else axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
    return figure, axes


class Grid:
    """A tensor for ``draw_row`` to draw: its values, a name, and the role that determines its colour.

    Args:
        values: a tensor of at most 2 dimensions (a vector is drawn as one row).
        name: written above it; the shape is added.
        role: a key of ``COLOURS``: input, learned, output, loss or plain.
        digits: decimals of the numbers in the cells.
        hide: draw empty cells, for tensors of which only the shape matters.
    """

    def __init__(self, values, name="", role="plain", digits=1, hide=False):
        self.values = torch.as_tensor(values).detach().cpu()
        self.name, self.role, self.digits, self.hide = name, role, digits, hide
        self.shape = tuple(self.values.shape)
        self.cells = self.values.reshape(1, -1) if self.values.dim() < 2 else self.values
        if self.cells.dim() > 2:
            raise ValueError(f"a grid shows at most 2 dimensions, not {self.shape}: select one matrix of it")


def draw_row(*items, alt: str, cell=0.52) -> None:
    """Draw grids, with signs between them, in one row: ``draw_row(Grid(x), "→", Grid(y), alt="…")``.

    Args:
        items: ``Grid``s and strings.
        alt: the alt text.
        cell: the edge of one cell, in inches.
    """
    gap, sign_width = 0.45, 0.9
    height = max(item.cells.shape[0] for item in items if isinstance(item, Grid))
    figure, ax = plt.subplots()
    x = 0.0
    for item in items:
        if isinstance(item, Grid):
            rows, columns = item.cells.shape
            width = _grid_width(item)
            draw_grid(ax, item, x + (width - columns) / 2, (height - rows) / 2)
            x += width + gap
        else:
            ax.text(x + sign_width / 2 - gap / 2, height / 2, item, ha="center", va="center", fontsize=17, color=INK)
            x += sign_width
    ax.set(xlim=(-0.3, x - gap + 0.3), ylim=(height + 0.25, -1.25), aspect="equal")
    ax.axis("off")
    figure.set_size_inches((x - gap + 0.6) * cell, (height + 1.5) * cell)
    figure.subplots_adjust(0, 0, 1, 1)
    show(figure, alt)


def _grid_width(grid) -> float:
    """The width in cells that a grid and its label need."""
    return max(grid.cells.shape[1], 0.21 * max(len(grid.name), len("×".join(map(str, grid.shape))) + 1))


def draw_grid(ax, grid, left, top) -> None:
    """Draw a ``Grid`` into ``ax``, its upper left corner at (``left``, ``top``); a cell is 1 wide, y points down."""
    colour = COLOURS[grid.role]
    rows, columns = grid.cells.shape
    largest = float(grid.cells.abs().max()) or 1.0 if grid.cells.numel() else 1.0
    for i in range(rows):
        for j in range(columns):
            value = float(grid.cells[i, j])
            strength = 0.12 if grid.hide else 0.06 + 0.5 * abs(value) / largest
            negative = value < 0 and not grid.hide
            face = _mix_with_white(colour, strength)
            box = plt.Rectangle((left + j, top + i), 1, 1, facecolor=face, edgecolor=INK, linewidth=0.8)
            ax.add_artist(box)
            if negative:
                box.set_hatch("////")
                box.set_hatch_linewidth(0.7)
            if not grid.hide:
                number = f"{value:.{grid.digits}f}"
                number = number.removeprefix("-") if float(number) == 0 else number
                size = 10 if len(number) <= 4 else 8.5 if len(number) <= 5 else 7
                text = ax.text(
                    left + j + 0.5, top + i + 0.5, number, ha="center", va="center", fontsize=size, color="black"
                )
                if negative:  # a light background keeps the number readable on the hatching
                    text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.75})
    ax.add_artist(plt.Rectangle((left, top), columns, rows, fill=False, edgecolor=colour, linewidth=2.2))
    shape = "×".join(map(str, grid.shape)) if grid.shape else "0-d"
    ax.text(
        left + columns / 2, top - 0.62, grid.name, ha="center", va="bottom", fontsize=11, color=colour, weight="bold"
    )
    ax.text(left + columns / 2, top - 0.16, shape, ha="center", va="bottom", fontsize=9, color=INK)


def _mix_with_white(colour: str, strength: float) -> tuple[float, ...]:
    """A paler ``colour``; opaque, because the hatching on a transparent face would be transparent, too."""
    return tuple(1 - strength * (1 - part) for part in matplotlib.colors.to_rgb(colour))
