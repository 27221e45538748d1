"""The CTC loss, for label sequences that are not aligned with the input sequence."""

from __future__ import annotations

from math import inf
from typing import Any

from ...checks import as_integer, check_flags
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops.creation import arange, full
from ...ops.data_type import astype
from ...ops.elementwise import clip, logaddexp
from ...ops.gathering import take, take_along_axis
from ...ops.manipulation import broadcast_to, concat, expand_dims, reshape, squeeze, stack, unstack
from ...ops.searching import where
from ...ops.statistical import cumulative_sum, max, sum
from ..reductions import as_loss, as_tensor, check_reduction, reduced, waits_on_read, widened

__all__ = ["ctc_loss"]

# Stands for log(0): finite, since the derivatives of sums with -inf would be NaN.
_LOG_ZERO = -1e30


def ctc_loss(
    log_probs: ArrayLike,
    targets: ArrayLike,
    input_lengths: ArrayLike,
    target_lengths: ArrayLike,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return the connectionist temporal classification (CTC) loss: minus the log-probability of the target labels.

    An alignment has a label or the blank at each step of the input. To get the labels, repeated ones are merged and
    then blanks are removed. The probability of the targets is the sum over all alignments that give them.

    Parameters
    ----------
    log_probs : ArrayLike
        The log-probabilities of the classes at each step, as from `log_softmax`: ``(length, batch, classes)``, or
        without the batch.
    targets : ArrayLike
        The labels, integers: padded, ``(batch, labels)``, or concatenated, ``(sum of target_lengths,)``, which
        synchronizes with a GPU; ``(labels,)`` without the batch.
    input_lengths, target_lengths : ArrayLike
        The length of each input and target sequence without padding: ``(batch,)``, or ``()`` without the batch.
    blank : int
        The class of the blank.
    reduction : str
        ``"mean"``, which first divides each loss by its target length, ``"sum"`` or ``"none"``.
    zero_infinity : bool
        Whether an infinite loss, of an input too short for its target, is replaced by 0.

    Returns
    -------
    Tensor
        0-d, or of shape ``(batch,)``. The gradient of an infinite loss is 0, whatever `zero_infinity` is.

    Raises
    ------
    ValueError
        If the shapes do not match, if the reduction is unknown, or if a length is out of range, which is not checked on
        a GPU.
    IndexError
        If `blank` or, except on a GPU, a label is out of range.
    TypeError
        If the labels or lengths are not integers.

    Notes
    -----
    Source: A. Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with recurrent
    neural networks", ICML 2006, section 4.1, in logarithms. The gradient is with respect to the log-probabilities;
    PyTorch's assumes that they are the `log_softmax` of logits. The gradients of the logits are the same.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> log_probs = agrad.log(agrad.asarray([[0.5, 0.5], [0.5, 0.5]]))
    >>> loss = F.ctc_loss(log_probs, agrad.asarray([1]), agrad.asarray(2), agrad.asarray(1))  # 1 1, 1 -, - 1
    >>> round(agrad.exp(-loss).item(), 4)
    0.75
    """
    check_flags(zero_infinity=zero_infinity)
    check_reduction(reduction)
    given, x = _log_probs(log_probs)
    if not 0 <= as_integer("blank", blank) < x.shape[2]:
        raise IndexError(f"blank={blank} must be a class from 0 to {x.shape[2] - 1}")
    steps = _lengths("input_lengths", input_lengths, x, x.shape[0])
    labels, counts = _labels(targets, target_lengths, x, blank, batched=given.ndim == 3)
    likelihood = _log_likelihood(x, labels, steps, counts, blank)
    losses = where(likelihood < _LOG_ZERO / 2, 0.0 if zero_infinity else inf, -likelihood)
    if reduction == "mean":
        losses = losses / astype(clip(counts, min=1), losses.dtype)
    losses = as_loss(losses if given.ndim == 3 else squeeze(losses, axis=0), given)
    return reduced(losses, reduction)


def _log_likelihood(x: Tensor, labels: Tensor, steps: Tensor, counts: Tensor, blank: int) -> Tensor:
    """Return the logarithm of the total probability of all alignments, for each sequence."""
    extended = _with_blanks(labels, blank)
    batch, length = extended.shape
    two_before = concat([full((batch, 2), -1, dtype=extended.dtype, device=x.device), extended], axis=1)[:, :length]
    skip = (extended != blank) & (extended != two_before)  # the blank between different labels may be skipped
    emissions = take_along_axis(x, broadcast_to(extended, (x.shape[0], batch, length)), axis=2)
    active = arange(x.shape[0], device=x.device)[:, None, None] < steps[:, None]
    # Two states before the labels; every alignment starts in the second one.
    unreached = full((batch, 2), _LOG_ZERO, dtype=x.dtype, device=x.device)
    begin = where(arange(length + 2, device=x.device) == 1, 0.0, _LOG_ZERO)
    alpha = broadcast_to(astype(begin, x.dtype), (batch, length + 2))
    for now, emission in zip(unstack(active), unstack(clip(emissions, min=_LOG_ZERO)), strict=True):
        stay, one, two = alpha[:, 2:], alpha[:, 1:-1], where(skip, alpha[:, :-2], _LOG_ZERO)
        reached = logaddexp(logaddexp(stay, one), two) + emission
        alpha = where(now, concat([unreached, reached], axis=1), alpha)
    ends = take_along_axis(alpha, stack([2 * counts + 1, 2 * counts + 2], axis=1), axis=1)
    return logaddexp(ends[:, 0], ends[:, 1])


def _with_blanks(labels: Tensor, blank: int) -> Tensor:
    """Return the labels with a blank before each and after the last."""
    blanks = full(labels.shape, blank, dtype=labels.dtype, device=labels.device)
    pairs = reshape(stack([blanks, labels], axis=2), (labels.shape[0], 2 * labels.shape[1]))
    return concat([pairs, full((labels.shape[0], 1), blank, dtype=labels.dtype, device=labels.device)], axis=1)


# Arguments


def _log_probs(log_probs: Any) -> tuple[Tensor, Tensor]:
    """Return the input as a Tensor, and the same with a batch axis and at least 32 bits."""
    given = as_tensor(log_probs)
    if given.ndim not in (2, 3) or 0 in given.shape[1:]:
        raise ValueError(f"log_probs must have shape (length, batch, classes), or no batch; it has {given.shape}")
    x = widened(given)
    return given, x if given.ndim == 3 else expand_dims(x, axis=1)


def _integers(name: str, values: Any, beside: Tensor) -> Tensor:
    values = as_tensor(values, beside)
    if not values.dtype.family.endswith("integer"):
        raise TypeError(f"{name} must be integers, not {values.dtype!r}; write {name}.astype(int)")
    return astype(values, int)


def _lengths(name: str, lengths: Any, x: Tensor, most: int) -> Tensor:
    """Return a length for each sequence."""
    lengths = reshape(_integers(name, lengths, x), (-1,))
    if lengths.shape != x.shape[1:2]:
        raise ValueError(f"{name} must have shape {x.shape[1:2]}, one for each sequence, not {lengths.shape}")
    if (wrong := _wrong(lengths, most)) is not None:
        raise ValueError(f"{name} must be from 0 to {most}, not {wrong}")
    return lengths


def _wrong(values: Tensor, most: int) -> int | None:
    """Return an integer that is not from 0 to `most`; None if there is none, or if reading waits for the device."""
    backend = values._device.backend
    if waits_on_read(values.device) or not values.size or backend.within(values._data, 0, most):
        return None
    least, largest = (int(end) for end in backend.bounds(values._data))
    return least if least < 0 else largest


def _labels(targets: Any, lengths: Any, x: Tensor, blank: int, batched: bool) -> tuple[Tensor, Tensor]:
    """Return the labels, ``(batch, labels)`` padded with blanks, and the target length of each sequence."""
    targets = _integers("targets", targets, x)
    targets = targets if batched else expand_dims(targets, axis=0)
    if targets.ndim not in (1, 2) or (targets.ndim == 2 and targets.shape[0] != x.shape[1]):
        raise ValueError(
            f"targets must have shape ({x.shape[1]}, labels), or be concatenated on one axis; it has {targets.shape}"
        )
    counts = _lengths("target_lengths", lengths, x, targets.shape[-1])
    if targets.ndim == 1:
        targets = _padded_labels(targets, counts)
    labels = where(arange(targets.shape[1], device=x.device) < counts[:, None], targets, blank)
    if (wrong := _wrong(labels, x.shape[2] - 1)) is not None:
        raise IndexError(f"labels must be from 0 to {x.shape[2] - 1}, not {wrong}")
    return labels, counts


def _padded_labels(targets: Tensor, counts: Tensor) -> Tensor:
    """Return concatenated labels with one row for each sequence; the end of a row is padding of any value."""
    total, width = int(sum(counts).item()), int(max(counts).item())
    if total != targets.shape[0]:
        raise ValueError(f"target_lengths add up to {total}, but there are {targets.shape[0]} targets")
    if not width:
        return reshape(targets, (counts.shape[0], 0))
    starts = cumulative_sum(counts) - counts
    return take(targets, clip(starts[:, None] + arange(width, device=targets.device), max=total - 1))
