"""The functions beneath the layers and losses: PyTorch's ``torch.nn.functional``, with its names."""

from __future__ import annotations

from math import prod
from typing import Any

from ..core.dtypes import from_native
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..ops import activations, elementwise
from ..ops.activations import relu, sigmoid
from ..ops.elementwise import tanh
from ..ops.manipulation import reshape
from .cross_entropy import cross_entropy, nll_loss
from .reductions import as_tensor, known_reduction, reduced

__all__ = [
    "cross_entropy",
    "flatten",
    "l1_loss",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]


# Layers


@primitive
def linear(xp: Any, input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Tensor:
    """Return ``input @ weight.T + bias``: a linear map and a shift.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(..., in_features)``.
    weight : ArrayLike
        Of shape ``(out_features, in_features)``.
    bias : ArrayLike, optional
        Of shape ``(out_features,)``.

    Returns
    -------
    Tensor
        Of shape ``(..., out_features)``.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.linear(agrad.asarray([1.0, 2.0]), agrad.asarray([[3.0, 4.0]]), agrad.asarray([0.5])).tolist()
    [11.5]
    """
    if input.shape[-1:] != weight.shape[1:]:
        raise ValueError(f"input must have shape (..., {weight.shape[-1]}), as weight has; it has {tuple(input.shape)}")
    out = xp.matmul(input, weight.T)
    if bias is not None:
        if bias.shape != weight.shape[:1]:
            raise ValueError(f"bias must have shape ({weight.shape[0]},), as weight has rows, not {tuple(bias.shape)}")
        out += bias
    return out


def _linear_weight(g: Any, input: Any, xp: Any) -> Any:
    if len(input.shape) != 2:
        input, g = (xp.reshape(x, (prod(x.shape[:-1]), x.shape[-1])) for x in (input, g))
    return xp.matmul(g.T, input)


def _linear_bias(g: Any, xp: Any) -> Any:
    if len(g.shape) == 2:
        return xp.sum(g, axis=0)
    return xp.sum(g, axis=tuple(range(len(g.shape) - 1)))


linear.vjp(
    input=lambda g, weight, xp: xp.matmul(g, weight),
    weight=_linear_weight,
    bias=_linear_bias,
)


def softmax(input: ArrayLike, dim: int | None = None) -> Tensor:
    """Return positive numbers that sum to 1 along an axis: ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    input : ArrayLike
        Real floating.
    dim : int, optional
        The axis; may be left out for inputs of one or two axes, whose last one it is then.

    Raises
    ------
    ValueError
        If `dim` is left out and there are more axes.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.softmax(agrad.asarray([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """
    return activations.softmax(input, axis=_softmax_axis(input, dim))


def log_softmax(input: ArrayLike, dim: int | None = None) -> Tensor:
    """Return the logarithm of `softmax`, without its loss of small numbers.

    Parameters
    ----------
    input, dim
        As in `softmax`.

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


def _softmax_axis(input: Any, dim: int | None) -> int:
    if dim is not None:
        return dim
    shape = as_tensor(input).shape
    if len(shape) > 2:
        raise ValueError(f"softmax of shape {shape} needs its axis; write dim=-1 for the last one")
    return -1


def flatten(input: ArrayLike, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Join neighbouring axes into one.

    Parameters
    ----------
    input : ArrayLike
    start_dim, end_dim : int
        The first and the last axis to join.

    Raises
    ------
    IndexError
        If there are no such axes.
    ValueError
        If `start_dim` lies behind `end_dim`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.flatten(agrad.ones((5, 2, 3)), 1).shape
    (5, 6)
    """
    x = as_tensor(input)
    axes = max(1, x.ndim)
    for dim in (start_dim, end_dim):
        if not -axes <= dim < axes:
            raise IndexError(f"there is no axis {dim} in shape {x.shape}")
    start, end = start_dim % axes, end_dim % axes
    if start > end:
        raise ValueError(f"start_dim={start_dim} lies behind end_dim={end_dim} in shape {x.shape}")
    return reshape(x, (*x.shape[:start], prod(x.shape[start : end + 1]), *x.shape[end + 1 :]))


# Losses


@primitive
def mse_loss(xp: Any, input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return the squared error ``(input - target)**2``, by default its mean.

    Parameters
    ----------
    input, target : ArrayLike
        Real, of one shape.
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``, which leaves one loss per element.

    Returns
    -------
    Tensor
        0-d, or of the inputs' shape.

    Raises
    ------
    ValueError
        If the shapes differ, or there is no such reduction.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.mse_loss(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0])).item()
    2.0
    """
    difference = _difference(xp, input, target)
    if from_native(difference.dtype).is_complex:
        raise TypeError("mse_loss takes real numbers; write (abs(input - target)**2).mean()")
    squares = difference * difference
    if reduction == "mean":
        return xp.mean(squares)
    return xp.sum(squares) if known_reduction(reduction) == "sum" else squares


def _mse_slope(g: Any, input: Any, target: Any, reduction: str, xp: Any) -> Any:
    difference = _difference(xp, input, target)
    return difference * (g * (2 / (prod(difference.shape) or 1) if reduction == "mean" else 2))


mse_loss.vjp(
    input=_mse_slope,
    target=lambda g, input, target, reduction, xp: -_mse_slope(g, input, target, reduction, xp),
)


def l1_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return the absolute error ``abs(input - target)``, by default its mean; its gradient where they are equal is 0.

    Parameters
    ----------
    input, target : ArrayLike
        Of one shape.
    reduction : str
        As in `mse_loss`.

    Raises
    ------
    ValueError
        As `mse_loss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.l1_loss(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0]), "none").tolist()
    [0.0, 2.0]
    """
    input, target = as_tensor(input), as_tensor(target, input)
    _check_same_shape(input.shape, target.shape)
    return reduced(elementwise.abs(input - target), reduction)


def _difference(xp: Any, input: Any, target: Any) -> Any:
    _check_same_shape(input.shape, target.shape)
    if target.dtype != input.dtype and xp.isdtype(target.dtype, "integral"):
        target = xp.astype(target, input.dtype)
    return input - target


def _check_same_shape(input: Any, target: Any) -> None:
    if input != target:
        input, target = tuple(input), tuple(target)
        mend = f"target.reshape({input})" if prod(input) == prod(target) else "a target of the input's shape"
        raise ValueError(f"input has shape {input} and target {target}; a loss never broadcasts: write {mend}")
