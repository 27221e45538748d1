"""Activation functions, with PyTorch's names and settings."""

from __future__ import annotations

from typing import Any, Literal

from ...checks import check_number
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops import activations
from ...ops.elementwise import expm1
from ...ops.manipulation import reshape
from ...ops.searching import where
from ..reductions import as_tensor, narrowed, widened

__all__ = ["elu", "gelu", "hardtanh", "leaky_relu", "log_softmax", "prelu", "softmax", "softplus"]


def leaky_relu(input: ArrayLike, negative_slope: float = 0.01) -> Tensor:
    """Return the leaky rectified linear unit: `input` where it is positive, `negative_slope` times it elsewhere.

    Parameters
    ----------
    input : ArrayLike
        Real floating, of any shape.
    negative_slope : float
        The slope for negative inputs; also the gradient at 0. The second derivative is 0 everywhere.

    Returns
    -------
    Tensor
        Of the input's shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.leaky_relu(agrad.asarray([-2.0, 2.0]), 0.5).tolist()
    [-1.0, 2.0]
    """
    check_number("negative_slope", negative_slope)
    input = as_tensor(input)
    return where(input > 0, input, negative_slope * input)


def prelu(input: ArrayLike, weight: ArrayLike) -> Tensor:
    """Return `leaky_relu` with a learnable slope: `input` where it is positive, `weight` times it elsewhere.

    Parameters
    ----------
    input : ArrayLike
        Real floating.
    weight : ArrayLike
        The slopes: of shape ``(1,)``, or one for each channel, the input's second axis.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If `weight` has neither one element nor one for each channel.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.prelu(agrad.asarray([-2.0, 2.0]), agrad.asarray([0.25])).tolist()
    [-0.5, 2.0]
    """
    input = as_tensor(input)
    weight = as_tensor(weight, input)
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.shape not in ((), (1,), (channels,)):
        raise ValueError(f"weight must have shape (1,) or ({channels},), one for each channel; it has {weight.shape}")
    slope = reshape(weight, (-1, *[1] * max(0, input.ndim - 2)) if weight.size > 1 else ())
    positive = input > 0
    return where(positive, input, slope * where(positive, 0.0, input))  # else 0 * inf in the gradient


def elu(input: ArrayLike, alpha: float = 1.0) -> Tensor:
    """Return the exponential linear unit: `input` where it is positive, ``alpha * (exp(input) - 1)`` elsewhere.

    Parameters
    ----------
    input : ArrayLike
        Real floating, of any shape.
    alpha : float
        The scale for negative inputs; also the gradient and the second derivative at 0.

    Returns
    -------
    Tensor
        Of the input's shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.elu(agrad.asarray([-1000.0, 2.0])).tolist()
    [-1.0, 2.0]
    """
    check_number("alpha", alpha)
    input = as_tensor(input)
    positive = input > 0
    return where(positive, input, alpha * expm1(where(positive, 0.0, input)))  # so that expm1 does not overflow


def gelu(input: ArrayLike, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """Return the Gaussian error linear unit: `input` times the standard normal distribution function of `input`.

    Parameters
    ----------
    input : ArrayLike
        Real floating, of any shape.
    approximate : {"none", "tanh"}
        ``"tanh"`` approximates the distribution function by a tanh; see `agrad.gelu`.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If `approximate` is neither.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.gelu(agrad.asarray([-1000.0, 0.0, 1000.0])).tolist()
    [-0.0, 0.0, 1000.0]
    """
    return activations.gelu(input, approximate=approximate)


def softplus(input: ArrayLike, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return the softplus ``log(1 + exp(beta * input)) / beta``, elementwise: a smooth approximation of `relu`.

    Parameters
    ----------
    input : ArrayLike
        Real floating, of any shape.
    beta : float
        The larger, the closer to `relu`.
    threshold : float
        Where ``beta * input`` is above it, the result is `input` itself.

    Returns
    -------
    Tensor
        Of the input's shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.softplus(agrad.asarray([-1000.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """
    check_number("beta", beta, above=0)
    check_number("threshold", threshold, infinite=True)
    input = as_tensor(input)
    scaled = beta * widened(input)  # in 16 bits, a small beta would be 0, or overflow the quotient
    return where(scaled > threshold, input, narrowed(activations.softplus(scaled) / beta, input))


def hardtanh(input: ArrayLike, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Return `input` clipped to [`min_val`, `max_val`].

    The gradient at and beyond the limits is 0; the second derivative is 0 everywhere.

    Parameters
    ----------
    input : ArrayLike
        Real, of any shape.
    min_val, max_val : float
        The lower and the upper limit.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If `min_val` is above `max_val`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.hardtanh(agrad.asarray([-2.0, 0.5, 2.0])).tolist()
    [-1.0, 0.5, 1.0]
    """
    check_number("min_val", min_val, infinite=True)
    check_number("max_val", max_val, infinite=True)
    if min_val > max_val:
        raise ValueError(f"min_val={min_val} must not be above max_val={max_val}")
    input = as_tensor(input)
    return where(input <= min_val, min_val, where(input >= max_val, max_val, input))


def softmax(input: ArrayLike, dim: int | None = None) -> Tensor:
    """Return the softmax along an axis, ``exp(x) / sum(exp(x))``: positive values that sum to 1.

    Parameters
    ----------
    input : ArrayLike
        Real floating.
    dim : int, optional
        The axis along which the softmax is computed; may be omitted for inputs of at most two axes, for the last one.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If `dim` is omitted for an input of more than two axes.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.softmax(agrad.asarray([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """
    return activations.softmax(input, axis=_softmax_axis(input, dim))


def log_softmax(input: ArrayLike, dim: int | None = None) -> Tensor:
    """Return the logarithm of the softmax along an axis, computed without underflow.

    Parameters
    ----------
    input, dim
        As in `softmax`.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        As `softmax`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.log_softmax(agrad.asarray([0.0, 1000.0])).tolist()
    [-1000.0, 0.0]
    """
    return activations.log_softmax(input, axis=_softmax_axis(input, dim))


def _softmax_axis(input: Any, dim: int | None) -> int | None:
    shape = as_tensor(input).shape
    if not shape and dim in (None, 0, -1):
        return None  # PyTorch accepts these for a 0-d input; not every library accepts an axis of one
    if dim is None and len(shape) > 2:
        raise ValueError(f"softmax of shape {shape} needs dim; write dim=-1 for the last axis")
    return -1 if dim is None else dim
