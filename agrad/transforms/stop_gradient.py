"""Tensors as constants: `stop_gradient`."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from . import pytrees

__all__ = ["stop_gradient"]


def stop_gradient(tree: Any) -> Any:
    """Return Tensors as constants: no gradient flows through the result.

    Parameters
    ----------
    tree : Tensor or nest of Tensors
        What is no Tensor stays as it is.

    Returns
    -------
    Tensor or nest
        They share their memory with the arguments, as those of `Tensor.detach` do.

    Examples
    --------
    >>> import agrad
    >>> agrad.grad(lambda x: x * agrad.stop_gradient(x))(3.0)
    Tensor(3., dtype=float32, device='cpu')
    """
    return pytrees.rebuild(tree, [x.detach() if isinstance(x, Tensor) else x for x in pytrees.leaves(tree)])
