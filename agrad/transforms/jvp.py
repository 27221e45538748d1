"""Jacobian-vector products, computed forward: `jvp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..checks import check_flags
from . import pytrees
from .arguments import several
from .linearized import Linearized

__all__ = ["jvp"]


def jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """Return what a function returns, and how that moves when its arguments move along `tangents`.

    Parameters
    ----------
    f : callable
        As in `vjp`.
    primals, tangents : sequence
        The arguments, and for each of them a direction, nested as the argument and of its shapes.
    has_aux : bool

    Returns
    -------
    outputs : Tensor or nest
    moved : Tensor or nest
        The Jacobian-vector product, nested as the outputs.
    aux : object
        With `has_aux`, what `f` returned beside.

    Raises
    ------
    TypeError, ValueError
        As `vjp`.

    Notes
    -----
    agrad has one rule per op, which goes backward. Going backward is linear in the cotangents, so going backward
    through that, in turn, goes forward [1]_: no second set of rules is needed.

    .. [1] J. Townsend, "A new trick for calculating Jacobian vector products", 2017.

    Examples
    --------
    >>> import agrad
    >>> agrad.jvp(lambda x: agrad.stack([x * x, x]), [3.0], [1.0])[1]
    Tensor([6., 1.], dtype=float32, device='cpu')
    """
    check_flags(has_aux=has_aux)
    several(primals=primals, tangents=tangents)
    directions = pytrees.matching(list(tangents), list(primals), "the tangents")
    at = Linearized(f, primals, {}, range(len(primals)), has_aux)
    outputs, moved = at.settled(at.outputs), pytrees.rebuild(at.outputs, at.push(directions, retain=False))
    return (outputs, moved, at.settled(at.aux)) if has_aux else (outputs, moved)
