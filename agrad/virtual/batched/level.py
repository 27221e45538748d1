"""Batch: the native device of batched arrays, which adds and removes the batch axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...backends.typing import Array, Namespace, NativeDevice, NativeDtype
from ..base import Level
from .arrays import BatchedArray, spread_out

__all__ = ["Batch"]


class Batch(Level):
    """The native device of the arrays of one run of `vmap`; see `Level` for the other attributes.

    Attributes
    ----------
    size : int
        The number of examples in the batch.
    randomness : str
        As in `vmap`: ``"error"``, ``"different"`` or ``"same"``.
    """

    __slots__ = ("randomness", "size")

    def __init__(
        self, library: Any, backend: Any, xp: Namespace, native: NativeDevice, size: int, randomness: str
    ) -> None:
        super().__init__(library, backend, xp, native)
        self.size, self.randomness = size, randomness

    def onto(self, backend: Any, xp: Namespace, native: NativeDevice) -> Batch:
        """Return the same batch over another native device."""
        return Batch(self.library.over(backend, xp), backend, xp, native, self.size, self.randomness)

    def unit_vectors(self, dtype: NativeDtype) -> BatchedArray:
        """Return a vector as long as the batch for each example: that of example i is 1 at i, and 0 elsewhere."""
        return BatchedArray.unit_vectors(self.xp.ones((self.size,), dtype=dtype, device=self.native), self)

    def enter(self, value: Array, axis: int | None) -> BatchedArray:
        """Return a BatchedArray with `axis` as its batch axis; None: the same for the whole batch."""
        if axis:
            value = self.xp.moveaxis(value, axis, 0)
        return BatchedArray(value, int(axis is not None), self)

    def leave(self, array: Array, axis: int) -> Any:
        """Return an array of the library below with the batch axis moved to `axis`: the transpose of `enter`."""
        value = spread_out(array)
        value = self.xp.moveaxis(value, 0, axis) if axis else value
        return value if array.lead else self.backend.copy(value)

    def total(self, array: Array) -> Any:
        """Return the sum over the batch: the transpose of `enter` with axis None."""
        found = self.xp.sum(array.value, axis=0) if array.lead else array.value * self.size
        return self.backend.box(found)

    def carried(self, array: Array, function: Callable[[Any], Any]) -> BatchedArray:
        """Return an array of this batch whose value is `function` of the array's value."""
        return BatchedArray(function(array.value), array.lead, self)
