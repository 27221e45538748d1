"""Memory layouts on NumPy: convolution leaves the samples last in memory, and what follows keeps them there."""

from itertools import product

import numpy as np
import pytest

import agrad
from agrad.backends import numpy as module
from agrad.backends.base import Backend
from agrad.backends.numpy import BACKEND
from agrad.backends.numpy_layouts import contiguous, has_samples_last, laid_out_like
from agrad.backends.sliding_windows import Windows
from agrad.nn import functional as F

RNG = np.random.default_rng(5)
WINDOWS = Windows((3, 2), (2, 2), ((1, 1), (0, 1)), (1, 1))


def images(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def samples_last(x):
    """Return a copy with the samples last in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)


LAYOUTS = [np.ascontiguousarray, samples_last]


@pytest.fixture(autouse=True, params=["numba", "plain"])
def by(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setattr(module, "compiled", lambda: None)
    else:
        pytest.importorskip("numba", reason="numba is not installed")
    return request.param


def test_which_arrays_have_the_samples_last():
    x = images(4, 3, 5, 6)
    assert has_samples_last(samples_last(x))
    assert has_samples_last(samples_last(x)[:, :, 1:, ::2])
    others = [x, x[::2], samples_last(x)[:1].copy(), x[0, 0], np.broadcast_to(x[:1], x.shape), x[:, :, :1, :1]]
    assert not any(map(has_samples_last, others))


@pytest.mark.parametrize(("one", "other"), list(product(LAYOUTS, repeat=2)))
def test_laid_out_like(one, other):
    x, like = one(images(5, 3, 4, 2)), other(np.zeros((5, 3, 4, 2), np.uint8))
    laid = laid_out_like(like, x)
    assert has_samples_last(laid) == has_samples_last(like)
    np.testing.assert_array_equal(laid, x)
    np.testing.assert_array_equal(contiguous(x), x)
    assert contiguous(x).flags.c_contiguous


@pytest.mark.parametrize(("one", "other"), list(product(LAYOUTS, repeat=2)))
@pytest.mark.parametrize("groups", [1, 2])
def test_convolution_in_any_layout(one, other, groups):
    x, weight, g = one(images(33, 4, 7, 6)), images(6, 4 // groups, 3, 2), other(images(33, 6, 4, 3))
    for method, *args in (
        ("convolve", x, weight, WINDOWS, groups),
        ("convolve_input", g, weight, (7, 6), WINDOWS, groups),
        ("convolve_weight", g, x, WINDOWS, groups),
    ):
        expected = getattr(Backend, method)(BACKEND, *args)
        np.testing.assert_allclose(getattr(BACKEND, method)(*args), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("one", "other"), list(product(LAYOUTS, repeat=2)))
@pytest.mark.parametrize("windows", [WINDOWS, Windows((2, 2), (2, 2), ((0, 1), (0, 0)), (1, 1))], ids=str)
def test_max_pooling_in_any_layout(one, other, windows):
    x = one(images(5, 3, 7, 6))
    largest, indices = BACKEND.window_max(x, windows)
    g = other(images(*largest.shape))
    spread = BACKEND.add_to_windows(g, indices, (7, 6), windows)
    for own, generic in (
        (largest, Backend.window_max(BACKEND, x, windows)[0]),
        (indices, Backend.window_max(BACKEND, x, windows)[1]),
        (spread, Backend.add_to_windows(BACKEND, g, indices, (7, 6), windows)),
        (BACKEND.window_sum(x, windows), Backend.window_sum(BACKEND, x, windows)),
    ):
        np.testing.assert_array_equal(own, generic)


@pytest.mark.parametrize(("one", "other"), list(product(LAYOUTS, repeat=2)))
def test_where_nonzero_in_any_layout(one, other):
    x, condition = one(images(40, 8, 5, 4)), other(np.maximum(images(40, 8, 5, 4), 0))
    np.testing.assert_array_equal(BACKEND.where_nonzero(x, condition), np.where(condition != 0, x, 0))


def test_dropout_keeps_the_layout():
    agrad.manual_seed(0)
    plain = F.dropout(agrad.ones((4, 3, 8, 8)))
    agrad.manual_seed(0)
    laid = F.dropout(agrad.asarray(samples_last(np.ones((4, 3, 8, 8), np.float32))))
    assert has_samples_last(laid._data)
    np.testing.assert_array_equal(laid.numpy(), plain.numpy())


def test_nothing_is_transposed_between_layers(by, monkeypatch):
    if by == "numba":
        pytest.skip("its loops take small networks, in NumPy's own layout")
    gradients = []
    for rule in ("add_to_windows", "where_nonzero", "convolve_weight"):
        own = getattr(BACKEND, rule)
        monkeypatch.setattr(BACKEND, rule, lambda g, *args, own=own: gradients.append(g) or own(g, *args))
    weight = agrad.asarray(images(3, 2, 3, 3), requires_grad=True)
    convolved = F.conv2d(images(4, 2, 12, 12), weight, images(3))
    active = agrad.relu(convolved)
    pooled = F.max_pool2d(active, 2)
    out = F.conv2d(pooled, images(5, 3, 2, 2))
    out.sum().backward()
    assert len(gradients) == 3
    assert all(map(has_samples_last, gradients))
    assert all(has_samples_last(y.detach()._data) for y in (convolved, active, pooled, out))
    assert weight.grad._data.flags.c_contiguous
