"""vmap: vectorize a function of one example over a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from ..backends import UnknownValueError
from ..checks import as_integer, check_one_of
from ..core import errors
from ..core.device import Device, get_device, innermost, opened
from ..core.lifting import common_device, enter, leave, lift
from ..core.tensor import Tensor, convert, wrap
from ..ops.indexing import getitem
from ..ops.manipulation import concat
from ..random.sampling import fork_rng
from ..virtual.batched.backend import over
from ..virtual.batched.level import Batch
from ..virtual.lines import line_of
from . import pytrees
from .arguments import named
from .batch_axes import leaves_with_axes, not_mapped, size_of_batch

__all__ = ["leave_output", "open_batch", "vmap"]


def vmap(
    f: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    axis_size: int | None = None,
    randomness: str = "error",
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a vectorized version of `f`, which computes it for all examples of a batch at once.

    `f` is written for one example and does not see the batch axis. The result is that of a loop over the batch axis,
    but `f` runs once, and each op computes for the whole batch.

    Parameters
    ----------
    f : callable
        Takes Tensors, arrays, numbers and pytrees of them (lists, tuples, dicts); returns Tensors or a pytree of them.
    in_axes : int, None or pytree
        The batch axis of each argument; None if an argument is the same for all examples. Either one axis for all
        arguments, or a tuple with an axis, or a pytree of axes, for each argument. The batch axis of keyword arguments
        is the first.
    out_axes : int, None or pytree
        The position of the batch axis in each output, in the same form; None if an output is the same for all.
    axis_size : int, optional
        The size of the batch; needed only if no argument has a batch axis.
    randomness : {"error", "different", "same"}
        Whether random numbers in `f` raise an error, differ between the examples, or are the same for all.
    chunk_size : int, optional
        The number of examples to compute at a time, to save memory; by default all at once.

    Returns
    -------
    callable
        Takes the arguments of `f` with a batch axis, and returns the outputs of `f` with a batch axis.

    Raises
    ------
    ValueError
        If batch axes differ in length, `in_axes` or `out_axes` do not match the arguments or outputs, or an output with
        None in `out_axes` differs over the batch.
    RuntimeError
        If `f` reads the values of a Tensor: ``float(x)``, ``x.item()``, ``if x > 0``, ``x[x > 0]``, `nonzero`,
        `unique_values`; write `where` instead. If `f` draws random numbers and `randomness` is ``"error"``.

    Notes
    -----
    It composes with itself, `grad` and the other transforms, in any order. A Tensor that `f` closes over is the same
    for all examples; after ``loss.backward()`` in `f`, its ``.grad`` is the sum over the examples, as after a loop.
    Side effects of `f` happen once.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> agrad.vmap(agrad.prod)(x)
    Tensor([ 2., 12.], dtype=float32, device='cpu')
    >>> agrad.vmap(agrad.grad(agrad.prod))(x)
    Tensor([[2., 1.],
            [4., 3.]], dtype=float32, device='cpu')
    >>> agrad.vmap(lambda a, b: a * b, in_axes=(0, None))(x, 10.0)
    Tensor([[10., 20.],
            [30., 40.]], dtype=float32, device='cpu')
    """
    check_one_of("randomness", randomness, ("error", "different", "same"))
    sizes = {"axis_size": (axis_size, 0), "chunk_size": (chunk_size, 1)}
    for name, (size, least) in sizes.items():
        if size is not None:
            as_integer(name, size, least)

    def mapped(*args: Any, **kwargs: Any) -> Any:
        leaves = [*leaves_with_axes(in_axes, args, "in_axes"), *leaves_with_axes(0, kwargs, "")]
        axes = [axis for _, axis in leaves]
        given = [
            x if axis is None or isinstance(x, Tensor) else _mapped_leaf(x, i, args, kwargs)
            for i, (x, axis) in enumerate(leaves)
        ]
        size = size_of_batch(given, axes, axis_size, args, kwargs)

        def run(given: Sequence[Any], size: int) -> tuple[Any, list[Tensor], list[int | None]]:
            with open_batch(given, size, randomness) as device:
                filled = [_enter_argument(x, device, axis) for x, axis in zip(given, axes, strict=True)]
                inner, inner_kwargs = pytrees.unflatten((args, kwargs), filled)
                result = f(*inner, **inner_kwargs)
                outputs = leaves_with_axes(out_axes, result, "out_axes")
                return result, [leave_output(y, device, axis) for y, axis in outputs], [axis for _, axis in outputs]

        if chunk_size is None or size <= chunk_size:
            result, found, _ = run(given, size)
        else:
            result, found = _by_chunks(run, given, axes, size, chunk_size, randomness)
        return pytrees.unflatten(result, found)

    return named(mapped, f, "vmap", "write agrad.vmap(f)(x)")


