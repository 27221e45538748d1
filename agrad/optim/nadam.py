"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import check_numbers
from ..core.device import Device
from .common import advanced, average, average_square, betas_below_one, decayed, running
from .optimizer import Optimizer

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """NAdam: Adam with Nesterov momentum, whose step uses the momentum of the next step.

    The momentum of step `t` is ``mu = beta1 * (1 - 0.96**(t * momentum_decay) / 2)``, which rises from ``beta1 / 2``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr, betas, eps, weight_decay
        As in `Adam`.
    momentum_decay : float
        The rate at which the momentum rises to `beta1`.
    decoupled_weight_decay, maximize
        As in `Adam`.

    Raises
    ------
    ValueError
        If a setting is negative, if one of `betas` is not below 1, and as `Optimizer`.

    Notes
    -----
    PyTorch's formula, after Dozat, "Incorporating Nesterov momentum into Adam", 2016. The real and imaginary parts
    of complex parameters are treated as separate coordinates.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = optim.NAdam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 3) for x in w.tolist()]
    [0.472, -1.472]
    """

    coordinatewise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
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
                "momentum_decay": momentum_decay,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def check(self, settings: Mapping[str, Any]) -> None:
        """Check settings; see `Optimizer.check`."""
        check_numbers(0, **{name: settings[name] for name in ("lr", "eps", "weight_decay", "momentum_decay")})
        betas_below_one(settings["betas"])

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; see `Optimizer.update`."""
        lr, (beta1, beta2) = group["lr"], group["betas"]
        x, g = decayed(x, g, group, device)
        step = advanced(state)
        now, ahead = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        product = state["mu_product"] = state.get("mu_product", 1.0) * now
        mean = average(running(state, "exp_avg", x, device), g, beta1)
        square = average_square(running(state, "exp_avg_sq", x, device), g, beta2)
        root = device.xp.sqrt(square)
        root /= (1 - beta2**step) ** 0.5
        root += group["eps"]
        x = device.backend.add_quotient(x, g, root, -lr * (1 - now) / (1 - product))
        return device.backend.add_quotient(x, mean, root, -lr * ahead / (1 - product * ahead))
