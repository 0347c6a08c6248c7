"""The payoff of a notebook uses the learner's function, or the course's own, and says which."""

import pytest
import torch
from torch import nn

from autograder.notebook.payoff import yours_or_ours


def unsolved(x):
    raise NotImplementedError


def crashes(x):
    raise ValueError


def changes(x):
    return x.add_(1)


class Half(nn.Module):
    def forward(self, x):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("yours", "taken", "said"),
    [
        (torch.neg, True, ""),
        (changes, True, ""),
        (unsolved, False, "`unsolved` is not solved yet: the course's own version stands in.\n"),
        (crashes, False, "Your `crashes` stopped with ValueError: the course's own version stands in.\n"),
    ],
)
def test_yours_if_it_runs(capsys, yours, taken, said):
    x = torch.zeros(3)
    assert yours_or_ours(yours, torch.abs, x) is (yours if taken else torch.abs)
    assert capsys.readouterr().out == said
    assert torch.equal(x, torch.zeros(3)), "it is tried on a copy"


def test_class_is_tried_with_a_call(capsys):
    assert yours_or_ours(Half, nn.ReLU) is Half
    assert yours_or_ours(Half, nn.ReLU, call=(torch.zeros(3),)) is nn.ReLU
    assert "`Half` is not solved yet" in capsys.readouterr().out
