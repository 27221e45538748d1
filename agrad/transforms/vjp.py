"""Vector-Jacobian products, computed backward: `vjp`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..checks import check_flags
from . import pytrees
from .linearized import Linearized

__all__ = ["vjp"]


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Call a function, and return what it returns and how cotangents of that become cotangents of its arguments.

    Parameters
    ----------
    f : callable
        Returns a floating Tensor or a nest of them, or with `has_aux` a pair of that and of anything.
    *primals : Tensor, array, number or nest of them
        The arguments, floating.
    has_aux : bool

    Returns
    -------
    outputs : Tensor or nest
    pull : callable
        Takes cotangents nested as `outputs`, and returns a tuple: for each argument the vector-Jacobian product,
        nested as the argument. It may be called again.
    aux : object
        With `has_aux`, what `f` returned beside.

    Raises
    ------
    TypeError
        If the arguments or what `f` returns are not floating.
    ValueError
        If the cotangents are nested otherwise than the outputs, or have other shapes.

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
        return tuple(pytrees.rebuild(at.picked, at.pull(pytrees.matching(cotangents, at.outputs, "the cotangents"))))

    outputs = at.settled(at.outputs)
    return (outputs, pull, at.settled(at.aux)) if has_aux else (outputs, pull)
