"""Samplers: iterables over the indices of a data set, in the order in which a loader fetches its items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ..checks import as_integer, as_seed, check_flags
from ..core.device import Device
from ..core.tensor import Tensor
from ..distributed.world import get_rank, get_world_size
from ..ops.creation import arange, asarray
from ..ops.elementwise import isfinite, log1p
from ..ops.searching import nonzero, searchsorted
from ..ops.sorting import argsort
from ..ops.statistical import cumulative_sum
from ..ops.utility import all
from .draws import Draws

__all__ = [
    "BatchSampler", "DistributedSampler", "RandomSampler", "Sampler", "SequentialSampler", "WeightedRandomSampler",
    "check_iterable", "check_sized", "chunks", "count_batches",
]  # fmt: skip


class Sampler:
    """Base class of samplers; a subclass defines ``__iter__``, which yields indices, and may define ``__len__``.

    Examples
    --------
    >>> from agrad.data import DataLoader, Sampler
    >>> class Backwards(Sampler):
    ...     def __init__(self, dataset):
    ...         self.dataset = dataset
    ...
    ...     def __iter__(self):
    ...         return reversed(range(len(self.dataset)))
    ...
    ...     def __len__(self):
    ...         return len(self.dataset)
    >>> list(DataLoader("abc", batch_size=2, sampler=Backwards("abc")))
    [['c', 'b'], ['a']]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} needs a method __iter__(self) that yields indices")


class SequentialSampler(Sampler):
    """Yield all indices in order.

    Parameters
    ----------
    data_source : Dataset or sequence
        The data set whose indices are yielded.

    Examples
    --------
    >>> from agrad.data import SequentialSampler
    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = check_sized("data_source", data_source)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class _Seeded(Sampler):
    """A sampler whose order depends only on its seed and on the number of iterations before."""

    def __init__(self, seed: int | None) -> None:
        self.seed = None if seed is None else as_seed(seed)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the number of iterations before the next one, on which its order depends: to resume training."""
        self.epoch = as_integer("epoch", epoch)

    def _draws(self) -> Draws:
        draws = Draws(self.seed, self.epoch)
        self.epoch += 1
        return draws


