"""SGD: stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import check_numbers
from ..core.device import Device
from ..core.tensor import Tensor, wrap
from .common import downhill
from .optimizer import Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent: ``x -= lr * g``.

    With momentum, a running sum takes the place of the gradient:
    ``sum = momentum * sum + (1 - dampening) * g``, which begins as the first gradient.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float
        The learning rate.
    momentum : float
        How much of the sum the next step keeps.
    dampening : float
        How much of the gradient does not enter the sum.
    weight_decay : float
        How much of the parameter is added to its gradient: an L2 penalty.
    nesterov : bool
        Whether to step along ``g + momentum * sum`` instead of the sum.
    maximize : bool
        Whether to climb instead of to descend.

    Raises
    ------
    ValueError
        If a number is negative, if Nesterov's momentum comes without momentum or with dampening, and as `Optimizer`.

    Notes
    -----
    PyTorch's formula; Nesterov's momentum after Sutskever, Martens, Dahl and Hinton, "On the importance of
    initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = optim.SGD([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.tolist()
    [0.5, -1.0]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check(self, settings: Mapping[str, Any]) -> None:
        """Check settings; see `Optimizer.check`."""
        check_numbers(0, **{name: settings[name] for name in ("lr", "momentum", "weight_decay")})
        momentum, dampening = settings["momentum"], settings["dampening"]
        check_numbers(dampening=dampening)
        if settings["nesterov"] and (momentum == 0 or dampening != 0):
            raise ValueError(
                f"Nesterov's momentum needs momentum above 0 and no dampening, not {momentum!r} and {dampening!r}"
            )

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; see `Optimizer.update`."""
        backend = device.backend
        if group["maximize"] or group["weight_decay"]:
            g = downhill(x, g, group, device)
        if group["momentum"]:
            total = self._add_to_sum(g, state, group, device)
            g = backend.add_scaled(backend.copy(g), total, group["momentum"]) if group["nesterov"] else total
        return backend.add_scaled(x, g, -group["lr"])

    def _shapes(self, p: Tensor) -> list[tuple[int, ...]]:
        return [p.shape]

    def _add_to_sum(self, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Add a gradient to the running sum in ``state["momentum_buffer"]``, and return the sum."""
        buffer = state.get("momentum_buffer")
        if buffer is None:
            buffer = state["momentum_buffer"] = wrap(device.backend.copy(g), device)
        else:
            total = buffer._data
            total *= group["momentum"]
            buffer._data = device.backend.add_scaled(total, g, 1 - group["dampening"])
        return buffer._data
