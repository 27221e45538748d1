"""Collectives: functions that combine the Tensors of all processes, which must all call them.

Gradients are those of the sum of all processes' losses. The gradient rule of a collective calls another collective, so
all processes must run the same backward pass.
"""

from __future__ import annotations

from typing import Any

from .. import backends
from ..backends.mpi import OPERATIONS
from ..checks import as_integer, check_one_of
from ..core.dtypes import as_dtype
from ..core.primitive import ArrayLike, primitive, refuses
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.gathering import op_for
from .world import current, get_rank, get_world_size

__all__ = [
    "all_gather", "all_reduce", "all_reduce_extreme", "all_reduce_sum", "broadcast", "reduce_scatter",
    "reduce_scatter_sum", "sum_at_root",
]  # fmt: skip


def all_reduce(x: ArrayLike, op: str = "sum") -> Tensor:
    """Return the elementwise sum, mean, maximum or minimum of the Tensors of all processes.

    Parameters
    ----------
    x : ArrayLike
        Of the same shape and dtype in all processes.
    op : {"sum", "mean", "max", "min"}
        16-bit numbers are added in float32. A maximum or minimum is NaN where one of the elements is; its gradient goes
        to the processes that hold it, in equal parts.

    Returns
    -------
    Tensor
        Of the shape and dtype of `x`, the same in all processes; a copy of `x` where the process is alone.

    Raises
    ------
    TypeError
        If `x` is boolean and `op` is a sum, integer and `op` is the mean, or complex and `op` is an extreme.
    ValueError
        If `op` is another string.

    Examples
    --------
    >>> import agrad
    >>> loss = agrad.asarray(0.25)
    >>> agrad.distributed.all_reduce(loss, "mean").item()  # of all processes
    0.25
    """
    check_one_of("op", op, OPERATIONS)
    if op in ("max", "min"):
        return all_reduce_extreme(x, op)
    return all_reduce_sum(x, op)


@primitive
def all_reduce_sum(xp: Namespace, x: ArrayLike, /, kind: str = "sum") -> Tensor:
    """Return the sum or the mean over all processes: see `all_reduce`."""
    _check_sum(x, kind)
    return _exchanged("all_reduce", x, kind)


all_reduce_sum.vjp(x=lambda g, xp, kind: op_for(all_reduce_sum, xp)(g, kind))


@primitive
def all_reduce_extreme(xp: Namespace, x: ArrayLike, /, kind: str = "max") -> Tensor:
    """Return the maximum or the minimum over all processes: see `all_reduce`."""
    if as_dtype(x.dtype).is_complex:
        raise TypeError(f"complex numbers have no {kind}; write agrad.abs(x), agrad.real(x) or agrad.imag(x)")
    return _exchanged("all_reduce", x, kind)


def _extreme_x(g: Array, x: Array, out: Array, xp: Namespace) -> Any:
    holds = xp.astype((x == out) | (xp.isnan(x) & xp.isnan(out)), g.dtype)
    total = op_for(all_reduce_sum, xp)
    return total(g) * holds / total(holds)


all_reduce_extreme.vjp(x=_extreme_x)


@primitive
def all_gather(xp: Namespace, x: ArrayLike, /, axis: int = 0) -> Tensor:
    """Return the Tensors of all processes, joined along an axis in the order of the ranks.

    Parameters
    ----------
    x : ArrayLike
        Of the same shape and dtype in all processes, with one axis at least.
    axis : int

    Returns
    -------
    Tensor
        The same in all processes; a copy of `x` where the process is alone.

    Raises
    ------
    IndexError
        If `x` has no such axis.
    TypeError
        If `axis` is no integer.

    Examples
    --------
    >>> import agrad
    >>> agrad.distributed.all_gather(agrad.asarray([1, 2])).tolist()  # of one process
    [1, 2]
    """
    if hasattr(axis, "shape"):  # PyTorch's all_gather(tensors, tensor)
        raise TypeError("all_gather takes one Tensor and returns those of all; write xs = all_gather(x[None])")
    return _exchanged("all_gather", x, _axis(x, axis))


