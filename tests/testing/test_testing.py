"""check_grads finds what is wrong and says where; assert_close compares what it says it compares."""

import re
from typing import Any

import numpy as np
import pytest

import agrad
from agrad.core.primitive import ArrayLike, primitive, registry
from agrad.testing import GradcheckError, assert_close, check_grads, gradcheck, gradgradcheck


@pytest.fixture(autouse=True)
def own_registry():
    """Forget the primitives that a test makes."""
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)


def op(forward, *rules):
    """Make an elementwise primitive of one or two arguments."""

    @primitive
    def one(xp: Any, x: ArrayLike, /) -> agrad.Tensor:
        return forward(xp, x)

    @primitive
    def two(xp: Any, x: ArrayLike, y: ArrayLike, /) -> agrad.Tensor:
        return forward(xp, x, y)

    made = one if len(rules) < 2 else two
    made.vjp(**dict(zip("xy", rules, strict=False)))
    return made


@pytest.fixture
def double(device):
    """Skip where there is no double precision."""
    if not device.backend.supports_float64:
        pytest.skip(f"{device} does not compute in float64")
    return device


# What is right passes


@pytest.mark.parametrize("order", [1, 2, 3])
def test_right_gradients_pass(double, order):
    x, y = agrad.asarray([[0.5, 1.0, -2.0]]), agrad.asarray([[1.5], [2.0]])
    check_grads(lambda x, y: agrad.exp(x) * y / (1 + x * x), [x, y], order)


def test_what_a_function_may_take_and_return(double):
    x = agrad.asarray([0.5, 1.0])
    check_grads(agrad.exp, x)
    check_grads(agrad.exp, [0.5])
    check_grads(lambda x, n, name: {"power": x**n, "rest": (x, [x * 2])}, (x, 3, "name"))
    check_grads(lambda x, i: (x[i], i), [x, agrad.asarray([1, 1, 0])])
    check_grads(lambda x: x * 0 + agrad.ones(2), [x])
    check_grads(lambda x: x.sum(), agrad.zeros((0, 2)))


def test_complex_functions(double):
    z = agrad.asarray([0.5 + 1j, 1 - 2j])
    check_grads(lambda z: z * agrad.conj(z) + z**3, [z])
    check_grads(lambda z: agrad.abs(z), [z])
    check_grads(lambda z, x: z * x, [z, agrad.asarray([1.0, 2.0])])


def test_arguments_stay_as_they_were(double):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    x.grad = agrad.ones(2)
    check_grads(lambda x: x * x, [x])
    assert x.tolist() == [1.0, 2.0]
    assert x.dtype is agrad.float32
    assert x.grad.tolist() == [1.0, 1.0]


def test_it_works_under_no_grad(double):
    with agrad.no_grad():
        check_grads(lambda x: x**3, [agrad.asarray([1.0, 2.0])])


# What is wrong fails, and says where


def test_a_wrong_rule_is_found_and_described(double):
    wrong = op(lambda xp, x: x * x, lambda g, x: 3 * g * x)
    with pytest.raises(
        AssertionError,
        match=r"gradient of one of order 1 with respect to argument 0 is wrong: "
        r"at index \(1, 0\) numeric -?[\d.]+, analytic -?[\d.]+ \(2 of 2 entries differ\)",
    ):
        check_grads(wrong, [agrad.asarray([[1.0], [5.0]])])


def test_the_numbers_in_the_message_are_the_derivatives(double):
    wrong = op(lambda xp, x: x * x, lambda g, x: 4 * g * x)
    with pytest.raises(AssertionError) as error:
        check_grads(wrong, [3.0])
    numeric, analytic = map(float, re.findall(r"numeric (\S+), analytic (\S+)", str(error.value))[0])
    assert analytic == pytest.approx(2 * numeric, rel=1e-6)


