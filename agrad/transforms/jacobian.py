"""Whole matrices of derivatives: `jacobian` and `hessian`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..checks import check_callable
from ..core.tensor import Tensor
from ..ops.creation import eye, zeros
from ..ops.data_type import astype
from ..ops.manipulation import reshape, stack
from . import pytrees
from .arguments import FOR_TENSORS, Argnums, named, numbers
from .grad import grad
from .linearized import Linearized

__all__ = ["hessian", "jacobian"]


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that computes all first derivatives of `f`.

    Parameters
    ----------
    f : callable
        Returns a real Tensor or a nest of them.
    argnums : int or sequence of int
        The positions of the arguments to differentiate with respect to, as in `grad`.

    Returns
    -------
    callable
        Takes what `f` takes. For an output of shape ``(a, b)`` and an argument of shape ``(c,)`` it returns a Tensor of
        shape ``(a, b, c)``. For nests it returns a nest: that of the outputs with, for each, that of the argument, in
        a tuple for several `argnums`.

    Raises
    ------
    TypeError, ValueError
        As `grad`, and if an output is complex: its derivatives are no single number each.

    Notes
    -----
    It takes one pass per element: backward for each output, or forward for each input if these are fewer. For a complex
    argument the entries are gradients as of `grad`, ``d/dRe + 1j * d/dIm``.

    Examples
    --------
    >>> import agrad
    >>> agrad.jacobian(lambda x: agrad.stack([x.sum(), x.prod()]))(agrad.asarray([2.0, 3.0, 4.0]))
    Tensor([[ 1.,  1.,  1.],
            [12.,  8.,  6.]], dtype=float32, device='cpu')
    """
    places = numbers(argnums)

    def derivatives(*args: Any, **kwargs: Any) -> Any:
        at = Linearized(f, args, kwargs, places)
        if any(y.dtype.is_complex for y in at.tensors):
            raise TypeError(
                "a complex output has no Jacobian of one number an entry; write the jacobian of agrad.real and "
                "agrad.imag of it, or agrad.vjp, agrad.jvp and, for a Hessian, agrad.hvp, which take complex numbers"
            )
        tall = sum(y.size for y in at.tensors) > sum(x.size for x in at.inputs)
        nests = [pytrees.rebuild(at.picked, row) for row in (_by_columns(at) if tall else _by_rows(at))]
        return pytrees.rebuild(at.outputs, [nest[0] if isinstance(argnums, int) else tuple(nest) for nest in nests])

    return named(derivatives, f, "jacobian")


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that computes all second derivatives of `f`.

    Parameters
    ----------
    f, argnums
        As in `grad`.

    Returns
    -------
    callable
        Takes what `f` takes. For an argument of shape ``(a, b)`` it returns a Tensor of shape ``(a, b, a, b)``, for a
        nest a nest of nests, as `jacobian` of `grad` does.

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
    return named(jacobian(grad(f, argnums), argnums), f, "hessian")


def _by_rows(at: Linearized) -> list[list[Tensor]]:
    """Return the block of each output and input; each element of an output is pulled back for a row."""
    pulled = [[at.pull(axis) for axis in _axes(at.tensors, i)] for i in range(len(at.tensors))]
    return [
        [_stacked(rows, j, y, x, 0) for j, x in enumerate(at.inputs)]
        for y, rows in zip(at.tensors, pulled, strict=True)
    ]


def _by_columns(at: Linearized) -> list[list[Tensor]]:
    """Return the block of each output and input; each element of an input is pushed forward for a column."""
    pushed = [[_pushed(at, axis) for axis in _axes(at.inputs, j)] for j in range(len(at.inputs))]
    return [
        [_stacked(columns, i, y, x, -1) for x, columns in zip(at.inputs, pushed, strict=True)]
        for i, y in enumerate(at.tensors)
    ]


def _axes(tensors: Sequence[Tensor], i: int) -> Iterator[list[Tensor | None]]:
    """Yield a one for each element of the Tensor at `i`, with nothing for the others."""
    x = tensors[i]
    identity = eye(x.size, dtype=x.dtype, device=x.device)
    for k in range(x.size):
        yield [reshape(identity[k, ...], x.shape) if j == i else None for j in range(len(tensors))]


def _pushed(at: Linearized, axis: list[Tensor | None]) -> list[Tensor]:
    """Return the gradients of the outputs along an axis, which for complex numbers are two."""
    moved = at.push(axis)
    if not any(x is not None and x.dtype.is_complex for x in axis):
        return moved
    turned = at.push([None if x is None else 1j * x for x in axis])
    return [y + 1j * z for y, z in zip(moved, turned, strict=True)]


def _stacked(passes: list[list[Tensor]], i: int, y: Tensor, x: Tensor, axis: int) -> Tensor:
    """Return the block of output `y` and input `x` from what each pass gave at `i`."""
    shape = y.shape + x.shape
    if not passes:
        return zeros(shape, dtype=x.dtype, device=x.device)
    return astype(reshape(stack([found[i] for found in passes], axis=axis), shape), x.dtype, copy=False)
