"""Reductions: who gets the gradient, and the cases where dividing by zero lurks."""

import math

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close, check_grads

FUNCTIONS = ("sum", "mean", "max", "min", "prod", "std", "var")


def slope(f, points):
    x = agrad.tensor(points, requires_grad=True)
    (g,) = agrad.gradients(agrad.sum(f(x)), x)
    return g.tolist()


def test_equal_extremes_share_the_gradient(device):
    assert slope(agrad.max, [1.0, 3.0, 3.0]) == [0.0, 0.5, 0.5]
    assert slope(agrad.min, [2.0, 1.0, 1.0]) == [0.0, 0.5, 0.5]
    rows = [[1.0, 2.0], [2.0, 2.0]]
    assert slope(lambda x: agrad.max(x, axis=0), rows) == [[0.0, 0.5], [1.0, 0.5]]
    assert slope(lambda x: agrad.max(x, axis=1, keepdims=True), rows) == [[0.0, 1.0], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("points", "expected"),
    [([2.0, 3.0, 4.0], [12.0, 8.0, 6.0]), ([0.0, 3.0, 4.0], [12.0, 0.0, 0.0]), ([0.0, 0.0, 4.0], [0.0, 0.0, 0.0])],
)
def test_products_with_zeros(device, points, expected):
    assert slope(agrad.prod, points) == expected


def test_cumulative_products_with_zeros(device):
    assert slope(agrad.cumulative_prod, [0.0, 2.0, 3.0]) == [9.0, 0.0, 0.0]
    assert slope(agrad.cumulative_prod, [2.0, 0.0, 3.0]) == [1.0, 8.0, 0.0]


def test_products_with_zeros_to_the_third_order(device):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    x = agrad.tensor([[0.0, 2.0, 3.0], [0.0, 0.0, 1.5], [1.0, 2.0, -3.0]])
    check_grads(lambda x: agrad.prod(x, axis=1), [x], order=3)
    check_grads(lambda x: agrad.cumulative_prod(x, axis=1), [x], order=3)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 9, 17])
def test_cumulative_products_of_any_length(device, length):
    values = np.linspace(0.5, 1.5, length)
    expected = [sum(np.prod(np.delete(values[: k + 1], i)) for k in range(i, length)) for i in range(length)]
    assert_close(slope(agrad.cumulative_prod, values.astype("float32")), expected, rtol=1e-5)


def test_deviation_of_equal_numbers_has_gradient_0(device):
    assert slope(agrad.std, [2.0, 2.0]) == [0.0, 0.0]
    assert slope(lambda x: agrad.std(x, axis=1, correction=1), [[1.0, 1.0], [0.0, 2.0]])[0] == [0.0, 0.0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:.*degrees of freedom:UserWarning")
def test_variance_of_too_few_numbers_is_nan(device):
    x = agrad.tensor([[1.0], [2.0]], requires_grad=True)
    out = agrad.var(x, axis=1, correction=1)
    assert all(math.isnan(value) for value in out.tolist())
    agrad.sum(out).backward()
    assert all(math.isnan(value) for (value,) in x.grad.tolist())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_types_stay(device, name):
    assert getattr(agrad, name)(agrad.ones((2, 3), dtype=agrad.float32), axis=1).dtype is agrad.float32


def test_small_integers_grow(device):
    small = agrad.ones(3, dtype=agrad.int8)
    for name in ("sum", "prod", "cumulative_sum", "cumulative_prod"):
        assert getattr(agrad, name)(small, dtype=agrad.int16).dtype is agrad.int16
        if (device.kind, name) != ("jax", "cumulative_prod"):  # JAX keeps int8 there, against the standard
            assert getattr(agrad, name)(small).dtype.name in ("int32", "int64")


def test_a_sum_in_another_type_is_cast_back(device):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    x = agrad.tensor([1.0, 2.0], requires_grad=True)
    total = agrad.sum(x, dtype=agrad.float64)
    assert total.dtype is agrad.float64
    total.backward()
    assert x.grad.dtype is agrad.float32


def test_nothing_to_reduce(device):
    x = agrad.zeros((0, 2), requires_grad=True)
    for f in (agrad.sum, agrad.prod):
        assert agrad.gradients(f(x), x)[0].shape == (0, 2)
    for f in (agrad.cumulative_sum, agrad.cumulative_prod):
        assert agrad.gradients(agrad.sum(f(x, axis=0)), x)[0].shape == (0, 2)


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_cumulative_functions_need_an_axis_where_there_are_several(device, name):
    with pytest.raises(ValueError, match=name):
        getattr(agrad, name)(agrad.ones((2, 3)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_axis_that_is_not_there(device, name):
    with pytest.raises((IndexError, ValueError), match=name):
        getattr(agrad, name)(agrad.ones((2, 3)), axis=2)


@pytest.mark.parametrize("axis", [None, 0, (0, 1), ()])
def test_a_correction_need_not_be_whole(device, axis):
    values = np.asarray([[1.0, 2.0, 4.0], [0.5, -1.0, 3.0]])
    x = agrad.asarray(values)
    for own, numpys in ((agrad.var, np.var), (agrad.std, np.std)):
        found = own(x, axis=axis, correction=0.5, keepdims=True)
        assert_close(found, numpys(values, axis=axis, ddof=0.5, keepdims=True))
