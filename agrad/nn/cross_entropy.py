"""Cross entropy and negative log-likelihood: the losses of classification."""

from __future__ import annotations

from math import nan
from typing import Any

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor, wrap
from ..ops.activations import log_softmax, softmax
from ..ops.gathering import bare
from ..ops.manipulation import moveaxis, reshape
from ..ops.searching import where
from ..ops.statistical import sum
from .reductions import as_tensor, known_reduction, reduced

__all__ = ["cross_entropy", "nll", "nll_loss", "softmax_nll"]


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
        If a class index is out of range. On a GPU, where looking would mean to wait for it, the loss is NaN instead.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.cross_entropy(agrad.asarray([[0.0, 0.0]]), agrad.asarray([1]))
    Tensor(0.6931472, dtype=float32, device='cpu')
    """
    known_reduction(reduction)
    input = as_tensor(input)
    target = as_tensor(target, input)
    axis = _axis(input)
    if target.dtype.differentiable:
        _check_probabilities(input.shape, target, axis)
        return reduced(-sum(target * log_softmax(input, axis=axis), axis=axis), reduction)
    _check_indices(input.shape, target, axis)
    return _at_classes(softmax_nll, input, target, reduction, axis)


def nll_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return the negated log-probabilities of the true classes, by default their mean.

    Parameters
    ----------
    input : ArrayLike
        Logarithms of probabilities, such as `log_softmax` gives, shaped as in `cross_entropy`.
    target : ArrayLike
        Class indices, as in `cross_entropy`.
    reduction : str
        As in `cross_entropy`.

    Returns
    -------
    Tensor
        0-d, or one loss per sample.

    Raises
    ------
    ValueError, TypeError, IndexError
        As `cross_entropy`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.nll_loss(agrad.asarray([[-1.5, -0.25]]), agrad.asarray([1]))
    Tensor(0.25, dtype=float32, device='cpu')
    """
    known_reduction(reduction)
    input = as_tensor(input)
    target = as_tensor(target, input)
    axis = _axis(input)
    _check_indices(input.shape, target, axis)
    return _at_classes(nll, input, target, reduction, axis)


@primitive
def nll(xp: Any, input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return `nll_loss` of a matrix, with class indices that are known to be in range.

    Parameters
    ----------
    input : ArrayLike
        Log-probabilities of shape ``(samples, classes)``.
    target : ArrayLike
        Integers of shape ``(samples,)``.
    reduction : str
        As in `cross_entropy`.

    Returns
    -------
    Tensor
        0-d, or of the target's shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.cross_entropy import nll
    >>> nll(agrad.asarray([[-1.5, -0.25]]), agrad.asarray([1]), "none")
    Tensor([0.25], dtype=float32, device='cpu')
    """
    samples, classes = input.shape
    places = xp.arange(0, samples * classes, classes, device=input.device) + target
    losses = -xp.take(xp.reshape(input, (samples * classes,)), places, axis=0)
    if reduction == "none":
        return losses
    return xp.mean(losses) if reduction == "mean" else xp.sum(losses)


def _nll_input(g: Any, target: Any, input_shape: tuple[int, ...], reduction: str, xp: Any) -> Any:
    samples, classes = input_shape
    is_class = xp.arange(classes, device=target.device) == target[:, None]
    if reduction == "none":
        g = g[:, None]
    elif reduction == "mean":
        g = g / samples
    return xp.where(is_class, -g, 0.0)


nll.vjp(input=_nll_input)


@primitive
def softmax_nll(xp: Any, input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return `nll` of the `log_softmax` of a matrix: one op, because its gradient is simpler than those of the two.

    Parameters
    ----------
    input : ArrayLike
        Scores of shape ``(samples, classes)``.
    target, reduction
        As in `nll`.

    Returns
    -------
    Tensor
        0-d, or of the target's shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.cross_entropy import softmax_nll
    >>> softmax_nll(agrad.asarray([[0.0, 0.0]]), agrad.asarray([1]), "none")
    Tensor([0.6931472], dtype=float32, device='cpu')
    """
    return nll.forward(xp, log_softmax.forward(xp, input, 1), target, reduction)


def _softmax_nll_input(g: Any, input: Any, target: Any, reduction: str, xp: Any) -> Any:
    samples, classes = input.shape
    is_class = xp.arange(classes, device=target.device) == target[:, None]
    error = bare(softmax, xp)(input, 1) - xp.astype(is_class, input.dtype)
    if reduction == "none":
        return error * g[:, None]
    return error * (g / samples if reduction == "mean" else g)


softmax_nll.vjp(input=_softmax_nll_input)


def _at_classes(op: Any, input: Tensor, target: Tensor, reduction: str, axis: int) -> Tensor:
    """Return the loss, `nll` or `softmax_nll`, of indices whose shape is right, for an input of any shape."""
    classes = input.shape[axis]
    if target.device.backend.waits(target.device.native):
        return _or_nan(_in_rows(op, input, target, reduction), target, classes)
    _check_range(target, classes)
    return _in_rows(op, input, target, reduction)


def _in_rows(op: Any, input: Tensor, target: Tensor, reduction: str) -> Tensor:
    if input.ndim == 2:
        return op(input, target, reduction)
    rows = input if input.ndim == 1 else moveaxis(input, 1, -1)
    rows = reshape(rows, (target.size, rows.shape[-1]))
    return reduced(reshape(op(rows, reshape(target, (target.size,)), "none"), target.shape), reduction)


def _or_nan(loss: Tensor, target: Tensor, classes: int) -> Tensor:
    """Return the loss, or NaN where a class index is out of range."""
    xp, indices = target.device.xp, target.data
    valid = (indices >= 0) & (indices < classes)
    return where(wrap(valid if loss.ndim else xp.all(valid), target.device), loss, nan)


# Checks


def _axis(input: Tensor) -> int:
    """Return the axis of classes."""
    if not input.ndim:
        raise ValueError("the input needs an axis of classes, and this one is 0-d")
    return 0 if input.ndim == 1 else 1


def _check_probabilities(shape: tuple[int, ...], target: Tensor, axis: int) -> None:
    if target.shape == shape:
        return
    if target.shape == _samples(shape, axis):
        raise _not_indices(target)
    raise ValueError(f"probabilities must have the input's shape {shape}, target has {target.shape}")


def _check_indices(shape: tuple[int, ...], target: Tensor, axis: int) -> None:
    if not target.dtype.family.endswith("integer"):
        raise _not_indices(target)
    expected = _samples(shape, axis)
    if target.shape != expected:
        mend = "; write target.astype(input.dtype) for probabilities" if target.shape == shape else ""
        raise ValueError(
            f"class indices for an input of shape {shape} must have shape {expected}, not {target.shape}{mend}"
        )


def _samples(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Return the shape without the axis of classes."""
    return shape[:axis] + shape[axis + 1 :]


def _not_indices(target: Tensor) -> TypeError:
    return TypeError(f"class indices must be integers, not {target.dtype!r}; write target.astype(agrad.int64)")


def _check_range(target: Tensor, classes: int) -> None:
    if target.size:
        xp = target.device.xp
        least, largest = int(xp.min(target.data)), int(xp.max(target.data))
        if least < 0 or largest >= classes:
            wrong = least if least < 0 else largest
            raise IndexError(f"class index {wrong} is out of range: an input with {classes} has 0 to {classes - 1}")
