"""Activations far out and at zero."""

import math

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close, check_grads

FAR = [-1000.0, -100.0, -20.0, 0.0, 20.0, 100.0, 1000.0]


def slope(f, points):
    x = agrad.tensor(points, requires_grad=True)
    (g,) = agrad.gradients(agrad.sum(f(x)), x)
    return g.tolist()


@pytest.mark.parametrize("name", ["relu", "sigmoid", "softplus", "gelu", "silu", "erf"])
def test_values_and_gradients_are_finite_everywhere(device, name):
    op = getattr(agrad, name)
    assert all(math.isfinite(y) for y in op(agrad.tensor(FAR)).tolist())
    assert all(math.isfinite(g) for g in slope(op, FAR))


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "gelu", "silu", "erf"])
def test_three_orders_at_zero_and_far_out(device, name):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    check_grads(getattr(agrad, name), [agrad.tensor([0.0, -9.0, 9.0])], order=3, atol=1e-5)


def test_relu_at_zero(device):
    assert slope(agrad.relu, [-1.0, 0.0, 1.0]) == [0.0, 0.0, 1.0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_relu_stops_infinite_gradients(device):
    assert slope(lambda x: agrad.sqrt(agrad.relu(x)), [-1.0, 4.0]) == [0.0, 0.25]


def test_sigmoid_keeps_its_digits_where_it_is_small(device):
    assert_close(agrad.sigmoid(agrad.tensor([-20.0, -80.0])).tolist(), [math.exp(-20.0), math.exp(-80.0)], rtol=1e-5)


def test_softplus_keeps_its_digits_where_it_is_small(device):
    assert_close(slope(agrad.softplus, [-20.0, 0.0, 20.0]), [math.exp(-20.0), 0.5, 1.0], rtol=1e-5)


@pytest.mark.parametrize("name", ["erf", "relu", "sigmoid", "softplus", "gelu", "silu"])
def test_complex_numbers_are_refused(device, name):
    with pytest.raises(TypeError, match="real"):
        getattr(agrad, name)(agrad.tensor([1j]))


def test_gelu_knows_two_formulas(device):
    with pytest.raises(ValueError, match=r"'none' or 'tanh'.*'exact'"):
        agrad.gelu(agrad.ones(2), approximate="exact")


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_softmax_does_not_overflow(device, shift):
    x = np.asarray([[0.0, 1.0, 2.0]]) + shift
    expected = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    assert_close(agrad.softmax(agrad.asarray(x, dtype="float32")).tolist(), expected, rtol=1e-5)
    assert_close(agrad.log_softmax(agrad.asarray(x, dtype="float32")).tolist(), np.log(expected), rtol=1e-5)
    assert_close(agrad.logsumexp(agrad.asarray(x - shift, dtype="float32") + shift).item(), 2.407606 + shift, rtol=1e-5)


def test_masked_entries_have_no_weight(device):
    masked = [0.0, -math.inf, 0.0]
    assert agrad.softmax(agrad.tensor(masked)).tolist() == [0.5, 0.0, 0.5]
    assert slope(lambda x: agrad.softmax(x)[0], masked) == [0.25, 0.0, -0.25]
    assert slope(agrad.logsumexp, masked) == [0.5, 0.0, 0.5]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_logsumexp_of_masked_values_only(device):
    rows = [[-math.inf, -math.inf], [0.0, 0.0]]
    assert_close(agrad.logsumexp(agrad.tensor(rows), axis=1).tolist(), [-math.inf, math.log(2.0)], rtol=1e-6)
    assert slope(lambda x: agrad.logsumexp(x, axis=1), rows) == [[0.0, 0.0], [0.5, 0.5]]
    assert agrad.logsumexp(agrad.tensor([0.0, math.inf])).item() == math.inf


def test_erf_of_the_ends(device):
    assert agrad.erf(agrad.tensor([-math.inf, 0.0, math.inf])).tolist() == [-1.0, 0.0, 1.0]
    assert math.isnan(agrad.erf(agrad.tensor(math.nan)).item())


@pytest.mark.parametrize(
    ("shape", "axis", "expected"), [((3, 0), 1, [-math.inf] * 3), ((0, 3), 1, []), ((0,), None, -math.inf)]
)
def test_logsumexp_of_an_empty_array(device, shape, axis, expected):
    x = agrad.zeros(shape, requires_grad=True)
    y = agrad.logsumexp(x, axis=axis)
    assert y.tolist() == expected
    assert y.dtype == x.dtype
    y.sum().backward()
    assert x.grad.shape == shape
