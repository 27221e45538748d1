"""The SGD optimizer: stochastic gradient descent, optionally with momentum.

`SGD.update` has the formula; on CUDA ``backends/cuda/optimizers.py`` computes it in one kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..checks import check_numbers
from ..core.device import Device
from ..core.tensor import Tensor, wrap
from .common import downhill
from .optimizer import Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent: ``x -= lr * g``.

    With momentum, the momentum buffer takes the place of the gradient:
    ``buffer = momentum * buffer + (1 - dampening) * g``. It starts as the first gradient.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float
        The learning rate.
    momentum : float
        The momentum factor.
    dampening : float
        Dampening of the momentum.
    weight_decay : float
        The weight decay (L2 penalty): ``weight_decay * x`` is added to the gradient.
    nesterov : bool
        Whether to use Nesterov momentum: the step is along ``g + momentum * buffer``.
    maximize : bool
        Whether to maximize the objective instead of minimizing it.

    Raises
    ------
    ValueError
        If a setting is negative, if `nesterov` is set without momentum or with dampening, and as `Optimizer`.

    Notes
    -----
    PyTorch's formula; Nesterov momentum after Sutskever, Martens, Dahl and Hinton, "On the importance of
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

    _formula = "sgd"

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
                "Nesterov momentum needs a momentum above 0 and a dampening of 0, not "
                f"momentum={momentum!r} and dampening={dampening!r}"
            )

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; see `Optimizer.update`."""
        backend = device.backend
        if group["maximize"] or group["weight_decay"]:
            g = downhill(x, g, group, device)
        if group["momentum"]:
            buffer = self._update_buffer(g, state, group, device)
            g = backend.add_scaled(backend.copy(g), buffer, group["momentum"]) if group["nesterov"] else buffer
        return backend.add_scaled(x, g, -group["lr"])

    def _state_names(self, group: dict[str, Any]) -> Sequence[str]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def _fused_settings(self, step: int, group: dict[str, Any]) -> Sequence[float]:
        kinds = group["nesterov"], group["maximize"]
        return group["lr"], group["momentum"], 1 - group["dampening"], group["weight_decay"], *kinds

    def _shapes(self, p: Tensor) -> list[tuple[int, ...]]:
        return [p.shape]

    def _update_buffer(self, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Add a gradient to the momentum buffer in ``state["momentum_buffer"]``, and return its array."""
        buffer = state.get("momentum_buffer")
        if buffer is None:
            buffer = state["momentum_buffer"] = wrap(device.backend.copy(g), device)
        else:
            array = buffer._data
            array *= group["momentum"]
            buffer._data = device.backend.add_scaled(array, g, 1 - group["dampening"])
        return buffer._data
