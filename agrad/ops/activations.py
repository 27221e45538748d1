"""Activation functions, stable for large inputs of either sign, and the functions that they are composed of."""

from __future__ import annotations

import math
from typing import Final, Literal

from .. import backends
from ..backends import softmax as formulas
from ..core import tape
from ..core.dtypes import as_dtype
from ..core.primitive import ArrayLike, primitive, refuses
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from .data_type import in_float32, promote_half, require_real
from .elementwise import multiply
from .elementwise.hyperbolic import sech_squared
from .gathering import op_for
from .library import library
from .statistical import Axis, axes_of, restore

__all__ = ["erf", "erfc", "gelu", "log_softmax", "logsumexp", "relu", "sigmoid", "silu", "softmax", "softplus"]

_ROOT_HALF: Final = math.sqrt(0.5)
_ROOT_2_OVER_PI: Final = math.sqrt(2.0 / math.pi)


# Elementwise


@primitive
def erf(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the error function, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real floating, of any shape.

    Returns
    -------
    Tensor
        ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to `x`, of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.erf(agrad.asarray([0.0, 0.5, 1.0])))
    Tensor([  0., 520., 843.], dtype=float32, device='cpu')
    """
    return library(xp, "erf", x)


erf.vjp(x=lambda g, x, xp: g * (math.sqrt(2.0) * _ROOT_2_OVER_PI * xp.exp(-x * x)))


@primitive
def erfc(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the complementary error function ``1 - erf(x)``, elementwise, without cancellation for large `x`.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype; for integers the default dtype, as everywhere in `agrad.special`.

    Raises
    ------
    TypeError
        If `x` is complex.
    NotImplementedError
        If the array library has no such function.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.erfc(agrad.asarray([0.0, 0.5, 1.0])))
    Tensor([1000.,  480.,  157.], dtype=float32, device='cpu')
    """
    return library(xp, "erfc", x)


erfc.vjp(x=lambda g, x, xp: -g * (math.sqrt(2.0) * _ROOT_2_OVER_PI * xp.exp(-x * x)))


