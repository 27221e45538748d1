"""What the formulas of several optimizers share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from ..core.device import Device
from ..core.tensor import Tensor, wrap

__all__ = [
    "advanced", "all_integers", "all_numbers", "average", "average_square", "betas_below_one", "downhill",
    "none_negative", "running",
]  # fmt: skip


def all_numbers(**settings: Any) -> None:
    """Refuse settings that are no numbers."""
    for name, value in settings.items():
        if not isinstance(value, Real):
            what = "Tensor; write x.item()" if isinstance(value, Tensor) else repr(value)
            raise TypeError(f"{name} must be a number, not {what}")


def all_integers(**settings: Any) -> None:
    """Refuse settings that are no integers."""
    for name, value in settings.items():
        if not hasattr(value, "__index__"):
            raise TypeError(f"{name} must be an integer, not {value!r}")


def none_negative(**settings: Any) -> None:
    """Refuse settings below zero, and what is no number."""
    all_numbers(**settings)
    for name, value in settings.items():
        if not value >= 0:
            raise ValueError(f"{name} must be 0 or more, not {value!r}")


def betas_below_one(betas: Sequence[float]) -> None:
    """Refuse factors of two running means that are not in [0, 1)."""
    if not isinstance(betas, (tuple, list)) or not all(isinstance(beta, Real) for beta in betas):
        raise TypeError(f"betas must be two numbers, as in (0.9, 0.999), not {betas!r}")
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas must be two numbers from 0 to below 1, not {betas!r}")


def downhill(x: Any, g: Any, group: dict[str, Any], device: Device) -> Any:
    """Return the gradient to go against: negated to climb, with that of an L2 penalty added; `g` stays as it is."""
    if group["maximize"]:
        g = -g
    if group["weight_decay"]:
        g = device.backend.add_scaled(device.backend.copy(g), x, group["weight_decay"])
    return g


def running(state: dict[str, Any], name: str, x: Any, device: Device) -> Tensor:
    """Return the running sum or mean of that name, which begins with zeros."""
    if name not in state:
        state[name] = wrap(device.xp.zeros_like(x), device)
    return state[name]


def advanced(state: dict[str, Any]) -> int:
    """Count one more step, and return how many there have been."""
    state["step"] = state.get("step", 0) + 1
    return state["step"]


def average(mean: Tensor, x: Any, beta: float) -> Any:
    """Move a running mean to ``beta * mean + (1 - beta) * x``, and return its array."""
    array = mean._data
    array *= beta
    mean._data = mean._device.backend.add_scaled(array, x, 1 - beta)
    return mean._data


def average_square(mean: Tensor, x: Any, beta: float) -> Any:
    """Move a running mean of squares to ``beta * mean + (1 - beta) * x * x``, and return its array."""
    array = mean._data
    array *= beta
    mean._data = mean._device.backend.add_product(array, x, x, 1 - beta)
    return mean._data
