"""Initial values. Their spreads are compared with PyTorch's in tests/peers."""

import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close


def test_in_place_unrecorded_and_repeatable(device):
    for name in ("uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "kaiming_normal_", "orthogonal_"):
        fill = getattr(nn.init, name)
        weight = nn.Parameter(agrad.zeros((3, 4)))
        agrad.manual_seed(0)
        assert fill(weight) is weight
        assert weight.is_leaf
        values = weight.tolist()
        assert values != agrad.zeros((3, 4)).tolist()
        agrad.manual_seed(0)
        assert fill(weight).tolist() == values


def test_constants(device):
    x = agrad.empty((2, 3))
    assert nn.init.constant_(x, 2.5).tolist() == [[2.5] * 3] * 2
    assert nn.init.eye_(x).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    assert nn.init.ones_(x).tolist() == [[1.0] * 3] * 2
    assert nn.init.zeros_(x).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 2, 2), (4, 4)])
def test_orthogonal(device, shape):
    x = nn.init.orthogonal_(agrad.empty(shape), gain=2.0).reshape(shape[0], -1)
    short = x @ x.T if x.shape[0] <= x.shape[1] else x.T @ x
    assert_close(short, (4 * agrad.eye(short.shape[0])).numpy(), rtol=1e-4, atol=1e-4)


def test_truncated(device):
    agrad.manual_seed(0)
    x = nn.init.trunc_normal_(agrad.empty(5000), mean=1.0, std=2.0, a=0.0, b=2.0)
    assert 0.0 <= x.min().item() < 0.1
    assert 1.9 < x.max().item() <= 2.0
    assert abs(x.mean().item() - 1.0) < 0.05


@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_lets_the_input_pass(device, groups):
    layer = nn.Conv2d(4, 4, 3, padding=1, groups=groups, bias=False)
    nn.init.dirac_(layer.weight, groups)
    x = agrad.randn(1, 4, 5, 5)
    assert_close(layer(x), x.numpy())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.init.eye_(agrad.ones(3)), "matrix"),
        (lambda: nn.init.dirac_(agrad.ones((2, 2))), "3 to 5 axes"),
        (lambda: nn.init.orthogonal_(agrad.ones(3)), "two axes"),
        (lambda: nn.init.xavier_uniform_(agrad.ones(3)), "outputs, inputs"),
        (lambda: nn.init.kaiming_normal_(agrad.ones((3, 3)), mode="fan"), "fan_in"),
        (lambda: nn.init.kaiming_normal_(agrad.ones((3, 3)), nonlinearity="swish"), "no gain for 'swish'"),
        (lambda: nn.init.trunc_normal_(agrad.ones(3), a=8.0, b=9.0), "almost no sample"),
        (lambda: nn.init.trunc_normal_(agrad.ones(3), std=0.0), "almost no sample"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
