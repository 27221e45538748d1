"""Access: how loop indices map to the elements of an array, or of a view of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

__all__ = ["Access", "Index", "whole"]


@dataclass(frozen=True)
class Index:
    """The index along one axis of an array: ``start + step * i``, where i is the index along an axis of the view.

    Attributes
    ----------
    axis : int or None
        The axis of the view; None if the index is always `start`.
    through : str
        The array of indices in which the index is looked up, or an empty string.
    known : str
        The variable that holds the index, if it was looked up already.
    """

    axis: int | None
    start: int = 0
    step: int = 1
    through: str = ""
    known: str = ""

    def text(self, loops: Sequence[str]) -> str:
        """Return the index as text, given the names of the loops over the view's axes."""
        if self.known:
            return self.known
        loop = "0" if self.axis is None else loops[self.axis]
        if loop == "0":
            found = str(self.start)
        else:
            scaled = loop if self.step == 1 else f"{self.step} * {loop}"
            found = f"{self.start} + {scaled}" if self.start else scaled
        return f"{self.through}[{found}]" if self.through else found


@dataclass(frozen=True)
class Access:
    """The elements of an array, or of a view.

    Attributes
    ----------
    name : str
        The name of the array.
    shape : tuple of int
        The shape of the view.
    indices : tuple of Index
        One for each axis of the array.
    """

    name: str
    shape: tuple[int, ...]
    indices: tuple[Index, ...]

    def element(self, loops: Sequence[str]) -> str:
        """Return the text of the element at the current indices of loops, over at least as many axes."""
        if not self.indices:
            return f"{self.name}[()]"
        own = list(loops[len(loops) - len(self.shape) :])
        own = ["0" if n == 1 else loop for n, loop in zip(self.shape, own, strict=True)]
        return f"{self.name}[{', '.join(index.text(own) for index in self.indices)}]"

    def looked_up(self, place: int, name: str) -> Access:
        """Return the access with one of its indices replaced by the variable that holds it."""
        indices = [replace(x, known=name) if i == place else x for i, x in enumerate(self.indices)]
        return replace(self, indices=tuple(indices))

    @property
    def axes(self) -> tuple[int, ...] | None:
        """The order of the view's axes in the array, if it is the whole array transposed; None if not."""
        plain = all(index == Index(index.axis) for index in self.indices)
        found = tuple(index.axis for index in self.indices if index.axis is not None)
        return found if plain and len(found) == len(self.indices) == len(self.shape) else None

    def renumbered(self, shape: tuple[int, ...], new: Sequence[int | None]) -> Access:
        """Return a view of another shape, given the new number of each axis, or None for removed axes."""
        indices = [x if x.axis is None else replace(x, axis=new[x.axis]) for x in self.indices]
        return Access(self.name, shape, tuple(indices))

    def permuted(self, axes: Sequence[int]) -> Access:
        """Return the view with its axes in another order."""
        order = [axis % len(self.shape) for axis in axes]
        return self.renumbered(tuple(self.shape[i] for i in order), [order.index(i) for i in range(len(order))])

    def broadcast(self, shape: tuple[int, ...]) -> Access:
        """Return the view broadcast to a shape."""
        more = len(shape) - len(self.shape)
        new = [None if n == 1 else i + more for i, n in enumerate(self.shape)]
        return self.renumbered(shape, new)

    def reshaped(self, shape: tuple[int, ...]) -> Access | None:
        """Return the view with axes of length 1 inserted or removed; None if that does not give the shape."""
        if [n for n in shape if n != 1] != [n for n in self.shape if n != 1]:
            return None
        places = iter([i for i, n in enumerate(shape) if n != 1])
        return self.renumbered(shape, [None if n == 1 else next(places) for n in self.shape])

    def sliced(self, axis: int, start: int, step: int, length: int) -> Access:
        """Return the view of a slice along one axis."""
        indices = tuple(
            replace(x, start=x.start + start * x.step, step=x.step * step) if x.axis == axis else x
            for x in self.indices
        )
        return Access(self.name, (*self.shape[:axis], length, *self.shape[axis + 1 :]), indices)

    def fixed(self, axis: int, place: int) -> Access:
        """Return the view at one index of an axis, without that axis."""
        found = self.sliced(axis, place, 1, 1)
        shape = (*self.shape[:axis], *self.shape[axis + 1 :])
        return found.renumbered(shape, [None if i == axis else i - (i > axis) for i in range(len(self.shape))])

    def gathered(self, axis: int, through: str, length: int) -> Access | None:
        """Return the view indexed by an array along an axis; None if that axis is sliced or indexed already."""
        if any(x.through or x != Index(axis) for x in self.indices if x.axis == axis):
            return None
        indices = tuple(replace(x, through=through) if x.axis == axis else x for x in self.indices)
        return Access(self.name, (*self.shape[:axis], length, *self.shape[axis + 1 :]), indices)


def whole(name: str, shape: Sequence[int]) -> Access:
    """Return the access to the whole of an array."""
    return Access(name, tuple(shape), tuple(Index(i) for i in range(len(shape))))
