"""Cross entropy of class indices, and its gradient, in pure array API.

The loss of a sample is ``(1 - s) * w[t] * -log(p[t]) + s / classes * sum(w * -log(p))``, with the softmax `p` of its
logits, its class `t`, the class weights `w` and the label smoothing `s`. It is 0 where `t` is the ignored index, and
NaN where `t` is no class. The mean is the sum of the losses over the sum of the weights `w[t]` of the samples that
count.
"""

from __future__ import annotations

from math import nan
from typing import Any

from .places import device_of
from .typing import Array, Namespace

__all__ = ["gradient", "gradient_in_place", "losses"]


def losses(
    xp: Namespace,
    input: Array,
    target: Array,
    reduction: str,
    weight: Array | None,
    ignore_index: int | None,
    label_smoothing: float,
) -> tuple[Any, tuple[Any, Any]]:
    """Return the reduced losses, and the exponentials of the shifted logits with their sums for the gradient.

    Without an `ignore_index`, all targets are known to be classes.
    """
    samples, classes = input.shape
    counts, valid, target = _masks(xp, target, classes, ignore_index)
    shifted = input - xp.max(input, axis=1, keepdims=True)
    places = xp.arange(0, samples * classes, classes, device=device_of(input)) + target
    chosen = xp.take(xp.reshape(shifted, (samples * classes,)), places, axis=0)
    exponentials = xp.exp(shifted)
    total = xp.sum(exponentials, axis=1)
    logs = xp.log(total)
    found = logs - chosen
    if weight is not None:
        found = found * xp.take(weight, target, axis=0)
    if label_smoothing:
        each = logs[:, None] - shifted
        over_all = xp.sum(each if weight is None else each * weight, axis=1)
        found = (1 - label_smoothing) * found + label_smoothing / classes * over_all
    if ignore_index is not None:
        found = xp.where(counts, xp.where(valid, found, nan), 0.0)
    if reduction == "mean":
        divisor = _divisor(xp, target, counts, weight, input.dtype)
        found = xp.mean(found) if divisor is None else xp.sum(found) / divisor
    elif reduction == "sum":
        found = xp.sum(found)
    return found, (exponentials, total)


def gradient(
    xp: Namespace,
    g: Array,
    probabilities: Array,
    target: Array,
    reduction: str,
    weight: Array | None,
    ignore_index: int | None,
    label_smoothing: float,
) -> Any:
    """Return the gradient for the logits, whose softmax is given: on arrays, or on Tensors with their namespace."""
    samples, classes = probabilities.shape
    counts, valid, target = _masks(xp, target, classes, ignore_index)
    is_class = xp.arange(classes, device=device_of(target)) == target[:, None]
    others = xp.sum(xp.where(is_class, 0.0, probabilities), axis=1)
    error = xp.where(is_class, -others[:, None], probabilities)  # p - 1 would cancel near 1
    if weight is not None:
        error = error * xp.take(weight, target, axis=0)[:, None]
    if label_smoothing:
        spread = probabilities * classes - 1.0 if weight is None else probabilities * xp.sum(weight) - weight
        error = (1 - label_smoothing) * error + label_smoothing / classes * spread
    if reduction == "mean":
        divisor = _divisor(xp, target, counts, weight, probabilities.dtype)
        g = g / (samples if divisor is None else divisor)
    error = error * (g[:, None] if reduction == "none" else g)
    return error if ignore_index is None else xp.where((counts & valid)[:, None], error, 0.0)


def gradient_in_place(backend: Any, g: Array, probabilities: Array, target: Array, reduction: str) -> Any:
    """Return `gradient`, to the same bits, for plain class indices: into the array of the probabilities itself."""
    xp, (samples, classes) = backend.xp, probabilities.shape
    places = xp.arange(0, samples * classes, classes, device=device_of(target)) + target
    elements = backend.put(xp.reshape(probabilities, (samples * classes,)), places, 0.0)
    others = xp.sum(xp.reshape(elements, (samples, classes)), axis=1)
    error = xp.reshape(backend.put(elements, places, -others), (samples, classes))
    if reduction == "mean":
        g = g / samples
    error *= g[:, None] if reduction == "none" else g
    return error


def _masks(xp: Namespace, target: Array, classes: int, ignore_index: int | None) -> tuple[Any, Any, Any]:
    """Return which samples count and which have a class, and the targets with 0 for those that do not."""
    if ignore_index is None:
        return None, None, target
    counts, valid = target != ignore_index, (target >= 0) & (target < classes)
    return counts, valid, xp.where(counts & valid, target, 0)


def _divisor(xp: Namespace, target: Array, counts: Array, weight: Array | None, dtype: Any) -> Any:
    """Return the sum of the weights of the samples that count, None where that is their number."""
    if counts is None:
        return None if weight is None else xp.sum(xp.take(weight, target, axis=0))
    weights = xp.astype(counts, dtype)
    return xp.sum(weights if weight is None else weights * xp.take(weight, target, axis=0))
