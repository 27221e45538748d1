"""Interpolation: sequences, pictures and volumes in another size, one axis after the other."""

from __future__ import annotations

from math import floor
from typing import Any, Final

from ...checks import as_integer, check_flags, check_number, check_one_of
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ..reductions import as_tensor, narrowed, widened
from .pooling import stretch_means
from .resampling import Resizing, take_nearest, weighed

__all__ = ["check_resizing", "interpolate"]

# How many axes each mode is for, behind those of the batch and the channels.
_AXES: Final = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
    "area": (1, 2, 3),
}
_KERNELS: Final = {"linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}


def interpolate(
    input: ArrayLike,
    size: int | tuple[int, ...] | None = None,
    scale_factor: float | tuple[float, ...] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Return the input in another size, along the axes behind the channels.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, channels, ...)`` with one to three axes behind; floating, but for the modes "nearest" and
        "nearest-exact".
    size : int or tuple of int, optional
        The lengths of these axes in the output: one for all, or one for each.
    scale_factor : float or tuple of float, optional
        Instead of `size`: what the lengths are multiplied by, and then rounded down.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"}
        The element that lies nearest ("nearest" rounds as older libraries do, "nearest-exact" as Pillow does), weighted
        means of 2 elements along each of one, two or three axes, cubic polynomials through 4 along each of two, or the
        means of the stretches that `adaptive_avg_pool2d` takes.
    align_corners : bool, optional
        Whether the first and last elements of input and output lie on each other, and not their outer edges; of the
        modes with weights only. False by default.
    recompute_scale_factor : bool, optional
        Whether outputs lie as far apart as the rounded lengths say, and not `scale_factor` itself.
    antialias : bool
        Whether, where the output is smaller, its elements are means over all that they stand for; of the modes
        "bilinear" and "bicubic" only.

    Returns
    -------
    Tensor
        Of shape ``(batch, channels, ...)``.

    Raises
    ------
    ValueError
        If the shape does not fit the mode, if there are not a size or a scale, but both or none, or if a setting is not
        for this mode.
    TypeError
        If a size or a scale is of the wrong kind, or if a mode with weights meets integers or complex numbers.

    Notes
    -----
    PyTorch's weights. Those of "bicubic" are R. Keys', "Cubic convolution interpolation for digital image processing",
    1981, with ``a = -0.75``, or -0.5 with `antialias`. In the modes with weights, an infinite or NaN element spoils the
    whole line that it lies on, since zero times that is not zero.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> x = agrad.asarray([[[1.0, 3.0]]])
    >>> F.interpolate(x, scale_factor=2).tolist()
    [[[1.0, 1.0, 3.0, 3.0]]]
    >>> F.interpolate(x, size=5, mode="linear", align_corners=True).tolist()
    [[[1.0, 1.5, 2.0, 2.5, 3.0]]]
    """
    check_flags(antialias=antialias)
    x = as_tensor(input)
    check_resizing(size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    _check_input(x, mode)
    given, x = x, x if mode.startswith("nearest") else widened(x)
    for axis, resizing in enumerate(_resizings(x.shape[2:], size, scale_factor, recompute_scale_factor), start=2):
        if mode in _KERNELS:
            x = weighed(x, axis, resizing, _KERNELS[mode], bool(align_corners), antialias)
        elif mode == "area":
            x = stretch_means(x, axis, resizing.after)
        else:
            x = take_nearest(x, axis, resizing, exact=mode == "nearest-exact")
    return narrowed(x, given)


# Arguments


def check_resizing(size: Any, scale: Any, mode: str, aligned: Any, recompute: Any, antialias: bool = False) -> None:
    """Raise for settings of `interpolate` that make no sense, whatever the input."""
    check_one_of("mode", mode, _AXES)
    if (size is None) == (scale is None):
        raise ValueError(f"write size or scale_factor, one of the two; they are {size!r} and {scale!r}")
    for n in size if isinstance(size, (tuple, list)) else [] if size is None else [size]:
        as_integer("size", n, 1)
    for factor in scale if isinstance(scale, (tuple, list)) else [] if scale is None else [scale]:
        check_number("scale_factor", factor, above=0)
    if aligned is not None and mode not in _KERNELS:
        raise ValueError(f"mode={mode!r} aligns no corners; leave align_corners={aligned!r} out")
    if recompute and size is not None:
        raise ValueError("recompute_scale_factor is for scale_factor; leave it out beside size")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"antialias is for the modes 'bilinear' and 'bicubic', not {mode!r}")


def _check_input(x: Tensor, mode: str) -> None:
    if x.ndim - 2 not in _AXES[mode]:
        axes = " or ".join(map(str, _AXES[mode]))
        raise ValueError(
            f"mode={mode!r} is for inputs (batch, channels, ...) with {axes} axes behind; this one has shape {x.shape}"
        )
    if 0 in x.shape[1:]:
        raise ValueError(f"there is nothing to interpolate in an input of shape {x.shape}")
    if not mode.startswith("nearest") and x.dtype.family != "real floating":
        raise TypeError(f"mode={mode!r} takes means, of real floating numbers, not {x.dtype!r}; write x.astype(float)")


def _resizings(lengths: tuple[int, ...], size: Any, scale: Any, recompute: Any) -> list[Resizing]:
    """Return what happens to each axis."""
    if size is not None:
        after = _for_each("size", size, lengths)
        return [Resizing(*pair, None) for pair in zip(lengths, after, strict=True)]
    factors = _for_each("scale_factor", scale, lengths)
    after = tuple(floor(n * factor) for n, factor in zip(lengths, factors, strict=True))
    if min(after) < 1:
        raise ValueError(f"scale_factor={scale!r} leaves nothing of lengths {lengths}")
    steps = [None if recompute else 1 / factor for factor in factors]
    return [Resizing(*each) for each in zip(lengths, after, steps, strict=True)]


def _for_each(name: str, value: Any, lengths: tuple[int, ...]) -> tuple[Any, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * len(lengths)
    if len(values) != len(lengths):
        raise ValueError(f"{name} must be one number or {len(lengths)}, one for each axis; not {value!r}")
    return values
