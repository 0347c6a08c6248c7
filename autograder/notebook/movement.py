"""Movement in pictures: a kernel moving over an input position by position, with a slider and as stills.

The build copies into a notebook only the functions that it uses.
"""

import html
import json

import matplotlib.pyplot as plt
import torch
from IPython.display import HTML, display

from autograder.notebook.draw import COLOURS, INK, Picture, _mix_with_white, picture
from autograder.notebook.tools import OFFLINE

#: What the slider does: plain HTML, so it works in a saved notebook without a kernel.
ON_INPUT = (
    "var box=this.closest('div'),frames=JSON.parse(box.dataset.frames),image=box.querySelector('img');"
    "image.src=frames[this.value-1];box.querySelector('output').textContent=this.value+' of '+frames.length"
)


def stepper(frame, count: int, *, alt: str, keys=None, size=(5.0, 3.0), columns=2) -> None:
    """Show a movement: a slider through all frames for interactive use, and a few stills for the page.

    Args:
        frame: draws frame ``i`` into the axes that it is given: ``frame(ax, i)``.
        count: how many frames there are.
        alt: alt text: what the stills show.
        keys: the frames of the stills; by default the first, one third, two thirds and the last.
        size: width and height of one frame, in inches.
        columns: how many stills are side by side if the page is wide enough.
    """
    keys = list(dict.fromkeys(round(i * (count - 1) / 3) for i in range(4))) if keys is None else list(keys)

    def still(i, text):
        figure, ax = plt.subplots(figsize=size)
        figure.subplots_adjust(0.01, 0.01, 0.99, 0.95)
        ax.axis("off")
        frame(ax, i)
        figure.text(0.01, 0.99, f"step {i + 1} of {count}", ha="left", va="top", fontsize=8, color="#555555")
        return picture(figure, text)

    if not OFFLINE:  # in the released file, a slider would only add size
        display(HTML(_slider([still(i, alt) for i in range(count)], alt)))
    texts = [alt, *(f"The same movement at step {i + 1} of {count}." for i in keys[1:])]
    stills = "".join(still(i, text) for i, text in zip(keys, texts))
    width = round(size[0] * 80 * columns + 12 * (columns - 1))
    box = f"display:flex;flex-wrap:wrap;gap:12px;max-width:{width}px"
    display(Picture(f'<div style="{box}">{stills}</div>', alt))


def _slider(images: list[str], alt: str) -> str:
    """A slider over ``images``, the HTML of one image per frame; the first shows, whatever a viewer strips."""
    frames = html.escape(json.dumps([image.rpartition('src="')[2].removesuffix('">') for image in images]), quote=True)
    label = html.escape(f"Step of: {alt}", quote=True)
    bar = f'<input type="range" min="1" max="{len(images)}" value="1" aria-label="{label}" oninput="{ON_INPUT}">'
    return f'<div data-frames="{frames}"><p>{bar} step <output>1 of {len(images)}</output></p>{images[0]}</div>'


