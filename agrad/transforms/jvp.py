"""Jacobian-vector products, computed forward: `jvp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..checks import check_callable, check_flags
from ..core.errors import TapeDroppedError
from ..core.grad_mode import recording
from . import pytrees
from .arguments import FOR_TENSORS, check_tuples
from .forward import Forward
from .linearized import Linearized
from .stop_gradient import stop_gradient

__all__ = ["jvp"]


def jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """Return the outputs of a function, and the product of its Jacobian and `tangents`.

    Parameters
    ----------
    f : callable
        As in `vjp`.
    primals, tangents : sequence
        The arguments, and a direction for each of them, of the same structure and shapes.
    has_aux : bool
        Whether `f` returns auxiliary data besides its outputs.

    Returns
    -------
    outputs : Tensor or pytree
        What `f` returned.
    tangents_out : Tensor or pytree
        The Jacobian-vector product, of the structure of `outputs`.
    aux : object
        With `has_aux`, the auxiliary data.

    Raises
    ------
    TypeError, ValueError
        As `vjp`.

    Notes
    -----
    Each op computes the tangent of its result when it runs, and what it recorded is dropped, so memory does not grow
    with the number of ops. agrad has one gradient rule per op, for reverse mode, and needs no second set of rules: the
    rule of an elementwise op serves both modes, and another op's is linear in the cotangents, so its own
    vector-Jacobian product is the Jacobian-vector product [1]_. A function that calls `gradients` for its own arguments
    is called a second time, and what it records is kept.

    .. [1] J. Townsend, "A new trick for calculating Jacobian vector products", 2017.

    Examples
    --------
    >>> import agrad
    >>> agrad.jvp(lambda x: agrad.stack([x * x, x]), [3.0], [1.0])[1]
    Tensor([6., 1.], dtype=float32, device='cpu')
    """
    check_callable("a transform", f, FOR_TENSORS)
    check_flags(has_aux=has_aux)
    check_tuples(primals=primals, tangents=tangents)
    tangents = tangents if recording.get() else stop_gradient(tangents)
    directions = pytrees.flatten_like(list(tangents), list(primals), "the tangents")
    try:
        return _pushed(f, primals, Forward(directions), has_aux)
    except TapeDroppedError:
        return _pushed(f, primals, Forward(directions, drops=False), has_aux)


def _pushed(f: Callable[..., Any], primals: Sequence[Any], level: Forward, has_aux: bool) -> tuple[Any, ...]:
    at = Linearized(lambda *args: level.run(f, args), primals, {}, range(len(primals)), has_aux)
    outputs, found = at.settled(at.outputs), pytrees.unflatten(at.outputs, [level.tangent(y) for y in at.tensors])
    return (outputs, found, at.settled(at.aux)) if has_aux else (outputs, found)
