"""The RMSprop optimizer: steps scaled by a running mean of the squared gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import check_number, check_numbers
from ..core.device import Device
from .common import advanced, average, average_square, downhill, running
from .optimizer import Optimizer

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """RMSprop: ``x -= lr * g / (sqrt(square) + eps)``, where `square` is a running mean of ``g * g``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float
        The learning rate.
    alpha : float
        The smoothing constant: the decay rate of the mean square.
    eps : float
        Added to the denominator for numerical stability.
    weight_decay : float
        The weight decay (L2 penalty): ``weight_decay * x`` is added to the gradient.
    momentum : float
        The momentum factor.
    centered : bool
        Whether to divide by the running standard deviation of the gradient instead of its root mean square.
    maximize : bool
        Whether to maximize the objective instead of minimizing it.

    Raises
    ------
    ValueError
        If a setting is negative, if `alpha` is not below 1, and as `Optimizer`.

    Notes
    -----
    PyTorch's formula, after Hinton's lecture 6e, "Neural networks for machine learning", 2012; centered after Graves,
    "Generating sequences with recurrent neural networks", 2013.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = optim.RMSprop([w], lr=0.1, alpha=0.75)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]
    [0.8, -1.8]
    """

    coordinatewise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def check(self, settings: Mapping[str, Any]) -> None:
        """Check settings; see `Optimizer.check`."""
        check_numbers(0, **{name: settings[name] for name in ("lr", "eps", "weight_decay", "momentum")})
        check_number("alpha", settings["alpha"], 0, below=1)

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; see `Optimizer.update`."""
        backend, xp = device.backend, device.xp
        g = downhill(x, g, group, device)
        advanced(state)
        square = average_square(running(state, "square_avg", x, device), g, group["alpha"])
        if group["centered"]:
            mean = average(running(state, "grad_avg", x, device), g, group["alpha"])
            square = backend.add_product(backend.copy(square), mean, mean, -1)
        root = xp.sqrt(square)
        root += group["eps"]
        if not group["momentum"]:
            return backend.add_quotient(x, g, root, -group["lr"])
        buffer = running(state, "momentum_buffer", x, device)
        total = buffer._data
        total *= group["momentum"]
        buffer._data = backend.add_quotient(total, g, root, 1)
        return backend.add_scaled(x, buffer._data, -group["lr"])
