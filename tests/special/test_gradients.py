"""Gradients where finite differences of ordinary points do not lead: at zero, far out, where there are none."""

import math

import pytest

import agrad
from agrad.testing import assert_close, check_grads
from tests.special.arguments import double, function, quiet, slope


@pytest.mark.parametrize("name", ["i0", "i1", "j0", "j1", "sinc"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_derivative_holds_at_zero(device, name, order):
    op = function(device, name)
    check_grads(op, double(device, [0.0, 1e-9, 0.3, 0.499, 0.501, -0.5, 3.0]), order=order, atol=1e-5)


@pytest.mark.parametrize(("name", "expected"), [("i0e", 0.0), ("i1e", 0.5)])
def test_slope_at_the_peak(device, name, expected):
    assert slope(function(device, name), *double(device, [0.0])) == [[expected]]


@pytest.mark.parametrize("name", ["log_ndtr", "erfcx", "gammaln", "digamma", "i0e", "i1e", "j0", "j1"])
def test_far_out(device, name):
    op = function(device, name)
    points = [-200.0, -30.0, -5.0] if name == "log_ndtr" else [5.0, 30.0, 200.0]
    check_grads(op, double(device, points), order=1, rtol=1e-6, atol=0.0, eps=1e-4)


@pytest.mark.parametrize("name", ["digamma", "gamma"])
def test_left_of_zero(device, name):
    check_grads(function(device, name), double(device, [-0.5, -3.3, -20.6]), order=2)


def test_log_ndtr_has_a_slope_where_the_density_underflows(device):
    op = function(device, "log_ndtr")
    assert_close(slope(op, *double(device, [-1e5, 100.0])), [[1e5, 0.0]], rtol=1e-9)


@pytest.mark.parametrize(
    ("point", "second"), [(-1e20, -1.0), (-1e30, -1.0), (-31.0, -0.9989658584), (-29.0, -0.9988193395)]
)
def test_log_ndtr_is_a_parabola_far_below(device, point, second):
    op = function(device, "log_ndtr")
    curvature = agrad.elementwise_grad(agrad.elementwise_grad(op))
    assert_close(curvature(agrad.asarray([point])).tolist(), [second], rtol=2e-4)
    assert_close(curvature(*double(device, [point])).tolist(), [second], rtol=1e-7)


def test_polygamma_of_orders_between_whole_ones(device):
    n, x = (z.detach() for z in double(device, [1.5, -1.0, 2.0], [1.0, 1.0, 1.0]))
    found = function(device, "polygamma")(n, x).tolist()
    assert [math.isnan(value) for value in found] == [True, True, False]
    assert math.isnan(agrad.special.polygamma(0.5, x)[0].item())


@quiet
@pytest.mark.parametrize(
    ("name", "x", "y", "expected"),
    [
        ("xlogy", 0.0, 0.0, [0.0, 0.0]),
        ("xlogy", 0.0, 2.0, [math.log(2.0), 0.0]),
        ("xlogy", 2.0, 0.0, [-math.inf, math.inf]),
        ("xlog1py", 0.0, -1.0, [0.0, 0.0]),
        ("rel_entr", 0.0, 2.0, [-math.inf, 0.0]),
        ("kl_div", 0.0, 2.0, [-math.inf, 1.0]),
    ],
)
def test_beside_zero(device, name, x, y, expected):
    assert_close(slope(getattr(agrad.special, name), *double(device, x, y)), expected)


def test_mixed_derivative_of_xlogy_at_zero(device):
    x, y = double(device, 0.0, 2.0)
    (g,) = agrad.gradients(agrad.special.xlogy(x, y), y, create_graph=True)
    assert agrad.gradients(g, x)[0].item() == 0.5


@quiet
def test_at_the_ends_of_domains_and_outside(device):
    ends, outside = double(device, [0.0, 1.0], [-0.5, 1.5])
    assert slope(agrad.special.entr, ends) == [[math.inf, -1.0]]
    assert slope(agrad.special.logit, ends) == [[math.inf, math.inf]]
    assert_close(slope(agrad.special.logit, outside), [[math.nan, math.nan]])


@pytest.mark.parametrize(
    ("name", "args", "refused"),
    [
        ("gammainc", (2.0, 1.5), "a"),
        ("gammaincc", (2.0, 1.5), "a"),
        ("betainc", (2.0, 1.5, 0.5), "a"),
        ("betainc", (2.0, 1.5, 0.5), "b"),
        ("zeta", (2.0, 1.5), "x"),
    ],
)
def test_a_gradient_without_a_formula_is_refused(device, name, args, refused):
    op = function(device, name)
    leaves = [agrad.tensor(x, requires_grad=i == (refused == "b")) for i, x in enumerate(args)]
    with pytest.raises(NotImplementedError, match=rf"{name} has no gradient.* {refused}; write {refused}\.detach\(\)"):
        op(*leaves).backward()


# Sums of exponentials


@quiet
def test_logsumexp_ignores_values_of_weight_zero(device):
    a, b = double(device, [0.0, math.inf, math.nan, 1000.0], [2.0, 0.0, 0.0, 0.0])
    assert_close(agrad.special.logsumexp(a, b=b).item(), math.log(2.0))
    assert slope(lambda a: agrad.special.logsumexp(a, b=b), a) == [[1.0, 0.0, 0.0, 0.0]]


@quiet
def test_logsumexp_of_a_negative_sum(device):
    a, b = double(device, [1000.0, 1000.0], [1.0, -3.0])
    assert math.isnan(agrad.special.logsumexp(a, b=b).item())
    size, sign = agrad.special.logsumexp(a, b=b, return_sign=True)
    assert_close([size.item(), sign.item()], [1000.0 + math.log(2.0), -1.0])
    assert_close(slope(lambda a: agrad.special.logsumexp(a, b=b, return_sign=True)[0], a), [[-0.5, 1.5]])


def test_logsumexp_has_gradients_for_weights_of_zero(device):
    a, b = double(device, [0.0, -1.0, 1.0], [1.0, 0.0, 0.0])
    assert_close(slope(lambda b: agrad.special.logsumexp(a, b=b), b), [[1.0, math.exp(-1.0), math.exp(1.0)]])
