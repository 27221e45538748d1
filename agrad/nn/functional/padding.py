"""Padding of the last axes of an array."""

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
    """Pad the last axes, or crop them where the padding is negative.

    Parameters
    ----------
    input : ArrayLike
    pad : sequence of int
        The numbers of elements to add before and after: two for the last axis, then two for the axis before it, and so
        on. A negative number removes elements: as in PyTorch, before the padding in the modes "constant" and
        "circular", and after it in the others.
    mode : {"constant", "reflect", "replicate", "circular"}
        Whether to pad with a constant, the reflection of the input, its edge values, or values from the opposite side.
    value : float, optional
        The constant; 0 by default.

    Returns
    -------
    Tensor
        Of the input's dtype; an axis of length `n` has length ``before + n + after``.

    Raises
    ------
    ValueError
        If the mode is unknown, if `value` is given with another mode than "constant", if `pad` does not hold two
        integers for each of at most all axes, if more is removed than there is, or if an axis is too short to pad.
    TypeError
        If `pad` does not hold integers.

    See Also
    --------
    agrad.pad : The same with NumPy's arguments, the first axis first.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.pad(agrad.asarray([[1.0, 2.0, 3.0]]), (1, 2), mode="reflect").tolist()
    [[2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    >>> F.pad(agrad.asarray([[1.0, 2.0, 3.0]]), (-1, 0, 0, 1)).tolist()
    [[2.0, 3.0], [0.0, 0.0]]
    """
    if value is not None and not isinstance(value, (bool, complex)):
        check_number("value", value, infinite=True)
    x = as_tensor(input)
    check_one_of("mode", mode, _MODES)
    if value and mode != "constant":
        raise ValueError(f"value is for mode='constant', not {mode!r}; leave value={value!r} out")
    widths = _widths(pad, x.shape)
    around = [(max(0, before), max(0, after)) for before, after in widths]
    settings: Any = {"mode": _MODES[mode], "constant_values": value or 0}
    if mode in ("constant", "circular"):
        return manipulation.pad(_cropped(x, widths), around, **settings)
    return _cropped(manipulation.pad(x, around, **settings), widths)


def _widths(pad: Any, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the padding before and after each axis, the first axis first."""
    numbers = [as_integer("pad", n) for n in as_list("pad", pad)]
    if len(numbers) % 2 or len(numbers) > 2 * len(shape):
        raise ValueError(
            f"pad must hold two integers for each axis from the last, {2 * len(shape)} at most; not {pad!r}"
        )
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    return [(0, 0)] * (len(shape) - len(pairs)) + pairs[::-1]


def _cropped(x: Tensor, widths: list[tuple[int, int]]) -> Tensor:
    """Remove the elements that negative widths stand for."""
    if all(n >= 0 for pair in widths for n in pair):
        return x
    ends = [(max(0, -before), n - max(0, -after)) for n, (before, after) in zip(x.shape, widths, strict=True)]
    if any(start > stop for start, stop in ends):
        raise ValueError(f"pad={widths}, the first axis first, removes more elements than shape {x.shape} has")
    return x[tuple(slice(start, stop) for start, stop in ends)]
