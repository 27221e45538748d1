"""Functions that several optimizers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..checks import check_number
from ..core.device import Device
from ..core.tensor import Tensor, wrap

__all__ = [
    "advanced", "average", "average_square", "betas_below_one", "decayed", "downhill", "running",
]  # fmt: skip


def betas_below_one(betas: Sequence[float]) -> None:
    """Check the decay rates of two running means: TypeError or ValueError if they are not two numbers in [0, 1)."""
    if not isinstance(betas, (tuple, list)):
        raise TypeError(f"betas must be two numbers, as in (0.9, 0.999), not {betas!r}")
    if len(betas) != 2:
        raise ValueError(f"betas must be two numbers from 0 to below 1, as in (0.9, 0.999), not {len(betas)}")
    for beta in betas:
        check_number("betas", beta, 0, below=1)


def downhill(x: Any, g: Any, group: dict[str, Any], device: Device) -> Any:
    """Return a new gradient: negated for `maximize`, with the gradient of the L2 penalty added; `g` is unchanged."""
    if group["maximize"]:
        g = -g
    if group["weight_decay"]:
        g = device.backend.add_scaled(device.backend.copy(g), x, group["weight_decay"])
    return g


def decayed(x: Any, g: Any, group: dict[str, Any], device: Device) -> tuple[Any, Any]:
    """Return the parameter and its gradient, with the weight decay applied to one of them."""
    if not group["decoupled_weight_decay"]:
        return x, downhill(x, g, group, device)
    x *= 1 - group["lr"] * group["weight_decay"]
    return x, -g if group["maximize"] else g


def running(state: dict[str, Any], name: str, x: Any, device: Device) -> Tensor:
    """Return the running sum or mean `name` of a parameter's state, which starts at zero."""
    if name not in state:
        state[name] = wrap(device.xp.zeros_like(x), device)
    return state[name]


def advanced(state: dict[str, Any]) -> int:
    """Add one to the step count, and return it."""
    state["step"] = state.get("step", 0) + 1
    return state["step"]


def average(mean: Tensor, x: Any, beta: float) -> Any:
    """Update a running mean, ``mean = beta * mean + (1 - beta) * x``, and return its array."""
    array = mean._data
    array *= beta
    mean._data = mean._device.backend.add_scaled(array, x, 1 - beta)
    return mean._data


def average_square(mean: Tensor, x: Any, beta: float) -> Any:
    """Update a running mean of squares, ``mean = beta * mean + (1 - beta) * x * x``, and return its array."""
    array = mean._data
    array *= beta
    mean._data = mean._device.backend.add_product(array, x, x, 1 - beta)
    return mean._data