@primitive
@refuses("inplace")
def relu(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return `x` where it is positive and 0 elsewhere.

    The gradient at 0 is 0; the second derivative is 0 everywhere.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape.

    Returns
    -------
    Tensor
        ``maximum(x, 0)``, of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.relu(agrad.asarray([-1.0, 0.0, 2.0]))
    Tensor([0., 0., 2.], dtype=float32, device='cpu')
    """
    require_real(x)
    return xp.maximum(x, 0)


def _relu_slope(g: Array, out: Array, xp: Namespace) -> Array:
    if xp is tape.namespace:
        return xp.where(out != 0.0, g, 0.0)  # of NaN it is 1, as in PyTorch
    return backends.of(g).where_nonzero(g, out)


relu.vjp(x=_relu_slope)


@primitive
def sigmoid(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the logistic function, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real floating, of any shape.

    Returns
    -------
    Tensor
        ``1 / (1 + exp(-x))``, of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.sigmoid(agrad.asarray([-1000.0, 0.0, 1000.0]))
    Tensor([0. , 0.5, 1. ], dtype=float32, device='cpu')
    """
    require_real(x)
    return xp.exp(xp.minimum(x, 0.0)) / (1.0 + xp.exp(-xp.abs(x)))  # no exponent is positive: nothing overflows


sigmoid.vjp(x=lambda g, x, xp: g * (0.25 * op_for(sech_squared, xp)(0.5 * x)))


@primitive
def softplus(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return a smooth version of `relu`, elementwise; its derivative is `sigmoid`.

    Parameters
    ----------
    x : ArrayLike
        Real floating, of any shape.

    Returns
    -------
    Tensor
        ``log(1 + exp(x))``, of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.softplus(agrad.asarray([-1000.0, 1000.0]))
    Tensor([   0., 1000.], dtype=float32, device='cpu')
    """
    require_real(x)
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


softplus.vjp(x=lambda g, out, xp: -g * xp.expm1(-out))


@primitive
def gelu(xp: Namespace, x: ArrayLike, /, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """Return the Gaussian error linear unit, elementwise: `x` times the standard normal's distribution function.

    Parameters
    ----------
    x : ArrayLike
        Real floating, of any shape.
    approximate : {"none", "tanh"}
        Whether to approximate the distribution function by ``(1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2``.

    Returns
    -------
    Tensor
        ``x * (1 + erf(x / sqrt(2))) / 2``, of the same shape and dtype.

    Raises
    ------
    ValueError
        If `approximate` is something else.
    TypeError
        If `x` is complex.

    Notes
    -----
    Source: D. Hendrycks and K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.gelu(agrad.asarray([-1.0, 0.0, 1.0])))
    Tensor([-159.,    0.,  841.], dtype=float32, device='cpu')
    """
    require_real(x)
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate must be 'none' or 'tanh', not {approximate!r}")
    return x * _normal_cdf(xp, x, approximate)


def _normal_cdf(xp: Namespace, x: Array, approximate: str) -> Array:
    """Return the standard normal's distribution function at `x`, accurate in its lower tail too."""
    if approximate == "tanh":  # (1 + tanh(y)) / 2 = sigmoid(2 * y)
        return op_for(sigmoid, xp)(2.0 * _ROOT_2_OVER_PI * (x + 0.044715 * x * x * x))
    return 0.5 * op_for(erfc, xp)(-_ROOT_HALF * x)


def _gelu_x(g: Array, x: Array, xp: Namespace, approximate: str) -> Array:
    near = xp.clip(x, -40.0, 40.0)  # beyond, the density is 0 and powers overflow
    cdf = _normal_cdf(xp, near, approximate)
    if approximate == "tanh":
        scaled = _ROOT_2_OVER_PI * (near + 0.044715 * near * near * near)
        density = 0.5 * op_for(sech_squared, xp)(scaled) * (_ROOT_2_OVER_PI * (1.0 + 3.0 * 0.044715 * near * near))
    else:
        density = (0.5 * _ROOT_2_OVER_PI) * xp.exp(-0.5 * near * near)
    return g * (cdf + near * density)


gelu.vjp(x=_gelu_x)


def silu(x: ArrayLike, /) -> Tensor:
    """Return `x` times its `sigmoid`, elementwise: also known as swish.

    Parameters
    ----------
    x : ArrayLike
        Real floating, of any shape.

    Returns
    -------
    Tensor
        ``x / (1 + exp(-x))``, of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.silu(agrad.asarray([-1000.0, 0.0, 1000.0]))
    Tensor([  -0.,    0., 1000.], dtype=float32, device='cpu')
    """
    return multiply(x, sigmoid(x))


# Along axes


@primitive
def softmax(xp: Namespace, x: ArrayLike, /, axis: Axis = -1) -> Tensor:
    """Return the softmax along axes: exponentials scaled to sum to 1.

    Parameters
    ----------
    x : ArrayLike
        Real floating.
    axis : int or tuple of int, optional
        The axis or axes along which the exponentials are summed; None means all of them.

    Returns
    -------
    Tensor
        ``exp(x) / sum(exp(x))``, of the shape and dtype of `x`; NaN where all elements along the axis are -inf.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.softmax(agrad.asarray([0.0, 0.0, -1000.0]))
    Tensor([0.5, 0.5, 0. ], dtype=float32, device='cpu')
    """
    require_real(x)
    return _along(xp, x, axis, logarithm=False)


def _along(xp: Namespace, x: Array, axis: Axis, logarithm: bool) -> Array:
    """Return the softmax along axes or its logarithm, computed in float32 for 16-bit inputs."""
    if 0 in x.shape:
        return xp.zeros_like(x)
    return in_float32(xp, lambda x: backends.of(x).softmax(x, axes_of(x, axis), logarithm), x)


def _along_x(xp: Namespace, g: Array, out: Array, axis: Axis, logarithm: bool) -> Array:
    g, out = promote_half(xp, g), promote_half(xp, out)
    if xp is tape.namespace:
        return formulas.gradient(xp, g, out, axes_of(out, axis), logarithm)
    return backends.of(g).softmax_input(g, out, axes_of(out, axis), logarithm)


softmax.vjp(x=lambda g, out, xp, axis: _along_x(xp, g, out, axis, logarithm=False))


@primitive
def log_softmax(xp: Namespace, x: ArrayLike, /, axis: Axis = -1) -> Tensor:
    """Return log-probabilities: the logarithm of `softmax`, computed without underflow.

    Parameters
    ----------
    x : ArrayLike
        Real floating.
    axis : int or tuple of int, optional
        The axis or axes along which the exponentials are summed; None means all of them.

    Returns
    -------
    Tensor
        ``x - logsumexp(x)``, of the shape and dtype of `x`; NaN where all elements along the axis are -inf.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.log_softmax(agrad.asarray([0.0, -1000.0]))
    Tensor([    0., -1000.], dtype=float32, device='cpu')
    """
    require_real(x)
    return _along(xp, x, axis, logarithm=True)


log_softmax.vjp(x=lambda g, out, xp, axis: _along_x(xp, g, out, axis, logarithm=True))


@primitive
def logsumexp(xp: Namespace, x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the logarithm of the sum of exponentials along axes, without intermediate overflow.

    Where all elements along the axes are -inf, the gradient is 0.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex.
    axis : int or tuple of int, optional
        The axis or axes along which the sum is computed; all of them by default.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.

    Returns
    -------
    Tensor
        ``log(sum(exp(x)))``, of the shape of `x` without `axis`; -inf for an empty sum. For complex `x` it is the
        principal value, whose imaginary part lies between -pi and pi.

    Examples
    --------
    >>> import agrad
    >>> agrad.logsumexp(agrad.asarray([1000.0, -1000.0]))
    Tensor(1000., dtype=float32, device='cpu')
    """
    axis = axes_of(x, axis)
    if 0 in x.shape:
        return xp.sum(x, axis=axis, keepdims=keepdims) - math.inf
    return in_float32(xp, lambda x: _logsumexp(xp, x, axis, keepdims), x)


def _logsumexp(xp: Namespace, x: Array, axis: Axis, keepdims: bool) -> Array:
    size = xp.real(x) if as_dtype(x.dtype).is_complex else x
    largest = xp.max(size, axis=axis, keepdims=True)
    shift = xp.where(xp.isinf(largest), 0.0, largest)
    total = xp.log(xp.sum(xp.exp(x - shift), axis=axis, keepdims=keepdims))
    return total + xp.reshape(shift, total.shape)


def _logsumexp_x(g: Array, x: Array, out: Array, xp: Namespace, axis: Axis, keepdims: bool) -> Array:
    g, x = promote_half(xp, g), promote_half(xp, x)
    out = promote_half(xp, out)
    out = restore(xp, xp.where(out == -math.inf, 0.0, out), x.shape, axis, keepdims)
    weights = xp.exp(x - out)
    total = xp.sum(weights, axis=axes_of(x, axis), keepdims=True)  # 1 up to the rounding of a large `out`
    return restore(xp, g, x.shape, axis, keepdims) * (weights / xp.where(total == 0, 1.0, total))


logsumexp.vjp(x=_logsumexp_x)
