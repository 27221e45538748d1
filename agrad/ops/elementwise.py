"""Elementwise functions: the standard's chapter, each with its gradient rules.

A rule is plain calculus: broadcasting, promotion and conjugation are the engine's business. Where a derivative does
not exist, the rule follows PyTorch and the docstring says so.
"""

from __future__ import annotations

import math
from typing import Any, Final

from ..core.dtypes import as_dtype
from ..core.primitive import ArrayLike, primitive, standard
from ..core.tape import unchanged
from ..core.tensor import SCALARS, Tensor
from .gathering import bare

__all__ = [
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_invert",
    "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil", "clip", "conj", "copysign",
    "cos", "cosh", "divide", "equal", "exp", "expm1", "floor", "floor_divide", "greater", "greater_equal", "hypot",
    "imag", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log1p", "log2", "log10", "logaddexp",
    "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative",
    "nextafter", "not_equal", "positive", "pow", "real", "reciprocal", "remainder", "round", "sign", "signbit",
    "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc",
]  # fmt: skip

_INF: Final = math.inf
_STEP: Final = lambda g, xp: xp.zeros_like(g)  # the rule of what is flat between its jumps


# Arithmetic


@standard
def abs(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the absolute value, elementwise.

    The gradient at 0 is 0, and so are the derivatives of higher order.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        ``|x|``, of the same shape; real where `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.abs(agrad.asarray([-1.0, 2.0]))
    Tensor([1., 2.], dtype=float32, device='cpu')
    """
    return xp.abs(x)


abs.vjp(x=lambda g, x, xp: g * xp.conj(xp.sign(x)))


@standard
def add(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the sum, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 + x2``, of the broadcast shape and the promoted dtype.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or the devices differ: here and in every function of two arrays.

    Examples
    --------
    >>> import agrad
    >>> agrad.add(agrad.asarray([1.0, 2.0]), 10.0)
    Tensor([11., 12.], dtype=float32, device='cpu')
    """
    return xp.add(x1, x2)


add.vjp(x1=unchanged, x2=unchanged)


@standard
def divide(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the quotient, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Floating, real or complex, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 / x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.divide(agrad.asarray([1.0, 3.0]), 2.0)
    Tensor([0.5, 1.5], dtype=float32, device='cpu')
    """
    return xp.divide(x1, x2)


divide.vjp(x1=lambda g, x2: g / x2, x2=lambda g, out, x2: -g * out / x2)


@standard
def floor_divide(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the quotient rounded down, elementwise.

    The gradient is 0.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``floor(x1 / x2)``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.floor_divide(agrad.asarray([7.0, -7.0]), 2.0)
    Tensor([ 3., -4.], dtype=float32, device='cpu')
    """
    return xp.floor_divide(x1, x2)


floor_divide.vjp(x1=_STEP, x2=_STEP)


@standard
def multiply(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the product, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 * x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.multiply(agrad.asarray([1.0, 2.0]), 10.0)
    Tensor([10., 20.], dtype=float32, device='cpu')
    """
    return xp.multiply(x1, x2)


multiply.vjp(x1=lambda g, x2: g * x2, x2=lambda g, x1: g * x1)


@standard
def negative(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the negation, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        ``-x``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.negative(agrad.asarray([1.0, -2.0]))
    Tensor([-1.,  2.], dtype=float32, device='cpu')
    """
    return xp.negative(x)


negative.vjp(x=lambda g: -g)


@standard
def positive(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the array itself, as the unary ``+`` gives it.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        ``+x``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.positive(agrad.asarray([1.0, -2.0]))
    Tensor([ 1., -2.], dtype=float32, device='cpu')
    """
    return xp.positive(x)


positive.vjp(x=unchanged)


@standard
def reciprocal(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the reciprocal, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``1 / x``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.reciprocal(agrad.asarray([2.0, 4.0]))
    Tensor([0.5 , 0.25], dtype=float32, device='cpu')
    """
    return xp.reciprocal(x)


reciprocal.vjp(x=lambda g, out: -g * out * out)


@standard
def remainder(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the remainder of the division rounded down, elementwise: it has the sign of the divisor.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 - x2 * floor(x1 / x2)``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.remainder(agrad.asarray([7.0, -7.0]), 3.0)
    Tensor([1., 2.], dtype=float32, device='cpu')
    """
    return xp.remainder(x1, x2)


remainder.vjp(x1=lambda g: g, x2=lambda g, x1, x2, xp: -g * xp.floor_divide(x1, x2))


@standard
def sign(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the sign, elementwise.

    The gradient is 0 for real numbers, and at 0.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        -1, 0 or 1, for complex numbers ``x / |x|`` or 0, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.sign(agrad.asarray([-3.0, 0.0, 2.0]))
    Tensor([-1.,  0.,  1.], dtype=float32, device='cpu')
    """
    return xp.sign(x)


def _sign_x(g: Any, x: Any, out: Any, xp: Any) -> Any:
    if not as_dtype(x.dtype).is_complex:
        return xp.zeros_like(g)
    size = xp.abs(x)
    along = xp.conj(out) * xp.real(g * out)  # moving x along its own direction changes nothing
    return (g - along) / xp.where(size == 0, _INF, size)


sign.vjp(x=_sign_x)


@standard
def square(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the square, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        ``x * x``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.square(agrad.asarray([2.0, -3.0]))
    Tensor([4., 9.], dtype=float32, device='cpu')
    """
    return xp.square(x)


square.vjp(x=lambda g, x: 2.0 * g * x)


@standard
def subtract(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the difference, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 - x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.subtract(agrad.asarray([1.0, 2.0]), 10.0)
    Tensor([-9., -8.], dtype=float32, device='cpu')
    """
    return xp.subtract(x1, x2)


subtract.vjp(x1=unchanged, x2=lambda g: -g)


# Powers, exponentials and logarithms


@standard
def exp(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the exponential, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        e to the power `x`, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.exp(agrad.asarray([0.0, 1.0])))
    Tensor([1000., 2718.], dtype=float32, device='cpu')
    """
    return xp.exp(x)


exp.vjp(x=lambda g, out: g * out)


@standard
def expm1(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return ``exp(x) - 1``, elementwise, exact for small `x` too.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``exp(x) - 1``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.expm1(agrad.asarray([0.0, 1.0])))
    Tensor([   0., 1718.], dtype=float32, device='cpu')
    """
    return xp.expm1(x)


expm1.vjp(x=lambda g, x, xp: g * xp.exp(x))  # `out` is -1 long before the derivative is 0


@standard
def hypot(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the length of the hypotenuse, elementwise, without overflow in between.

    The gradient at the origin is NaN, as in PyTorch; `agrad.linalg.vector_norm` has 0 there.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real floating, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``sqrt(x1**2 + x2**2)``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.hypot(agrad.asarray([3.0, 5.0]), agrad.asarray([4.0, 12.0]))
    Tensor([ 5., 13.], dtype=float32, device='cpu')
    """
    return xp.hypot(x1, x2)


def _slope(xp: Any, side: Any, hypotenuse: Any) -> Any:
    return xp.where(xp.isinf(side), xp.sign(side), side / hypotenuse)


hypot.vjp(x1=lambda g, x1, out, xp: g * _slope(xp, x1, out), x2=lambda g, x2, out, xp: g * _slope(xp, x2, out))


@standard
def log(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the natural logarithm, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``ln(x)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.log(agrad.asarray([1.0, 10.0])))
    Tensor([   0., 2303.], dtype=float32, device='cpu')
    """
    return xp.log(x)


log.vjp(x=lambda g, x: g / x)


@standard
def log1p(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return ``log(1 + x)``, elementwise, exact for small `x` too.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``log(1 + x)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.log1p(agrad.asarray([0.0, 1.0])))
    Tensor([  0., 693.], dtype=float32, device='cpu')
    """
    return xp.log1p(x)


log1p.vjp(x=lambda g, x: g / (1.0 + x))


@standard
def log2(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the logarithm to base 2, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``log(x) / log(2)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.log2(agrad.asarray([1.0, 8.0])))
    Tensor([   0., 3000.], dtype=float32, device='cpu')
    """
    return xp.log2(x)


log2.vjp(x=lambda g, x: g / math.log(2.0) / x)


@standard
def log10(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the logarithm to base 10, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``log(x) / log(10)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.log10(agrad.asarray([1.0, 1000.0])))
    Tensor([   0., 3000.], dtype=float32, device='cpu')
    """
    return xp.log10(x)


log10.vjp(x=lambda g, x: g / math.log(10.0) / x)


@standard
def logaddexp(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the logarithm of the sum of exponentials, elementwise, without overflow in between.

    Where both are the same infinity, each gets half of the gradient.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real floating, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``log(exp(x1) + exp(x2))``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.logaddexp(agrad.asarray([0.0, 1000.0]), agrad.asarray([0.0, 1000.0])))
    Tensor([6.930000e+02, 1.000693e+06], dtype=float32, device='cpu')
    """
    return xp.logaddexp(x1, x2)


def _logaddexp_x1(g: Any, x1: Any, x2: Any, xp: Any) -> Any:
    zero = xp.zeros_like(x1)
    tied = xp.isinf(x1) & (x1 == x2)  # inf - inf would be NaN
    apart = xp.where(tied, zero, x2) - xp.where(tied, zero, x1)
    return g * xp.exp(-xp.logaddexp(zero, apart))


logaddexp.vjp(x1=_logaddexp_x1, x2=lambda g, x1, x2, xp: _logaddexp_x1(g, x2, x1, xp))


@primitive
def pow(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the power, elementwise.

    Where `x2` is 0, the gradient of `x1` is 0; where `x1` is 0 and `x2` is not negative, that of `x2` is 0.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 ** x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.pow(agrad.asarray([2.0, 3.0]), 2)
    Tensor([4., 9.], dtype=float32, device='cpu')
    """
    numbers = type(x1) in SCALARS or type(x2) in SCALARS
    return x1**x2 if numbers else xp.pow(x1, x2)  # PyTorch's own operator takes the dtype of what has axes


def _pow_x1(g: Any, x1: Any, x2: Any, xp: Any) -> Any:
    if type(x2) not in SCALARS:
        exponent = xp.where((x1 == 0) & (x2 == 0), 1, x2)  # no 0 * inf
        return g * (x2 * x1 ** (exponent - 1))
    if x2 == 2:
        return 2.0 * g * x1
    return g * (x2 * x1 ** (x2 - 1)) if x2 else xp.zeros_like(g)


def _pow_x2(g: Any, x1: Any, x2: Any, out: Any, xp: Any) -> Any:
    if type(x1) in SCALARS:
        x1 = xp.full_like(out, x1)
    base = xp.where((x1 == 0) & (xp.real(x2) >= 0), 1, x1)  # no 0 * -inf
    return g * (out * xp.log(base))


pow.vjp(x1=_pow_x1, x2=_pow_x2)


@standard
def sqrt(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the square root, elementwise.

    The gradient at 0 is infinite, and that of ``sqrt(x) ** 2`` is NaN there.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``x ** 0.5``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.sqrt(agrad.asarray([4.0, 2.0]))
    Tensor([2.       , 1.4142135], dtype=float32, device='cpu')
    """
    return xp.sqrt(x)


sqrt.vjp(x=lambda g, out: g / (2.0 * out))


# Trigonometry. Squares are taken apart into factors, which neither overflow nor cancel where the derivative does not.


def _cosine(xp: Any, sine: Any) -> Any:
    """Return ``sqrt(1 - sine**2)``, on the branch cuts of complex asin and acos from the side that these take."""
    if as_dtype(sine.dtype).is_complex:  # of which subtracting a number keeps the sign of an imaginary zero
        return xp.sqrt(-(sine - 1.0)) * xp.sqrt(sine - -1.0)
    return xp.sqrt(1.0 - sine) * xp.sqrt(1.0 + sine)


def _one_plus_square(xp: Any, x: Any) -> tuple[Any, Any]:
    """Return two factors of ``1 + x**2``."""
    if as_dtype(x.dtype).is_complex:
        return 1.0 + 1j * x, 1.0 - 1j * x
    root = xp.hypot(x, xp.ones_like(x))
    return root, root


@standard
def acos(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the inverse cosine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        Radians between 0 and pi, NaN outside [-1, 1] for real `x`; of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.acos(agrad.asarray([1.0, 0.0])))
    Tensor([   0., 1571.], dtype=float32, device='cpu')
    """
    return xp.acos(x)


acos.vjp(x=lambda g, x, xp: -g / _cosine(xp, x))


@standard
def asin(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the inverse sine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        Radians between -pi/2 and pi/2, NaN outside [-1, 1] for real `x`; of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.asin(agrad.asarray([0.0, 1.0])))
    Tensor([   0., 1571.], dtype=float32, device='cpu')
    """
    return xp.asin(x)


asin.vjp(x=lambda g, x, xp: g / _cosine(xp, x))


@standard
def atan(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the inverse tangent, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        Radians between -pi/2 and pi/2, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.atan(agrad.asarray([0.0, 1.0])))
    Tensor([  0., 785.], dtype=float32, device='cpu')
    """
    return xp.atan(x)


def _atan_x(g: Any, x: Any, xp: Any) -> Any:
    factor, other = _one_plus_square(xp, x)
    return g / factor / other


atan.vjp(x=_atan_x)


@standard
def atan2(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the angles of the points ``(x2, x1)``, elementwise: `x1` is the ordinate.

    The gradient at the origin is 0, and so are the derivatives of higher order.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real floating, of shapes that broadcast.

    Returns
    -------
    Tensor
        Radians between -pi and pi, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.atan2(agrad.asarray([1.0, 1.0]), agrad.asarray([1.0, -1.0])))
    Tensor([ 785., 2356.], dtype=float32, device='cpu')
    """
    return xp.atan2(x1, x2)


def _distance(xp: Any, x1: Any, x2: Any) -> Any:
    origin = (x1 == 0) & (x2 == 0)
    return xp.where(origin, _INF, xp.hypot(xp.where(origin, 1.0, x1), x2))  # what is divided by it is 0 at the origin


def _atan2_x1(g: Any, x1: Any, x2: Any, xp: Any) -> Any:
    distance = _distance(xp, x1, x2)
    return g * (x2 / distance) / distance


atan2.vjp(x1=_atan2_x1, x2=lambda g, x1, x2, xp: -_atan2_x1(g, x2, x1, xp))


@standard
def cos(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the cosine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``cos(x)`` of `x` in radians, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.cos(agrad.asarray([0.0, 1.0])))
    Tensor([1000.,  540.], dtype=float32, device='cpu')
    """
    return xp.cos(x)


cos.vjp(x=lambda g, x, xp: -g * xp.sin(x))


@standard
def sin(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the sine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``sin(x)`` of `x` in radians, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.sin(agrad.asarray([0.0, 1.0])))
    Tensor([  0., 841.], dtype=float32, device='cpu')
    """
    return xp.sin(x)


sin.vjp(x=lambda g, x, xp: g * xp.cos(x))


@standard
def tan(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the tangent, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``tan(x)`` of `x` in radians, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.tan(agrad.asarray([0.0, 1.0])))
    Tensor([   0., 1557.], dtype=float32, device='cpu')
    """
    return xp.tan(x)


def _tan_x(g: Any, x: Any, xp: Any) -> Any:
    if as_dtype(x.dtype).is_complex:
        return g * bare(sech_squared, xp)(1j * x)  # the cosine overflows far from the real axis
    cosine = xp.cos(x)
    return g / cosine / cosine


tan.vjp(x=_tan_x)


# Hyperbolic functions


@standard
def acosh(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the inverse hyperbolic cosine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``acosh(x)``, NaN below 1 for real `x`; of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.acosh(agrad.asarray([1.0, 2.0])))
    Tensor([   0., 1317.], dtype=float32, device='cpu')
    """
    return xp.acosh(x)


acosh.vjp(x=lambda g, x, xp: g / (xp.sqrt(x - 1.0) * xp.sqrt(x - -1.0)))


@standard
def asinh(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the inverse hyperbolic sine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``asinh(x)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.asinh(agrad.asarray([0.0, 1.0])))
    Tensor([  0., 881.], dtype=float32, device='cpu')
    """
    return xp.asinh(x)


def _asinh_x(g: Any, x: Any, xp: Any) -> Any:
    factor, other = _one_plus_square(xp, x)
    return g / (xp.sqrt(factor) * xp.sqrt(other))


asinh.vjp(x=_asinh_x)


@standard
def atanh(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the inverse hyperbolic tangent, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``atanh(x)``, NaN outside [-1, 1] for real `x`; of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.atanh(agrad.asarray([0.0, 0.5])))
    Tensor([  0., 549.], dtype=float32, device='cpu')
    """
    return xp.atanh(x)


atanh.vjp(x=lambda g, x: g / (1.0 - x) / (1.0 + x))


@standard
def cosh(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the hyperbolic cosine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``(exp(x) + exp(-x)) / 2``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.cosh(agrad.asarray([0.0, 1.0])))
    Tensor([1000., 1543.], dtype=float32, device='cpu')
    """
    return xp.cosh(x)


cosh.vjp(x=lambda g, x, xp: g * xp.sinh(x))


@standard
def sinh(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the hyperbolic sine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``(exp(x) - exp(-x)) / 2``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.sinh(agrad.asarray([0.0, 1.0])))
    Tensor([   0., 1175.], dtype=float32, device='cpu')
    """
    return xp.sinh(x)


sinh.vjp(x=lambda g, x, xp: g * xp.cosh(x))


@standard
def tanh(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the hyperbolic tangent, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``sinh(x) / cosh(x)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.tanh(agrad.asarray([0.0, 1.0])))
    Tensor([  0., 762.], dtype=float32, device='cpu')
    """
    return xp.tanh(x)


@primitive
def sech_squared(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the derivative of `tanh`, where 1 minus its square has lost all digits too.

    Examples
    --------
    >>> import agrad
    >>> from agrad.ops.elementwise import sech_squared
    >>> sech_squared(0.0)
    Tensor(1., dtype=float32, device='cpu')
    """
    if as_dtype(x.dtype).is_complex:  # whose infinite cosines would give NaN
        shrinks = xp.exp(xp.where(xp.real(x) < 0, x, -x))
        inverse = 2.0 * shrinks / (1.0 + shrinks * shrinks)
    else:
        inverse = 1.0 / xp.cosh(x)
    return inverse * inverse


tanh.vjp(x=lambda g, x, xp: g * bare(sech_squared, xp)(x))
sech_squared.vjp(x=lambda g, x, out, xp: -2.0 * g * out * xp.tanh(x))


# Rounding: flat between the jumps, so the gradient is 0


@standard
def ceil(xp: Any, x: ArrayLike, /) -> Tensor:
    """Round up, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape.

    Returns
    -------
    Tensor
        The smallest integers that are not less than `x`, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.ceil(agrad.asarray([1.2, -1.2]))
    Tensor([ 2., -1.], dtype=float32, device='cpu')
    """
    return xp.ceil(x)


ceil.vjp(x=_STEP)


@standard
def floor(xp: Any, x: ArrayLike, /) -> Tensor:
    """Round down, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape.

    Returns
    -------
    Tensor
        The largest integers that are not greater than `x`, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.floor(agrad.asarray([1.2, -1.2]))
    Tensor([ 1., -2.], dtype=float32, device='cpu')
    """
    return xp.floor(x)


floor.vjp(x=_STEP)


@standard
def round(xp: Any, x: ArrayLike, /) -> Tensor:
    """Round to the nearest integer, elementwise, halves to the even one.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        Integers as near as can be to `x`, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(agrad.asarray([0.5, 1.5, 2.6]))
    Tensor([0., 2., 3.], dtype=float32, device='cpu')
    """
    return xp.round(x)


round.vjp(x=_STEP)


@standard
def trunc(xp: Any, x: ArrayLike, /) -> Tensor:
    """Round towards zero, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape.

    Returns
    -------
    Tensor
        `x` without its fraction, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.trunc(agrad.asarray([1.7, -1.7]))
    Tensor([ 1., -1.], dtype=float32, device='cpu')
    """
    return xp.trunc(x)


trunc.vjp(x=_STEP)


# Choosing


@standard
def clip(xp: Any, x: ArrayLike, /, min: ArrayLike | None = None, max: ArrayLike | None = None) -> Tensor:
    """Bring what lies outside an interval to its ends, elementwise.

    The gradient goes to `x` inside the interval and at its ends, outside to `min` or `max`; the second derivative is 0.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape.
    min, max : ArrayLike, optional
        The ends of the interval, of shapes that broadcast with that of `x`; None is no end.

    Returns
    -------
    Tensor
        ``minimum(maximum(x, min), max)``, of the broadcast shape and the dtype of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.clip(agrad.asarray([-1.0, 0.5, 3.0]), 0.0, 2.0)
    Tensor([0. , 0.5, 2. ], dtype=float32, device='cpu')
    """
    return xp.clip(x, min, max)


def _clip_x(g: Any, x: Any, min: Any, max: Any, xp: Any) -> Any:
    if min is not None:
        g = xp.where(x >= min, g, 0.0)
    return g if max is None else xp.where(x <= max, g, 0.0)


def _clip_min(g: Any, x: Any, min: Any, max: Any, xp: Any) -> Any:
    return xp.where(x < min if max is None else (x < min) & (min < max), g, 0.0)


def _clip_max(g: Any, x: Any, min: Any, max: Any, xp: Any) -> Any:
    return xp.where(x > max if min is None else (x > max) | (min > max), g, 0.0)


clip.vjp(x=_clip_x, min=_clip_min, max=_clip_max)


@standard
def copysign(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Give numbers the signs of others, elementwise.

    The gradient where `x1` is 0 is 0, and so is that of `x2`.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real floating, of shapes that broadcast.

    Returns
    -------
    Tensor
        The size of `x1` with the sign of `x2`, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.copysign(agrad.asarray([1.0, 2.0]), agrad.asarray([-0.0, 3.0]))
    Tensor([-1.,  2.], dtype=float32, device='cpu')
    """
    return xp.copysign(x1, x2)


copysign.vjp(x1=lambda g, x1, out, xp: g * xp.sign(x1) * xp.sign(out), x2=_STEP)


@standard
def maximum(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the larger of two numbers, elementwise.

    Where they are equal, each gets half of the gradient, and the second derivative is 0.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``max(x1, x2)``, NaN where either is NaN; of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.maximum(agrad.asarray([1.0, 5.0]), 3.0)
    Tensor([3., 5.], dtype=float32, device='cpu')
    """
    return xp.maximum(x1, x2)


def _chosen(xp: Any, g: Any, lost: Any, tied: Any) -> Any:
    """Return the share of the cotangent that goes to one of two: nothing, half of it or all."""
    return xp.where(lost, 0.0, xp.where(tied, g / 2.0, g))


maximum.vjp(
    x1=lambda g, x1, x2, xp: _chosen(xp, g, x1 < x2, x1 == x2),
    x2=lambda g, x1, x2, xp: _chosen(xp, g, x2 < x1, x1 == x2),
)


@standard
def minimum(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the smaller of two numbers, elementwise.

    Where they are equal, each gets half of the gradient, and the second derivative is 0.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``min(x1, x2)``, NaN where either is NaN; of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.minimum(agrad.asarray([1.0, 5.0]), 3.0)
    Tensor([1., 3.], dtype=float32, device='cpu')
    """
    return xp.minimum(x1, x2)


minimum.vjp(
    x1=lambda g, x1, x2, xp: _chosen(xp, g, x1 > x2, x1 == x2),
    x2=lambda g, x1, x2, xp: _chosen(xp, g, x2 > x1, x1 == x2),
)


@standard
def nextafter(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the next number that the dtype has in a direction, elementwise.

    The gradient of `x1` is 1, or 0 where the two are equal; that of `x2` is 0.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real floating, of shapes that broadcast.

    Returns
    -------
    Tensor
        The neighbours of `x1` on the way to `x2`, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.nextafter(agrad.asarray([1.0, 2.0]), 3.0)
    Tensor([1.0000001, 2.0000002], dtype=float32, device='cpu')
    """
    return xp.nextafter(x1, x2)


nextafter.vjp(x1=lambda g, x1, x2, xp: xp.where(x1 == x2, 0.0, g), x2=_STEP)


@standard
def signbit(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return whether the sign bit is set, elementwise: for negative numbers, -0.0 and some NaN.

    Parameters
    ----------
    x : ArrayLike
        Real floating, of any shape.

    Returns
    -------
    Tensor
        Boolean, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.signbit(agrad.asarray([-0.0, 0.0, -2.0]))
    Tensor([ True, False,  True], dtype=bool, device='cpu')
    """
    return xp.signbit(x)


# Complex numbers


@standard
def conj(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the complex conjugate, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        ``re - im * 1j``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.conj(agrad.asarray([1 + 2j, 3 - 4j]))
    Tensor([1.-2.j, 3.+4.j], dtype=complex64, device='cpu')
    """
    return xp.conj(x)


conj.vjp(x=lambda g, xp: xp.conj(g))


@primitive
def imag(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the imaginary part, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Complex, of any shape.

    Returns
    -------
    Tensor
        Real floating of the same precision, of the same shape.

    Raises
    ------
    TypeError
        If `x` is real.

    Examples
    --------
    >>> import agrad
    >>> agrad.imag(agrad.asarray([1 + 2j, 3 - 4j]))
    Tensor([ 2., -4.], dtype=float32, device='cpu')
    """
    if not as_dtype(x.dtype).is_complex:
        raise TypeError("imag takes complex numbers")
    return xp.imag(x)


imag.vjp(x=lambda g, xp, x_dtype: -1j * xp.astype(g, x_dtype))


@primitive
def real(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the real part, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        Real of the same precision, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.real(agrad.asarray([1 + 2j, 3 - 4j]))
    Tensor([1., 3.], dtype=float32, device='cpu')
    """
    if as_dtype(x.dtype).name == "bool":
        raise TypeError("it takes numbers, not booleans; write x.astype(agrad.float32) first")
    return xp.real(x) if as_dtype(x.dtype).is_complex else xp.positive(x)


real.vjp(x=unchanged)


# Comparison


@standard
def equal(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether two numbers are equal, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Of any dtype, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 == x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.equal(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([False,  True, False], dtype=bool, device='cpu')
    """
    return xp.equal(x1, x2)


@standard
def greater(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether the first number is greater, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 > x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.greater(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([False, False,  True], dtype=bool, device='cpu')
    """
    return xp.greater(x1, x2)


@standard
def greater_equal(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether the first number is greater or equal, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 >= x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.greater_equal(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([False,  True,  True], dtype=bool, device='cpu')
    """
    return xp.greater_equal(x1, x2)


@standard
def less(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether the first number is less, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 < x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.less(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([ True, False, False], dtype=bool, device='cpu')
    """
    return xp.less(x1, x2)


@standard
def less_equal(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether the first number is less or equal, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 <= x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.less_equal(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([ True,  True, False], dtype=bool, device='cpu')
    """
    return xp.less_equal(x1, x2)


@standard
def not_equal(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether two numbers differ, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Of any dtype, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 != x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.not_equal(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([ True, False,  True], dtype=bool, device='cpu')
    """
    return xp.not_equal(x1, x2)


@standard
def isfinite(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return whether numbers are neither infinite nor NaN, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        Boolean, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.isfinite(agrad.asarray([1.0, float("inf"), float("nan")]))
    Tensor([ True, False, False], dtype=bool, device='cpu')
    """
    return xp.isfinite(x)


@standard
def isinf(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return whether numbers are infinite, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        Boolean, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.isinf(agrad.asarray([1.0, float("inf"), float("nan")]))
    Tensor([False,  True, False], dtype=bool, device='cpu')
    """
    return xp.isinf(x)


@standard
def isnan(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return whether numbers are NaN, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        Boolean, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.isnan(agrad.asarray([1.0, float("inf"), float("nan")]))
    Tensor([False, False,  True], dtype=bool, device='cpu')
    """
    return xp.isnan(x)


# Logic and bits


@standard
def logical_and(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether both are true, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 and x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.logical_and(agrad.asarray([True, True, False]), agrad.asarray([True, False, False]))
    Tensor([ True, False, False], dtype=bool, device='cpu')
    """
    return xp.logical_and(x1, x2)


@standard
def logical_or(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether one or both are true, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 or x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.logical_or(agrad.asarray([True, True, False]), agrad.asarray([True, False, False]))
    Tensor([ True,  True, False], dtype=bool, device='cpu')
    """
    return xp.logical_or(x1, x2)


@standard
def logical_xor(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether exactly one is true, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 != x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.logical_xor(agrad.asarray([True, True, False]), agrad.asarray([True, False, False]))
    Tensor([False,  True, False], dtype=bool, device='cpu')
    """
    return xp.logical_xor(x1, x2)


@standard
def logical_not(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return whether something is false, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Boolean, of any shape.

    Returns
    -------
    Tensor
        ``not x``: boolean, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.logical_not(agrad.asarray([True, False]))
    Tensor([False,  True], dtype=bool, device='cpu')
    """
    return xp.logical_not(x)


@standard
def bitwise_and(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the bits set in both, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean or integer, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 & x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_and(agrad.asarray([6, 12]), 10)
    Tensor([2, 8], dtype=int64, device='cpu')
    """
    return xp.bitwise_and(x1, x2)


@standard
def bitwise_invert(xp: Any, x: ArrayLike, /) -> Tensor:
    """Turn all bits, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Boolean or integer, of any shape.

    Returns
    -------
    Tensor
        ``~x``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_invert(agrad.asarray([0, 5]))
    Tensor([-1, -6], dtype=int64, device='cpu')
    """
    return xp.bitwise_invert(x)


@standard
def bitwise_left_shift(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Move bits to the left, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Integer, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 << x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_left_shift(agrad.asarray([1, 3]), 2)
    Tensor([ 4, 12], dtype=int64, device='cpu')
    """
    return xp.bitwise_left_shift(x1, x2)


@standard
def bitwise_or(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the bits set in either, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean or integer, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 | x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_or(agrad.asarray([6, 12]), 10)
    Tensor([14, 14], dtype=int64, device='cpu')
    """
    return xp.bitwise_or(x1, x2)


@standard
def bitwise_right_shift(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Move bits to the right, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Integer, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 >> x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_right_shift(agrad.asarray([4, -8]), 1)
    Tensor([ 2, -4], dtype=int64, device='cpu')
    """
    return xp.bitwise_right_shift(x1, x2)


@standard
def bitwise_xor(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the bits set in exactly one, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean or integer, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 ^ x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_xor(agrad.asarray([6, 12]), 10)
    Tensor([12,  6], dtype=int64, device='cpu')
    """
    return xp.bitwise_xor(x1, x2)
