"""Cross entropy and negative log-likelihood, the losses for classification."""

from __future__ import annotations

from functools import partial
from math import nan
from typing import Any

from .. import backends
from ..backends import cross_entropy as formulas
from ..backends import device_of
from ..checks import as_integer, check_number
from ..core.dtypes import DType
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor, wrap
from ..core.typing import Array, Namespace
from ..ops.activations import log_softmax, softmax
from ..ops.data_type import astype
from ..ops.gathering import take
from ..ops.manipulation import moveaxis, reshape
from ..ops.searching import where
from ..ops.statistical import sum
from .reductions import as_loss, as_tensor, check_reduction, reduced, waits_on_read, widened

__all__ = ["cross_entropy", "nll", "nll_loss", "softmax_nll"]


def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the cross entropy of logits and targets, ``-log(softmax(input))`` at the target, by default its mean.

    Parameters
    ----------
    input : ArrayLike
        The logits, of shape ``(classes,)``, ``(samples, classes)`` or ``(samples, classes, ...)``.
    target : ArrayLike
        Class indices: integers of the input's shape without the class axis. Or class probabilities: floating, of the
        input's shape.
    weight : ArrayLike, optional
        A weight for each class, of shape ``(classes,)``.
    ignore_index : int
        Samples with this class index are ignored: they do not contribute to the loss or the gradient.
    reduction : str
        ``"mean"``, weighted by the class weights, ``"sum"`` or ``"none"``, which returns one loss per sample. With
        probabilities as targets, the mean is over the number of samples.
    label_smoothing : float
        From 0 to 1: the fraction of each target that is spread evenly over all classes.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` one loss per sample.

    Raises
    ------
    ValueError
        If the shapes do not match, if the reduction is unknown, or if `label_smoothing` is out of range.
    TypeError
        If the target has neither an integer nor a floating dtype.
    IndexError
        If a class index is out of range. On a GPU, where this check would have to wait, the loss is NaN instead.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.cross_entropy(agrad.asarray([[0.0, 0.0], [9.0, 0.0]]), agrad.asarray([1, -100]))
    Tensor(0.6931472, dtype=float32, device='cpu')
    """
    check_reduction(reduction)
    as_integer("ignore_index", ignore_index)
    check_number("label_smoothing", label_smoothing, 0, 1)
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
        return as_loss(reduced(losses, reduction), given)
    _check_indices(shape, target, axis, dtype)
    if weight is None and not label_smoothing and _none_ignored(target, dtype, shape[axis], ignore_index):
        return as_loss(_in_rows(softmax_nll, input, target, reduction), given)
    classes = _Classes(input, axis, weight, ignore_index)
    if classes.weight is not None and classes.weight._node is not None:  # softmax_nll has no gradient for the weight
        return as_loss(classes.loss(softmax_nll, target, reduction, label_smoothing), given)
    return as_loss(classes.fused_loss(target, reduction, label_smoothing), given)


def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihood of the target classes, by default its mean.

    Parameters
    ----------
    input : ArrayLike
        Log-probabilities, as `log_softmax` returns, shaped as in `cross_entropy`.
    target : ArrayLike
        Class indices, as in `cross_entropy`.
    weight, ignore_index, reduction
        As in `cross_entropy`.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` one loss per sample.

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
    check_reduction(reduction)
    as_integer("ignore_index", ignore_index)
    given = as_tensor(input)
    input, target = widened(given), as_tensor(target, given)
    shape, dtype = input.shape, target.dtype
    axis = _axis(shape)
    _check_indices(shape, target, axis, dtype)
    if weight is None and _none_ignored(target, dtype, shape[axis], ignore_index):
        return as_loss(_in_rows(nll, input, target, reduction), given)
    return as_loss(_Classes(input, axis, weight, ignore_index).loss(nll, target, reduction), given)


