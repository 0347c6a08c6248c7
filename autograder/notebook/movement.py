"""Movement in pictures: a kernel over an input, one position after another, as key frames and with a slider.

Copied into notebooks by the build, only those functions that a notebook uses.
"""

import matplotlib.pyplot as plt
import torch
from IPython.display import display

from autograder.notebook.draw import COLOURS, INK, _mix_with_white, picture, show
from autograder.notebook.tools import OFFLINE


def stepper(frame, count: int, *, alt: str, keys=None, size=(5.0, 3.0), columns=2) -> None:
    """Show a movement: key frames in one picture, and for somebody at the keyboard a slider through all frames.

    Args:
        frame: draws frame ``i`` into the axes it gets: ``frame(ax, i)``.
        count: how many frames there are.
        alt: what the key frames show, as text.
        keys: the frames of the picture; by default the first, one third, two thirds and the last.
        size: width and height of one frame, in inches.
        columns: key frames side by side in a row.
    """
    keys = list(dict.fromkeys(round(i * (count - 1) / 3) for i in range(4))) if keys is None else list(keys)
    rows = -(-len(keys) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(size[0] * columns, size[1] * rows), squeeze=False)
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.97, wspace=0.03, hspace=0.08)
    for ax in axes.flat:
        ax.axis("off")
    for ax, i in zip(axes.flat, keys):
        frame(ax, i)
    show(figure, alt)
    if not OFFLINE:  # a slider lives in a running notebook only
        _slider(frame, count, alt, size)


def _slider(frame, count, alt, size) -> None:
    import ipywidgets

    images = {}

    def image(i):
        if i not in images:
            figure, ax = plt.subplots(figsize=size)
            figure.subplots_adjust(0.01, 0.01, 0.99, 0.97)
            ax.axis("off")
            frame(ax, i)
            images[i] = picture(figure, f"Step {i + 1} of {count}. {alt}")
        return images[i]

    view = ipywidgets.HTML(image(0))
    slider = ipywidgets.IntSlider(value=0, min=0, max=count - 1, description="step")
    play = ipywidgets.Play(value=0, min=0, max=count - 1, interval=700)
    ipywidgets.jslink((play, "value"), (slider, "value"))
    slider.observe(lambda change: setattr(view, "value", image(change["new"])), names="value")
    display(ipywidgets.VBox([ipywidgets.HBox([play, slider]), view]))


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
    """A kernel at each of its positions over an input, and the output that grows cell by cell.

    The input cells that the kernel meets have the colour of the output cell that they give; the kernel's outline is
    orange, padding is dashed.

    Args:
        x: (W,), (H, W) or (C, H, W); of several channels each is a sheet behind the one before.
        kernel: of as many dimensions as ``x``; for pooling a window of any values, only its shape counts.
        alt: what the key frames show.
        stride, padding, dilation: numbers or pairs (rows, columns), as in ``F.conv2d``.
        reduce: ``"conv"`` (products added up), ``"max"`` or ``"mean"``.
        keys: the positions in the picture, counted row by row from 0.
        digits: decimals in the cells.
        cell: the edge of a cell, in inches.
        columns: key frames side by side.
        numbers: write values into the cells.
    """
    x, kernel = torch.as_tensor(x).float().detach().cpu(), torch.as_tensor(kernel).float().detach().cpu()
    flat = x.dim() == 1
    if flat:
        x, kernel = x[None, None], kernel[None, None]
        stride, padding, dilation = ((a, b) for a, b in zip((1, 0, 1), (stride, padding, dilation)))
    elif x.dim() == 2:
        x, kernel = x[None], kernel[None]
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
    shift = 0.55 * (channels - 1)
    gap = 2.2
    total_w, total_h = width + shift + gap + out_w, max(height + shift, out_h) + 1.3

    def frame(ax, i):
        row, column = divmod(i, out_w)
        top, left = row * sh, column * sw
        for c in reversed(range(channels)):  # the last channel lies at the back
            dx, dy = 0.55 * c, shift - 0.55 * c
            for r in range(height):
                for s in range(width):
                    inside = ph <= r < height - ph and pw <= s < width - pw
                    met = (r - top) in range(0, kh * dh, dh) and (s - left) in range(0, kw * dw, dw)
                    colour = (
                        _mix_with_white(COLOURS["output"], 0.45) if met else _mix_with_white(COLOURS["input"], 0.18)
                    )
                    if not inside and not met:
                        colour = "white"
                    style = (
                        {"edgecolor": INK, "linewidth": 0.7} if inside else {"edgecolor": "#999999", "linestyle": ":"}
                    )
                    ax.add_artist(plt.Rectangle((dx + s, dy + r), 1, 1, facecolor=colour, **style))
                    if met:
                        edge = {"fill": False, "edgecolor": COLOURS["learned"], "linewidth": 1.8}
                        ax.add_artist(plt.Rectangle((dx + s + 0.04, dy + r + 0.04), 0.92, 0.92, **edge))
                    if numbers and (c == 0 or channels == 1):
                        _number(ax, dx + s, dy + r, float(padded[c, r, s]), digits, faint=not inside)
        at = width + shift + gap
        for r in range(out_h):
            for s in range(out_w):
                done, now = r * out_w + s < i, (r, s) == (row, column)
                colour = _mix_with_white(COLOURS["output"], 0.45 if now else 0.14) if now or done else "white"
                line = {"linewidth": 2.2 if now else 0.7, "edgecolor": COLOURS["output"] if now else INK}
                ax.add_artist(
                    plt.Rectangle((at + s, shift + r), 1, 1, facecolor=colour, zorder=3 if now else 1, **line)
                )
                if numbers and (done or now):
                    _number(ax, at + s, shift + r, float(values[r, s]), digits)
        ax.text(
            width + shift + gap / 2,
            shift + min(height, out_h) / 2,
            "→",
            ha="center",
            va="center",
            fontsize=15,
            color=INK,
        )
        shape = (
            f"{width - 2 * pw}"
            if flat
            else "×".join(map(str, (*([channels] if channels > 1 else []), height - 2 * ph, width - 2 * pw)))
        )
        label = {"ha": "center", "va": "bottom", "fontsize": 9.5}
        ax.text((width + shift) / 2, -0.25, f"input {shape}", color=COLOURS["input"], **label)
        result = f"{out_w}" if flat else f"{out_h}×{out_w}"
        ax.text(at + out_w / 2, shift - 0.25, f"output {result}", color=COLOURS["output"], **label)
        ax.set(xlim=(-0.2, total_w + 0.2), ylim=(total_h - 1, -1.2), aspect="equal")
        ax.axis("off")

    size = ((total_w + 0.4) * cell, (total_h + 0.2) * cell)
    stepper(frame, out_h * out_w, alt=alt, keys=keys, size=size, columns=columns)


def _number(ax, left, top, value, digits, faint=False) -> None:
    text = f"{value:.{digits}f}"
    size = 9 if len(text) <= 3 else 7.5 if len(text) <= 4 else 6.5
    colour = "#999999" if faint else "black"
    ax.text(left + 0.5, top + 0.5, text, ha="center", va="center", fontsize=size, color=colour)
