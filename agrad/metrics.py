"""Metrics of predictions, through which no gradients flow.

Predictions of classes are labels of shape ``(n,)``, or scores of shape ``(n, classes)``, the largest for the predicted
class.
Results stay on the device; ``.item()`` reads them.
"""

from __future__ import annotations

from math import nan
from typing import Any

from .core.grad_mode import no_grad
from .core.tensor import Tensor, wrap
from .ops.creation import arange, asarray, full, ones, zeros
from .ops.elementwise import abs, isnan, maximum
from .ops.manipulation import expand_dims, reshape
from .ops.searching import argmax, where
from .ops.statistical import max, mean, min, sum
from .ops.utility import any

__all__ = [
    "accuracy", "confusion_matrix", "f1_score", "mean_absolute_error", "precision", "r2_score", "recall",
    "top_k_accuracy",
]  # fmt: skip


# Classification


@no_grad()
def accuracy(input: Any, target: Any) -> Tensor:
    """Return the fraction of predictions that are correct.

    Parameters
    ----------
    input : Tensor, shape (n,) or (n, classes)
        Labels, or scores.
    target : Tensor, shape (n,)
        The true labels.

    Returns
    -------
    Tensor
        Of shape (), from 0 to 1; NaN for no predictions.

    Raises
    ------
    ValueError
        If the shapes do not match.
    TypeError
        If labels are not integers.

    Examples
    --------
    >>> import agrad
    >>> agrad.metrics.accuracy(agrad.asarray([[0.1, 0.9], [0.8, 0.2]]), agrad.asarray([1, 1]))
    Tensor(0.5, dtype=float32, device='cpu')
    """
    labels, target = _labels(input, target)
    return mean((labels == target).astype(float))


@no_grad()
def top_k_accuracy(input: Any, target: Any, k: int = 5) -> Tensor:
    """Return the fraction of samples whose true class is among the `k` largest scores.

    Parameters
    ----------
    input : Tensor, shape (n, classes)
        Scores. Of equal ones, the first counts as larger. A score of NaN for the true class counts as a miss.
    target : Tensor, shape (n,)
        The true labels.
    k : int
        How many of the largest scores count.

    Returns
    -------
    Tensor
        Of shape (), from 0 to 1.

    Raises
    ------
    ValueError
        If the shapes do not match, or if `k` is below 1.
    TypeError
        If the labels are not integers.

    Examples
    --------
    >>> import agrad
    >>> scores = agrad.asarray([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    >>> agrad.metrics.top_k_accuracy(scores, agrad.asarray([1, 2]), k=2)
    Tensor(0.5, dtype=float32, device='cpu')
    """
    scores, target = _together(input, target)
    if scores.ndim != 2 or target.shape != scores.shape[:1]:
        raise ValueError(f"scores must have shape (n, classes) and labels (n,), not {scores.shape} and {target.shape}")
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    _check_labels(target)
    classes, right = arange(scores.shape[1], device=scores.device), expand_dims(target, axis=1)
    own = max(where(classes == right, scores, -float("inf")), axis=1, keepdims=True)
    before = (scores > own) | ((scores == own) & (classes < right))
    found = any(classes == right, axis=1) & ~isnan(own[:, 0])
    return mean((found & (sum(before.astype(int), axis=1) < k)).astype(float))