def reduce_scatter(x: ArrayLike, op: str = "sum", axis: int = 0) -> Tensor:
    """Return this process's part of the elementwise sum or mean of the Tensors of all processes.

    Parameters
    ----------
    x : ArrayLike
        Of the same shape and dtype in all processes; the axis is divided into one part for each.
    op : {"sum", "mean"}
    axis : int

    Returns
    -------
    Tensor
        Part number `get_rank()` of ``all_reduce(x, op)``; a copy of `x` where the process is alone.

    Raises
    ------
    TypeError
        As `all_reduce`.
    ValueError
        If the length of the axis is not a multiple of the number of processes.
    IndexError
        If `x` has no such axis.

    Examples
    --------
    >>> import agrad
    >>> agrad.distributed.reduce_scatter(agrad.asarray([1.0, 2.0])).tolist()  # of one process
    [1.0, 2.0]
    """
    check_one_of("op", op, OPERATIONS[:2])
    return reduce_scatter_sum(x, op, axis)


@primitive
def reduce_scatter_sum(xp: Namespace, x: ArrayLike, /, kind: str = "sum", axis: int = 0) -> Tensor:
    """Return this process's part of the sum or the mean over all processes: see `reduce_scatter`."""
    _check_sum(x, kind)
    axis = _axis(x, axis)
    if x.shape[axis] % get_world_size():
        raise ValueError(
            f"axis {axis} of length {x.shape[axis]} does not divide into {get_world_size()} equal parts, one for each "
            "process; pad it first with agrad.pad"
        )
    return _exchanged("reduce_scatter", x, kind, axis)


def _reduce_scatter_sum_x(g: Array, xp: Namespace, kind: str, axis: int) -> Any:
    return op_for(all_gather, xp)(g / get_world_size() if kind == "mean" else g, axis)


all_gather.vjp(x=lambda g, xp, axis: op_for(reduce_scatter_sum, xp)(g, axis=axis))
reduce_scatter_sum.vjp(x=_reduce_scatter_sum_x)


@primitive
@refuses("src", "group", "async_op")
def broadcast(xp: Namespace, x: ArrayLike, /, root: int = 0) -> Tensor:
    """Return the Tensor of one process in all processes.

    Parameters
    ----------
    x : ArrayLike
        Of the same shape and dtype in all processes; the values of the others are not used.
    root : int
        The rank of that process.

    Returns
    -------
    Tensor
        The same in all processes; a copy of `x` where the process is alone.

    Raises
    ------
    ValueError
        If there is no such rank.

    Examples
    --------
    >>> import agrad
    >>> agrad.distributed.broadcast(agrad.asarray([1, 2])).tolist()
    [1, 2]
    """
    return _exchanged("broadcast", x, _rank(root))


@primitive
def sum_at_root(xp: Namespace, x: ArrayLike, /, root: int = 0) -> Tensor:
    """Return the sum over all processes at one of them, and zeros at the others: the transpose of `broadcast`."""
    total = all_reduce_sum.forward(xp, x, "sum")
    return total if get_rank() == _rank(root) else xp.zeros_like(x)


broadcast.vjp(x=lambda g, xp, root: op_for(sum_at_root, xp)(g, root))
sum_at_root.vjp(x=lambda g, xp, root: op_for(broadcast, xp)(g, root))


def _exchanged(collective: str, x: Array, *settings: Any) -> Any:
    """Call a collective of the backend of a raw array; copy the array where the process is alone."""
    world, backend = current(), backends.of(x)
    return backend.copy(x) if world is None else getattr(backend, collective)(x, *settings, world)


def _check_sum(x: Array, op: str) -> None:
    dtype = as_dtype(x.dtype)
    if dtype.name == "bool":
        raise TypeError(f"booleans have no {op}; write x.astype('int64'), or op='max' for any, op='min' for all")
    if op == "mean" and not dtype.differentiable:
        raise TypeError(f"the mean of {dtype.name} numbers is not an integer; write x.astype('float32'), or op='sum'")


def _axis(x: Array, axis: int) -> int:
    """Return the axis as a non-negative integer."""
    if not -x.ndim <= as_integer("axis", axis) < x.ndim:
        advice = "; write x[None] for a 0-d Tensor" if x.ndim == 0 else ""
        raise IndexError(f"there is no axis {axis} in shape {tuple(x.shape)}{advice}")
    return axis % x.ndim


def _rank(root: int) -> int:
    return as_integer("root", root, 0, get_world_size() - 1)
