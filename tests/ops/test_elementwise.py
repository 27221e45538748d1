"""Gradients where functions are not smooth, or not finite: PyTorch's choices."""

import math

import pytest

import agrad
from agrad.testing import assert_close, check_grads

INF = math.inf

# What the ends of the real line do to intermediate results is NumPy's to tell and not what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def slopes(f, *points):
    """Return the gradients of the sum of ``f(*points)`` as lists."""
    xs = [agrad.tensor(point, requires_grad=True) for point in points]
    return [g.tolist() for g in agrad.gradients(agrad.sum(f(*xs)), xs)]


@pytest.mark.parametrize(
    ("op", "points", "expected"),
    [
        ("abs", [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]),
        ("sign", [-2.0, 0.0, 2.0], [0.0, 0.0, 0.0]),
        ("sqrt", [0.0, 4.0], [INF, 0.25]),
        ("log", [0.0, 2.0], [INF, 0.5]),
        ("acos", [1.0, -1.0], [-INF, -INF]),
        ("reciprocal", [0.0, 2.0], [-INF, -0.25]),
        ("floor", [1.0, 1.5], [0.0, 0.0]),
        ("ceil", [1.0, 1.5], [0.0, 0.0]),
        ("round", [0.5, 1.0], [0.0, 0.0]),
        ("trunc", [0.0, 1.5], [0.0, 0.0]),
    ],
)
def test_one_number(device, op, points, expected):
    assert_close(slopes(getattr(agrad, op), points)[0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("op", "x1", "x2", "expected"),
    [
        ("maximum", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], [[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]]),
        ("minimum", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], [[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]]),
        ("pow", [0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 0.0], [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, math.log(2.0)]]),
        ("pow", [0.0, 0.0], [-1.0, 0.5], [[-INF, INF], [-INF, 0.0]]),
        ("atan2", [0.0, 0.0], [0.0, -2.0], [[0.0, -0.5], [0.0, 0.0]]),
        ("hypot", [3.0, INF, -INF, 1.0], [4.0, 1.0, 1.0, INF], [[0.6, 1.0, -1.0, 0.0], [0.8, 0.0, 0.0, 1.0]]),
        ("logaddexp", [INF, -INF, -INF, 900.0], [INF, -INF, 1.0, 900.0], [[0.5, 0.5, 0.0, 0.5], [0.5, 0.5, 1.0, 0.5]]),
        ("copysign", [0.0, -2.0, 2.0], [1.0, 1.0, -1.0], [[0.0, -1.0, -1.0], [0.0, 0.0, 0.0]]),
        ("remainder", [5.0, -5.0], [3.0, 3.0], [[1.0, 1.0], [-1.0, 2.0]]),
        ("floor_divide", [5.0, 6.0], [3.0, 3.0], [[0.0, 0.0], [0.0, 0.0]]),
        ("nextafter", [1.0, 2.0], [2.0, 2.0], [[1.0, 0.0], [0.0, 0.0]]),
    ],
)
def test_two_numbers(device, op, x1, x2, expected):
    for found, value in zip(slopes(getattr(agrad, op), x1, x2), expected, strict=True):
        assert_close(found, value, rtol=1e-6)


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [(0, [0.0, 0.0]), (1, [1.0, 1.0]), (2, [0.0, 6.0]), (3, [0.0, 27.0]), (-1, [-INF, -1 / 9]), (0.5, [INF, 0.288675])],
)
def test_a_number_as_exponent(device, exponent, expected):
    assert_close(slopes(lambda x: x**exponent, [0.0, 3.0])[0], expected, rtol=1e-5)


@pytest.mark.parametrize(("base", "expected"), [(0.0, [0.0, 0.0]), (1.0, [0.0, 0.0]), (2.0, [0.693147, 1.386294])])
def test_a_number_as_base(device, base, expected):
    assert_close(slopes(lambda x: base**x, [0.0, 1.0])[0], expected, rtol=1e-5)


def test_mixed_second_derivative_of_pow_where_the_exponent_is_0(device):
    x, y = agrad.tensor(2.0, requires_grad=True), agrad.tensor(0.0, requires_grad=True)
    (slope,) = agrad.gradients(agrad.pow(x, y), x, create_graph=True)
    assert_close(agrad.gradients(slope, y)[0].tolist(), 0.5)


