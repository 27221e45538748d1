"""The Adam optimizer: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..checks import check_numbers
from ..core.device import Device
from .common import advanced, average, average_square, betas_below_one, decayed, running
from .optimizer import Optimizer

__all__ = ["Adam"]


class Adam(Optimizer):
    """Adam: ``x -= lr * mean / (sqrt(square) + eps)``.

    `mean` and `square` are running means of the gradient and of its square, with bias correction: they start at zero
    and are divided by ``1 - beta**t`` after `t` steps.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float
        The learning rate: about the length of a step in each coordinate.
    betas : (float, float)
        The decay rates of the running means of the gradient and of its square.
    eps : float
        Added to the denominator for numerical stability.
    weight_decay : float
        The weight decay (L2 penalty): ``weight_decay * x`` is added to the gradient.
    amsgrad : bool
        Whether to use the AMSGrad variant, which divides by the maximum of the mean square so far.
    maximize : bool
        Whether to maximize the objective instead of minimizing it.
    decoupled_weight_decay : bool
        Whether to apply the weight decay to the parameter, as `AdamW` does, instead of adding it to the gradient.

    Raises
    ------
    ValueError
        If a setting is negative, if one of `betas` is not below 1, and as `Optimizer`.

    Notes
    -----
    PyTorch's formula, after Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; `amsgrad` after
    Reddi, Kale and Kumar, "On the convergence of Adam and beyond", ICLR 2018. The real and imaginary parts of complex
    parameters are treated as separate coordinates.

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
    _formula = "adam"

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
            square = self._maximum(square, state, device)
        root = device.xp.sqrt(square)
        root /= (1 - beta2**step) ** 0.5
        root += group["eps"]
        return device.backend.add_quotient(x, mean, root, -group["lr"] / (1 - beta1**step))

    def _state_names(self, group: dict[str, Any]) -> Sequence[str]:
        return ("exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else []))

    def _fused_settings(self, step: int, group: dict[str, Any]) -> Sequence[float]:
        beta1, beta2 = group["betas"]
        lr, decay = group["lr"], group["weight_decay"]
        shrink, decay = (1 - lr * decay, 0.0) if group["decoupled_weight_decay"] else (1.0, decay)
        lr, root_scale = lr / (1 - beta1**step), (1 - beta2**step) ** 0.5
        means = beta1, 1 - beta1, beta2, 1 - beta2
        return lr, *means, root_scale, group["eps"], shrink, decay, group["amsgrad"], group["maximize"]

    def _maximum(self, square: Any, state: dict[str, Any], device: Device) -> Any:
        """Return the elementwise maximum of the mean squares so far."""
        largest = running(state, "max_exp_avg_sq", square, device)
        largest._data = device.backend.box(device.xp.maximum(largest._data, square))
        return largest._data
