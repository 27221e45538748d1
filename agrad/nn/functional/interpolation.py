"""Interpolation: resizes sequences, images and volumes, one axis after the other."""

from __future__ import annotations

from math import floor
from typing import Any, Final

from ...checks import as_integer, check_flags, check_number, check_one_of
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ..reductions import as_tensor, narrowed, widened
from .pooling import adaptive_means
from .resampling import Resizing, take_nearest, weighed

__all__ = ["check_resizing", "interpolate"]

# The numbers of axes after the batch and the channels that each mode supports.
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
    """Return the input resized by interpolation, along the axes after the channels.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, channels, ...)`` with one to three axes after them; floating, except for the modes "nearest"
        and "nearest-exact".
    size : int or tuple of int, optional
        The output size: one integer for all of these axes, or one for each.
    scale_factor : float or tuple of float, optional
        Instead of `size`: the factor that the size of the input is multiplied by; the product is rounded down.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"}
        Nearest neighbour ("nearest" rounds as OpenCV does, "nearest-exact" as Pillow does); linear interpolation along
        one, two or three axes; cubic interpolation along two; or the means of the windows of `adaptive_avg_pool2d`.
    align_corners : bool, optional
        Whether to align the centres of the first and last elements of input and output, instead of their outer edges;
        for the linear and cubic modes only. False by default.
    recompute_scale_factor : bool, optional
        Whether to compute the scale from the rounded output size instead of using `scale_factor` itself.
    antialias : bool
        Whether to widen the kernel when downsampling, so that each output is a mean over all inputs that it covers; for
        the modes "bilinear" and "bicubic" only.

    Returns
    -------
    Tensor
        Of shape ``(batch, channels, ...)``.

    Raises
    ------
    ValueError
        If the mode does not support the shape or a setting, or unless one of `size` and `scale_factor` is given.
    TypeError
        If a size or a scale is not a number, or if the input is integer or complex in a mode other than the nearest
        ones.

    Notes
    -----
    PyTorch's weights. Those of "bicubic" are R. Keys', "Cubic convolution interpolation for digital image processing",
    1981, with ``a = -0.75``, or -0.5 with `antialias`. In the linear and cubic modes, an infinite or NaN element makes
    all outputs along its axes infinite or NaN, since zero weights times it are NaN.

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
            x = adaptive_means(x, axis, resizing.after)
        else:
            x = take_nearest(x, axis, resizing, exact=mode == "nearest-exact")
    return narrowed(x, given)


# Arguments


def check_resizing(size: Any, scale: Any, mode: str, aligned: Any, recompute: Any, antialias: bool = False) -> None:
    """Raise for settings of `interpolate` that are invalid for any input."""
    check_one_of("mode", mode, _AXES)
    if (size is None) == (scale is None):
        raise ValueError(f"write exactly one of size and scale_factor; they are {size!r} and {scale!r}")
    for n in size if isinstance(size, (tuple, list)) else [] if size is None else [size]:
        as_integer("size", n, 1)
    for factor in scale if isinstance(scale, (tuple, list)) else [] if scale is None else [scale]:
        check_number("scale_factor", factor, above=0)
    if aligned is not None and mode not in _KERNELS:
        raise ValueError(f"align_corners is not for mode={mode!r}; leave align_corners={aligned!r} out")
    if recompute and size is not None:
        raise ValueError("recompute_scale_factor is for scale_factor; leave it out if size is given")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"antialias is for the modes 'bilinear' and 'bicubic', not {mode!r}")


def _check_input(x: Tensor, mode: str) -> None:
    if x.ndim - 2 not in _AXES[mode]:
        axes = " or ".join(map(str, _AXES[mode]))
        raise ValueError(
            f"mode={mode!r} needs an input (batch, channels, ...) with {axes} axes after the channels; it has {x.shape}"
        )
    if 0 in x.shape[1:]:
        raise ValueError(f"cannot interpolate an empty input of shape {x.shape}")
    if not mode.startswith("nearest") and x.dtype.family != "real floating":
        raise TypeError(f"mode={mode!r} needs a real floating input, not {x.dtype!r}; write x.astype(float)")


def _resizings(lengths: tuple[int, ...], size: Any, scale: Any, recompute: Any) -> list[Resizing]:
    """Return the resizing of each axis."""
    if size is not None:
        after = _for_each("size", size, lengths)
        return [Resizing(*pair, None) for pair in zip(lengths, after, strict=True)]
    factors = _for_each("scale_factor", scale, lengths)
    after = tuple(floor(n * factor) for n, factor in zip(lengths, factors, strict=True))
    if min(after) < 1:
        raise ValueError(f"scale_factor={scale!r} makes an empty output of an input of size {lengths}")
    steps = [None if recompute else 1 / factor for factor in factors]
    return [Resizing(*each) for each in zip(lengths, after, steps, strict=True)]


def _for_each(name: str, value: Any, lengths: tuple[int, ...]) -> tuple[Any, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * len(lengths)
    if len(values) != len(lengths):
        raise ValueError(f"{name} must be one number or {len(lengths)}, one for each axis; not {value!r}")
    return values
