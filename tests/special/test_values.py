"""Values far out, at the edges of their domains and at zero are SciPy's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from scipy import special

import agrad
from agrad.testing import assert_close
from tests.special.arguments import BINARY, COUNTS, double, function, quiet
from tests.special_table import table

EDGES = [0.0, math.inf, -math.inf, math.nan, 1e300, -1e300, 1e-300, -1e-300, 1.0, -1.0, -2.0, -1.5, 30.0, -30.0, 0.5]
UNARY = [
    "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "expit", "gamma", "gammaln", "i0", "i0e", "i1", "i1e", "j0",
    "j1", "log_ndtr", "logit", "ndtr", "ndtri", "sinc",
]  # fmt: skip
# Where a library's own function is not SciPy's.
INFINITIES = [math.inf, -math.inf]
OTHERWISE = {
    ("cuda", "i0"): INFINITIES,  # infinite and not NaN
    ("cuda", "i1"): INFINITIES,
    ("cuda", "j0"): [*INFINITIES, 1e300, -1e300],  # 0 and not NaN; large angles are reduced exactly
    ("cuda", "j1"): [*INFINITIES, 1e300, -1e300],
    ("jax", "gammaln"): [-math.inf],
    ("jax", "digamma"): [0.0],
    ("torch", "gammaln"): [-math.inf],
}


@quiet
@pytest.mark.parametrize("name", UNARY)
def test_at_the_edges(device, name):
    op = function(device, name)
    points = [x for x in EDGES if x not in OTHERWISE.get((device.backend.kind, name), [])]
    assert_close(op(*double(device, points)).tolist(), getattr(special, name)(points), rtol=1e-10, atol=0)


def overflows(name, x, y):
    """Whether SciPy's kl_div overflows on its way, where agrad's does not."""
    return name == "kl_div" and x > 0 and 0 < y < math.inf and (x == math.inf or abs(math.log(x) - math.log(y)) > 1000)


@quiet
@pytest.mark.parametrize("name", BINARY)
def test_pairs_at_the_edges(device, name):
    x, y = zip(*[(x, y) for x in EDGES for y in EDGES if not overflows(name, x, y)], strict=True)
    found = function(device, name)(*double(device, x, y))
    assert_close(found.tolist(), getattr(special, name)(x, y), rtol=1e-10, atol=0)


@quiet
def test_kl_div_where_scipys_overflows(device):
    x, y = double(device, [math.inf, 1e300, 1e-300], [2.0, 1e-300, 1e300])
    assert_close(agrad.special.kl_div(x, y).tolist(), [math.inf, 1.3805510557964273e303, 1e300], rtol=1e-10)


@pytest.mark.parametrize("name", ["betaln", "gammainc", "gammaincc", "zeta"])
def test_over_many_orders_of_magnitude(device, name):
    op = function(device, name)
    some = [1e-3, 0.5, 1.0, 2.5, 17.0, 300.0, 4000.0]
    a, x = zip(*[(a, x) for a in ([1.5, 2.0, 10.0] if name == "zeta" else some) for x in some], strict=True)
    tolerance = 1e-10 if device.backend.kind == "cpu" else 5e-8  # of the others' gammaincc
    assert_close(op(*double(device, a, x)).tolist(), getattr(special, name)(a, x), rtol=tolerance, atol=1e-300)


def test_betaln_keeps_its_digits_where_gammaln_is_large(device):
    op = function(device, "betaln")
    tolerance = 1e-9 if device.backend.kind == "cpu" else 1e-14  # SciPy's own keeps fewer
    a, one = double(device, [1e3, 3e6, 1e9], 1.0)
    assert_close(op(a, one).tolist(), [-math.log(x) for x in a.tolist()], rtol=tolerance)


@pytest.mark.parametrize("name", ["ndtr", "log_ndtr"])
def test_tails_of_the_normal_distribution(device, name):
    points = [-37.0, -20.0, -9.0, -5.0, 5.0, 8.0, 12.0, 30.0]
    found = function(device, name)(*double(device, points))
    assert_close(found.tolist(), getattr(special, name)(points), rtol=1e-11, atol=0)


def test_logarithms_of_ratios_close_to_1(device):
    x, y = double(device, [1.0, 1.0 + 2e-13], [1.0 + 1e-13, 1.0])
    steps = [1.0 - (1.0 + 1e-13), (1.0 + 2e-13) - 1.0]
    assert_close(agrad.special.rel_entr(x, y).tolist(), steps, rtol=1e-11, atol=0)
    half = [0.5, 0.5 + 1e-14, 0.5 - 1e-14]
    assert_close(agrad.special.logit(*double(device, half)).tolist(), special.logit(half), rtol=1e-12, atol=0)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_polygamma_left_of_zero(device, order):
    points = [-0.5, -1.3, -10.7, -30.2]
    found = function(device, "polygamma")(order, *double(device, points))
    assert_close(found.tolist(), special.polygamma(order, points), rtol=1e-9)


def test_polygamma_of_high_and_negative_orders(device):
    op = function(device, "polygamma")
    (x,) = double(device, [50.0])
    assert_close(op(100, x).tolist(), special.polygamma(100, [50.0]), rtol=1e-10)
    with pytest.raises(ValueError, match="not -1"):
        op(-1, x)


def test_zeta_of_riemann(device):
    op = function(device, "zeta")
    points = [1.5, 2.0, 30.0]
    assert_close(op(*double(device, points)).tolist(), special.zeta(points), rtol=1e-12)


# Types and shapes


@quiet
@pytest.mark.parametrize("name", sorted(table()["cpu"]))
def test_integers_become_the_default_type(device, name):
    op = function(device, name)
    assert op(*[agrad.full(2, 2, dtype="int32")] * COUNTS.get(name, 1)).dtype == agrad.get_default_dtype()


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_the_wider_type_wins(device, dtype):
    (y,) = double(device, [0.5, 2.0])
    for x in (2, 2.0, np.float32(2.0), agrad.asarray([2, 2], dtype=dtype)):
        found = agrad.special.xlogy(x, y)
        assert found.dtype == agrad.float64
        assert agrad.gradients(found.sum(), y)[0].tolist() == [4.0, 1.0]


@pytest.mark.parametrize("name", sorted(table()["cpu"]))
def test_complex_numbers_are_refused(device, name):
    op = function(device, name)
    with pytest.raises(TypeError, match=r"real numbers.*agrad\.real"):
        op(*[0.5] * (COUNTS.get(name, 1) - 1), agrad.asarray([1j]))


@pytest.mark.property
@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), st.floats(0.125, 8.0))
def test_shapes_broadcast(device, shapes, value):
    x, y = [agrad.tensor(np.full(shape, value, dtype="float32"), requires_grad=True) for shape in shapes.input_shapes]
    for name in BINARY:
        out = getattr(agrad.special, name)(x, y)
        assert out.shape == shapes.result_shape
        assert [g.shape for g in agrad.gradients(out.sum(), [x, y])] == [x.shape, y.shape]
