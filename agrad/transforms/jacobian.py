"""Jacobians and Hessians: `jacobian` and `hessian`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from ..backends import UnknownValueError
from ..checks import as_integer, check_callable
from ..core.tensor import Tensor, wrap
from ..ops.creation import eye
from ..ops.data_type import astype
from ..ops.manipulation import reshape, stack
from . import pytrees
from .arguments import FOR_TENSORS, Argnums, as_argnums, named
from .grad import grad
from .linearized import Linearized
from .vmap import leave_output, open_batch, vmap

__all__ = ["hessian", "jacobian"]

_FEW: Final = 4  # fewer passes are as fast in a loop as in a batch


def jacobian(f: Callable[..., Any], argnums: Argnums = 0, *, chunk_size: int | None = None) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of `f`, all its first derivatives.

    Parameters
    ----------
    f : callable
        Returns a real Tensor or a pytree of them.
    argnums : int or sequence of int
        The positions of the arguments to differentiate with respect to, as in `grad`.
    chunk_size : int, optional
        The number of rows or columns to compute at a time, to save memory; by default all of an output or input.

    Returns
    -------
    callable
        Takes the arguments of `f`. For an output of shape ``(a, b)`` and an argument of shape ``(c,)`` it returns a
        Tensor of shape ``(a, b, c)``. For pytrees it returns the pytree of the outputs, with the pytree of the argument
        in place of each leaf, or a tuple of these for several `argnums`.

    Raises
    ------
    TypeError, ValueError
        As `grad`, and if an output is complex.

    Notes
    -----
    It takes one backward pass per element of the outputs, or one forward pass per element of the inputs if there are
    fewer of these; `vmap` runs all passes at once. For a complex argument the entries are gradients as in `grad`,
    ``d/dRe + 1j * d/dIm``.

    Examples
    --------
    >>> import agrad
    >>> agrad.jacobian(lambda x: agrad.stack([x.sum(), x.prod()]))(agrad.asarray([2.0, 3.0, 4.0]))
    Tensor([[ 1.,  1.,  1.],
            [12.,  8.,  6.]], dtype=float32, device='cpu')
    """
    places = as_argnums(argnums)
    if chunk_size is not None:
        as_integer("chunk_size", chunk_size, 1)

    def derivatives(*args: Any, **kwargs: Any) -> Any:
        at = Linearized(f, args, kwargs, places)
        if any(y.dtype.is_complex for y in at.tensors):
            raise TypeError(
                "the Jacobian of a complex output is not one number per entry; write the jacobian of agrad.real and "
                "agrad.imag of it, or agrad.vjp, agrad.jvp and, for a Hessian, agrad.hvp, which take complex numbers"
            )
        tall = sum(y.size for y in at.tensors) > sum(x.size for x in at.inputs)
        trees = [pytrees.unflatten(at.picked, row) for row in (_by_columns if tall else _by_rows)(at, chunk_size)]
        return pytrees.unflatten(at.outputs, [tree[0] if isinstance(argnums, int) else tuple(tree) for tree in trees])

    return named(derivatives, f, "jacobian")


def hessian(f: Callable[..., Any], argnums: Argnums = 0, *, chunk_size: int | None = None) -> Callable[..., Any]:
    """Return a function that computes the Hessian of `f`, all its second derivatives.

    Parameters
    ----------
    f, argnums
        As in `grad`.
    chunk_size : int, optional
        As in `jacobian`.

    Returns
    -------
    callable
        Takes the arguments of `f`. For an argument of shape ``(a, b)`` it returns a Tensor of shape ``(a, b, a, b)``,
        for a pytree a pytree of pytrees, as `jacobian` of `grad` does.

    Raises
    ------
    TypeError, ValueError
        As `grad`, and if the argument is complex: `hvp` takes complex arguments.

    Examples
    --------
    >>> import agrad
    >>> agrad.hessian(lambda x: x[0] ** 2 * x[1])(agrad.asarray([1.0, 3.0]))
    Tensor([[6., 2.],
            [2., 0.]], dtype=float32, device='cpu')
    """
    check_callable("agrad.hessian", f, FOR_TENSORS)
    return named(jacobian(grad(f, argnums), argnums, chunk_size=chunk_size), f, "hessian")


def _by_rows(at: Linearized, chunk_size: int | None) -> list[list[Tensor]]:
    """Return the block of each output and input, row by row: the vjp of a unit vector for each element of an output."""
    blocks = [_along(at.pull, at.tensors, i, 0, chunk_size) for i in range(len(at.tensors))]
    return [
        [_shaped(g, y, x) for g, x in zip(row, at.inputs, strict=True)]
        for row, y in zip(blocks, at.tensors, strict=True)
    ]


def _by_columns(at: Linearized, chunk_size: int | None) -> list[list[Tensor]]:
    """Return the block of each output and input, by columns: the jvp of a unit vector for each element of an input."""
    pushed = [_along(partial(_pushed, at), at.inputs, j, -1, chunk_size) for j in range(len(at.inputs))]
    columns = list(zip(at.inputs, pushed, strict=True))
    return [[_shaped(column[i], y, x) for x, column in columns] for i, y in enumerate(at.tensors)]


def _along(carry: Any, ends: Sequence[Tensor], i: int, axis: int, chunk_size: int | None) -> list[Tensor]:
    """Return the stacked results of `carry` for the unit vectors of the Tensor at `i`, with None for the others."""
    x = ends[i]

    def one(direction: Tensor) -> list[Tensor]:
        found: list[Tensor] = carry([direction if j == i else None for j in range(len(ends))])
        return found

    if not 0 < x.size < _FEW:
        try:
            if x.ndim == 1 and (chunk_size is None or chunk_size >= x.size):
                with open_batch([x], x.size, "error") as device:
                    units = wrap(device.native.unit_vectors(x._data.dtype), device)
                    return [leave_output(y, device, axis) for y in one(units)]
            return vmap(one, 0, axis, chunk_size=chunk_size)(_identity(x))
        except UnknownValueError:  # a rule reads values, as that of a user's op may
            pass
    identity = _identity(x)
    passes = [one(identity[k, ...]) for k in range(x.size)]
    return [stack(list(parts), axis=axis) for parts in zip(*passes, strict=True)]


def _identity(x: Tensor) -> Tensor:
    """Return the unit vectors of a Tensor, stacked: each has its shape, a one for one element, and zeros elsewhere."""
    return reshape(eye(x.size, dtype=x.dtype, device=x.device), (x.size, *x.shape))


def _pushed(at: Linearized, axis: list[Tensor | None]) -> list[Tensor]:
    """Return the derivatives of the outputs along a unit vector; for a complex input, ``d/dRe + 1j * d/dIm``."""
    real = at.push(axis)
    if not any(x is not None and x.dtype.is_complex for x in axis):
        return real
    imaginary = at.push([None if x is None else 1j * x for x in axis])
    return [y + 1j * z for y, z in zip(real, imaginary, strict=True)]


def _shaped(block: Tensor, y: Tensor, x: Tensor) -> Tensor:
    shape = y.shape + x.shape
    return astype(block if block.shape == shape else reshape(block, shape), x.dtype, copy=False)
