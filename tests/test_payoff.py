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
    x.add_(1)
    return torch.abs(x - 1)


def forgets(x):
    torch.abs(x)


def widens(x):
    return x.abs().double()


def differs(x):
    return x + 1


class Half(nn.Module):
    def forward(self, x):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("yours", "taken", "said"),
    [
        (torch.neg, True, ""),
        (changes, False, "Your `changes` changes its arguments: the course's own version is used instead.\n"),
        (
            forgets,
            False,
            "Your `forgets` returns None instead of a tensor of shape (3,) and dtype torch.float32: "
            "the course's own version is used instead.\n",
        ),
        (
            widens,
            False,
            "Your `widens` returns a tensor of shape (3,) and dtype torch.float64 instead of a tensor of shape (3,) "
            "and dtype torch.float32: the course's own version is used instead.\n",
        ),
        (differs, True, "Your `differs` and the course's own version return different values: run its check.\n"),
        (3, False, "Your `answer` stopped with TypeError: the course's own version is used instead.\n"),
        (unsolved, False, "`unsolved` is not solved yet: the course's own version is used instead.\n"),
        (crashes, False, "Your `crashes` stopped with ValueError: the course's own version is used instead.\n"),
    ],
)
def test_yours_if_it_does_what_it_should(capsys, yours, taken, said):
    x = torch.zeros(3)
    assert yours_or_ours(yours, torch.abs, x) is (yours if taken else torch.abs)
    assert capsys.readouterr().out == said
    assert torch.equal(x, torch.zeros(3)), "it is tried on a copy"


def test_class_is_tried_with_a_call(capsys):
    assert yours_or_ours(Half, nn.ReLU) is Half
    assert yours_or_ours(Half, nn.ReLU, call=(torch.zeros(3),)) is nn.ReLU
    assert "`Half` is not solved yet" in capsys.readouterr().out


def test_random_numbers_are_as_before_and_may_differ(capsys):
    torch.manual_seed(0)
    wanted = torch.rand(1)
    torch.manual_seed(0)
    assert yours_or_ours(torch.rand_like, torch.randn_like, torch.zeros(3), random=True) is torch.rand_like
    assert torch.equal(torch.rand(1), wanted)
    assert capsys.readouterr().out == ""