def _mapped_leaf(x: Any, i: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """Return a leaf of the arguments that has a batch axis as a Tensor."""
    try:
        return _tensor(x)
    except TypeError as error:
        raise not_mapped(i, args, kwargs, error) from error


def _tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else wrap(*convert(x, None, None))


# Entering and leaving the batch


@contextmanager
def open_batch(given: Sequence[Any], size: int, randomness: str) -> Iterator[Device]:
    """Open a virtual device above the devices of the arguments and of the enclosing vmap."""
    devices = [*dict.fromkeys([x._device for x in given if isinstance(x, Tensor)])] or [get_device()]
    below = devices[0]
    if len(devices) > 1:
        below = common_device([x for x in devices if x.real is below.real]) or below
    below = innermost(below)
    library = over(below.backend, below.xp)
    level = Batch(library, below.backend, below.xp, below.native, size, randomness)
    device = Device.above(below, level)
    around = opened.get()
    token = opened.set((*around, device))
    try:
        yield device
    except UnknownValueError as error:
        if around or not (place := line_of(error)):  # the outermost vmap adds the line to the message
            raise
        raise errors.located(error, place) from error
    finally:
        opened.reset(token)
        level.open = False


def _enter_argument(x: Any, device: Device, axis: int | None) -> Any:
    """Return an argument as the function sees it: on the virtual device, without its batch axis."""
    if not isinstance(x, Tensor):
        return x
    if x._device.real is not device.real:
        if axis is not None:
            raise errors.mixed_devices("vmap", [device.name, x._device.name])
        return x
    x = x if x._device is device.below else lift(x, device.below)
    return enter(x, device, axis if axis is None or axis >= 0 else axis + x.ndim)


def leave_output(y: Any, device: Device, axis: int | None) -> Tensor:
    """Return an output as the caller sees it: on the device below, with the batch axis."""
    y = lift(_tensor(y), device)
    rank = y.ndim
    if axis is None:
        if y._data.lead:
            raise ValueError(f"out_axes is None for an output of shape {y.shape} that differs over the batch; write 0")
        return getitem(leave(y, device, 0), 0)
    if not -rank - 1 <= axis <= rank:
        raise ValueError(
            f"out_axes names axis {axis} for an output of shape {y.shape}, which has {rank + 1} axes with the batch"
        )
    return leave(y, device, axis if axis >= 0 else axis + rank + 1)


def _by_chunks(
    run: Callable[..., Any], given: Sequence[Any], axes: Sequence[int | None], size: int, step: int, randomness: str
) -> tuple[Any, list[Tensor]]:
    """Run `f` on chunks of the batch, and concatenate the outputs."""
    found: list[list[Tensor]] = []
    for start in range(0, size, step):
        stop = min(start + step, size)
        parts = [_part(x, axis, start, stop) for x, axis in zip(given, axes, strict=True)]
        with fork_rng() if randomness == "same" and stop < size else nullcontext():
            result, outputs, places = run(parts, stop - start)
        found.append(outputs)
    columns = zip(zip(*found, strict=True), places, strict=True)
    return result, [ys[0] if axis is None else concat(list(ys), axis=axis) for ys, axis in columns]


def _part(x: Any, axis: int | None, start: int, stop: int) -> Any:
    if axis is None:
        return x
    following = x.ndim - 1 - axis if axis >= 0 else -axis - 1
    return getitem(x, (..., slice(start, stop), *[slice(None)] * following))
