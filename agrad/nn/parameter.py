"""Parameter, a Tensor that optimizers update."""

from __future__ import annotations

from typing import Any

from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A Tensor that is registered as a parameter when it is assigned to an attribute of a `Module`.

    Parameters
    ----------
    data : number, nested list, array or Tensor
        The initial values, copied; real or complex floating.
    requires_grad : bool
        False freezes it: it gets no gradient, and optimizers skip it.
    dtype : DType, optional
    device : str or Device, optional

    Raises
    ------
    TypeError
        If `data` has an integer or boolean dtype and `requires_grad` is True.

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
        dtype: DTypeLike = None,
        device: str | Device | None = None,
    ) -> None:
        super().__init__(data, requires_grad, dtype=dtype, device=device)
