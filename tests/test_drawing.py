"""The drawing helpers: right numbers in the cells, a text alternative on every picture, a slider that moves."""

import html
import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import matplotlib
import pytest
import torch
import torch.nn.functional as F

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from autograder.notebook import draw, movement, networks


@pytest.fixture
def shown(monkeypatch) -> list:
    """What a helper displays."""
    things: list = []
    for module in (draw, movement):
        monkeypatch.setattr(module, "display", things.append)
    monkeypatch.setattr(movement, "OFFLINE", True)
    return things


@pytest.fixture
def frames(monkeypatch) -> list:
    """What ``kernel_steps`` hands to ``stepper``: (frame, count)."""
    handed: list = []
    monkeypatch.setattr(movement, "stepper", lambda frame, count, **options: handed.append((frame, count)))
    return handed


def numbers(frame, i: int, part: str = "output") -> list[float]:
    """The numbers of a part in frame ``i``, row by row: ``input``, ``kernel`` or ``output``."""
    figure, ax = plt.subplots()
    frame(ax, i)
    cells = [text for text in ax.texts if text.get_label() == part]
    plt.close(figure)
    cells.sort(key=lambda text: (text.get_position()[1], text.get_position()[0]))
    return [float(text.get_text()) for text in cells]


@pytest.mark.parametrize("stride", [1, (2, 1), (2, 2)])
@pytest.mark.parametrize("padding", [0, (2, 1)])
@pytest.mark.parametrize("dilation", [1, (1, 2)])
def test_kernel_over_a_matrix_gives_what_conv2d_gives(frames, stride, padding, dilation):
    g = torch.Generator().manual_seed(1)
    x, kernel = torch.randn(4, 6, generator=g), torch.randn(3, 2, generator=g)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    movement.kernel_steps(x, kernel, alt="a test", digits=3, **options)
    expected = F.conv2d(x[None, None], kernel[None, None], **options)[0, 0]
    [(frame, count)] = frames
    assert count == expected.numel()
    assert numbers(frame, count - 1) == pytest.approx(expected.flatten().tolist(), abs=6e-4)
    assert len(numbers(frame, 1)) == 2, "the output grows cell by cell"


def test_kernel_over_a_signal_and_over_channels(frames):
    movement.kernel_steps(torch.tensor([1.0, 2, 3, 4]), torch.tensor([3.0, 2]), alt="a test", digits=1)
    frame, count = frames.pop()
    assert count == 3
    assert numbers(frame, 2) == [7.0, 12.0, 17.0]
    movement.kernel_steps(torch.arange(11.0), torch.tensor([1.0, 10, 100]), dilation=4, alt="a test", digits=1)
    frame, count = frames.pop()
    assert count == 11 - 8
    assert numbers(frame, count - 1)[0] == 0 + 40 + 800
    x, kernel = torch.randn(3, 4, 5), torch.randn(3, 2, 3)
    movement.kernel_steps(x, kernel, alt="a test", digits=3)
    frame, count = frames.pop()
    expected = F.conv2d(x[None], kernel[None]).flatten().tolist()
    assert numbers(frame, count - 1) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_pooling(frames, reduce):
    x = torch.randn(4, 6)
    movement.kernel_steps(x, torch.ones(2, 3), stride=(2, 3), reduce=reduce, alt="a test", digits=3)
    frame, count = frames.pop()
    expected = (F.max_pool2d if reduce == "max" else F.avg_pool2d)(x[None], (2, 3)).flatten().tolist()
    assert numbers(frame, count - 1) == pytest.approx(expected, abs=6e-4)


def test_stills_are_one_output_with_its_text(shown):
    movement.kernel_steps(torch.ones(3, 3), torch.ones(2, 2), alt='four positions of a "kernel"')
    [image] = shown
    assert 'alt="four positions of a &quot;kernel&quot;"' in image.data
    assert repr(image) == '[picture: four positions of a "kernel"]'


