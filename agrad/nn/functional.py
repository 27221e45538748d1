"""The functions beneath the layers and losses: PyTorch's ``torch.nn.functional``, with its names."""

from __future__ import annotations

from math import nan, prod
from typing import Any, Final

from ..backends import is_host
from ..core.device import Device
from ..core.dtypes import from_native
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor, wrap
from ..ops import activations, elementwise
from ..ops.activations import relu, sigmoid
from ..ops.creation import asarray
from ..ops.elementwise import tanh
from ..ops.manipulation import moveaxis, reshape
from ..ops.searching import where
from ..ops.statistical import mean, sum

__all__ = [
    "cross_entropy", "flatten", "l1_loss", "linear", "log_softmax", "mse_loss", "relu", "sigmoid", "softmax", "tanh",
]  # fmt: skip

REDUCTIONS: Final = ("mean", "sum", "none")


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


linear.vjp(
    input=lambda g, weight, xp: xp.matmul(g, weight),
    weight=_linear_weight,
    bias=lambda g, xp: g if len(g.shape) == 1 else xp.sum(g, axis=tuple(range(len(g.shape) - 1))),
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
    shape = _tensor(input).shape
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
    x = _tensor(input)
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
    input, target = _tensor(input), _tensor(target, input)
    _check_same_shape(input.shape, target.shape)
    return _reduced(elementwise.abs(input - target), reduction)


def cross_entropy(input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return the cross entropy of scores and true classes: ``-log(softmax(input))`` at the class, by default its mean.

    Parameters
    ----------
    input : ArrayLike
        The scores (logits), of shape ``(classes,)``, ``(samples, classes)`` or ``(samples, classes, ...)``.
    target : ArrayLike
        Class indices, integers of the input's shape without the axis of classes; or probabilities, floating, of the
        input's shape.
    reduction : str
        ``"mean"`` over the samples, ``"sum"`` or ``"none"``, which leaves one loss per sample.

    Returns
    -------
    Tensor
        0-d, or one loss per sample.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there is no such reduction.
    TypeError
        If the target is neither integer nor floating.
    IndexError
        If a class index is out of range. On CUDA, where looking would mean to wait for the device, the loss is NaN
        instead.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.cross_entropy(agrad.asarray([[0.0, 0.0]]), agrad.asarray([1]))
    Tensor(0.6931472, dtype=float32, device='cpu')
    """
    known_reduction(reduction)
    input = _tensor(input)
    target = _tensor(target, input)
    if not input.shape:
        raise ValueError("the scores need an axis of classes; a 0-d input has none")
    if target.dtype.differentiable:
        _check_probabilities(input, target)
        axis = min(1, input.ndim - 1)
        return _reduced(-sum(target * activations.log_softmax(input, axis=axis), axis=axis), reduction)
    _check_index_shape(input, target)
    if _waits(target.device):
        return _or_nan(_by_index(input, target, reduction), input, target)
    _check_index_range(input, target)
    return _by_index(input, target, reduction)


def _by_index(input: Tensor, target: Tensor, reduction: str) -> Tensor:
    if input.ndim == 2:
        return index_cross_entropy(input, target, reduction)
    rows = input if input.ndim == 1 else moveaxis(input, 1, -1)
    rows = reshape(rows, (target.size, rows.shape[-1]))
    losses = index_cross_entropy(rows, reshape(target, (target.size,)), "none")
    return _reduced(reshape(losses, target.shape), reduction)


def _waits(device: Device) -> bool:
    """Whether reading a value would stop the program until the device has finished its queue."""
    return "cuda" in device.name


def _or_nan(loss: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """Return the loss, or NaN where a class index is out of range."""
    xp, indices = target.device.xp, target.data
    valid = (indices >= 0) & (indices < _classes(input))
    return where(wrap(valid if loss.ndim else xp.all(valid), target.device), loss, nan)


@primitive
def index_cross_entropy(xp: Any, input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return `cross_entropy` of a matrix of scores and a vector of class indices, which are not checked.

    Parameters
    ----------
    input : ArrayLike
        The scores, of shape ``(samples, classes)``.
    target : ArrayLike
        The class indices, integers of shape ``(samples,)``.
    reduction : str
        As in `cross_entropy`.

    Returns
    -------
    Tensor
        0-d, or of the target's shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.functional import index_cross_entropy
    >>> index_cross_entropy(agrad.asarray([[0.0, 0.0]]), agrad.asarray([1]), "none")
    Tensor([0.6931472], dtype=float32, device='cpu')
    """
    samples, classes = input.shape
    shifted = input - xp.max(input, axis=1, keepdims=True)
    places = xp.arange(0, samples * classes, classes, device=input.device) + target
    of_class = xp.take(xp.reshape(shifted, (-1,)), places, axis=0)
    losses = xp.log(xp.sum(xp.exp(shifted), axis=1)) - of_class
    if reduction == "none":
        return losses
    return xp.mean(losses) if reduction == "mean" else xp.sum(losses)


def _index_cross_entropy_input(g: Any, input: Any, target: Any, reduction: str, xp: Any) -> Any:
    weights = xp.exp(input - xp.max(input, axis=1, keepdims=True))
    softmax = weights / xp.sum(weights, axis=1, keepdims=True)
    is_class = xp.arange(input.shape[1], device=input.device) == target[:, None]
    if reduction == "none":
        g = g[:, None]
    elif reduction == "mean":
        g = g / input.shape[0]
    return (softmax - xp.astype(is_class, input.dtype)) * g


index_cross_entropy.vjp(input=_index_cross_entropy_input)


# What losses share


def known_reduction(reduction: str) -> str:
    """Return `reduction` if it is one; ValueError otherwise."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, not {reduction!r}")
    return reduction


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if known_reduction(reduction) == "none":
        return losses
    return mean(losses) if reduction == "mean" else sum(losses)


def _tensor(x: Any, beside: Tensor | None = None) -> Tensor:
    """Return `x` as a Tensor; beside another, numbers, lists and NumPy arrays go to the other's device."""
    if isinstance(x, Tensor):
        return x
    return asarray(x, device=beside.device if beside is not None and is_host(x) else None)


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


def _check_probabilities(input: Tensor, target: Tensor) -> None:
    if target.shape == input.shape:
        return
    if target.shape == _samples(input):
        raise TypeError(f"class indices must be integers, not {target.dtype!r}; write target.astype(agrad.int64)")
    raise ValueError(f"probabilities must have the input's shape {input.shape}, target has {target.shape}")


def _check_index_shape(input: Tensor, target: Tensor) -> None:
    if target.dtype.family == "bool":
        raise TypeError("target must be class indices or probabilities, not booleans; write target.astype(agrad.int64)")
    if target.shape != _samples(input):
        mend = "; write target.astype(input.dtype) for probabilities" if target.shape == input.shape else ""
        raise ValueError(
            f"class indices for scores of shape {input.shape} must have shape {_samples(input)}, "
            f"not {target.shape}{mend}"
        )


def _check_index_range(input: Tensor, target: Tensor) -> None:
    if not target.size:
        return
    xp, classes = target.device.xp, _classes(input)
    least, largest = int(xp.min(target.data)), int(xp.max(target.data))
    if least < 0 or largest >= classes:
        wrong = least if least < 0 else largest
        raise IndexError(f"class index {wrong} is out of range: scores of shape {input.shape} have 0 to {classes - 1}")


def _classes(input: Tensor) -> int:
    return input.shape[min(1, input.ndim - 1)]


def _samples(input: Tensor) -> tuple[int, ...]:
    """Return the shape of scores without their axis of classes."""
    return input.shape[:1] + input.shape[2:] if input.ndim > 1 else ()