def test_the_wrong_argument_is_named(double):
    wrong = op(lambda xp, x, y: x * y, lambda g, y: g * y, lambda g, x: -g * x)
    with pytest.raises(AssertionError, match="argument 1"):
        check_grads(wrong, [agrad.ones(3), agrad.ones(3)])
    with pytest.raises(AssertionError, match="argument 2"):
        check_grads(lambda i, x, y: wrong(x, y), [7, agrad.ones(3), agrad.ones(3)])


def test_only_one_wrong_entry_is_found(double):
    wrong = op(lambda xp, x: x * x, lambda g, x, xp: 2 * g * x * xp.where(x > 4, 1.01 * xp.ones_like(x), 1.0))
    with pytest.raises(AssertionError, match=r"at index \(3,\).*1 of 5 entries"):
        check_grads(wrong, [agrad.asarray([1.0, 2.0, 3.0, 5.0, 0.5])])


def test_a_residual_that_hides_the_second_order_is_found(double):
    """The rule is right, but takes its number from outside of what is recorded."""
    hidden = op(lambda xp, x: x * x, lambda g, x: 2 * g * (x.detach() if isinstance(x, agrad.Tensor) else x))
    check_grads(hidden, [agrad.asarray([1.0, 2.0])], order=1)
    with pytest.raises(AssertionError, match="order 2"):
        check_grads(hidden, [agrad.asarray([1.0, 2.0])])


def test_a_wrong_conjugate_is_found(double):
    wrong = op(lambda xp, z: z * z, lambda g, x, xp: 2 * g * xp.conj(x))
    check_grads(wrong, [agrad.asarray([1.0, 2.0])])
    with pytest.raises(AssertionError, match="order 1"):
        check_grads(wrong, [agrad.asarray([1 + 2j])])


def test_a_missing_rule_is_found(double):
    constant = op(lambda xp, x: x * x)
    with pytest.raises(AssertionError, match=r"analytic 0.*no gradient flows there"):
        check_grads(constant, [agrad.asarray([1.0])])


def test_a_rule_that_gives_another_value_when_recorded_is_found(double):
    """Both gradients are gradients of something; of the second, the derivative is right too."""
    torn = op(lambda xp, x: x * x, lambda g, x: (3 if isinstance(x, agrad.Tensor) else 2) * g * x)
    check_grads(torn, [agrad.asarray([1.0, 2.0])], order=1, modes=["rev"])
    with pytest.raises(AssertionError, match=r"order 1 differs under create_graph.*raw.*recorded"):
        check_grads(torn, [agrad.asarray([1.0, 2.0])])


@pytest.mark.parametrize("value", [1.0, float("nan")])
def test_nan_is_wrong(double, value):
    broken = op(lambda xp, x: x * value, lambda g, xp: g * xp.nan)
    with pytest.raises(AssertionError, match="nan"):
        check_grads(broken, [agrad.asarray([1.0])])


def test_single_precision_inside_is_said(double):
    with pytest.raises(AssertionError, match=r"float32 is too imprecise.*compute in float64"):
        check_grads(lambda x: agrad.exp(agrad.astype(x, agrad.float32)), [agrad.asarray([1.0, 2.0])])


def test_a_device_without_double_precision_says_so(device, monkeypatch):
    monkeypatch.setattr(type(device.backend), "supports_float64", False)
    with pytest.raises(RuntimeError, match=f"{device} has no float64.*JAX_ENABLE_X64"):
        check_grads(agrad.exp, [agrad.ones(2)])


def test_arrays_are_varied_too(double):
    wrong = op(lambda xp, x: x * x, lambda g, x: 3 * g * x)
    with pytest.raises(AssertionError, match="argument 0"):
        check_grads(wrong, [np.ones(2)])
    check_grads(lambda x, k: agrad.sin(x)[k], [np.ones(2), np.asarray(1)])
    check_grads(agrad.exp, np.ones(2))