class RandomSampler(_Seeded):
    """Yield indices in random order, drawn with or without replacement.

    Parameters
    ----------
    data_source : Dataset or sequence
        The data set whose indices are drawn.
    replacement : bool
        Whether to draw with replacement.
    num_samples : int, optional
        The number of indices in an iteration; by default the length of the data set. Without replacement, a larger
        number begins another random order when one is used up.
    seed : int, optional
        The seed of the sequence of orders; by default they are drawn from `agrad.random`.

    Raises
    ------
    ValueError
        If `num_samples` is below 1, or is given for an empty data set.

    Examples
    --------
    >>> from agrad.data import RandomSampler
    >>> sorted(RandomSampler("abc", seed=0))
    [0, 1, 2]
    """

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None, seed: int | None = None
    ) -> None:
        check_flags(replacement=replacement)
        super().__init__(seed)
        self.data_source, self.replacement = check_sized("data_source", data_source), replacement
        self.num_samples = len(data_source) if num_samples is None else as_integer("num_samples", num_samples, 1)
        if not len(data_source) and self.num_samples:
            raise ValueError(f"the data set is empty, so num_samples={num_samples} cannot be drawn from it")

    def __iter__(self) -> Iterator[int]:
        draws, n = self._draws(), len(self.data_source)
        if self.replacement:
            return iter(draws.integers(n, self.num_samples).tolist())
        orders = (draws.permutation(n).tolist() for _ in range(-(-self.num_samples // max(n, 1))))
        return islice((i for order in orders for i in order), self.num_samples)

    def __len__(self) -> int:
        return self.num_samples


class WeightedRandomSampler(_Seeded):
    """Yield indices drawn with probabilities proportional to their weights, for example to balance classes.

    Parameters
    ----------
    weights : Tensor, array or list of float, of shape (n,)
        The weights, 0 or more; they need not sum to 1.
    num_samples : int
        The number of indices in an iteration.
    replacement : bool
        Whether to draw with replacement.
    seed : int, optional
        The seed of the sequence of draws; by default they are drawn from `agrad.random`.

    Raises
    ------
    ValueError
        If a weight is negative, infinite or NaN, if all are zero, if `num_samples` is below 1, or, without
        replacement, if it is larger than the number of weights above 0.

    Notes
    -----
    Draws without replacement take the smallest of exponential variables with the weights as rates: Efraimidis and
    Spirakis, "Weighted random sampling with a reservoir", 2006.

    Examples
    --------
    >>> from agrad.data import WeightedRandomSampler
    >>> set(WeightedRandomSampler([0.0, 0.5, 0.0, 2.0], num_samples=20, seed=0))
    {1, 3}
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, seed: int | None = None) -> None:
        check_flags(replacement=replacement)
        super().__init__(seed)
        host = Device("cpu")
        self.weights = (weights.detach() if isinstance(weights, Tensor) else asarray(weights, device=host)).to(host)
        self.weights = self.weights.astype("float64")
        self.num_samples, self.replacement = as_integer("num_samples", num_samples, 1), replacement
        if self.weights.ndim != 1 or not all(isfinite(self.weights) & (self.weights >= 0)).item():
            raise ValueError("weights must be one-dimensional, finite and 0 or more")
        self._positive = nonzero(self.weights)[0]
        least = 1 if replacement else self.num_samples
        if len(self._positive) < least:
            raise ValueError(
                f"weights must have {least} or more entries above 0 to draw from, not {len(self._positive)}"
            )

    def __iter__(self) -> Iterator[int]:
        draws, weights = self._draws(), self.weights[self._positive]
        if self.replacement:
            ends = cumulative_sum(weights)
            chosen = searchsorted(ends[:-1], draws.uniform(self.num_samples) * ends[-1], side="right")
        else:
            times = -log1p(-draws.uniform(len(weights))) / weights
            chosen = argsort(times)[: self.num_samples]
        return iter(self._positive[chosen].tolist())

    def __len__(self) -> int:
        return self.num_samples


class DistributedSampler(Sampler):
    """Yield the indices of one of several processes that train together on the same data set.

    Each process creates one with the same settings, except for `rank`. All processes get the same number of indices,
    and together they cover the data set; a few indices are repeated or dropped to make it evenly divisible.

    Parameters
    ----------
    dataset : Dataset or sequence
        The data set whose indices are divided.
    num_replicas, rank : int, optional
        The number of processes, and the rank of this one, from 0; by default those of `agrad.distributed`.
    shuffle : bool
        Whether to shuffle the indices before they are divided.
    seed : int
        The seed of the order; it must be the same in all processes.
    drop_last : bool
        Whether to drop the indices that do not divide evenly, instead of repeating some.

    Raises
    ------
    ValueError
        If `rank` is not from 0 to ``num_replicas - 1``.

    Notes
    -----
    As in PyTorch, call `set_epoch` before each epoch; otherwise every epoch has the same order.

    Examples
    --------
    >>> from agrad.data import DistributedSampler
    >>> [list(DistributedSampler("abcde", num_replicas=2, rank=rank, shuffle=False)) for rank in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        check_flags(shuffle=shuffle, drop_last=drop_last)
        num_replicas = get_world_size() if num_replicas is None else num_replicas
        rank = get_rank() if rank is None else rank
        self.num_replicas, self.rank = as_integer("num_replicas", num_replicas, 1), as_integer("rank", rank)
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(f"rank must be from 0 to {self.num_replicas - 1}, not {rank}")
        self.dataset = check_sized("dataset", dataset)
        self.shuffle, self.drop_last = shuffle, drop_last
        self.seed = as_seed(seed)
        self.epoch = 0
        quotient, remainder = divmod(len(dataset), self.num_replicas)
        self.num_samples = quotient if drop_last or not remainder else quotient + 1

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, on which the order depends; it must be the same in all processes."""
        self.epoch = as_integer("epoch", epoch)

    def indices(self) -> Tensor:
        """Return all indices of this process in their order, on the host."""
        n, total = len(self.dataset), self.num_samples * self.num_replicas
        places = arange(self.rank, total, self.num_replicas, device="cpu") % max(n, 1)
        return Draws(self.seed, self.epoch).permutation(n)[places] if self.shuffle else places

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices().tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Yield the indices of a sampler in lists of `batch_size`.

    Parameters
    ----------
    sampler : Sampler or iterable of int
        The sampler to group.
    batch_size : int
        The number of indices in a batch.
    drop_last : bool
        Whether to drop the last batch if it is smaller than `batch_size`.

    Raises
    ------
    ValueError
        If `batch_size` is below 1.

    Examples
    --------
    >>> from agrad.data import BatchSampler
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        check_flags(drop_last=drop_last)
        self.sampler, self.drop_last = check_iterable("sampler", sampler), drop_last
        self.batch_size = as_integer("batch_size", batch_size, 1)

    def __iter__(self) -> Iterator[list[int]]:
        return chunks(self.sampler, self.batch_size, self.drop_last)

    def __len__(self) -> int:
        return count_batches(len(self.sampler), self.batch_size, self.drop_last)


def check_sized(name: str, items: Any) -> Any:
    """Return `items`; TypeError if they have no ``len()``."""
    if not hasattr(items, "__len__"):
        raise TypeError(f"{name} must be a data set with len(), not {items!r}")
    return items


def check_iterable(name: str, indices: Any) -> Any:
    """Return `indices`; TypeError if they are not iterable."""
    if not hasattr(indices, "__iter__") or isinstance(indices, (str, bytes)):
        raise TypeError(f"{name} must be an iterable of indices, such as a Sampler or a list, not {indices!r}")
    return indices


def chunks(items: Iterable[Any], size: int, drop_last: bool) -> Iterator[list[Any]]:
    """Yield lists of `size` items; a last one that is shorter is dropped if `drop_last`."""
    iterator = iter(items)
    while len(chunk := list(islice(iterator, size))) == size or (chunk and not drop_last):
        yield chunk


def count_batches(n: int, size: int, drop_last: bool) -> int:
    """Return the number of batches of `n` items."""
    full, rest = divmod(n, size)
    return full if drop_last or not rest else full + 1
