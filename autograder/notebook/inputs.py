"""Inputs that break careless code, for checks of functions that take a tensor of any shape.

Imports nothing from this package, because the build copies it into each notebook.
"""

import torch


def unkind_inputs(generator, *, dtypes=(torch.float32, torch.float64), extremes=False, largest=70_000):
    """Tensors of many shapes, layouts and dtypes, with repeated values, zeros and, if ``extremes``, extreme values.

    Args:
        generator: draws the values, from a normal distribution.
        dtypes: each shape comes in each of these.
        extremes: whether to include values such as 1e-30, 1e30 and the infinities (as far as a dtype has them).
        largest: the number of elements of the largest tensor.

    Returns:
        Pairs of a description, such as ``"x of shape (4, 3), transposed, in float64"``, and a tensor without gradient.
    """
    shapes = [(), (0,), (1,), (7,), (2, 0, 3), (1, 6), (6, 1), (5, 3), (2, 3, 4), (1, 2, 1, 5), (2, 1, 3, 2, 2)]
    shapes += [(2, 1, 2, 1, 2, 3), (3, largest // 3)]
    layouts = {
        "transposed": lambda draw: draw(3, 4).t(),
        "with dimensions permuted": lambda draw: draw(2, 3, 4).permute(2, 0, 1),
        "every second column of a larger one": lambda draw: draw(3, 8)[:, ::2],
        "one column of a larger one": lambda draw: draw(5, 4)[:, 1],
        "one row, expanded": lambda draw: draw(1, 4).expand(3, 4),
    }
    found = []
    for dtype in dtypes:

        def draw(*shape, dtype=dtype):
            x = torch.randn(shape, generator=generator, dtype=torch.float64)
            x = torch.where(torch.rand(shape, generator=generator) < 0.1, torch.zeros((), dtype=x.dtype), x)
            if extremes and x.numel() > 5:
                values = [float("inf"), -float("inf"), 1e30, -1e30, 1e-30, -1e-30]
                x.view(-1)[:6] = torch.tensor(values, dtype=x.dtype)
            return x.to(dtype)

        kind = "" if dtype == torch.float32 else f", in {str(dtype).removeprefix('torch.')}"
        found += [(f"x of shape {shape}{kind}", draw(*shape)) for shape in shapes]
        made = {name: make(draw) for name, make in layouts.items()}
        found += [(f"x of shape {tuple(x.shape)}, {name}{kind}", x) for name, x in made.items()]
    return found
