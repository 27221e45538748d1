"""The Adagrad optimizer: steps scaled by the sum of all squared gradients so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import check_numbers
from ..core.device import Device
from .common import advanced, downhill, running
from .optimizer import Optimizer

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Adagrad: ``x -= lr * g / (sqrt(total) + eps)``, where `total` is the sum of ``g * g`` over all steps.

    Coordinates whose gradient is often zero take larger steps than the others.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float
        The learning rate.
    lr_decay : float
        Step `t`, counted from 0, is divided by ``1 + t * lr_decay``.
    weight_decay : float
        The weight decay (L2 penalty): ``weight_decay * x`` is added to the gradient.
    initial_accumulator_value : float
        The initial value of `total`.
    eps : float
        Added to the denominator for numerical stability.
    maximize : bool
        Whether to maximize the objective instead of minimizing it.

    Raises
    ------
    ValueError
        If a setting is negative, and as `Optimizer`.

    Notes
    -----
    PyTorch's formula, after Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 2011.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = optim.Adagrad([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]
    [0.5, -1.5]
    """

    coordinatewise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "eps": eps,
                "maximize": maximize,
            },
        )

    def check(self, settings: Mapping[str, Any]) -> None:
        """Check settings; see `Optimizer.check`."""
        check_numbers(
            0,
            **{name: settings[name] for name in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")},
        )

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; see `Optimizer.update`."""
        backend = device.backend
        g = downhill(x, g, group, device)
        step = advanced(state)
        total = running(state, "sum", x, device)
        if step == 1:
            total._data += group["initial_accumulator_value"]
        total._data = backend.add_product(total._data, g, g, 1)
        root = device.xp.sqrt(total._data)
        root += group["eps"]
        return backend.add_quotient(x, g, root, -group["lr"] / (1 + (step - 1) * group["lr_decay"]))