def test_misuse_is_refused(double):
    with pytest.raises(TypeError, match="not float"):
        check_grads(lambda x: x.sum().item(), [agrad.ones(2)])
    with pytest.raises(ValueError, match="nothing to vary"):
        check_grads(agrad.abs, [agrad.asarray([1, 2])])
    with pytest.raises(ValueError, match="order"):
        check_grads(agrad.exp, [1.0], order=0)


def test_both_modes_are_checked(double):
    """A rule that hides a part of the cotangent gives right gradients and a wrong way forward."""
    plain = lambda g: g.detach() if isinstance(g, agrad.Tensor) else g
    crooked = op(lambda xp, x: x * x, lambda g, x: 2 * x * (2 * g - plain(g)))
    check_grads(crooked, [1.5], modes=("rev",), order=1)
    with pytest.raises(AssertionError, match=r"the jvp of one of order 1 for output 0 is wrong.*numeric.*analytic"):
        check_grads(crooked, [1.5], order=1)
    check_grads(lambda x: agrad.sin(x) * x[0], [agrad.asarray([1.0, 2.0])], modes=("fwd",), order=3)
    with pytest.raises(ValueError, match="modes must be 'rev', 'fwd' or both, not 'forward'"):
        check_grads(agrad.exp, [1.0], modes="forward")


# gradcheck and gradgradcheck


def leaf(values, dtype="float64"):
    return agrad.tensor(values, dtype=dtype, requires_grad=True)


def test_gradcheck_accepts_right_gradients(double):
    x, y = leaf([[0.5, 1.0, -2.0]]), leaf([[1.5], [2.0]])
    f = lambda x, y: (agrad.exp(x) * y, {"sum": agrad.sum(x)})
    assert gradcheck(f, [x, y], check_forward_ad=True)
    assert gradgradcheck(f, [x, y], check_fwd_over_rev=True)
    assert gradgradcheck(lambda x: x**3, x, agrad.ones((1, 3), dtype=agrad.float64))
    assert gradgradcheck(lambda x, n: x**n, [x, 2])
    assert gradgradcheck(lambda x: 2 * x, x)


def test_gradcheck_of_complex_numbers(double):
    z, x = leaf([0.5 + 1j, 1 - 2j], "complex128"), leaf([1.0, 2.0])
    assert gradcheck(lambda z: z * agrad.conj(z) + z**3, z, check_forward_ad=True)
    assert gradcheck(lambda z, x: (agrad.abs(z), z * x), [z, x], check_forward_ad=True)
    assert gradgradcheck(lambda z: z**3, z)
    wrong = op(lambda xp, z: z * z, lambda g, x, xp: 2 * g * xp.conj(x))
    with pytest.raises(GradcheckError, match="input 0 at index"):
        gradcheck(wrong, z)


def test_gradcheck_names_the_worst_entry(double):
    wrong = op(lambda xp, x, y: x * y, lambda g, y: g * y, lambda g, x, xp: g * xp.where(x > 1, 3 * x, x))
    x, y = leaf([[0.5, 2.0]]), leaf([[1.0, 1.0]])
    with pytest.raises(
        GradcheckError,
        match=r"two backward, the derivative of output 0 at index \(0, 1\) with respect to input 1 at index \(0, 1\): "
        r"numeric (2.0|1.9)\d*, analytic 6.0 \(1 of 8 entries differ\)",
    ):
        gradcheck(wrong, [x, y])
    assert not gradcheck(wrong, [x, y], raise_exception=False)
    assert gradcheck(wrong, [x, y.detach()])
    assert gradcheck(wrong, [x, y], check_backward_ad=False)


def test_gradgradcheck_finds_a_hidden_second_order(double):
    hidden = op(lambda xp, x: x * x, lambda g, x: 2 * g * (x.detach() if isinstance(x, agrad.Tensor) else x))
    assert gradcheck(hidden, leaf([1.0, 2.0]))
    with pytest.raises(GradcheckError, match="with respect to input 0"):
        gradgradcheck(hidden, leaf([1.0, 2.0]))