@no_grad()
def confusion_matrix(input: Any, target: Any, num_classes: int | None = None) -> Tensor:
    """Return the confusion matrix: how often each class was predicted as each class.

    Parameters
    ----------
    input : Tensor, shape (n,) or (n, classes)
        Labels, or scores.
    target : Tensor, shape (n,)
        The true labels.
    num_classes : int, optional
        By default the number of scores in a row, or the largest label plus 1.

    Returns
    -------
    Tensor
        Integers of shape (num_classes, num_classes): in row `i` and column `j`, how many samples of class `i` were
        predicted as `j`.

    Raises
    ------
    ValueError
        If the shapes do not match, or if a label is not from 0 to ``num_classes - 1``.
    TypeError
        If labels are not integers.

    Examples
    --------
    >>> import agrad
    >>> agrad.metrics.confusion_matrix(agrad.asarray([0, 1, 1, 1]), agrad.asarray([0, 0, 1, 1]))
    Tensor([[1, 1],
            [0, 2]], dtype=int64, device='cpu')
    """
    scores, target = _together(input, target)
    labels, target = _labels(scores, target)
    if num_classes is None:
        largest = maximum(max(labels), max(target)).item() if labels.size else -1
        num_classes = scores.shape[1] if scores.ndim == 2 else int(largest) + 1
    for which, x in {"predicted": labels, "true": target}.items() if labels.size else ():
        least, most = min(x).item(), max(x).item()
        if least < 0 or most >= num_classes:
            raise ValueError(f"the {which} labels are from {least} to {most}, the classes from 0 to {num_classes - 1}")
    device = labels.device
    counts = zeros(num_classes * num_classes, dtype=int, device=device)
    places = target.astype(int) * num_classes + labels.astype(int)
    one_each = ones(labels.size, dtype=int, device=device)
    counts = wrap(device.backend.add_at(counts.data, places.data, one_each.data), device)
    return reshape(counts, (num_classes, num_classes))


def precision(input: Any, target: Any, num_classes: int | None = None, average: str | None = "macro") -> Tensor:
    """Return the precision: the fraction of the predictions of a class that are correct.

    Parameters
    ----------
    input, target, num_classes
        As for `confusion_matrix`.
    average : "macro" or None
        The mean over all classes that occur, or the value of each class.

    Returns
    -------
    Tensor
        Of shape (), or (num_classes,) without average; 0 for a class that was never predicted.

    Raises
    ------
    ValueError, TypeError
        As `confusion_matrix`; ValueError for another average.

    Examples
    --------
    >>> import agrad
    >>> agrad.metrics.precision(agrad.asarray([0, 1, 1, 1]), agrad.asarray([0, 0, 1, 1]), average=None).tolist()
    [1.0, 0.6666666865348816]
    """
    correct, predicted, actual = _counts(input, target, num_classes)
    return _averaged(correct, predicted, actual + predicted, average)


def recall(input: Any, target: Any, num_classes: int | None = None, average: str | None = "macro") -> Tensor:
    """Return the recall: the fraction of the samples of a class that were predicted correctly.

    Parameters
    ----------
    input, target, num_classes, average
        As for `precision`.

    Returns
    -------
    Tensor
        Of shape (), or (num_classes,) without average; 0 for a class without samples.

    Raises
    ------
    ValueError, TypeError
        As `precision`.

    Examples
    --------
    >>> import agrad
    >>> agrad.metrics.recall(agrad.asarray([0, 1, 1, 1]), agrad.asarray([0, 0, 1, 1]), average=None).tolist()
    [0.5, 1.0]
    """
    correct, predicted, actual = _counts(input, target, num_classes)
    return _averaged(correct, actual, actual + predicted, average)


def f1_score(input: Any, target: Any, num_classes: int | None = None, average: str | None = "macro") -> Tensor:
    """Return the harmonic mean of precision and recall.

    Parameters
    ----------
    input, target, num_classes, average
        As for `precision`.

    Returns
    -------
    Tensor
        Of shape (), or (num_classes,) without average; 0 for a class without correct predictions.

    Raises
    ------
    ValueError, TypeError
        As `precision`.

    Examples
    --------
    >>> import agrad
    >>> agrad.metrics.f1_score(agrad.asarray([0, 1, 1]), agrad.asarray([0, 0, 1]))
    Tensor(0.6666667, dtype=float32, device='cpu')
    """
    correct, predicted, actual = _counts(input, target, num_classes)
    return _averaged(2 * correct, predicted + actual, actual + predicted, average)


# Regression


