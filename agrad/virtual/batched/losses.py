"""Cross entropy: the samples of all examples are the rows of one matrix, of which the library below computes the loss.

What it keeps for the gradient has a form of its own, so it is handed back as it is.
"""

from __future__ import annotations

from typing import Any

from ...backends import cross_entropy
from ...backends.softmax import softmax
from ...backends.typing import Array
from .arrays import BatchedArray, boxed, spread_out

__all__ = ["softmax_nll", "softmax_nll_input"]


def softmax_nll(
    input: Array, target: Array, reduction: str, weight: Array | None, ignore_index: int | None, label_smoothing: float
) -> tuple[Any, tuple[Any, Any]]:
    """Return the loss and two arrays kept for its gradient, as `Backend.softmax_nll`."""
    level, samples = input.level, input.shape[0]
    if not _fits(input, weight, ignore_index):
        xp = level.library.xp
        return cross_entropy.losses(xp, input, target, reduction, weight, ignore_index, label_smoothing)
    rows = _rows(input), _rows(boxed(target, level))
    found, saved = level.backend.softmax_nll(*rows, "none", None, None, label_smoothing)
    alone = samples == 1 and reduction != "none"  # its mean and sum are the one loss
    losses = BatchedArray(level.xp.reshape(found, (level.size, samples)[: 2 - alone]), 1, level)
    if reduction != "none" and not alone:
        losses = getattr(level.library.xp, reduction)(losses)
    return losses, (BatchedArray(saved[0], 0, level), BatchedArray(saved[1], 0, level))


def softmax_nll_input(
    g: Array,
    input: Array,
    target: Array,
    reduction: str,
    weight: Array | None,
    ignore_index: int | None,
    label_smoothing: float,
    saved: tuple[Array, Array],
) -> Any:
    """Return the gradient of `softmax_nll` with respect to the logits."""
    level, samples, xp = input.level, input.shape[0], input.level.library.xp
    if not _fits(input, weight, ignore_index):  # what was kept may have the form of a library below
        settings = reduction, weight, ignore_index, label_smoothing
        return cross_entropy.gradient(xp, g, softmax(xp, input, 1, False), target, *settings)
    alone = g.lead or reduction == "none"  # each row has its own cotangent
    given = _rows(xp.broadcast_to(g, (samples,))) if alone else g.value
    settings = "none" if alone else "sum", None, None, label_smoothing
    rows, kept = (_rows(input), _rows(boxed(target, level))), tuple([x.value for x in saved])
    found = level.backend.softmax_nll_input(given, *rows, *settings, kept)
    gradient = input.like(level.xp.reshape(found, input.value.shape))
    return gradient / samples if reduction == "mean" else gradient


def _fits(input: BatchedArray, weight: Array | None, ignore_index: int | None) -> bool:
    """Whether the losses of the examples are those of one matrix: they share no logits, and no sum of weights."""
    return bool(input.lead) and weight is None and ignore_index is None


def _rows(x: BatchedArray) -> Any:
    """Return the value with the batch axis merged into the axis of the samples."""
    value = spread_out(x)
    shape = value.shape
    return x.level.xp.reshape(value, (shape[0] * shape[1], *shape[2:]))