@primitive
def nll(xp: Namespace, input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return `nll_loss` of a matrix, for class indices that are known to be in range.

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
        0-d; with ``reduction="none"`` of the target's shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.cross_entropy import nll
    >>> nll(agrad.asarray([[-1.5, -0.25]]), agrad.asarray([1]), "none")
    Tensor([0.25], dtype=float32, device='cpu')
    """
    samples, classes = input.shape
    places = xp.arange(0, samples * classes, classes, device=device_of(input)) + target
    losses = -xp.take(xp.reshape(input, (samples * classes,)), places, axis=0)
    if reduction == "none":
        return losses
    return xp.mean(losses) if reduction == "mean" else xp.sum(losses)


def _nll_input(g: Array, target: Array, input_shape: tuple[int, ...], reduction: str, xp: Namespace) -> Array:
    samples, classes = input_shape
    is_class = xp.arange(classes, device=device_of(target)) == target[:, None]
    if reduction == "none":
        g = g[:, None]
    elif reduction == "mean":
        g = g / samples
    return xp.where(is_class, -g, 0.0)


nll.vjp(input=_nll_input)


@primitive(residuals=("saved", "total"))
def softmax_nll(
    xp: Namespace,
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> tuple[Tensor, Any]:
    """Return the `cross_entropy` of a matrix: one op, as its gradient is simpler than that of the composition.

    Parameters
    ----------
    input : ArrayLike
        Logits of shape ``(samples, classes)``, float32 or float64.
    target : ArrayLike
        Class indices of shape ``(samples,)``, of the default integer dtype.
    weight : ArrayLike, optional
        The class weights: constants, which get no gradient.
    reduction : str
        As in `cross_entropy`.
    ignore_index : int, optional
        As in `cross_entropy`; without it, all indices are known to be in range. With it, the loss of one that is not
        is NaN.
    label_smoothing : float
        As in `cross_entropy`.

    Returns
    -------
    Tensor
        0-d; with ``reduction="none"`` of the target's shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.cross_entropy import softmax_nll
    >>> softmax_nll(agrad.asarray([[0.0, 0.0]]), agrad.asarray([1]), reduction="none")
    Tensor([0.6931472], dtype=float32, device='cpu')
    """
    return backends.of(input).softmax_nll(input, target, reduction, weight, ignore_index, label_smoothing)


def _softmax_nll_input(
    g: Array,
    input: Array,
    target: Array,
    weight: Array,
    reduction: str,
    ignore_index: int | None,
    label_smoothing: float,
    saved: Array,
    total: Array,
    xp: Namespace,
) -> Array:
    settings = reduction, weight, ignore_index, label_smoothing
    if saved is None:
        return formulas.gradient(xp, g, softmax(input, axis=1), target, *settings)
    return backends.of(input).softmax_nll_input(g, input, target, *settings, (saved, total))


softmax_nll.vjp(input=_softmax_nll_input)


class _Classes:
    """The classes of an input: their axis, number and weights, and the ignored index."""

    def __init__(self, input: Tensor, axis: int, weight: Any, ignore_index: int) -> None:
        self.input = input
        self.axis, self.count = axis, input.shape[axis]
        self.ignored = ignore_index
        self.weight = None if weight is None else as_tensor(weight, input)
        if self.weight is not None and self.weight.shape != (self.count,):
            raise ValueError(f"weight must have shape ({self.count},), one for each class; it has {self.weight.shape}")

    def weighted(self, logs: Tensor) -> Tensor:
        """Multiply log-probabilities by the class weights."""
        if self.weight is None:
            return logs
        return logs * reshape(self.weight, (self.count, *[1] * (logs.ndim - 1 - self.axis)))

    def fused_loss(self, target: Tensor, reduction: str, smoothing: float) -> Tensor:
        """Return the loss by one call of `softmax_nll`, with class weights, ignored samples and label smoothing."""
        target = astype(target, int, copy=False)
        if not waits_on_read(target.device):
            _check_range(where(target != self.ignored, target, 0), self.count)
        settings: dict[str, Any] = {"weight": self.weight, "ignore_index": self.ignored, "label_smoothing": smoothing}
        return _in_rows(partial(softmax_nll, **settings), self.input, target, reduction)

    def loss(self, op: Any, target: Tensor, reduction: str, smoothing: float = 0.0) -> Tensor:
        """Return the loss by `op`, `nll` or `softmax_nll`, with class weights, ignored samples and label smoothing."""
        target = astype(target, int)
        included = target != self.ignored
        indices = where(included, target, 0)
        if not waits_on_read(target.device):
            _check_range(indices, self.count)
        weights: Any = astype(included, self.input.dtype)
        if self.weight is not None:
            weights = weights * take(self.weight, indices, axis=0)
        losses = where(included, _in_rows(op, self.input, indices, "none"), 0.0) * weights
        if smoothing:
            over_all = -sum(self.weighted(log_softmax(self.input, axis=self.axis)), axis=self.axis)
            losses = (1 - smoothing) * losses + smoothing / self.count * where(included, over_all, 0.0)
        if waits_on_read(target.device):
            losses = _or_nan(losses, indices, self.count)
        return sum(losses) / sum(weights) if reduction == "mean" else reduced(losses, reduction)


def _none_ignored(target: Tensor, dtype: DType, classes: int, ignored: int) -> bool:
    """Return whether no sample is ignored; False where the check would need a cast, or wait for the device."""
    if 0 <= ignored < classes or waits_on_read(target._device) or dtype.name in ("uint16", "uint32", "uint64"):
        return False
    return _in_range(target, classes)


def _in_rows(op: Any, input: Tensor, target: Tensor, reduction: str) -> Tensor:
    """Apply `nll` or `softmax_nll` to an input of any shape, reshaped to a matrix with a row for each sample."""
    if input.ndim == 2:
        return op(input, target, reduction=reduction)
    if input.ndim == 1:
        alone = reduction == "none" or op in (nll, softmax_nll)  # without weights, the mean of one loss is its sum
        row = reshape(input, (1, input.size))
        return op(row, reshape(target, (1,)), reduction="sum" if alone else reduction)
    rows = moveaxis(input, 1, -1)
    rows = reshape(rows, (target.size, rows.shape[-1]))
    out = op(rows, reshape(target, (target.size,)), reduction=reduction)
    return reshape(out, target.shape) if reduction == "none" else out


def _or_nan(losses: Tensor, indices: Tensor, classes: int) -> Tensor:
    """Return the losses, with NaN where a class index is out of range."""
    valid = (indices.data >= 0) & (indices.data < classes)
    return where(wrap(valid, indices._device), losses, nan)


# Checks


def _axis(shape: tuple[int, ...]) -> int:
    """Return the class axis."""
    if not shape:
        raise ValueError("input must have a class axis, as in (samples, classes); it is 0-d")
    return 0 if len(shape) == 1 else 1


def _check_probabilities(shape: tuple[int, ...], target: Tensor, axis: int) -> None:
    if target.shape == shape:
        return
    if target.shape == _samples(shape, axis):
        raise _not_indices(target)
    raise ValueError(f"class probabilities must have the input's shape {shape}, not {target.shape}")


def _check_indices(shape: tuple[int, ...], target: Tensor, axis: int, dtype: DType) -> None:
    if not dtype.family.endswith("integer"):
        raise _not_indices(target)
    given = target.shape
    expected = _samples(shape, axis)
    if given != expected:
        advice = "; write target.astype(input.dtype) for probabilities" if given == shape else ""
        raise ValueError(f"class indices for an input of shape {shape} must have shape {expected}, not {given}{advice}")


def _samples(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Return the shape without the class axis."""
    return shape[:axis] + shape[axis + 1 :]


def _not_indices(target: Tensor) -> TypeError:
    return TypeError(f"class indices must be integers, not {target.dtype!r}; write target.astype(agrad.int64)")


def _in_range(target: Tensor, classes: int) -> bool:
    return not target.size or target._device.backend.within(target._data, 0, classes - 1)


def _check_range(target: Tensor, classes: int) -> None:
    if not _in_range(target, classes):
        least, largest = (int(end) for end in target._device.backend.bounds(target._data))
        wrong = least if least < 0 else largest
        raise IndexError(f"class index {wrong} is out of range; with {classes} classes it is from 0 to {classes - 1}")
