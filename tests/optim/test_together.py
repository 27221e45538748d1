"""Devices that update all parameters of a group in one kernel find what updating them one by one does."""

from typing import Any

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.testing import assert_close

RNG = np.random.default_rng(3)
SHAPES = [(3, 4), (1,), (), (0, 2), (700,), *[(2,)] * 90]  # more than one launch takes
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"momentum": 0.5, "dampening": 0.25, "maximize": True},
        {"weight_decay": 0.1, "maximize": True},
    ],
    "Adam": [{}, {"weight_decay": 0.1}, {"amsgrad": True, "maximize": True}, {"betas": (0.5, 0.6), "eps": 0.1}],
    "AdamW": [{}, {"amsgrad": True, "weight_decay": 0.5}],
}
ROWS = [(name, settings) for name, rows in SETTINGS.items() for settings in rows]


def trained(name, settings, dtype, shapes=SHAPES, steps=4):
    """Return the parameters after some steps; the second one has no gradient in one of them."""
    random = np.random.default_rng(0)
    parameters = [nn.Parameter(agrad.asarray(random.normal(size=shape), dtype=dtype)) for shape in shapes]
    optimizer = getattr(optim, name)(parameters, lr=0.1, **settings)
    for step in range(steps):
        for i, p in enumerate(parameters):
            p.grad = agrad.asarray(random.normal(size=p.shape), dtype=dtype)
            if i == 1 and step == 2:
                p.grad = None
        optimizer.step()
    return [p.tolist() for p in parameters]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("name", "settings"), ROWS)
def test_as_one_by_one(device, name, settings, dtype):
    if dtype == "float16" and device.kind == "strict":
        pytest.skip("it has no float16")
    if dtype == "float64" and not device.backend.supports_float64:
        pytest.skip("it has no float64")
    found = trained(name, settings, dtype)
    with agrad.Device("cpu"):
        expected = trained(name, settings, dtype)
    for own, other in zip(found, expected, strict=True):
        tolerance = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-12}[dtype]
        np.testing.assert_allclose(own, other, rtol=tolerance, atol=1e-6)


def test_small_updates_of_16_bits_are_not_lost(device):
    if device.kind == "strict":
        pytest.skip("it has no float16")
    p = nn.Parameter(agrad.ones(2, dtype="float16"))
    optimizer = optim.SGD([p], lr=1e-4)
    for _ in range(20):
        p.grad = agrad.ones(2, dtype="float16")
        optimizer.step()
    assert_close(p, agrad.asarray([0.998] * 2, dtype="float16"), atol=5e-4)
    p.data = agrad.asarray([3.0, 0.5], dtype="float16").data
    for _ in range(2):
        p.grad = agrad.ones(2, dtype="float16")
        optimizer.step()
    assert_close(p, agrad.asarray([3.0, 0.5], dtype="float16"), atol=5e-4)


def test_gradients_that_do_not_lie_in_one_piece(device):
    p, q = (nn.Parameter(agrad.zeros((2, 3))) for _ in range(2))
    optimizer = optim.SGD([p, q], lr=1.0)
    for _ in range(2):
        p.grad = agrad.asarray([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).T
        q.grad = agrad.broadcast_to(agrad.asarray(1.0), (2, 3))
        optimizer.step()
    assert_close(p, [[-2.0, -6.0, -10.0], [-4.0, -8.0, -12.0]])
    assert_close(q, [[-2.0] * 3] * 2)


def test_types_that_no_kernel_takes(device):
    if device.kind == "strict":
        pytest.skip("it has no float16")
    given = [nn.Parameter(agrad.ones(2, dtype=dtype)) for dtype in ("float32", "float16", "complex64")]
    optimizer = optim.Adam(given, lr=0.5)
    for _ in range(2):
        for p in given:
            p.grad = agrad.ones(2, dtype=p.dtype)
        optimizer.step()
    assert all(optimizer.state[p]["step"] == 2 for p in given)
    assert_close(given[0], [0.0, 0.0], atol=1e-6)
    assert_close(given[1], agrad.zeros(2, dtype="float16"), atol=1e-3)
    assert_close(given[2], agrad.zeros(2, dtype="complex64"), atol=1e-6)


def test_parameters_that_change_their_type(device):
    if device.kind == "strict":
        pytest.skip("it has no float16")
    p = nn.Parameter(agrad.ones(2))
    optimizer = optim.SGD([p], lr=0.5, momentum=0.5)
    for dtype in ("float32", "float32", "float16", "float16"):
        p.data = agrad.astype(p, dtype).data
        p.grad = agrad.ones(2, dtype=dtype)
        optimizer.step()
    assert_close(p, agrad.asarray([-2.0625] * 2, dtype="float16"), atol=1e-2)


def test_methods_of_a_subclass_are_used(device):
    class Still(optim.SGD):
        def update(self, x, g, state, group, device):
            return x

    p = nn.Parameter(agrad.ones(2))
    optimizer = Still([p], lr=0.5)
    for _ in range(2):
        p.grad = agrad.ones(2)
        optimizer.step()
    assert p.tolist() == [1.0, 1.0]


def test_the_update_is_seen_by_the_tape(device):
    p = nn.Parameter(agrad.ones(2))
    optimizer = optim.SGD([p], lr=0.5)
    for _ in range(2):
        loss = (p * p).sum()
        p.grad = agrad.ones(2)
        optimizer.step()
        if not device.backend.immutable:
            with pytest.raises(RuntimeError, match="changed"):
                loss.backward()
