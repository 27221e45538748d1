"""Derivatives where a formula that holds on paper loses its digits: far out, close to a limit, beside zero."""

import math

import numpy as np
import pytest

import agrad
from agrad.nn import functional as F
from agrad.testing import assert_close, check_grads

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what a value far out overflows to is NumPy's affair


def derivative(f, x, dtype="float32"):
    """Return the derivative at one number of the dtype, and that number."""
    x = agrad.tensor([x], dtype=dtype, requires_grad=True)
    (g,) = agrad.gradients(agrad.sum(f(x)), x)
    assert g.dtype == x.dtype
    return g.item(), x.item()


def normal_density(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def normal_below(x):
    return math.erfc(-x / math.sqrt(2)) / 2


def logistic(x):
    return 1 / (1 + math.exp(-x))


def logistic_slope(x):
    return logistic(x) * logistic(-x)


DERIVATIVES = {
    "acos": lambda x: -1 / math.sqrt((1 - x) * (1 + x)),
    "acosh": lambda x: 1 / (math.sqrt(x - 1) * math.sqrt(x + 1)),
    "asin": lambda x: 1 / math.sqrt((1 - x) * (1 + x)),
    "asinh": lambda x: 1 / math.hypot(1, x),
    "atan": lambda x: 1 / (1 + x * x),
    "atanh": lambda x: 1 / ((1 - x) * (1 + x)),
    "cosh": math.sinh,
    "erfc": lambda x: -2 / math.sqrt(math.pi) * math.exp(-x * x),
    "exp": math.exp,
    "expm1": math.exp,
    "gelu": lambda x: normal_below(x) + x * normal_density(x),
    "log": lambda x: 1 / x,
    "log10": lambda x: 1 / (x * math.log(10)),
    "log1p": lambda x: 1 / (1 + x),
    "log2": lambda x: 1 / (x * math.log(2)),
    "reciprocal": lambda x: -1 / x**2,
    "sigmoid": logistic_slope,
    "silu": lambda x: logistic(x) + x * logistic_slope(x),
    "softplus": logistic,
    "sqrt": lambda x: 1 / (2 * math.sqrt(x)),
    "tan": lambda x: 1 / math.cos(x) ** 2,
    "tanh": lambda x: 1 / math.cosh(x) ** 2,
}
FAR = [1e-30, 1e-5, 3.0, 6.0, 9.0, 15.0, 20.0, 40.0]
CLOSE_TO_1 = [0.9, 0.9999, 1 - 2**-24]
POINTS = {
    "acos": [*CLOSE_TO_1, *(-x for x in CLOSE_TO_1)],
    "acosh": [1 + 2**-23, 1.001, 1e10, 1e22, 1e30],
    "asin": [*CLOSE_TO_1, *(-x for x in CLOSE_TO_1)],
    "asinh": [1e-30, 1.0, 1e10, -1e22, 1e22, 1e30],
    "atan": [1e-30, 1.0, -1e10, 1e15],
    "atanh": [*CLOSE_TO_1, *(-x for x in CLOSE_TO_1)],
    "cosh": [*FAR, 80.0],
    "erfc": [-5.0, 0.0, 1.0, 5.0, 9.0],
    "exp": [-80.0, 80.0],
    "expm1": [-80.0, -40.0, -20.0, -1.0, 1e-30, 1.0, 80.0],
    "gelu": [*FAR, -1.0, -3.0, -6.0, -9.0, -12.0],
    "log": [1e-30, 1e30],
    "log10": [1e-30, 1e30, 3e38],
    "log1p": [-1 + 2**-24, 1e-30, 1e30],
    "log2": [1e-30, 1e30, 3e38],
    "reciprocal": [-1e-15, 1e15],
    "sigmoid": [*FAR, 80.0, *(-x for x in FAR), -80.0],
    "silu": [*FAR, *(-x for x in FAR)],
    "softplus": [*FAR, *(-x for x in FAR)],
    "sqrt": [1e-30, 1e30],
    "tan": [1.5, 1.57, 1.5707963],
    "tanh": [*FAR, *(-x for x in FAR)],
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_first_derivative_in_single_precision(device, name):
    op = getattr(agrad, name, None) or getattr(agrad.special, name)
    for point in POINTS[name]:
        found, x = derivative(op, point)
        assert_close(found, DERIVATIVES[name](x), rtol=2e-5, atol=1e-37)


SECOND = {
    "acos": lambda x: -x,
    "asin": lambda x: x,
    "asinh": lambda x: -x,
    "atan": lambda x: -2 * x,
    "atanh": lambda x: 2 * x,
    "tanh": lambda x: -2 * x,
    "erf": lambda x: -4 / math.sqrt(math.pi) * x,
    "sigmoid": lambda x: -x / 8,
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("name", SECOND)
def test_second_derivative_close_to_0(device, name, dtype):
    if dtype in ("float64", "complex128") and not device.backend.supports_float64:
        pytest.skip("needs float64")
    if dtype.startswith("complex") and name in ("erf", "sigmoid"):
        pytest.skip("it takes real numbers")
    x = agrad.tensor([1e-8, -1e-20], dtype=dtype, requires_grad=True)
    y = getattr(agrad, name)(x)
    (g,) = agrad.gradients(y, x, agrad.ones_like(y), create_graph=True)
    (h,) = agrad.gradients(g, x, agrad.ones_like(g))
    expected = agrad.asarray([SECOND[name](1e-8), SECOND[name](-1e-20)], dtype=dtype)
    assert_close(h, expected, rtol=1e-5, atol=0.0)


@pytest.mark.parametrize("name", ["erfcx", "i0e", "i1e"])
def test_scaled_functions_far_out(device, name):
    if device.kind == "strict":
        pytest.skip(f"{device} has no {name}")
    slope = {
        "erfcx": lambda x: -1 / math.sqrt(math.pi) / x**2,
        "i0e": lambda x: -0.5 / math.sqrt(2 * math.pi) * x**-1.5,
    }
    slope["i1e"] = slope["i0e"]
    for point in (1e3, 1e4, 1e6):
        found, x = derivative(getattr(agrad.special, name), point)
        assert_close(found, slope[name](x), rtol=2e-3 if point == 1e3 else 2e-4)


def test_sinc_far_out(device):
    found, x = derivative(agrad.special.sinc, 1e22)
    assert abs(found) <= 1.001 / x
    assert found != 0


def test_betaln_of_a_large_and_a_small_argument(device):
    if device.kind == "strict":
        pytest.skip(f"{device} has no betaln")
    found, x = derivative(lambda x: agrad.special.betaln(x, 2.0), 1e4)
    assert_close(found, -1 / x - 1 / (x + 1), rtol=1e-5)


def test_kl_div_where_both_are_close(device):
    found, y = derivative(lambda y: agrad.special.kl_div(1.0, y), 1 + 2**-22)
    assert_close(found, (y - 1) / y, rtol=1e-6)


def test_gelu_by_tanh_far_out(device):
    for point in (-6.0, -4.0, 4.0, 1e3, -1e20, 1e20):
        scaled = 2 * math.sqrt(2 / math.pi) * (point + 0.044715 * point**3)
        slope = 2 * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * point**2)
        below, above = (logistic(scaled), logistic(-scaled)) if abs(scaled) < 700 else (float(point > 0), 0.0)
        found, _ = derivative(lambda x: agrad.gelu(x, "tanh"), point)
        assert_close(found, below + point * below * above * slope, rtol=1e-4, atol=1e-37)


@pytest.mark.parametrize(("x", "y"), [(1e22, 1e22), (1e-25, 1e-25), (3.0, 1e30), (1e30, -4.0), (-1e-30, 1.0)])
def test_angles_and_lengths_do_not_overflow(device, x, y):
    a, b = (agrad.tensor([z], dtype="float32", requires_grad=True) for z in (x, y))
    length = math.hypot(x, y)
    for op, expected in (
        (agrad.atan2, [y / length / length, -x / length / length]),
        (agrad.hypot, [x / length, y / length]),
    ):
        found = [g.item() for g in agrad.gradients(agrad.sum(op(a, b)), [a, b])]
        assert_close(found, expected, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize(
    "op", ["tanh", "sigmoid", "expm1", "asinh", "atan", "atanh", "asin", "tan", "gelu", "softplus"]
)
def test_two_more_orders(device, op):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    points = [-0.8, -0.3, 0.0, 0.4, 0.8] if op in ("asin", "atanh") else [-9.0, -1.0, 0.0, 0.4, 12.0]
    check_grads(getattr(agrad, op), [agrad.tensor(points)], order=3, atol=1e-5)


@pytest.mark.parametrize("op", ["tanh", "sigmoid", "tan", "gelu", "softplus", "silu"])
def test_far_out_no_order_is_nan(device, op):
    f = getattr(agrad, op)
    for _ in range(3):
        f = agrad.elementwise_grad(f)
        assert all(map(math.isfinite, f(agrad.asarray([-1e30, -800.0, -100.0, 100.0, 800.0, 1e30])).tolist()))


# Complex numbers


@pytest.mark.parametrize(
    ("op", "z"),
    [
        ("tanh", 60 + 1j),
        ("tanh", -60 + 1j),
        ("tan", 1 + 60j),
        ("tan", 1 - 60j),
        ("tanh", 1000 + 1j),
        ("tan", 1 + 1000j),
    ],
)
def test_complex_tangents_far_from_the_poles(device, op, z):
    if not device.backend.supports_float64:
        pytest.skip("needs float64")
    w = agrad.tensor([z], requires_grad=True, dtype="complex128")
    agrad.real(agrad.sum(getattr(agrad, op)(w))).backward()
    size = abs(z.real if op == "tanh" else z.imag)
    expected = 4 * math.exp(-2 * size)
    assert_close(abs(w.grad.item()), expected, rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("op", ["asin", "acos", "atanh", "acosh"])
@pytest.mark.parametrize("z", [2 + 0j, -2 + 0j, complex(2, -0.0), complex(-2, -0.0)])
def test_branch_cuts(device, op, z):
    """The derivative along a cut is that of the side which the value is taken from."""
    if device.kind not in ("cpu", "strict"):
        pytest.skip("PyTorch's and JAX's arithmetic does not keep the sign of an imaginary zero")

    def f(x):
        return getattr(agrad, op)(agrad.asarray([x], dtype="complex128")).item()

    slope = (f(complex(z.real + 1e-6, z.imag)) - f(complex(z.real - 1e-6, z.imag))) / 2e-6
    w = agrad.tensor([z], dtype="complex128", requires_grad=True)
    (g,) = agrad.gradients(agrad.real(getattr(agrad, op)(w)), w)
    assert_close(g.item(), slope.conjugate(), rtol=1e-6, atol=1e-6)


# Along axes


def test_softmax_close_to_certainty(device):
    x = agrad.tensor([20.0, 0.0], requires_grad=True)
    for op in (agrad.softmax, agrad.log_softmax):
        for sign, entry in ((1, 0), (-1, 1)):
            (g,) = agrad.gradients(op(x)[entry], x)
            expected = math.exp(-20.0) if op is agrad.softmax or entry == 0 else 1.0
            assert_close(g.tolist(), [sign * expected, -sign * expected], rtol=1e-5)


def test_logsumexp_of_large_numbers(device):
    x = agrad.tensor([[1e4, 1e4], [-math.inf, -math.inf], [-1e4, -1e4 - 1]], requires_grad=True)
    agrad.sum(agrad.logsumexp(x, axis=1)).backward()
    share = 1 / (1 + math.exp(-1))
    assert_close(x.grad.tolist(), [[0.5, 0.5], [0.0, 0.0], [share, 1 - share]], rtol=1e-6)


def test_logsumexp_of_complex_numbers_is_the_principal_value(device):
    z = agrad.tensor([5 - 10j], requires_grad=True)
    y = agrad.logsumexp(z)
    assert_close(y.item(), complex(5, 4 * math.pi - 10), rtol=1e-6)
    agrad.real(y).backward()
    assert_close(z.grad.tolist(), [1 + 0j], rtol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_refuses_complex_numbers(device, name):
    with pytest.raises(TypeError, match=rf"{name}.*agrad\.real"):
        getattr(agrad, name)(agrad.asarray([1j]))


def test_cross_entropy_close_to_certainty(device):
    x = agrad.tensor([[20.0, 0.0]], requires_grad=True)
    for create_graph in (False, True):
        (g,) = agrad.gradients(F.cross_entropy(x, agrad.asarray([0])), x, create_graph=create_graph)
        assert_close(g.tolist(), [[-math.exp(-20.0), math.exp(-20.0)]], rtol=1e-5)


OVERFLOWING = [
    ([[1e13, 0.0, 0.0], [1e13, 1e13, 0.0], [1e13, 1e13, 1e13]], np.zeros((3, 3))),
    ([1e30, 1e-30, 1e30, 1e-30], [1e-30, 1e30, 1e-30, 1e30]),
    ([1e-30, 1.0, 1e30, 1e30], [math.inf, 1e30, 1.0, 1.0]),
    ([1e25, 1e-20, 1e-20, 1e-20, 1e25, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1e-10]),
    ([1e25, 0.0, 1e25], [0.0, math.inf, 0.0]),
    ([math.inf, 2.0], [2.0, math.inf]),
    ([math.nan, 0.0, 1.0], [0.0, math.nan, math.nan]),
]


@pytest.mark.parametrize(("x", "expected"), OVERFLOWING)
def test_prod_of_which_parts_overflow(device, x, expected):
    x = agrad.tensor(x, requires_grad=True)
    agrad.prod(x).backward()
    assert_close(x.grad.tolist(), expected, rtol=1e-4)


def test_second_order_of_a_prod_of_which_parts_overflow(device):
    hessian = agrad.hessian(agrad.prod)(agrad.asarray([1e13, 1e13, 1e-13, 1e-13, 0.0, 1e13]))
    assert_close(hessian[:, 4].tolist(), [1.0, 1.0, 1e26, 1e26, 0.0, 1.0], rtol=1e-4)
    assert_close(hessian[4].tolist(), hessian[:, 4].tolist(), rtol=1e-4)


def test_cumulative_prod_of_which_parts_overflow(device):
    x = agrad.tensor([1e20, 1e10, 1e20, 1e20], requires_grad=True)
    agrad.sum(agrad.cumulative_prod(x)[:2]).backward()
    assert_close(x.grad.tolist(), [1e10, 1e20, 0.0, 0.0], rtol=1e-4)
    x = agrad.tensor([1e30, 1e30, 1e-30, 1e-30], requires_grad=True)
    for create_graph in (False, True):
        (g,) = agrad.gradients(agrad.cumulative_prod(x)[3], x, create_graph=create_graph)
        assert_close(g.tolist(), [1e-30, 1e-30, 1e30, 1e30], rtol=1e-4)
    x = agrad.tensor([0.0, 1e20, 1e20, 1e20], requires_grad=True)
    agrad.cumulative_prod(x)[0].backward()
    assert x.grad.tolist() == [1.0, 0.0, 0.0, 0.0]
