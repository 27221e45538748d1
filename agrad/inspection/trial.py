"""A trial run of a module: with zeros, in evaluation mode, and with its state restored afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..core.device import Device
from ..core.grad_mode import no_grad
from ..core.tensor import Tensor, wrap
from ..core.typing import DTypeLike
from ..nn.module import Module
from ..ops.creation import zeros

__all__ = ["inputs_for", "undisturbed"]

Shapes = Sequence[int] | Sequence[Sequence[int]]


def inputs_for(module: Module, input_shape: Shapes, dtype: DTypeLike) -> list[Tensor]:
    """Return zeros of a shape, or of each of several, on the module's device and by default of its dtype.

    Raises
    ------
    TypeError
        If `module` is not a Module, or `input_shape` not a shape.
    """
    if not isinstance(module, Module):
        raise TypeError(f"a module is needed, such as nn.Linear(2, 1), not {type(module).__name__}")
    shapes: Any = input_shape if _several(input_shape) else [input_shape]
    if not all(isinstance(shape, list | tuple) and all(isinstance(n, int) for n in shape) for shape in shapes):
        raise TypeError(
            f"input_shape must be a tuple of integers, the batch size first, or a list of such, not {input_shape!r}"
        )
    like = next((p for p in module.parameters()), None)
    if dtype is None and like is not None:
        dtype = like.dtype
    device: Device | None = None if like is None else like.device
    return [zeros(tuple(shape), dtype=dtype, device=device) for shape in shapes]


def _several(shape: Any) -> bool:
    return isinstance(shape, list | tuple) and bool(shape) and all(isinstance(part, list | tuple) for part in shape)


@contextmanager
def undisturbed(module: Module) -> Iterator[None]:
    """Set evaluation mode in this block; afterwards restore modes, attributes and buffers of all modules in it."""
    attributes = [(part, dict(vars(part))) for part in module.modules()]
    buffers = [(buffer, wrap(buffer._device.backend.copy(buffer._data), buffer._device)) for buffer in module.buffers()]
    module.eval()
    try:
        yield
    finally:
        for part, before in attributes:
            vars(part).clear()
            vars(part).update(before)
        with no_grad():
            for buffer, values in buffers:
                buffer[...] = values