@no_grad()
def mean_absolute_error(input: Any, target: Any) -> Tensor:
    """Return the mean of ``|input - target|``.

    Parameters
    ----------
    input, target : Tensor
        Of the same shape.

    Returns
    -------
    Tensor
        Of shape ().

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import agrad
    >>> agrad.metrics.mean_absolute_error(agrad.asarray([1.0, 2.0]), agrad.asarray([1.5, 1.0]))
    Tensor(0.75, dtype=float32, device='cpu')
    """
    predicted, right = _alike(input, target)
    return mean(abs(predicted - right))


@no_grad()
def r2_score(input: Any, target: Any) -> Tensor:
    """Return the coefficient of determination: the fraction of the target's variance that predictions explain.

    Parameters
    ----------
    input, target : Tensor
        Of the same shape, ``(n,)`` or ``(n, outputs)``.

    Returns
    -------
    Tensor
        Of shape (): 1 for perfect predictions, 0 for those no better than the mean, negative for worse ones; the mean
        over the outputs, and NaN for fewer than two targets.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    As in scikit-learn, for targets that are all the same it is 1 if the predictions are perfect and 0 if not.

    Examples
    --------
    >>> import agrad
    >>> agrad.metrics.r2_score(agrad.asarray([1.0, 2.0, 2.0]), agrad.asarray([1.0, 2.0, 3.0]))
    Tensor(0.5, dtype=float32, device='cpu')
    """
    predicted, right = _alike(input, target)
    if not right.ndim or right.shape[0] < 2:
        return full((), nan, dtype=right.dtype, device=right.device)
    left = sum((right - predicted) ** 2, axis=0)
    whole = sum((right - mean(right, axis=0)) ** 2, axis=0)
    constant = whole == 0
    return mean(where(constant, (left == 0).astype(left.dtype), 1 - left / where(constant, 1.0, whole)))


# Helpers


def _labels(input: Any, target: Any) -> tuple[Tensor, Tensor]:
    predicted, target = _together(input, target)
    labels = argmax(predicted, axis=1) if predicted.ndim == 2 else predicted
    if labels.ndim != 1 or labels.shape != target.shape:
        raise ValueError(
            f"predictions must have shape (n,) or (n, classes) and true labels (n,), not {predicted.shape} and "
            f"{target.shape}"
        )
    _check_labels(labels)
    _check_labels(target)
    return labels, target


def _check_labels(labels: Tensor) -> None:
    if labels.dtype.differentiable and labels.size:
        raise TypeError(
            f"labels must be integers, not {labels.dtype!r}; for probabilities p of two classes, write "
            "(p > 0.5).astype(int)"
        )


def _together(input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Return both as Tensors; one that is not yet goes to the device of the other."""
    device = next((x.device for x in (input, target) if isinstance(x, Tensor)), None)
    predicted, right = (x if isinstance(x, Tensor) else asarray(x, device=device) for x in (input, target))
    return predicted, right


@no_grad()
def _counts(input: Any, target: Any, num_classes: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each class the numbers of correct predictions, of predictions, and of samples."""
    matrix = confusion_matrix(input, target, num_classes).astype(float)
    classes = arange(matrix.shape[0], device=matrix.device)
    return matrix[classes, classes], sum(matrix, axis=0), sum(matrix, axis=1)


def _averaged(part: Tensor, whole: Tensor, occurring: Tensor, average: str | None) -> Tensor:
    values = part / maximum(whole, 1.0)
    if average is None:
        return values
    if average != "macro":
        raise ValueError(f"average must be 'macro' or None, not {average!r}")
    return sum(values) / sum((occurring > 0).astype(float))


def _alike(input: Any, target: Any) -> tuple[Tensor, Tensor]:
    predicted, right = (x if x.dtype.differentiable else x.astype(float) for x in _together(input, target))
    if predicted.shape != right.shape:
        raise ValueError(f"predictions of shape {predicted.shape} do not match targets of shape {right.shape}")
    return predicted, right
