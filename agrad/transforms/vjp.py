"""Vector-Jacobian products, computed backward: `vjp`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..checks import check_flags
from . import pytrees
from .linearized import Linearized

__all__ = ["vjp"]


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Return the outputs of a function, and the function that maps their cotangents to those of the arguments.

    Parameters
    ----------
    f : callable
        Returns a floating Tensor or a pytree of them, or with `has_aux` a pair of that and auxiliary data.
    *primals : Tensor, array, number or pytree of them
        The arguments, floating.
    has_aux : bool
        Whether `f` returns auxiliary data besides its outputs.

    Returns
    -------
    outputs : Tensor or pytree
        What `f` returned.
    pull : callable
        Takes cotangents of the structure of `outputs`, and returns a tuple: the vector-Jacobian product for each
        argument, of the argument's structure. It may be called several times.
    aux : object
        With `has_aux`, the auxiliary data.

    Raises
    ------
    TypeError
        If the arguments or what `f` returns are not floating.
    ValueError
        If the cotangents do not have the structure and shapes of the outputs.

    Examples
    --------
    >>> import agrad
    >>> y, pull = agrad.vjp(lambda a, b: a * b, 2.0, agrad.asarray([3.0, 4.0]))
    >>> pull(agrad.asarray([1.0, 10.0]))
    (Tensor(43., dtype=float32, device='cpu'), Tensor([ 2., 20.], dtype=float32, device='cpu'))
    """
    check_flags(has_aux=has_aux)
    at = Linearized(f, primals, {}, range(len(primals)), has_aux)

    def pull(cotangents: Any) -> tuple[Any, ...]:
        return tuple(
            pytrees.unflatten(at.picked, at.pull(pytrees.flatten_like(cotangents, at.outputs, "the cotangents")))
        )

    outputs = at.settled(at.outputs)
    return (outputs, pull, at.settled(at.aux)) if has_aux else (outputs, pull)
