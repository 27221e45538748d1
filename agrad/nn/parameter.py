"""Parameter: a Tensor that a module learns."""

from __future__ import annotations

from typing import Any

from ..core.device import Device
from ..core.tensor import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A Tensor that becomes a parameter of the `Module` it is assigned to, and that an optimizer updates.

    Parameters
    ----------
    data : number, nested list, array or Tensor
        Copied; real or complex floating.
    requires_grad : bool
        False freezes it: `backward` then leaves no gradient in it and optimizers pass over it.
    dtype : DType, optional
    device : str or Device, optional

    Raises
    ------
    TypeError
        If `data` holds integers or booleans and gradients are wanted.

    Examples
    --------
    >>> from agrad import nn
    >>> nn.Parameter([1.0, 2.0])
    Parameter([1., 2.], dtype=float32, device='cpu', requires_grad=True)
    """

    def __init__(
        self,
        data: Any,
        requires_grad: bool = True,
        *,
        dtype: Any = None,
        device: str | Device | None = None,
    ) -> None:
        super().__init__(data, requires_grad, dtype=dtype, device=device)
