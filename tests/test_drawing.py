"""The drawing helpers: right numbers in the cells, a text alternative on every picture, a slider that moves."""

import re

import ipywidgets
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


def numbers(frame, i: int, left: float) -> list[float]:
    """The numbers in frame ``i`` to the right of ``left``, row by row: those of the output."""
    figure, ax = plt.subplots()
    frame(ax, i)
    cells = [
        text for text in ax.texts if re.fullmatch(r"-?\d+\.\d+", text.get_text()) and text.get_position()[0] > left
    ]
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
    width = x.shape[1] + 2 * (padding[1] if padding else 0)
    assert numbers(frame, count - 1, width + 1) == pytest.approx(expected.flatten().tolist(), abs=6e-4)
    assert len(numbers(frame, 1, width + 1)) == 2, "the output grows cell by cell"


def test_kernel_over_a_signal_and_over_channels(frames):
    movement.kernel_steps(torch.tensor([1.0, 2, 3, 4]), torch.tensor([3.0, 2]), alt="a test", digits=1)
    frame, count = frames.pop()
    assert count == 3
    assert numbers(frame, 2, 5) == [7.0, 12.0, 17.0]
    movement.kernel_steps(torch.arange(11.0), torch.tensor([1.0, 10, 100]), dilation=4, alt="a test", digits=1)
    frame, count = frames.pop()
    assert count == 11 - 8
    assert numbers(frame, count - 1, 12)[0] == 0 + 40 + 800
    x, kernel = torch.randn(3, 4, 5), torch.randn(3, 2, 3)
    movement.kernel_steps(x, kernel, alt="a test", digits=3)
    frame, count = frames.pop()
    expected = F.conv2d(x[None], kernel[None]).flatten().tolist()
    assert numbers(frame, count - 1, 5 + 0.55 * 2 + 1) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_pooling(frames, reduce):
    x = torch.randn(4, 6)
    movement.kernel_steps(x, torch.ones(2, 3), stride=(2, 3), reduce=reduce, alt="a test", digits=3)
    frame, count = frames.pop()
    expected = (F.max_pool2d if reduce == "max" else F.avg_pool2d)(x[None], (2, 3)).flatten().tolist()
    assert numbers(frame, count - 1, 7) == pytest.approx(expected, abs=6e-4)


def test_key_frames_are_one_picture_with_its_text(shown):
    movement.kernel_steps(torch.ones(3, 3), torch.ones(2, 2), alt='four positions of a "kernel"')
    [image] = shown
    assert 'alt="four positions of a &quot;kernel&quot;"' in image.data
    assert repr(image) == '[picture: four positions of a "kernel"]'


def test_slider_moves_through_all_frames(shown, monkeypatch):
    monkeypatch.setattr(movement, "OFFLINE", False)
    movement.kernel_steps(torch.ones(3, 4), torch.ones(2, 2), alt="positions")
    _, box = shown
    [[_, slider], view] = box.children[0].children, box.children[1]
    assert isinstance(slider, ipywidgets.IntSlider)
    assert (slider.min, slider.max) == (0, 5)
    seen = set()
    for i in range(6):
        slider.value = i
        assert f"Step {i + 1} of 6. positions" in view.value
        seen.add(view.value)
    assert len(seen) == 6


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
