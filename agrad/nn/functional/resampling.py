"""Resampling along one axis: nearest neighbours, and linear and cubic interpolation.

The nearest neighbours are gathered. In the other modes, the input is multiplied by a constant matrix of weights, which
is several times faster, with the gradient, than gathering two or four neighbours.
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
    """The resizing of an axis.

    Attributes
    ----------
    before, after : int
        The lengths of the input and of the output.
    given : float or None
        The distance between outputs, in elements of the input; None to compute it from the lengths.
    """

    before: int
    after: int
    given: float | None

    def step(self, aligned: bool = False) -> float:
        """Return the distance between outputs, in elements of the input; with aligned corners if `aligned`."""
        if aligned:
            return (self.before - 1) / (self.after - 1) if self.after > 1 else 0.0
        return self.before / self.after if self.given is None else self.given


def take_nearest(x: Tensor, axis: int, resizing: Resizing, exact: bool) -> Tensor:
    """Return for each output the input element at its start, or at its centre if `exact`."""
    # In float32, as in PyTorch: rounding decides where a product is nearly an integer.
    numbers = arange(resizing.after, dtype="float32", device=x.device)
    places = elementwise.floor((numbers + 0.5 * exact) * resizing.step())
    return take(x, astype(elementwise.clip(places, max=resizing.before - 1), "int64"), axis=axis)


def weighed(x: Tensor, axis: int, resizing: Resizing, kernel: str, aligned: bool, antialias: bool) -> Tensor:
    """Return weighted sums along an axis, with the weights of a kernel, "linear" or "cubic"."""
    if resizing.after == resizing.before and (kernel == "linear" or antialias):
        return x  # as in PyTorch, for any step
    with no_grad():
        places = arange(resizing.before, dtype=x.dtype, device=x.device)
        centers = expand_dims(arange(resizing.after, dtype=x.dtype, device=x.device), axis=1)
        if antialias:
            weights = _antialiased(centers, places, resizing.step(aligned), _ANTIALIASED[kernel])
        else:
            step = resizing.step(aligned)
            weights = _INTERPOLATED[kernel](centers * step if aligned else (centers + 0.5) * step - 0.5, places)
    return _product(weights, x, axis)


def _product(matrix: Tensor, x: Tensor, axis: int) -> Tensor:
    """Return the products of a matrix with all vectors of an array along an axis."""
    if axis == x.ndim - 1:
        return matmul(x, matrix.T)
    columns = reshape(x, (*x.shape[: axis + 1], prod(x.shape[axis + 1 :])))
    return reshape(matmul(matrix, columns), (*x.shape[:axis], matrix.shape[0], *x.shape[axis + 1 :]))


# Weights: a row for each centre of an output, a column for each input


def _triangle(distance: Tensor) -> Tensor:
    return elementwise.clip(1 - elementwise.abs(distance), min=0.0)


def _keys(distance: Tensor, a: float) -> Tensor:
    """Return R. Keys' cubic kernel: 1 at 0, and 0 at all other integers."""
    t = elementwise.abs(distance)
    near, far = ((a + 2) * t - (a + 3)) * t * t + 1, ((t - 5) * t + 8) * t * a - 4 * a
    return where(t <= 1, near, where(t < 2, far, 0.0))


def _linear(centers: Tensor, places: Tensor) -> Tensor:
    """Return the weights of the two inputs around a centre; beyond the ends, the edge value has weight 1."""
    return _triangle(elementwise.clip(centers, min=0.0, max=float(places.size - 1)) - places)


def _cubic(centers: Tensor, places: Tensor) -> Tensor:
    """Return the weights of the four inputs around a centre; those beyond the ends are added to the edge value's."""
    last, kernel = places.size - 1, partial(_keys, a=-0.75)
    before_first = kernel(centers + 1) + kernel(centers + 2)
    after_last = kernel(centers - (last + 1)) + kernel(centers - (last + 2))
    return kernel(centers - places) + where(places == 0, before_first, 0.0) + where(places == last, after_last, 0.0)


def _antialiased(numbers: Tensor, places: Tensor, step: float, kernel: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the weights of a kernel widened to the size of an output when downsampling; they sum to 1."""
    weights = kernel(((numbers + 0.5) * step - 0.5 - places) / max(1.0, step))
    return weights / sum(weights, axis=1, keepdims=True)


_INTERPOLATED: Any = {"linear": _linear, "cubic": _cubic}
_ANTIALIASED: Any = {"linear": _triangle, "cubic": partial(_keys, a=-0.5)}
