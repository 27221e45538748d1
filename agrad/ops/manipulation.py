"""Manipulation functions."""

from __future__ import annotations

from typing import Any

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor


@primitive(view=True)
def reshape(xp: Any, x: ArrayLike, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """Give an array another shape."""
    return xp.reshape(x, shape, copy=copy)  # type: ignore[no-any-return]


reshape.vjp(x=lambda g, xp, x_shape: xp.reshape(g, x_shape))


@primitive(view=True)
def broadcast_to(xp: Any, x: ArrayLike, /, shape: tuple[int, ...]) -> Tensor:
    """Repeat an array to a shape that it broadcasts to."""
    return xp.broadcast_to(x, shape)  # type: ignore[no-any-return]


broadcast_to.vjp(x=lambda g: g)


@primitive(view=True)
def permute_dims(xp: Any, x: ArrayLike, /, axes: tuple[int, ...]) -> Tensor:
    """Permute the axes."""
    return xp.permute_dims(x, axes)  # type: ignore[no-any-return]


permute_dims.vjp(x=lambda g, xp, axes: xp.permute_dims(g, tuple(axes.index(i) for i in range(len(axes)))))
