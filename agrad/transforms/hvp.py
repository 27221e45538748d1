"""Hessian-vector products: `hvp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import pytrees
from .arguments import check_tuples
from .grad import grad
from .linearized import Linearized

__all__ = ["hvp"]


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
    """Return the product of the Hessian of a function and a vector, without computing the Hessian.

    Parameters
    ----------
    f : callable
        Returns one real number, as in `grad`.
    primals, tangents : sequence
        The arguments, and a direction for each of them, as in `jvp`.

    Returns
    -------
    tuple
        For each argument, the directional derivative of its gradient along `tangents`, a pytree of its structure.

    Raises
    ------
    TypeError, ValueError
        As `grad` and `jvp`.

    Examples
    --------
    >>> import agrad
    >>> x, v = agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 0.0])
    >>> agrad.hvp(lambda x: (x**3).sum(), [x], [v])
    (Tensor([6., 0.], dtype=float32, device='cpu'),)
    """
    check_tuples(primals=primals, tangents=tangents)
    directions = pytrees.flatten_like(list(tangents), list(primals), "the tangents")
    every = range(len(primals))
    at = Linearized(grad(f, every), primals, {}, every)
    return tuple(pytrees.unflatten(at.picked, at.pull(directions, retain=False)))  # the Hessian is symmetric