def test_second_derivative_of_logaddexp_at_a_tie(device):
    x, y = agrad.tensor(1.0, requires_grad=True), agrad.tensor(1.0, requires_grad=True)
    (slope,) = agrad.gradients(agrad.logaddexp(x, y), x, create_graph=True)
    assert_close([g.tolist() for g in agrad.gradients(slope, [x, y])], [0.25, -0.25], rtol=1e-6)


def test_clip_passes_gradients_on_at_its_ends(device):
    points = [0.0, 1.0, 2.0, 3.0]
    assert slopes(lambda x: agrad.clip(x, 1.0, 2.0), points) == [[0.0, 1.0, 1.0, 0.0]]
    assert slopes(lambda x: agrad.clip(x, min=1.0), points) == [[0.0, 1.0, 1.0, 1.0]]
    assert slopes(lambda x: agrad.clip(x, max=2.0), points) == [[1.0, 1.0, 1.0, 0.0]]


def test_clip_gives_the_gradient_outside_to_its_ends(device):
    assert slopes(agrad.clip, [0.0, 1.0, 2.0, 5.0], [1.0] * 4, [2.0] * 4) == [
        [0.0, 1.0, 1.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ]


def test_where_the_ends_of_clip_cross_the_upper_one_counts(device):
    if device.kind == "strict":
        pytest.skip("array-api-strict refuses such ends")
    assert slopes(agrad.clip, [1.0, 3.0, 5.0], [4.0] * 3, [2.0] * 3) == [[0.0] * 3, [0.0] * 3, [1.0] * 3]


# PyTorch's gradients of the sum of |f(z)|**2
COMPLEX = {
    "conj": [1 + 2j, -3 + 1j],
    "real": [1 + 0j, -3 + 0j],
    "imag": [0 + 2j, 0 + 1j],
    "abs": [1 + 2j, -3 + 1j],
    "square": [10 + 20j, -60 + 20j],
}


@pytest.mark.parametrize("op", COMPLEX)
def test_complex_gradients_are_pytorchs(device, op):
    z = agrad.tensor([1 + 2j, -3 + 1j], requires_grad=True)
    size = agrad.abs(getattr(agrad, op)(z))
    agrad.sum(size * size).backward()
    assert_close(z.grad.tolist(), [2 * g for g in COMPLEX[op]], rtol=1e-5)


def test_sign_and_size_of_complex_zero(device):
    for op in (agrad.abs, lambda z: agrad.real(agrad.sign(z))):
        z = agrad.tensor([0j, 3 + 4j], requires_grad=True)
        agrad.sum(op(z)).backward()
        assert z.grad.tolist()[0] == 0


def test_imaginary_part_of_a_real_number_is_an_error(device):
    with pytest.raises(TypeError, match=r"imag.*complex"):
        agrad.imag(agrad.ones(2))


def test_higher_orders_beside_the_kinks(device):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    x = agrad.tensor([0.0, 1.5, -1.0])
    check_grads(lambda x: x**3, [x], order=3)
    check_grads(agrad.pow, [agrad.tensor([1.5, 0.5]), agrad.tensor([0.0, 0.0])], order=3)


@pytest.mark.parametrize("op", ["add", "maximum", "pow", "logaddexp"])
def test_shapes_that_do_not_broadcast_are_named(device, op):
    with pytest.raises(ValueError, match=rf"{op}.*\(2,\).*\(3,\)"):
        getattr(agrad, op)(agrad.ones(2), agrad.ones(3))


@pytest.mark.parametrize("name", ["add", "divide", "maximum", "multiply", "pow", "remainder", "subtract"])
def test_arrays_without_axes_promote_like_others(device, name):
    """In PyTorch's own operators they count as numbers."""
    wide, narrow = agrad.asarray(2.0, dtype=agrad.float64), agrad.ones(2)
    for x1, x2 in ((wide, narrow), (narrow, wide)):
        result = getattr(agrad, name)(x1, x2)
        assert (result.dtype, result.shape) == (agrad.float64, (2,))
