"""vmap: a function of one example, run on a whole batch at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final

from ..backends import UnknownValueError
from ..checks import as_integer, check_one_of
from ..core.device import Device, get_device, innermost, opened
from ..core.errors import located
from ..core.lifting import enter, leave, lift, meeting
from ..core.tensor import Tensor, convert, wrap
from ..ops.indexing import getitem
from ..ops.manipulation import concat
from ..random.sampling import fork_rng
from ..virtual.batched.backend import over
from ..virtual.batched.level import Batch
from . import pytrees
from .arguments import named

__all__ = ["vmap"]

_OURS: Final = str(Path(__file__).parents[1]) + os.sep


def vmap(
    f: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    axis_size: int | None = None,
    randomness: str = "error",
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that computes `f` for all examples of a batch at once.

    `f` is written for one example, and never sees the axis of the batch. It gives what a loop over that axis gives, and
    runs `f` once: each op computes for the whole batch.

    Parameters
    ----------
    f : callable
        Takes Tensors, arrays, numbers, and lists, tuples and dicts of them; returns Tensors, or a nest of them.
    in_axes : int, None or nest
        Which axis of each argument is the batch; None for what is the same for all examples. One for all arguments, or
        a tuple with one for each: for an argument that is a nest, one for all of it or a nest of them. Arguments by
        keyword have the batch as their first axis.
    out_axes : int, None or nest
        Where the batch is to be an axis of what `f` returns, in the same way; None for what is the same for all.
    axis_size : int, optional
        How many examples there are, where no argument has an axis of them.
    randomness : {"error", "different", "same"}
        What random numbers that `f` draws are to be: refused, others for each example, or the same for all.
    chunk_size : int, optional
        Compute for so many examples at a time, which takes less memory; by default for all at once.

    Returns
    -------
    callable
        Takes what `f` takes, with the axis of the batch, and returns what `f` returns, with an axis for it.

    Raises
    ------
    ValueError
        If the axes of the batch have several lengths, or `in_axes` or `out_axes` do not fit; if an output with None in
        `out_axes` differs over the batch.
    RuntimeError
        If `f` asks for a value: ``float(x)``, ``x.item()``, ``if x > 0``, ``x[x > 0]``, `nonzero`, `unique_values`.
        There is one for each example; write `where`. If `f` draws random numbers and `randomness` is ``"error"``.

    Notes
    -----
    It composes with `grad` and the other transforms, and with itself, in every order. A Tensor that `f` uses and does
    not take is the same for all examples; after ``loss.backward()`` in `f`, its ``.grad`` is the sum over them, as
    after a loop. What `f` does beside computing happens once.

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
        leaves = pytrees.flatten((args, kwargs))
        axes = [*_spread(in_axes, args, "in_axes"), *[0] * len(pytrees.flatten(kwargs))]
        given = [x if axis is None else _tensor(x) for x, axis in zip(leaves, axes, strict=True)]
        size = _size(given, axes, axis_size)

        def run(given: Sequence[Any], size: int) -> tuple[Any, list[Tensor], list[int | None]]:
            with _batch(given, size, randomness) as device:
                filled = [_entered(x, device, axis) for x, axis in zip(given, axes, strict=True)]
                inner, inner_kwargs = pytrees.unflatten((args, kwargs), filled)
                result = f(*inner, **inner_kwargs)
                outputs, places = pytrees.flatten(result), _spread(out_axes, result, "out_axes")
                return result, [_left(y, device, axis) for y, axis in zip(outputs, places, strict=True)], places

        if chunk_size is None or size <= chunk_size:
            result, found, _ = run(given, size)
        else:
            result, found = _by_chunks(run, given, axes, size, chunk_size, randomness)
        return pytrees.unflatten(result, found)

    return named(mapped, f, "vmap")


def _tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else wrap(*convert(x, None, None))


# Axes


def _spread(axes: Any, tree: Any, name: str) -> list[int | None]:
    """Return an axis for each leaf of a nest, from axes that are nested as it is, down to some depth."""
    if axes is None or isinstance(axes, int):
        return [axes] * len(pytrees.flatten(tree))
    if isinstance(axes, Mapping) and isinstance(tree, Mapping) and axes.keys() == tree.keys():
        return [axis for key in tree for axis in _spread(axes[key], tree[key], name)]
    if isinstance(axes, (list, tuple)) and isinstance(tree, (list, tuple)) and len(axes) == len(tree):
        return [axis for part, inner in zip(axes, tree, strict=True) for axis in _spread(part, inner, name)]
    raise _wrong_axes(axes, tree, name)


def _wrong_axes(axes: Any, tree: Any, name: str) -> ValueError:
    nest = isinstance(tree, (list, tuple, Mapping))
    told = f"a {type(tree).__name__}" + (f" of length {len(tree)}" if nest else ", which has no parts")
    return ValueError(f"{name} must be an integer, None, or nested as what it belongs to, here {told}; not {axes!r}")


def _size(given: Sequence[Any], axes: Sequence[int | None], axis_size: int | None) -> int:
    """Return how many examples there are."""
    sizes = {} if axis_size is None else {axis_size: "axis_size"}
    for i, (x, axis) in enumerate(zip(given, axes, strict=True)):
        if axis is None:
            continue
        if not -x.ndim <= axis < x.ndim:
            raise ValueError(
                f"in_axes names axis {axis} of argument {i}, which has shape {x.shape}; None if it has none"
            )
        sizes.setdefault(x.shape[axis], f"axis {axis} of argument {i}, of shape {x.shape}")
    if len(sizes) > 1:
        told = "; ".join(f"{size} by {what}" for size, what in sizes.items())
        raise ValueError(f"vmap needs one length of the batch, and gets {told}")
    if not sizes:
        raise ValueError("no argument has an axis of the batch; write in_axes with an axis, or axis_size=n")
    return next(iter(sizes))


# In and out


@contextmanager
def _batch(given: Sequence[Any], size: int, randomness: str) -> Iterator[Device]:
    """Open a virtual device above those of the arguments, and above that of the vmap around."""
    tensors = [x._device for x in given if isinstance(x, Tensor)]
    below = meeting(tensors[:1] + [x for x in tensors if x.real is tensors[0].real]) if tensors else get_device()
    below = innermost(below or tensors[0])
    library = over(below.backend, below.xp)
    level = Batch(library, below.backend, below.xp, below.native, size, randomness)
    device = Device.above(below, level)
    around = opened.get()
    token = opened.set((*around, device))
    try:
        yield device
    except UnknownValueError as error:
        if around or not (place := _place(error)):  # the outermost tells the line
            raise
        raise located(error, place) from error
    finally:
        opened.reset(token)
        level.open = False


def _place(error: Exception) -> str:
    """Return the innermost line of the program that an error comes through and that is not agrad's own."""
    frames = [x for x in extract_tb(error.__traceback__) if not x.filename.startswith((_OURS, "<agrad "))]
    return f"{frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line}" if frames else ""


