"""average_gradients: each gradient becomes its mean over all processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final
from zlib import crc32

from ..core import errors
from ..core.tape import wrote
from ..core.tensor import Tensor
from .collectives import all_reduce
from .world import current

__all__ = ["average_gradients", "buckets"]

_MOST: Final = 6_250_000  # numbers that are exchanged at once, unless a single array has more: 25 MB in float32


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace each gradient by its mean over all processes, so that all of them take the same step.

    Call it after `backward` and before the optimizer's step; `DataParallel` does so by itself. All processes must have
    gradients of the same parameters.

    Parameters
    ----------
    parameters : iterable of Tensor
        Those without a gradient are skipped.

    Raises
    ------
    TypeError
        If `parameters` is no iterable of Tensors.
    RuntimeError
        On a CPU, if the processes have gradients of different parameters; the gradients stay as they are. On a GPU,
        ``AGRAD_DEBUG=1`` finds that if the shapes differ.

    Notes
    -----
    The gradients of one dtype and device are exchanged as one array, of at most 6,250,000 numbers, and are views of
    it afterwards: few large exchanges are faster than many small ones.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> model = nn.Linear(2, 1)
    >>> model(agrad.ones((3, 2))).sum().backward()
    >>> agrad.distributed.average_gradients(model.parameters())
    >>> model.weight.grad.tolist()  # of one process
    [[3.0, 3.0]]
    """
    if isinstance(parameters, Tensor) or not isinstance(parameters, Iterable):
        raise TypeError(
            f"average_gradients takes parameters, such as model.parameters() or [x], not {errors.describe(parameters)}"
        )
    world = current()
    if world is None:
        return
    gradients: dict[int, Tensor] = {}
    for i, p in enumerate(parameters):
        if not isinstance(p, Tensor):
            raise TypeError(f"average_gradients takes Tensors, such as model.parameters(), not {errors.describe(p)}")
        if p._grad is not None and p._grad._node is None:
            gradients[i] = p._grad
        elif p._grad is not None:  # by create_graph=True
            p._grad = all_reduce(p._grad, "mean")
    mark = crc32(repr([*gradients]).encode()) % 1001  # of the places of parameters that have a gradient
    for bucket in buckets(gradients.values()):
        means = bucket[0]._device.backend.average([g._data for g in bucket], mark, world)
        for g, mean in zip(bucket, means, strict=True):
            g._data = mean
            wrote(g)


def buckets(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Divide Tensors, in order, into lists of one device and dtype, each small enough to be exchanged at once."""
    alike: defaultdict[Any, list[Tensor]] = defaultdict(list)
    for x in tensors:
        alike[x._device.name, x.dtype.name].append(x)
    for group in alike.values():
        bucket: list[Tensor] = []
        size = 0
        for x in group:
            if bucket and size + x.size > _MOST:
                yield bucket
                bucket, size = [], 0
            bucket.append(x)
            size += x.size
        yield bucket
