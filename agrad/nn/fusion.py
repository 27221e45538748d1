"""A layer and the ReLU after it as one step of a `Sequential`, if the backend computes both in one kernel.

The results are the same. If hooks or an observer could see the output of the first layer, the two run separately.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from ..core.observing import observers
from ..core.tensor import Tensor
from .activations import ReLU
from .conv import Conv1d, Conv2d, Conv3d
from .linear import Linear
from .module import Module

__all__ = ["steps_of"]

_LAYERS: Final = {Linear, Conv1d, Conv2d, Conv3d}  # no subclasses, which may have another `forward`


def steps_of(layers: list[tuple[str, Module]], input: Any) -> Sequence[tuple[str, Callable[[Any], Any]]]:
    """Return the functions that a Sequential calls in order, each with the name of its layer."""
    if observers or not isinstance(input, Tensor) or not input._device.backend.fuses_relu:
        return layers
    steps: list[tuple[str, Any]] = list(layers)
    for i in reversed(range(len(layers) - 1)):
        (name, layer), (_, following) = steps[i : i + 2]
        if _is_followed_by_relu(layer, following):
            steps[i : i + 2] = [(name, layer._forward_relu)]
    return steps


def _is_followed_by_relu(layer: Any, relu: Module) -> bool:
    """Return whether a layer has a bias and the next one is a ReLU, and no hook is called between them."""
    if type(relu) is not ReLU or type(layer) not in _LAYERS or layer.bias is None:
        return False
    if layer.bias.dtype is not layer.weight.dtype or layer.weight.dtype.is_complex:
        return False
    return not any(x._forward_hooks or x._forward_pre_hooks or "forward" in vars(x) for x in (layer, relu))
