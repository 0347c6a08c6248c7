"""Pictures of signals, images and networks. The build copies into a notebook only the functions that it uses."""

import matplotlib.pyplot as plt
import torch
from matplotlib.ticker import MaxNLocator

from autograder.notebook.draw import COLOURS, INK, _mix_with_white, show


def draw_signals(*signals, alt: str, width=7.0, height=1.15) -> None:
    """Draw 1-d signals one below the other over the same index axis, as stems with a dot at each value.

    Args:
        signals: ``(name, values, role)``, where the role is a key of ``COLOURS``.
        alt: the alt text.
        width, height: the size of one signal's plot, in inches.
    """
    longest = max(len(values) for _, values, _ in signals)
    size = (width, height * len(signals) + 0.35)
    figure, axes = plt.subplots(len(signals), 1, figsize=size, sharex=True, squeeze=False, layout="constrained")
    for ax, (name, values, role) in zip(axes.flat, signals):
        values = torch.as_tensor(values).detach().float().cpu()
        ax.axhline(0, color=INK, linewidth=0.6)
        ax.vlines(range(len(values)), 0, values, color=COLOURS[role], linewidth=2)
        ax.plot(range(len(values)), values, "o", color=COLOURS[role], markersize=4)
        ax.set_ylabel(name, rotation=0, ha="right", va="center", color=COLOURS[role], labelpad=10)
        if torch.equal(values, values.round()):
            ax.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        ax.set_xlim(-0.7, longest - 0.3)
        ax.margins(y=0.2)
        ax.spines[["top", "right", "bottom"]].set_visible(False)
        ax.tick_params(labelsize=9)
    axes[-1, 0].set_xlabel("index", fontsize=9)
    show(figure, alt)


def draw_images(images, titles, *, alt: str, columns=6, signed=False, cell=1.25) -> None:
    """Draw images in rows, each with its title: dark is large; with ``signed``, orange is positive, purple negative.

    Args:
        images: matrices of shape (H, W), each scaled by its own largest absolute value.
        titles: one string per image.
        alt: the alt text.
        columns: images per row.
        signed: whether values may be negative.
        cell: the edge of one image, in inches.
    """
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(cell * columns, (cell + 0.3) * rows), squeeze=False, layout="constrained"
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles):
        image = torch.as_tensor(image).detach().float().cpu()
        largest = float(image.abs().max()) or 1.0
        colours = {"cmap": "PuOr_r", "vmin": -largest, "vmax": largest} if signed else {"cmap": "Blues", "vmin": 0}
        ax.imshow(image, interpolation="nearest", **colours)
        ax.set_title(title, fontsize=9, color=INK)
        ax.axis("on")
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set(color="#999999", linewidth=0.6)
    show(figure, alt)


def draw_network(*items, alt: str, height=2.6, rows=1) -> None:
    """Draw a network as rows of blocks: shapes with the operations between them.

    Args:
        items: a shape, an operation, a shape, an operation, …: shapes are ``(C, H, W)`` or ``(features,)``, operations
            are strings, of several lines if necessary.
        alt: the alt text.
        height: the height of a row, in inches.
        rows: how many rows the blocks fill, for pages as narrow as a phone's.
    """
    shapes = [item for item in items if not isinstance(item, str)]
    tallest = max(max(shape[1:], default=0) for shape in shapes) or 1
    figure, ax = plt.subplots()
    x, y, right, gap = 0.0, 0.0, 0.0, 1.15
    drawn, in_a_row = 0, -(-len(shapes) // rows)
    for n, item in enumerate(items):
        if isinstance(item, str):
            if drawn % in_a_row == 0:
                x, y = 0.0, y - 2.8
            ax.annotate("", (x + gap, y), (x + 0.08, y), arrowprops={"arrowstyle": "->", "color": INK})
            ax.text(x + gap / 2, y + 0.12, item, ha="center", va="bottom", fontsize=7.5, color=COLOURS["learned"])
            x += gap + 0.1
            continue
        role = "input" if n == 0 else "output" if n == len(items) - 1 else "plain"
        x += _block(ax, x, y, item, tallest, COLOURS[role])
        drawn, right = drawn + 1, max(right, x)
    ax.set(xlim=(-0.15, right + 0.15), ylim=(y - 1.45, 1.35), aspect="equal")
    ax.axis("off")
    figure.set_size_inches((right + 0.3) * height / 2.8, height * (2.8 - y) / 2.8)
    figure.subplots_adjust(0, 0, 1, 1)
    show(figure, alt)


def _block(ax, left, middle, shape, tallest, colour) -> float:
    """Draw a block centred on y = ``middle``, write its shape below it, and return its width."""
    if len(shape) == 1:  # features: a bar
        width, half = 0.16, 0.25 + 0.65 * min(1.0, shape[0] / 400)
        face = {"facecolor": _mix_with_white(colour, 0.35), "edgecolor": INK}
        ax.add_artist(plt.Rectangle((left, middle - half), width, 2 * half, **face))
    else:  # channels × height × width: one sheet per channel, up to four; the depth grows slowly with the channels
        side = 0.35 + 0.95 * (max(shape[1:]) / tallest) ** 0.7
        depth = 0.06 + 0.05 * shape[0] ** 0.5
        width, half = side * 0.45 + depth, side / 2
        front = left + depth
        sheets = min(shape[0], 4)
        for k in range(sheets):  # from the back to the front
            offset = depth * (1 - k / max(sheets - 1, 1)) if sheets > 1 else 0.0
            box = (front - offset, middle - half + offset * 0.6)
            face = {"facecolor": _mix_with_white(colour, 0.35), "edgecolor": INK, "linewidth": 0.7}
            ax.add_artist(plt.Rectangle(box, side * 0.45, 2 * half, **face))
    ax.text(left + width / 2, middle - 1.05, "×".join(map(str, shape)), ha="center", va="top", fontsize=8, color=INK)
    return width + 0.1
