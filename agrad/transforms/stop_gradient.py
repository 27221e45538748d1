"""`stop_gradient`: treat Tensors as constants."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from . import pytrees

__all__ = ["stop_gradient"]


def stop_gradient(tree: Any) -> Any:
    """Return the Tensors of a pytree as constants: no gradient flows through them.

    Parameters
    ----------
    tree : Tensor or pytree of Tensors
        Other leaves are returned unchanged.

    Returns
    -------
    Tensor or pytree
        Its Tensors share memory with the arguments, as those of `Tensor.detach` do.

    Examples
    --------
    >>> import agrad
    >>> agrad.grad(lambda x: x * agrad.stop_gradient(x))(3.0)
    Tensor(3., dtype=float32, device='cpu')
    """
    return pytrees.unflatten(tree, [x.detach() if isinstance(x, Tensor) else x for x in pytrees.flatten(tree)])
