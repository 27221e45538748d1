"""Initial values: functions that overwrite a Tensor in place, unrecorded, and return it."""

from __future__ import annotations

from typing import TypeVar

from .. import random
from ..core.tape import no_grad
from ..core.tensor import Tensor

__all__ = ["uniform_"]

T = TypeVar("T", bound=Tensor)


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0) -> T:
    """Fill a Tensor with numbers drawn uniformly from [a, b).

    Parameters
    ----------
    tensor : Tensor
        Real floating.
    a, b : float

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> x = nn.init.uniform_(agrad.zeros(1000), -1.0, 1.0)
    >>> bool((x >= -1.0).all()), bool((x < 1.0).all())
    (True, True)
    """
    with no_grad():
        tensor[...] = random.uniform(a, b, tensor.shape, dtype=tensor.dtype, device=tensor.device)
    return tensor
