"""SGD: its formula in every setting, on every device."""

import itertools

import pytest

import agrad
from agrad import nn, optim
from agrad.testing import assert_close

GRADIENTS = [[0.5, -1.0], [0.25, 2.0], [-1.0, 0.125]]
SETTINGS = [
    {"momentum": m, "dampening": d, "weight_decay": w, "nesterov": n, "maximize": x}
    for m, d, w, n, x in itertools.product([0, 0.9], [0, 0.5], [0, 0.1], [False, True], [False, True])
    if not n or (m and not d)
]


def by_hand(values, lr, momentum, dampening, weight_decay, nesterov, maximize):
    """PyTorch's formula, one number at a time."""
    sums = [None] * len(values)
    for gradients in GRADIENTS:
        for i, g in enumerate(gradients):
            g = -g if maximize else g
            g += weight_decay * values[i]
            if momentum:
                sums[i] = g if sums[i] is None else momentum * sums[i] + (1 - dampening) * g
                g = g + momentum * sums[i] if nesterov else sums[i]
            values[i] -= lr * g
    return values


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_formula(device, settings):
    p = nn.Parameter([1.0, -2.0])
    optimizer = optim.SGD([p], lr=0.1, **settings)
    for gradient in GRADIENTS:
        p.grad = agrad.asarray(gradient)
        optimizer.step()
    assert_close(p.detach(), by_hand([1.0, -2.0], 0.1, **settings), rtol=1e-5)


def test_the_first_sum_is_a_copy_of_the_gradient(device):
    p = nn.Parameter([1.0])
    optimizer = optim.SGD([p], lr=0.1, momentum=0.5)
    p.sum().backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    assert optimizer.state[p]["momentum_buffer"].tolist() == [1.0]


def test_complex_parameters(device):
    p = nn.Parameter([1.0 + 1.0j])
    optimizer = optim.SGD([p], lr=0.25, momentum=0.5)
    for _ in range(30):
        optimizer.zero_grad()
        (agrad.abs(p) ** 2).sum().backward()
        optimizer.step()
    assert abs(p.detach().item()) < 1e-3


@pytest.mark.parametrize("name", ["lr", "momentum", "weight_decay"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_numbers_below_zero_and_not_finite(name, value):
    finite = "" if value < 0 else "finite and "
    with pytest.raises(ValueError, match=f"{name} must be {finite}0 or more, not {value}"):
        optim.SGD([nn.Parameter([1.0])], **{name: value})


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_needs_momentum_without_dampening(settings):
    with pytest.raises(ValueError, match="Nesterov"):
        optim.SGD([nn.Parameter([1.0])], nesterov=True, **settings)


def test_it_fits_a_line(device):
    agrad.manual_seed(0)
    x = agrad.randn(50, 2)
    y = x @ agrad.asarray([[2.0], [-3.4]]) + 4.2
    net, loss = nn.Linear(2, 1), nn.MSELoss()
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.5)
    for _ in range(60):
        optimizer.zero_grad()
        loss(net(x), y).backward()
        optimizer.step()
    assert_close(net.weight.detach(), [[2.0, -3.4]], rtol=1e-3)
    assert_close(net.bias.detach(), [4.2], rtol=1e-3)