def test_gradcheck_says_when_single_precision_makes_it_meaningless(device):
    with pytest.warns(UserWarning, match=r"input 0 is float32.*float64"):
        gradcheck(lambda x: 2 * x, agrad.ones(2, requires_grad=True), raise_exception=False)


def test_gradcheck_detects_nondeterminism(double):
    drift = iter(range(100))
    unsteady = op(lambda xp, x: x * x, lambda g, x: 2 * g * x * (1 + 1e-7 * next(drift)))
    with pytest.raises(GradcheckError, match=r"not deterministic within nondet_tol=0\.0: "):
        gradcheck(unsteady, leaf([1.0]))
    assert gradcheck(unsteady, leaf([1.0]), nondet_tol=1e-3)


def test_gradcheck_needs_something_to_check():
    with pytest.raises(ValueError, match="requires_grad=True"):
        gradcheck(agrad.exp, agrad.ones(2))


# assert_close


def test_close_is_close(device):
    x = agrad.asarray([1.0, 2.0])
    assert_close(x, x * (1 + 1e-6))
    assert_close(x, [1.0, 2.0])
    assert_close(x, np.asarray([1.0, 2.0]))
    assert_close([1, 2], [1, 2])
    assert_close(agrad.asarray(2.0), 2.0)
    assert_close(agrad.asarray([np.nan, np.inf]), [np.nan, np.inf])
    assert_close(agrad.zeros((0, 3)), np.zeros((0, 3)))
    assert_close(agrad.asarray([True, False]), [True, False])
    assert_close(x, [1.1, 2.1], atol=0.2)


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        ([1.0, 2.0], [1.0, 2.1], r"at index \(1,\) expected 2.1, actual 2.0 \(1 of 2 entries differ\)"),
        (3.0, 4.0, "expected 4.0, actual 3.0"),
        ([1.0], [[1.0]], r"shape is \(1,\), expected \(1, 1\)"),
        ([1, 2], [1, 3], "expected 3"),
        ([np.nan], [1.0], "nan"),
        ([np.inf], [-np.inf], "inf"),
        ([1 + 1j], [1 - 1j], "1j"),
    ],
)
def test_the_error_shows_the_difference(actual, expected, message):
    with pytest.raises(AssertionError, match=message):
        assert_close(agrad.asarray(actual), expected)


def test_types_and_devices_of_tensors_must_agree():
    x = agrad.ones(2)
    with pytest.raises(AssertionError, match=r"dtype is agrad.float32, expected agrad.float64"):
        assert_close(x, agrad.ones(2, dtype=agrad.float64))
    with pytest.raises(AssertionError, match="device is cpu, expected strict"):
        assert_close(x, agrad.ones(2, device="strict"))


def test_arrays_of_libraries_are_compared_with_their_types():
    strict = agrad.Device("strict").xp
    with pytest.raises(AssertionError, match=r"namespace is strict, expected numpy"):
        assert_close(strict.ones(2), np.ones(2))
    with pytest.raises(AssertionError, match=r"namespace is agrad, expected strict"):
        assert_close(agrad.ones(2), strict.ones(2))
    with pytest.raises(AssertionError, match=r"dtype is agrad.float64, expected agrad.float32"):
        assert_close(np.ones(2), np.ones(2, dtype=np.float32))
    with pytest.raises(AssertionError, match="device is strict, expected strict:device1"):
        assert_close(strict.ones(2), agrad.ones(2, device="strict:device1").data)
    assert_close(strict.ones(2), strict.ones(2))
    assert_close(np.float32(1), 1.0)


def test_double_precision_is_compared_more_closely():
    with pytest.raises(AssertionError):
        assert_close(agrad.asarray([1.0], dtype=agrad.float64), [1.000001])