def _entered(x: Any, device: Device, axis: int | None) -> Any:
    """Return an argument as the function sees it."""
    if not isinstance(x, Tensor) or x._device.real is not device.real:
        return x
    return enter(lift(x, device.below), device, axis if axis is None or axis >= 0 else axis + x.ndim)


def _left(y: Any, device: Device, axis: int | None) -> Tensor:
    """Return an output as the caller sees it."""
    y = lift(_tensor(y), device)
    if axis is None:
        if y._data.lead:
            raise ValueError(f"out_axes is None for an output of shape {y.shape} that differs over the batch; write 0")
        return getitem(leave(y, device, 0), 0)
    if not -y.ndim - 1 <= axis <= y.ndim:
        raise ValueError(
            f"out_axes names axis {axis} for an output of shape {y.shape}, which has {y.ndim + 1} with the batch"
        )
    return leave(y, device, axis if axis >= 0 else axis + y.ndim + 1)


def _by_chunks(
    run: Callable[..., Any], given: Sequence[Any], axes: Sequence[int | None], size: int, step: int, randomness: str
) -> tuple[Any, list[Tensor]]:
    """Run for a part of the batch at a time."""
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
    behind = x.ndim - 1 - axis if axis >= 0 else -axis - 1
    return getitem(x, (..., slice(start, stop), *[slice(None)] * behind))
