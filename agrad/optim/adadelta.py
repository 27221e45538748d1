"""The Adadelta optimizer: steps scaled by running averages of past steps and gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import check_numbers
from ..core.device import Device
from .common import advanced, average_square, downhill, running
from .optimizer import Optimizer

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Adadelta: the gradient scaled by the running RMS of past steps over that of past gradients.

    The update is ``delta = g * sqrt(steps + eps) / sqrt(square + eps)``, where `steps` and `square` are running means
    of ``delta * delta`` and ``g * g``; then ``x -= lr * delta``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float
        The learning rate: a factor of the update.
    rho : float
        The decay rate of both running means.
    eps : float
        Added to both running means for numerical stability; it sets the size of the first steps.
    weight_decay : float
        The weight decay (L2 penalty): ``weight_decay * x`` is added to the gradient.
    maximize : bool
        Whether to maximize the objective instead of minimizing it.

    Raises
    ------
    ValueError
        If a setting is negative, if `rho` is above 1, and as `Optimizer`.

    Notes
    -----
    PyTorch's formula, after Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = optim.Adadelta([w], rho=0.75, eps=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 3) for x in w.tolist()]
    [0.801, -1.8]
    """

    coordinatewise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize})

    def check(self, settings: Mapping[str, Any]) -> None:
        """Check settings; see `Optimizer.check`."""
        check_numbers(0, **{name: settings[name] for name in ("lr", "eps", "weight_decay")})
        check_numbers(0, 1, rho=settings["rho"])

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; see `Optimizer.update`."""
        xp, eps = device.xp, group["eps"]
        g = downhill(x, g, group, device)
        advanced(state)
        square = average_square(running(state, "square_avg", x, device), g, group["rho"])
        steps = running(state, "acc_delta", x, device)
        delta = xp.sqrt(steps._data + eps)
        delta /= xp.sqrt(square + eps)
        delta *= g
        average_square(steps, delta, group["rho"])
        return device.backend.add_scaled(x, delta, -group["lr"])
