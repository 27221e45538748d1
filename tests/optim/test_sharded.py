"""Sharded in a process that is alone; tests/distributed has it in several."""

import pytest

import agrad
from agrad import nn, optim


def wrapped():
    """Return an optimizer that has taken a step, and the one that divides its state."""
    w = nn.Parameter([1.0, 2.0])
    plain = optim.SGD([w], lr=0.1, momentum=0.9)
    (w * w).sum().backward()
    plain.step()
    return plain, optim.Sharded(plain)


def test_both_share_groups_and_state_after_loading_too():
    plain, sharded = wrapped()
    for _ in range(2):
        assert plain.param_groups is sharded.param_groups
        assert plain.state is sharded.state, "otherwise the whole state would be kept besides"
        sharded.load_state_dict(sharded.state_dict())
    scheduler = optim.lr_scheduler.ExponentialLR(plain, 0.5)
    sharded.step()
    scheduler.step()
    assert sharded.param_groups[0]["lr"] == 0.05


def test_settings_are_checked_as_by_the_optimizer_itself():
    plain, sharded = wrapped()
    sharded.param_groups[0]["nesterov"] = "no"
    for optimizer in (plain, sharded):
        with pytest.raises(TypeError, match="nesterov must be True or False, not 'no'"):
            optimizer.step()


def test_its_repr_tells_the_optimizer():
    assert repr(wrapped()[1]).startswith("Sharded(SGD (\nParameter Group 0\n")


def test_what_it_refuses():
    parameters = [nn.Parameter([1.0])]
    for wrong in (parameters, optim.LBFGS(parameters), optim.Sharded(optim.Adam(parameters)), agrad.ones(1)):
        with pytest.raises(TypeError, match=r"such as optim.Adam\(model.parameters\(\)\)"):
            optim.Sharded(wrong)