def test_frames_show_what_is_multiplied(frames):
    """The kernel's own numbers, and for a signal each right below the value that it meets."""
    movement.kernel_steps(torch.tensor([1.0, 2, 3, 4]), torch.tensor([3.0, 2]), alt="a test", digits=1)
    frame, _ = frames.pop()
    assert numbers(frame, 1, "kernel") == [3.0, 2.0]
    figure, ax = plt.subplots()
    frame(ax, 1)
    at = {(text.get_label(), text.get_text()): text.get_position()[0] for text in ax.texts}
    plt.close(figure)
    assert at["kernel", "3.0"] == at["input", "2.0"]
    assert at["kernel", "2.0"] == at["input", "3.0"]


def test_a_channel_is_a_sheet():
    def sheets(*shape):
        figure, ax = plt.subplots()
        networks._block(ax, 0.0, 0.0, shape, 28, "#000000")
        plt.close(figure)
        return len(ax.patches)

    assert [sheets(channels, 28, 28) for channels in (1, 2, 3, 64)] == [1, 2, 3, 4]


def test_slider_needs_no_kernel(shown, monkeypatch):
    """It comes before the stills, is plain HTML, and what a viewer strips leaves the first frame."""
    monkeypatch.setattr(movement, "OFFLINE", False)
    movement.kernel_steps(torch.ones(3, 4), torch.ones(2, 2), alt="positions")
    slider, stills = shown
    frames = json.loads(html.unescape(re.search('data-frames="([^"]*)"', slider.data)[1]))
    assert len(set(frames)) == 6
    assert 'type="range" min="1" max="6"' in slider.data
    assert slider.data.count("<img ") == 1
    assert frames[0] in slider.data.rpartition("<img ")[2]
    assert stills.data.count("<img ") == 4


def test_viewers_that_strip_html_get_the_same_pictures(shown):
    movement.kernel_steps(torch.ones(3, 3), torch.ones(2, 2), alt='a "test"')
    svg = shown[0]._repr_mimebundle_()["image/svg+xml"]
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'a "test"'
    _, _, width, height = map(float, root.get("viewBox").split())  # whatever is beyond it is cut off
    parts = [(float(part.get("y")), float(part.get("height")), float(part.get("width"))) for part in root]
    assert len(parts) == 4
    assert all(y + tall <= following for (y, tall, _), (following, _, _) in pairwise(parts)), "one below the other"
    assert all(y + tall <= height and wide <= width for y, tall, wide in parts), "nothing is cut off"
    for part in root:
        _, _, wide, tall = map(float, part.get("viewBox").split())
        assert float(part.get("width")) == pytest.approx(wide, rel=0.01)
        assert float(part.get("height")) == pytest.approx(tall, rel=0.01)


@pytest.mark.parametrize(
    "picture",
    [
        lambda: draw.draw_row(draw.Grid(torch.tensor([[1.0, -2.0]]), "x", "input"), "→", draw.Grid(3), alt="text"),
        lambda: networks.draw_signals(("x", [1, 2], "input"), ("y", torch.ones(3), "output"), alt="text"),
        lambda: networks.draw_images([torch.randn(3, 4)] * 7, list("abcdefg"), alt="text", signed=True),
        lambda: networks.draw_network((1, 28, 28), "conv", (32, 24, 24), "view", (18432,), alt="text"),
    ],
)
def test_every_picture_is_the_same_each_time_and_has_its_text(shown, picture):
    torch.manual_seed(0)
    picture()
    torch.manual_seed(0)
    picture()
    first, second = shown
    assert first.data == second.data
    assert first.data.startswith('<img alt="text" style="')
    assert not plt.get_fignums(), "figures are closed"


def test_grid_refuses_what_it_cannot_show():
    with pytest.raises(ValueError, match="at most 2 dimensions"):
        draw.Grid(torch.ones(2, 3, 4))
