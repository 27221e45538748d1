"""Padding: what is laid around the last axes of an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ...checks import as_integer, as_list, check_number, check_one_of
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops import manipulation
from ..reductions import as_tensor

__all__ = ["pad"]

_MODES: Final = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(input: ArrayLike, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Lay elements around the last axes, or take some away.

    Parameters
    ----------
    input : ArrayLike
    pad : sequence of int
        How many before and behind: two numbers for the last axis, then two for the one before it, and so on. A negative
        number takes elements away: as in PyTorch, before anything is laid around in the modes "constant" and
        "circular", and after it in the others.
    mode : {"constant", "reflect", "replicate", "circular"}
        What is laid around: a constant, the mirror image, the outermost element, or what lies at the other end.
    value : float, optional
        The constant; 0 by default.

    Raises
    ------
    ValueError
        If there is no such mode, if `value` comes with another one than "constant", if the numbers are not pairs or too
        many, if more is taken away than there is, or if an axis is too short for what is to be laid around it.
    TypeError
        If a number is no integer.

    See Also
    --------
    agrad.pad : with NumPy's arguments, the first axis first.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.pad(agrad.asarray([[1.0, 2.0, 3.0]]), (1, 2), mode="reflect").tolist()
    [[2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    >>> F.pad(agrad.asarray([[1.0, 2.0, 3.0]]), (-1, 0, 0, 1)).tolist()
    [[2.0, 3.0], [0.0, 0.0]]
    """
    if value is not None:
        check_number("value", value, infinite=True)
    x = as_tensor(input)
    check_one_of("mode", mode, _MODES)
    if value and mode != "constant":
        raise ValueError(f"mode={mode!r} lays no constant around; leave value={value!r} out")
    widths = _widths(pad, x.shape)
    around = [(max(0, before), max(0, behind)) for before, behind in widths]
    settings: Any = {"mode": _MODES[mode], "constant_values": value or 0}
    if mode in ("constant", "circular"):
        return manipulation.pad(_without(x, widths), around, **settings)
    return _without(manipulation.pad(x, around, **settings), widths)


def _widths(pad: Any, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return how many there are before and behind, for each axis from the first."""
    numbers = [as_integer("pad", n) for n in as_list("the numbers of pad", pad)]
    if len(numbers) % 2 or len(numbers) > 2 * len(shape):
        raise ValueError(f"pad takes two numbers for each axis from the last, {2 * len(shape)} at most; not {pad!r}")
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    return [(0, 0)] * (len(shape) - len(pairs)) + pairs[::-1]


def _without(x: Tensor, widths: list[tuple[int, int]]) -> Tensor:
    """Take away as many elements as negative widths say."""
    if all(n >= 0 for pair in widths for n in pair):
        return x
    ends = [(max(0, -before), n - max(0, -behind)) for n, (before, behind) in zip(x.shape, widths, strict=True)]
    if any(start > stop for start, stop in ends):
        raise ValueError(f"pad takes more away than there is of shape {x.shape}: widths from the first axis {widths}")
    return x[tuple(slice(start, stop) for start, stop in ends)]
