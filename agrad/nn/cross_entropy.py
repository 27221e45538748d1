"""Cross entropy and negative log-likelihood: the losses of classification."""

from __future__ import annotations

from math import nan
from typing import Any

from ..core.dtypes import DType
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor, wrap
from ..ops.activations import log_softmax, softmax
from ..ops.data_type import astype
from ..ops.gathering import take
from ..ops.manipulation import moveaxis, reshape
from ..ops.searching import where
from ..ops.statistical import sum
from .reductions import as_tensor, known_reduction, narrowed, reduced, waits, widened

__all__ = ["cross_entropy", "nll", "nll_loss", "softmax_nll"]


def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the cross entropy of scores and true classes: ``-log(softmax(input))`` at the class, by default its mean.

    Parameters
    ----------
    input : ArrayLike
        The scores (logits), of shape ``(classes,)``, ``(samples, classes)`` or ``(samples, classes, ...)``.
    target : ArrayLike
        Class indices, integers of the input's shape without the axis of classes; or probabilities, floating, of the
        input's shape.
    weight : ArrayLike, optional
        What a sample of each class counts, of shape ``(classes,)``.
    ignore_index : int
        Samples of this class index do not count.
    reduction : str
        ``"mean"`` over what the samples count, ``"sum"`` or ``"none"``, which leaves one loss per sample. For
        probabilities, the mean is over their number.
    label_smoothing : float
        From 0 to 1: how much of each target is spread evenly over all classes.

    Returns
    -------
    Tensor
        0-d, or one loss per sample.

    Raises
    ------
    ValueError
        If the shapes do not fit, if there is no such reduction, or if `label_smoothing` is out of range.
    TypeError
        If the target is neither integer nor floating.
    IndexError
        If a class index is out of range. On a GPU, where looking would mean to wait for it, the loss is NaN instead.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.cross_entropy(agrad.asarray([[0.0, 0.0], [9.0, 0.0]]), agrad.asarray([1, -100]))
    Tensor(0.6931472, dtype=float32, device='cpu')
    """
    known_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, not {label_smoothing!r}")
    given = as_tensor(input)
    input, target = widened(given), as_tensor(target, given)
    shape, dtype = input.shape, target.dtype
    axis = _axis(shape)
    if dtype.differentiable:
        _check_probabilities(shape, target, axis)
        classes = _Classes(input, axis, weight, ignore_index)
        if label_smoothing:
            target = (1 - label_smoothing) * target + label_smoothing / classes.count
        losses = -sum(target * classes.weighted(log_softmax(input, axis=axis)), axis=axis)
        return narrowed(reduced(losses, reduction), given)
    _check_indices(shape, target, axis, dtype)
    if weight is None and not label_smoothing and _all_count(target, dtype, shape[axis], ignore_index):
        return narrowed(_in_rows(softmax_nll, input, target, reduction), given)
    classes = _Classes(input, axis, weight, ignore_index)
    return narrowed(classes.loss(softmax_nll, target, reduction, label_smoothing), given)


def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Return the negated log-probabilities of the true classes, by default their mean.

    Parameters
    ----------
    input : ArrayLike
        Logarithms of probabilities, such as `log_softmax` gives, shaped as in `cross_entropy`.
    target : ArrayLike
        Class indices, as in `cross_entropy`.
    weight, ignore_index, reduction
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
    given = as_tensor(input)
    input, target = widened(given), as_tensor(target, given)
    shape, dtype = input.shape, target.dtype
    axis = _axis(shape)
    _check_indices(shape, target, axis, dtype)
    if weight is None and _all_count(target, dtype, shape[axis], ignore_index):
        return narrowed(_in_rows(nll, input, target, reduction), given)
    return narrowed(_Classes(input, axis, weight, ignore_index).loss(nll, target, reduction), given)


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


@primitive(residuals=("weights", "total"))
def softmax_nll(xp: Any, input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> tuple[Tensor, Any]:
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
    samples, classes = input.shape
    shifted = input - xp.max(input, axis=1, keepdims=True)
    places = xp.arange(0, samples * classes, classes, device=input.device) + target
    chosen = xp.take(xp.reshape(shifted, (samples * classes,)), places, axis=0)
    weights = xp.exp(shifted)
    total = xp.sum(weights, axis=1)
    losses = xp.log(total) - chosen
    if reduction == "mean":
        losses = xp.mean(losses)
    elif reduction == "sum":
        losses = xp.sum(losses)
    return losses, (weights, total)


def _softmax_nll_input(g: Any, input: Any, target: Any, reduction: str, weights: Any, total: Any, xp: Any) -> Any:
    samples, classes = input.shape
    is_class = xp.arange(classes, device=target.device) == target[:, None]
    probabilities = softmax(input, axis=1) if weights is None else weights / total[:, None]
    error = probabilities - xp.astype(is_class, input.dtype)
    error = error - probabilities * xp.sum(error, axis=1)[:, None]  # without the rounding of what is close to 1
    if reduction == "none":
        return error * g[:, None]
    return error * (g / samples if reduction == "mean" else g)


softmax_nll.vjp(input=_softmax_nll_input)


class _Classes:
    """The classes that an input has scores of: what each counts, and which index does not count at all."""

    def __init__(self, input: Tensor, axis: int, weight: Any, ignore_index: int) -> None:
        self.input, self.axis, self.count, self.ignored = input, axis, input.shape[axis], ignore_index
        self.weight = None if weight is None else as_tensor(weight, input)
        if self.weight is not None and self.weight.shape != (self.count,):
            raise ValueError(f"weight must have shape ({self.count},), one for each class; it has {self.weight.shape}")

    def weighted(self, logs: Tensor) -> Tensor:
        """Multiply the logarithms of all classes by what each counts."""
        if self.weight is None:
            return logs
        return logs * reshape(self.weight, (self.count, *[1] * (logs.ndim - 1 - self.axis)))

    def loss(self, op: Any, target: Tensor, reduction: str, smoothing: float = 0.0) -> Tensor:
        """Return the loss, `nll` or `softmax_nll`, of samples that count more, less or nothing."""
        target = astype(target, int)
        counts = target != self.ignored
        indices = where(counts, target, 0)
        if not waits(target.device):
            _check_range(indices, self.count)
        shares: Any = astype(counts, self.input.dtype)
        if self.weight is not None:
            shares = shares * take(self.weight, indices, axis=0)
        losses = where(counts, _in_rows(op, self.input, indices, "none"), 0.0) * shares
        if smoothing:
            spread = -sum(self.weighted(log_softmax(self.input, axis=self.axis)), axis=self.axis)
            losses = (1 - smoothing) * losses + smoothing / self.count * where(counts, spread, 0.0)
        if waits(target.device):
            losses = _or_nan(losses, indices, self.count)
        return sum(losses) / sum(shares) if reduction == "mean" else reduced(losses, reduction)


def _all_count(target: Tensor, dtype: DType, classes: int, ignored: int) -> bool:
    """Whether no sample is ignored, as far as can be told without waiting for the device and without a cast."""
    if 0 <= ignored < classes or waits(target._device) or dtype.name in ("uint16", "uint32", "uint64"):
        return False
    least, largest = _range(target)
    return least >= 0 and largest < classes


def _in_rows(op: Any, input: Tensor, target: Tensor, reduction: str) -> Tensor:
    if input.ndim == 2:
        return op(input, target, reduction)
    rows = input if input.ndim == 1 else moveaxis(input, 1, -1)
    rows = reshape(rows, (target.size, rows.shape[-1]))
    return reduced(reshape(op(rows, reshape(target, (target.size,)), "none"), target.shape), reduction)


def _or_nan(losses: Tensor, indices: Tensor, classes: int) -> Tensor:
    """Return the losses, NaN where a class index is out of range."""
    valid = (indices.data >= 0) & (indices.data < classes)
    return where(wrap(valid, indices._device), losses, nan)


# Checks


def _axis(shape: tuple[int, ...]) -> int:
    """Return the axis of classes."""
    if not shape:
        raise ValueError("the input needs an axis of classes, and this one is 0-d")
    return 0 if len(shape) == 1 else 1


def _check_probabilities(shape: tuple[int, ...], target: Tensor, axis: int) -> None:
    if target.shape == shape:
        return
    if target.shape == _samples(shape, axis):
        raise _not_indices(target)
    raise ValueError(f"probabilities must have the input's shape {shape}, target has {target.shape}")


def _check_indices(shape: tuple[int, ...], target: Tensor, axis: int, dtype: DType) -> None:
    if not dtype.family.endswith("integer"):
        raise _not_indices(target)
    given = target.shape
    expected = _samples(shape, axis)
    if given != expected:
        mend = "; write target.astype(input.dtype) for probabilities" if given == shape else ""
        raise ValueError(f"class indices for an input of shape {shape} must have shape {expected}, not {given}{mend}")


def _samples(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Return the shape without the axis of classes."""
    return shape[:axis] + shape[axis + 1 :]


def _not_indices(target: Tensor) -> TypeError:
    return TypeError(f"class indices must be integers, not {target.dtype!r}; write target.astype(agrad.int64)")


def _range(target: Tensor) -> tuple[int, int]:
    """Return the least and the largest index; 0 and -1 if there is none."""
    if not target.size:
        return 0, -1
    least, largest = target._device.backend.bounds(target._data)
    return int(least), int(largest)


def _check_range(target: Tensor, classes: int) -> None:
    least, largest = _range(target)
    if least < 0 or largest >= classes:
        wrong = least if least < 0 else largest
        raise IndexError(f"class index {wrong} is out of range: an input with {classes} has 0 to {classes - 1}")
