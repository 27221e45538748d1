"""Resampling along one axis: which elements of the input go into each element of an output of another length.

The nearest neighbours are gathered. In the other modes the shares make a matrix of constants, and one product with it
is several times quicker than to gather two or four neighbours, its gradient included.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, NamedTuple

from ...core.grad_mode import no_grad
from ...core.tensor import Tensor
from ...ops import elementwise
from ...ops.creation import arange
from ...ops.data_type import astype
from ...ops.gathering import take
from ...ops.linear_algebra import matmul
from ...ops.manipulation import expand_dims, reshape
from ...ops.searching import where
from ...ops.statistical import sum

__all__ = ["Resizing", "take_nearest", "weighed"]


class Resizing(NamedTuple):
    """What happens to an axis.

    Attributes
    ----------
    before, after : int
        Its lengths.
    given : float or None
        How far apart the outputs lie, in elements of the input, if that is not what the lengths say.
    """

    before: int
    after: int
    given: float | None

    def step(self, aligned: bool = False) -> float:
        """Return how far apart the outputs lie, from the first element's middle to the last one's if `aligned`."""
        if aligned:
            return (self.before - 1) / (self.after - 1) if self.after > 1 else 0.0
        return self.before / self.after if self.given is None else self.given


def take_nearest(x: Tensor, axis: int, resizing: Resizing, exact: bool) -> Tensor:
    """Return for each output the element that it begins in, or if `exact` that its middle lies in."""
    # In single precision, as in PyTorch: where a product is nearly whole, rounding decides.
    numbers = arange(resizing.after, dtype="float32", device=x.device)
    places = elementwise.floor((numbers + 0.5 * exact) * resizing.step())
    return take(x, astype(elementwise.clip(places, max=resizing.before - 1), "int64"), axis=axis)


def weighed(x: Tensor, axis: int, resizing: Resizing, kernel: str, aligned: bool, antialias: bool) -> Tensor:
    """Return weighted sums along an axis, with the weights of a kernel, "linear" or "cubic"."""
    if resizing.after == resizing.before and (kernel == "linear" or antialias):
        return x  # as in PyTorch, whatever the step is
    with no_grad():
        places = arange(resizing.before, dtype=x.dtype, device=x.device)
        centers = expand_dims(arange(resizing.after, dtype=x.dtype, device=x.device), axis=1)
        if antialias:
            weights = _antialiased(centers, places, resizing.step(aligned), _SMOOTH[kernel])
        else:
            step = resizing.step(aligned)
            weights = _SHARP[kernel](centers * step if aligned else (centers + 0.5) * step - 0.5, places)
    return _product(weights, x, axis)


def _product(matrix: Tensor, x: Tensor, axis: int) -> Tensor:
    """Return the products of a matrix with all lines of an array along an axis."""
    if axis == x.ndim - 1:
        return matmul(x, matrix.T)
    columns = reshape(x, (*x.shape[: axis + 1], prod(x.shape[axis + 1 :])))
    return reshape(matmul(matrix, columns), (*x.shape[:axis], matrix.shape[0], *x.shape[axis + 1 :]))


# Weights: a row for each center, a column for each place


def _triangle(distance: Tensor) -> Tensor:
    return elementwise.clip(1 - elementwise.abs(distance), min=0.0)


def _keys(distance: Tensor, a: float) -> Tensor:
    """Return R. Keys' cubic kernel: 1 at 0, and 0 at all other whole distances."""
    t = elementwise.abs(distance)
    near, far = ((a + 2) * t - (a + 3)) * t * t + 1, ((t - 5) * t + 8) * t * a - 4 * a
    return where(t <= 1, near, where(t < 2, far, 0.0))


def _linear(centers: Tensor, places: Tensor) -> Tensor:
    """Return the weights of the two places around a center; beyond the ends, the outermost counts alone."""
    return _triangle(elementwise.clip(centers, min=0.0, max=float(places.size - 1)) - places)


def _cubic(centers: Tensor, places: Tensor) -> Tensor:
    """Return the weights of the four places around a center; those beyond the ends count for the outermost."""
    last, kernel = places.size - 1, partial(_keys, a=-0.75)
    before = kernel(centers + 1) + kernel(centers + 2)
    behind = kernel(centers - (last + 1)) + kernel(centers - (last + 2))
    return kernel(centers - places) + where(places == 0, before, 0.0) + where(places == last, behind, 0.0)


def _antialiased(numbers: Tensor, places: Tensor, step: float, kernel: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the weights of a kernel that is as wide as an output, where that is wider than an input."""
    weights = kernel(((numbers + 0.5) * step - 0.5 - places) / max(1.0, step))
    return weights / sum(weights, axis=1, keepdims=True)


_SHARP: Any = {"linear": _linear, "cubic": _cubic}
_SMOOTH: Any = {"linear": _triangle, "cubic": partial(_keys, a=-0.5)}
