"""Jacobian-vector products, computed forward: `jvp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..checks import check_flags
from . import pytrees
from .arguments import check_tuples
from .linearized import Linearized

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
    agrad has one gradient rule per op, for reverse mode. The vector-Jacobian product is linear in the cotangents, so
    its own vector-Jacobian product is the Jacobian-vector product [1]_: forward mode needs no second set of rules.

    .. [1] J. Townsend, "A new trick for calculating Jacobian vector products", 2017.

    Examples
    --------
    >>> import agrad
    >>> agrad.jvp(lambda x: agrad.stack([x * x, x]), [3.0], [1.0])[1]
    Tensor([6., 1.], dtype=float32, device='cpu')
    """
    check_flags(has_aux=has_aux)
    check_tuples(primals=primals, tangents=tangents)
    directions = pytrees.flatten_like(list(tangents), list(primals), "the tangents")
    at = Linearized(f, primals, {}, range(len(primals)), has_aux)
    outputs, tangents_out = at.settled(at.outputs), pytrees.unflatten(at.outputs, at.push(directions, retain=False))
    return (outputs, tangents_out, at.settled(at.aux)) if has_aux else (outputs, tangents_out)