def kernel_steps(
    x,
    kernel,
    *,
    alt,
    stride=1,
    padding=0,
    dilation=1,
    reduce="conv",
    keys=None,
    digits=0,
    cell=0.42,
    columns=2,
    numbers=True,
) -> None:
    """A kernel at each of its positions over an input, and the output, which fills up cell by cell.

    The input cells that the kernel covers have an orange outline and the colour of the output cell that they produce.
    Padding is white and dashed, with grey zeros. The kernel's numbers are beside the input; for a signal, they are
    right below the values that they multiply.

    Args:
        x: (W,), (H, W) or (C, H, W); each of several channels is a sheet behind the previous one.
        kernel: with as many dimensions as ``x``; for pooling, a window of any values: only its shape matters.
        alt: alt text: what the stills show.
        stride, padding, dilation: numbers or pairs (rows, columns), as in ``F.conv2d``.
        reduce: ``"conv"`` (sum of products), ``"max"`` or ``"mean"``.
        keys: the positions of the stills, counted row by row from 0.
        digits: decimals in the cells.
        cell: the edge of a cell, in inches.
        columns: how many stills are side by side if the page is wide enough.
        numbers: write values into the cells.
    """
    x, kernel = torch.as_tensor(x).float().detach().cpu(), torch.as_tensor(kernel).float().detach().cpu()
    flat = x.dim() == 1
    if flat:
        x, kernel = x[None, None], kernel[None, None]
        stride, padding, dilation = ((a, b) for a, b in zip((1, 0, 1), (stride, padding, dilation)))
    elif x.dim() == 2:
        x, kernel = x[None], kernel[None]
    kernel = kernel.reshape(-1, *kernel.shape[-2:])
    (sh, sw), (ph, pw), (dh, dw) = (v if isinstance(v, tuple) else (v, v) for v in (stride, padding, dilation))
    channels, (kh, kw) = x.shape[0], kernel.shape[-2:]
    padded = torch.nn.functional.pad(x, (pw, pw, ph, ph))
    patches = padded.unfold(1, (kh - 1) * dh + 1, sh).unfold(2, (kw - 1) * dw + 1, sw)[..., ::dh, ::dw]
    values = {
        "conv": lambda: (patches * kernel[:, None, None]).sum((0, 3, 4)),
        "max": lambda: patches.amax((0, 3, 4)),
        "mean": lambda: patches.mean((0, 3, 4)),
    }[reduce]()
    out_h, out_w = values.shape
    height, width = padded.shape[1:]
    convolves = reduce == "conv"

    def covered(i):
        """The cells of the padded input that the kernel covers at position ``i``."""
        top, left = i // out_w * sh, i % out_w * sw
        return {(top + r * dh, left + s * dw) for r in range(kh) for s in range(kw)}

    def draw_input(ax, i, left, top, step):
        for c in reversed(range(channels)):  # the last channel is at the back
            for r in range(height):
                for s in range(width):
                    inside, used = ph <= r < height - ph and pw <= s < width - pw, (r, s) in covered(i)
                    colour = _mix_with_white(COLOURS["input"], 0.18) if inside else "white"
                    colour = _mix_with_white(COLOURS["output"], 0.45) if used else colour
                    at = left + step * c + s, top + step * (channels - 1 - c) + r
                    _box(ax, *at, colour, None if inside else "--")
                    if used:
                        edge = {"fill": False, "edgecolor": COLOURS["learned"], "linewidth": 1.8}
                        ax.add_artist(plt.Rectangle((at[0] + 0.05, at[1] + 0.05), 0.9, 0.9, **edge))
                    if numbers and c == 0:
                        _number(ax, *at, float(padded[c, r, s]), digits, "input", faint=not inside)

    def draw_kernel(ax, left, top, step, dh=1, dw=1):
        for c in reversed(range(channels)):
            for r in range(kh):
                for s in range(kw):
                    at = left + step * c + s * dw, top + step * (channels - 1 - c) + r * dh
                    _box(ax, *at, _mix_with_white(COLOURS["learned"], 0.3))
                    if c == 0:
                        _number(ax, *at, float(kernel[c, r, s]), digits, "kernel")

    def draw_output(ax, i, left, top):
        for r in range(out_h):
            for s in range(out_w):
                place = r * out_w + s
                colour = _mix_with_white(COLOURS["output"], 0.45 if place == i else 0.14) if place <= i else "white"
                _box(ax, left + s, top + r, colour)
                if numbers and place <= i:
                    _number(ax, left + s, top + r, float(values[r, s]), digits, "output")
        edge = {"fill": False, "edgecolor": COLOURS["output"], "linewidth": 2.2, "zorder": 3}
        ax.add_artist(plt.Rectangle((left + i % out_w, top + i // out_w), 1, 1, **edge))

    shape = "×".join(map(str, x.shape[0 if channels > 1 else 2 if flat else 1 :]))
    pad = f", padded {width if flat else f'{height}×{width}'}" if ph or pw else ""
    labels = [
        f"input {shape}{pad}",
        f"kernel {'×'.join(map(str, kernel.shape[0 if channels > 1 else 2 if flat else 1 :]))}",
        f"output {out_w if flat else f'{out_h}×{out_w}'}",
    ]

    if flat:  # three rows, so that numbers that are multiplied are one above the other
        left = 0.17 * max(map(len, labels)) + 0.3

        def frame(ax, i):
            draw_input(ax, i, left, 0, 0)
            if convolves:
                draw_kernel(ax, left + i * sw, 1.35, 0, dw=dw)
            draw_output(ax, i, left, 2.7)
            for y, label, role in zip((0.5, 1.85, 3.2), labels, ("input", "learned", "output")):
                if convolves or role != "learned":
                    ax.text(left - 0.3, y, label, ha="right", va="center", fontsize=9.5, color=COLOURS[role])
            ax.set(xlim=(0, left + width + 0.2), ylim=(3.9, -0.5), aspect="equal")

        size = ((left + width + 0.2) * cell, 4.4 * cell)
    else:
        step, gap = 0.55, 1.5
        shift = step * (channels - 1)
        starts = [0.0, width + shift + gap, width + shift + gap + (kw + shift + gap if convolves else 0.6)]
        ends = [width + shift, starts[1] + kw + shift, starts[2] + out_w]
        total_h = max(height + shift, out_h, kh + shift if convolves else 0)

        def frame(ax, i):
            draw_input(ax, i, 0, total_h - height - shift if height + shift < total_h else 0, step)
            middle = total_h / 2
            tops = [(total_h - kh - shift) / 2, (total_h - out_h) / 2]
            if convolves:
                draw_kernel(ax, starts[1], tops[0], step)
            draw_output(ax, i, starts[2], tops[1])
            signs = (
                [(starts[1] - gap / 2, "⊛"), (starts[2] - gap / 2, "=")]
                if convolves
                else [((ends[0] + starts[2]) / 2, f"{reduce} →")]
            )
            for x_at, sign in signs:
                ax.text(x_at, middle, sign, ha="center", va="center", fontsize=13, color=INK)
            label = {"va": "bottom", "fontsize": 9}
            ax.text(0, -0.2, labels[0], color=COLOURS["input"], ha="left", **label)
            if convolves:
                ax.text(
                    (starts[1] + ends[1]) / 2, tops[0] - 0.2, labels[1], color=COLOURS["learned"], ha="center", **label
                )
            ax.text((starts[2] + ends[2]) / 2, tops[1] - 0.2, labels[2], color=COLOURS["output"], ha="center", **label)
            ax.set(xlim=(-0.2, ends[2] + 0.9), ylim=(total_h + 0.2, -1.3), aspect="equal")

        size = ((ends[2] + 1.1) * cell, (total_h + 1.5) * cell)
    stepper(frame, out_h * out_w, alt=alt, keys=keys, size=size, columns=columns)


def _box(ax, left, top, colour, dashes=None) -> None:
    """Draw one cell; padding is dashed."""
    edge = {"edgecolor": "#999999", "linestyle": dashes} if dashes else {"edgecolor": INK}
    ax.add_artist(plt.Rectangle((left, top), 1, 1, facecolor=colour, linewidth=0.7, **edge))


def _number(ax, left, top, value, digits, part, faint=False) -> None:
    """Write a value into a cell; ``part`` says which tensor it belongs to."""
    text = f"{value + 0.0:.{digits}f}"
    text = text.removeprefix("-") if float(text) == 0 else text
    size = 9 if len(text) <= 3 else 7.5 if len(text) <= 4 else 6.5
    colour = "#555555" if faint else "black"
    ax.text(left + 0.5, top + 0.5, text, ha="center", va="center", fontsize=size, color=colour, label=part)
