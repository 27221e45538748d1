"""Gradients where there is no derivative, and second derivatives there: the table of docs/corners.md."""

import math

import numpy as np
import pytest

import agrad
from agrad.nn import functional as F
from agrad.testing import assert_close

HALF = [0.5, 0.5]
CORNERS = {
    "abs": (agrad.abs, [0.0], [0.0], [0.0]),
    "relu": (agrad.relu, [0.0], [0.0], [0.0]),
    "hardtanh": (F.hardtanh, [-1.0, 1.0], [0.0, 0.0], [0.0, 0.0]),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.25), [0.0], [0.25], [0.0]),
    "elu": (lambda x: F.elu(x, 2.0), [0.0], [2.0], [2.0]),
    "l1_loss": (lambda x: F.l1_loss(x, agrad.zeros_like(x), "sum"), [0.0], [0.0], [0.0]),
    "huber_loss": (
        lambda x: F.huber_loss(x, agrad.zeros_like(x), "sum"),
        [1.0, -1.0, 0.0],
        [1.0, -1.0, 0.0],
        [0, 0, 1],
    ),
    "smooth_l1_loss": (
        lambda x: F.smooth_l1_loss(x, agrad.zeros_like(x), "sum", 2.0),
        [2.0, 0.0],
        [1.0, 0.0],
        [0, 0.5],
    ),
    "maximum": (lambda x: agrad.maximum(x, agrad.zeros_like(x)), [0.0], [0.5], [0.0]),
    "minimum": (lambda x: agrad.minimum(x, agrad.zeros_like(x)), [0.0], [0.5], [0.0]),
    "max": (agrad.max, [1.0, 1.0, 0.0], [*HALF, 0.0], [0.0, 0.0, 0.0]),
    "min": (agrad.min, [1.0, 0.0, 0.0], [0.0, *HALF], [0.0, 0.0, 0.0]),
    "clip": (lambda x: agrad.clip(x, 0.0, 1.0), [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]),
    "max_pool1d": (lambda x: F.max_pool1d(agrad.reshape(x, (1, 1, 2)), 2), [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]),
    "sort": (lambda x: agrad.sort(x) * agrad.asarray([1.0, 3.0], dtype=x.dtype), [1.0, 1.0], [1.0, 3.0], [0.0, 0.0]),
    "sign": (agrad.sign, [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]),
    "floor": (agrad.floor, [1.0, 1.5], [0.0, 0.0], [0.0, 0.0]),
    "std": (agrad.std, [2.0, 2.0], [0.0, 0.0], None),
    "square of std": (lambda x: agrad.std(x) ** 2, [2.0, 2.0], [0.0, 0.0], [0.0, 0.0]),
    "square of vector_norm": (lambda x: agrad.linalg.vector_norm(x) ** 2, [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]),
    "square of vector_norm 1.5": (
        lambda x: agrad.linalg.vector_norm(x, ord=1.5) ** 2,
        [0.0, 0.0],
        [0.0, 0.0],
        [0.0, 0.0],
    ),
    "vector_norm of numbers whose squares are 0": (agrad.linalg.vector_norm, [3e-200, 4e-200], [0.0, 0.0], [0.0, 0.0]),
    "vector_norm 3 of numbers whose cubes are 0": (
        lambda x: agrad.linalg.vector_norm(x, ord=3),
        [3e-200, 4e-200],
        [0.0, 0.0],
        [0.0, 0.0],
    ),
    "atan2": (lambda x: agrad.atan2(x[0], x[1]), [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]),
    "hypot": (lambda x: agrad.hypot(x[0], x[1]), [0.0, 0.0], [math.nan] * 2, [math.nan] * 2),
    "sqrt": (agrad.sqrt, [0.0], [math.inf], [-math.inf]),
    "i0e": (agrad.special.i0e, [0.0], [0.0], [0.5]),
    "xlogy": (lambda x: agrad.special.xlogy(x, x), [0.0], [0.0], None),
    "prod": (agrad.prod, [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [3.0, 3.0, 0.0]),
    "sinc": (agrad.special.sinc, [0.0], [0.0], [-(math.pi**2) / 3]),
    "square": (lambda x: x**2, [0.0], [0.0], [2.0]),
}


@pytest.mark.parametrize(("f", "point", "gradient", "second"), CORNERS.values(), ids=CORNERS)
def test_the_chosen_gradients(device, f, point, gradient, second):
    if device.kind == "strict" and f is agrad.special.i0e:
        pytest.skip("it has no Bessel functions")
    x = agrad.asarray(point, dtype=agrad.float64)
    total = lambda x: agrad.sum(f(x))
    assert_close(agrad.grad(total)(x), np.asarray(gradient, dtype=float), rtol=1e-9, atol=1e-9)
    if second is not None:
        found = agrad.grad(lambda x: agrad.sum(agrad.grad(total)(x)))(x)
        assert_close(found, np.asarray(second, dtype=float), rtol=1e-9, atol=1e-9)
