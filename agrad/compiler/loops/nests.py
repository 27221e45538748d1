"""Loop nests, whose lines run for each element of a shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

__all__ = ["Block", "Nest", "Nests"]


class Block:
    """Lines that run once, in the order of the nests.

    Attributes
    ----------
    lines : list of str
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)

    def text(self) -> Iterator[str]:
        """Yield the lines."""
        yield from self.lines


class Nest:
    """Loops over the axes of a shape.

    Attributes
    ----------
    shape : tuple of int
    loops : list of str
        The names of the loop indices; "0" for axes of length 1.
    before, body : list of str
        The lines before the loops, and inside all of them.
    begin, end : dict of int to list of str
        For a number of outer loops, the lines inside these, before and after the inner loops.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.loops = ["0" if n == 1 else f"i{axis}" for axis, n in enumerate(shape)]
        self.before: list[str] = []
        self.body: list[str] = []
        self.begin: dict[int, list[str]] = {}
        self.end: dict[int, list[str]] = {}

    @property
    def is_single(self) -> bool:
        """Whether the body runs once, so that its variables can be used after the loops."""
        return prod(self.shape) == 1

    def text(self) -> Iterator[str]:
        """Yield the lines."""
        yield from self.before
        depth, ends = 0, []
        for axis, loop in enumerate(self.loops):
            yield from ("    " * depth + line for line in self.begin.get(axis, []))
            ends.append((depth, self.end.get(axis, [])))
            if loop != "0":
                yield f"{'    ' * depth}for {loop} in range({self.shape[axis]}):"
                depth += 1
        innermost = [*self.begin.get(len(self.shape), []), *self.body, *self.end.get(len(self.shape), [])]
        yield from ("    " * depth + line for line in innermost)
        for depth_of, lines in reversed(ends):
            yield from ("    " * depth_of + line for line in lines)


class Nests:
    """Nests and blocks in the order in which they run.

    Attributes
    ----------
    items : list of (Nest or Block)
    """

    def __init__(self) -> None:
        self.items: list[Nest | Block] = []

    def place(self, shape: tuple[int, ...], earliest: int) -> int:
        """Return the number of the first nest of a shape from number `earliest` on, or of a new one."""
        for i in range(earliest, len(self.items)):
            item = self.items[i]
            if isinstance(item, Nest) and item.shape == shape:
                return i
        return self.new(shape)

    def new(self, shape: tuple[int, ...]) -> int:
        """Return the number of a new nest, which runs after all others."""
        self.items.append(Nest(shape))
        return len(self.items) - 1

    def block(self, lines: Sequence[str]) -> int:
        """Add lines that run after all others, and return their number."""
        self.items.append(Block(lines))
        return len(self.items) - 1

    def nest(self, i: int) -> Nest:
        """Return the nest with a number."""
        found = self.items[i]
        assert isinstance(found, Nest)
        return found
