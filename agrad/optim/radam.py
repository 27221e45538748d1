"""RAdam: Adam with a rectified adaptive learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import check_numbers
from ..core.device import Device
from .common import advanced, average, average_square, betas_below_one, decayed, running
from .optimizer import Optimizer

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """RAdam: Adam with a rectified adaptive learning rate, which needs no warm-up.

    In the first steps, the variance of the adaptive learning rate is not finite, and the step is ``x -= lr * mean``.
    After them, Adam's step is multiplied by a rectification factor that rises to 1.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr, betas, eps, weight_decay, decoupled_weight_decay, maximize
        As in `Adam`.

    Raises
    ------
    ValueError
        If a setting is negative, if one of `betas` is not below 1, and as `Optimizer`.

    Notes
    -----
    PyTorch's formula, after Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020. The real
    and imaginary parts of complex parameters are treated as separate coordinates.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = optim.RAdam([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]
    [0.5, -1.0]
    """

    coordinatewise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
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
        rate = group["lr"] / (1 - beta1**step)
        factor = _rectification(step, beta2)
        if factor is None:
            return device.backend.add_scaled(x, mean, -rate)
        root = device.xp.sqrt(square)
        root += group["eps"]
        return device.backend.add_quotient(x, mean, root, -rate * factor * (1 - beta2**step) ** 0.5)


def _rectification(step: int, beta: float) -> float | None:
    """Return the factor of Adam's step, or None while the variance is not finite."""
    most = 2 / (1 - beta) - 1  # the limit of `length`, that of an equivalent simple moving average
    length = most - 2 * step * beta**step / (1 - beta**step)
    if length <= 5:
        return None
    return ((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) ** 0.5
