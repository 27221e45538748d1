"""DataLoader: a data set in batches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from operator import index as as_int
from typing import Any

from ..core.device import Device
from ..core.tensor import Tensor, wrap
from ..random import randperm
from .collate import collate
from .dataset import TensorDataset

__all__ = ["DataLoader"]


class DataLoader:
    """Hand out a data set in batches, in order or shuffled anew at each iteration.

    A `TensorDataset` is asked for whole batches, gathered on its device. The items of any other data set are
    fetched one by one and stacked on the current device.

    Parameters
    ----------
    dataset : Dataset or sequence
        Anything with ``len()`` and items.
    batch_size : int
        Items in a batch; the last batch holds what is left.
    shuffle : bool
        Whether each iteration takes the items in a new random order.
    drop_last : bool
        Leave out a last batch that is not full.
    seed : int, optional
        Makes the sequence of orders the same each time, on every device. Without it they are drawn from
        `agrad.random`, which `manual_seed` seeds.

    Attributes
    ----------
    epoch : int
        How many iterations have begun. With a seed, the next order follows from it alone: to go on where a
        training stopped, set it.

    Raises
    ------
    ValueError
        If `batch_size` is below 1.
    TypeError
        If `dataset` has no length or no items.

    Examples
    --------
    >>> import agrad
    >>> data = agrad.data.TensorDataset(agrad.arange(5))
    >>> loader = agrad.data.DataLoader(data, batch_size=2)
    >>> len(loader)
    3
    >>> [x.tolist() for (x,) in loader]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int | None = None,
    ) -> None:
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise TypeError(f"a DataLoader needs a data set with len() and items, not {type(dataset).__name__}")
        if as_int(batch_size) < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        self.dataset = dataset
        self.batch_size = as_int(batch_size)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.seed = None if seed is None else as_int(seed)
        self.epoch = 0

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    def __iter__(self) -> Iterator[Any]:
        order = self._draw_order() if self.shuffle else None
        self.epoch += 1
        return self._gather(order) if isinstance(self.dataset, TensorDataset) else self._collect(order)

    def _draw_order(self) -> Tensor:
        """Draw on the host: it costs little, and one seed gives one order on all devices."""
        host = Device("cpu")
        if self.seed is None:
            return randperm(len(self.dataset), device=host)
        # Mixed, not added: seed 0 in epoch 1 and seed 1 in epoch 0 are to have nothing in common.
        seed = random.Random(f"{self.seed}, {self.epoch}").getrandbits(32)
        generator = host.backend.generator(seed, host.native)
        return wrap(host.backend.permutation(generator, len(self.dataset), host.native), host)

    def _slices(self) -> Iterator[slice]:
        end = len(self.dataset)
        return (slice(i, min(i + self.batch_size, end)) for i in range(0, len(self) * self.batch_size, self.batch_size))

    def _gather(self, order: Tensor | None) -> Iterator[Any]:
        if order is None:
            return (self.dataset[chosen] for chosen in self._slices())
        place = self.dataset.device
        rows = order.to(place).data
        return (self.dataset[wrap(rows[chosen], place)] for chosen in self._slices())

    def _collect(self, order: Tensor | None) -> Iterator[Any]:
        positions = range(len(self.dataset)) if order is None else order.tolist()
        return (collate([self.dataset[i] for i in positions[chosen]]) for chosen in self._slices())

    def __repr__(self) -> str:
        return f"DataLoader({self.dataset!r}, batch_size={self.batch_size}, shuffle={self.shuffle})"
