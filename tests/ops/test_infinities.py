"""Gradients at infinite numbers and NaN: PyTorch's, and what a branch that is not taken makes of them is no NaN."""

import math

import pytest

import agrad
from agrad.nn import functional as F
from agrad.testing import assert_close

INF, NAN = math.inf, math.nan
AT = {
    "relu": (agrad.relu, [INF, -INF, NAN], [1.0, 0.0, 1.0]),
    "leaky_relu": (F.leaky_relu, [INF, -INF], [1.0, 0.01]),
    "gelu": (agrad.gelu, [INF, -INF], [1.0, 0.0]),
    "gelu by tanh": (lambda x: agrad.gelu(x, "tanh"), [INF, -INF], [1.0, 0.0]),
    "softplus": (F.softplus, [INF, -INF], [1.0, 0.0]),
    "huber_loss": (
        lambda x: F.huber_loss(x, agrad.zeros_like(x), "sum", 2.0),
        [INF, -INF, 1.0, NAN],
        [2.0, -2.0, 1.0, NAN],
    ),
    "smooth_l1_loss": (
        lambda x: F.smooth_l1_loss(x, agrad.zeros_like(x), "sum", 2.0),
        [INF, -INF, 1.0, NAN],
        [1.0, -1.0, 0.5, NAN],
    ),
    "pow": (lambda x: x ** agrad.zeros_like(x), [NAN, INF, 0.0, 1e-40, 2.0], [0.0] * 5),
    "the weight of prelu": (lambda w: F.prelu(agrad.asarray([INF, 2.0, -3.0], dtype=w.dtype), w), [0.5], [-3.0]),
}


@pytest.mark.parametrize(("f", "point", "gradient"), AT.values(), ids=AT)
def test_gradient_beside_a_branch_that_is_not_taken(device, f, point, gradient):
    x = agrad.tensor(point, requires_grad=True)
    for create_graph in (False, True):
        y = f(x)
        (g,) = agrad.gradients(y, x, agrad.ones_like(y), create_graph=create_graph)
        assert_close(g.detach(), agrad.asarray(gradient))


def test_second_derivatives_of_powers_of_order_0_and_1(device):
    """The derivative of ``x**y`` in both is ``1 / x`` where `y` is 0; in `x` alone it is 0."""
    x, y = agrad.tensor([2.0, NAN, 0.0]), agrad.tensor([0.0, 0.0, 0.0])
    mixed = agrad.grad(lambda y: agrad.sum(agrad.grad(lambda x: agrad.sum(x**y))(x)))(y)
    assert_close(mixed[:1].tolist(), [0.5])
    for order in (0.0, 1.0):
        y = agrad.full_like(x, order)
        curvature = agrad.elementwise_grad(agrad.elementwise_grad(lambda x, y=y: x**y))(x)
        assert curvature.tolist() == [0.0] * 3


@pytest.mark.parametrize(
    ("op", "point", "second"),
    [("asin", 1.0, INF), ("asin", -1.0, -INF), ("acos", 1.0, -INF), ("atanh", 1.0, INF), ("atanh", -1.0, -INF),
     ("acosh", 1.0, -INF), ("gelu", 1e20, 0.0)],
)  # fmt: skip
def test_second_derivative_at_the_end_of_the_domain(device, op, point, second):
    curvature = agrad.elementwise_grad(agrad.elementwise_grad(getattr(agrad, op)))
    assert curvature(agrad.asarray([point])).tolist() == [second]


def test_smooth_l1_loss_of_a_bend_whose_square_underflows(device):
    x = agrad.tensor([1e-30, 3e-30], requires_grad=True)
    loss = F.smooth_l1_loss(x, agrad.zeros_like(x), "none", 2e-30)
    loss.sum().backward()
    assert_close(loss.tolist(), [0.25e-30, 2e-30], rtol=1e-5, atol=0.0)
    assert_close(x.grad.tolist(), [0.5, 1.0], rtol=1e-5)
