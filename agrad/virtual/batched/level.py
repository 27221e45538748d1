"""Batch: the place of batched arrays, and the ways in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...backends.typing import Array, Namespace, NativeDevice
from ..base import Level
from .arrays import BatchedArray, spread_out

__all__ = ["Batch"]


class Batch(Level):
    """The place of the arrays of one run of `vmap`.

    Attributes
    ----------
    size : int
        How many elements the batch has.
    randomness : str
        What random numbers are to them: ``"error"``, ``"different"`` or ``"same"``.

    The others are those of `Level`.
    """

    __slots__ = ("randomness", "size")

    def __init__(
        self, library: Any, backend: Any, xp: Namespace, native: NativeDevice, size: int, randomness: str
    ) -> None:
        super().__init__(library, backend, xp, native)
        self.size, self.randomness = size, randomness

    def onto(self, backend: Any, xp: Namespace, native: NativeDevice) -> Batch:
        """Return the same batch above another place."""
        return Batch(self.library.over(backend, xp), backend, xp, native, self.size, self.randomness)

    def enter(self, value: Array, axis: int | None) -> BatchedArray:
        """Return an array of the library below with an axis hidden, or as the same for the whole batch."""
        if axis:
            value = self.xp.moveaxis(value, axis, 0)
        return BatchedArray(value, int(axis is not None), self)

    def leave(self, array: Array, axis: int) -> Any:
        """Return an array of the library below with the hidden axis at a place: the transpose of `enter`."""
        if not array.lead:
            return self.backend.copy(self.xp.moveaxis(spread_out(array), 0, axis))
        return self.xp.moveaxis(array.value, 0, axis) if axis else array.value

    def total(self, array: Array) -> Any:
        """Return the sum over the batch: the transpose of `enter` for what is the same for all of it."""
        found = self.xp.sum(array.value, axis=0) if array.lead else array.value * self.size
        return self.backend.box(found)

    def carried(self, array: Array, function: Callable[[Any], Any]) -> BatchedArray:
        """Return an array of this batch at another place, with what a function makes of its value there."""
        return BatchedArray(function(array.value), array.lead, self)
