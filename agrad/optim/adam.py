"""Adam: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import check_numbers
from ..core.device import Device
from .common import advanced, average, average_square, betas_below_one, decayed, running
from .optimizer import Optimizer

__all__ = ["Adam"]


class Adam(Optimizer):
    """Adam: ``x -= lr * mean / (sqrt(square) + eps)``.

    `mean` and `square` are running means of the gradient and of its square, divided by ``1 - beta**t`` after `t` steps
    because they begin with zeros.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float
        The learning rate: about the length of a step in each coordinate.
    betas : (float, float)
        How much of the mean, and of the mean square, the next step keeps.
    eps : float
        Keeps the quotient small where gradients are.
    weight_decay : float
        How much of the parameter is added to its gradient: an L2 penalty.
    amsgrad : bool
        Whether to divide by the largest mean square so far instead of the last one.
    maximize : bool
        Whether to climb instead of to descend.
    decoupled_weight_decay : bool
        Whether the decay shrinks the parameter itself, as in `AdamW`, instead of entering its gradient.

    Raises
    ------
    ValueError
        If a number is negative, if one of `betas` is not below 1, and as `Optimizer`.

    Notes
    -----
    PyTorch's formula, after Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; `amsgrad` after
    Reddi, Kale and Kumar, "On the convergence of Adam and beyond", ICLR 2018. Real and imaginary parts of complex
    parameters are coordinates of their own.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = optim.Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]
    [0.5, -1.5]
    """

    coordinatewise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def check(self, settings: Mapping[str, Any]) -> None:
        """Check settings; see `Optimizer.check`."""
        check_numbers(0, **{name: settings[name] for name in ("lr", "eps", "weight_decay")})
        betas_below_one(settings["betas"])

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; see `Optimizer.update`."""
        beta1, beta2 = group["betas"]
        x, g = decayed(x, g, group, device)
        step = advanced(state)
        mean = average(running(state, "exp_avg", x, device), g, beta1)
        square = average_square(running(state, "exp_avg_sq", x, device), g, beta2)
        if group["amsgrad"]:
            square = self._largest(square, state, device)
        root = device.xp.sqrt(square)
        root /= (1 - beta2**step) ** 0.5
        root += group["eps"]
        return device.backend.add_quotient(x, mean, root, -group["lr"] / (1 - beta1**step))

    def _largest(self, square: Any, state: dict[str, Any], device: Device) -> Any:
        """Return the largest mean square so far, in each coordinate."""
        largest = running(state, "max_exp_avg_sq", square, device)
        largest._data = device.backend.box(device.xp.maximum(largest._data, square))
        return largest._data
