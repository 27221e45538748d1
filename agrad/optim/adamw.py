"""The AdamW optimizer: Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .adam import Adam

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam with decoupled weight decay: each step first shrinks the parameter, ``x *= 1 - lr * weight_decay``.

    The decay does not enter the running means, so its strength does not depend on the size of the gradients.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float
        The learning rate; see `Adam`.
    betas : (float, float)
        The decay rates of the running means; see `Adam`.
    eps : float
        Added to the denominator for numerical stability.
    weight_decay : float
        The weight decay: each step multiplies the parameter by ``1 - lr * weight_decay``.
    amsgrad : bool
        Whether to use the AMSGrad variant; see `Adam`.
    maximize : bool
        Whether to maximize the objective instead of minimizing it.

    Raises
    ------
    ValueError
        As `Adam`.

    Notes
    -----
    PyTorch's formula, after Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([2.0])
    >>> optimizer = optim.AdamW([w], lr=0.5, weight_decay=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.tolist()
    [1.0]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)
