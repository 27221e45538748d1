"""Sequential: order, names, indexing."""

from collections import OrderedDict

import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close


def layers():
    return nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)


def test_modules_are_called_in_order(device):
    a, b, c = layers()
    x = agrad.ones((4, 2))
    assert_close(nn.Sequential(a, b, c)(x), c(b(a(x))))
    assert nn.Sequential()(x) is x


def test_indexing_and_iteration():
    a, b, c = layers()
    net = nn.Sequential(a, b, c)
    assert (net[0], net[-1], len(net)) == (a, c, 3)
    assert list(net) == [a, b, c]
    part = net[1:]
    assert isinstance(part, nn.Sequential)
    assert list(part) == [b, c]
    assert list(part.state_dict()) == ["2.weight", "2.bias"]
    for i in (3, -4):
        with pytest.raises(IndexError, match="3 modules"):
            net[i]


def test_changing_it():
    a, b, c = layers()
    net = nn.Sequential(a)
    assert net.append(b) is net
    net[0] = c
    assert list(net) == [c, b]
    assert [name for name, _ in net.named_children()] == ["0", "1"]
    with pytest.raises(TypeError):
        net[0] = agrad.exp


def test_names_from_a_mapping():
    a, b, _ = layers()
    net = nn.Sequential(OrderedDict(hidden=a, relu=b))
    assert net.hidden is net[0]
    assert [name for name, _ in net.named_children()] == ["hidden", "relu"]
    assert list(net[:1].state_dict()) == ["hidden.weight", "hidden.bias"]


@pytest.mark.parametrize("wrong", [agrad.exp, nn.ReLU, None])
def test_only_modules_are_taken(wrong):
    with pytest.raises(TypeError, match="Sequential takes modules"):
        nn.Sequential(nn.ReLU(), wrong)
    with pytest.raises(TypeError, match="Sequential takes modules"):
        nn.Sequential().append(wrong)
