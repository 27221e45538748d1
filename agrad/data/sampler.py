"""Samplers: in which order a loader takes the items of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ..checks import as_integer, as_seed
from ..core.device import Device
from ..core.tensor import Tensor
from ..ops.creation import asarray
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
    """The base of samplers: a subclass yields the indices of items, one by one, and may say how many.

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
    """All items in order.

    Parameters
    ----------
    data_source : Dataset or sequence

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
    """A sampler whose order follows from a seed and from how many orders it has drawn before."""

    def __init__(self, seed: int | None) -> None:
        self.seed = None if seed is None else as_seed(seed)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration: to go on where a training stopped."""
        self.epoch = as_integer("epoch", epoch)

    def _draws(self) -> Draws:
        draws = Draws(self.seed, self.epoch)
        self.epoch += 1
        return draws


class RandomSampler(_Seeded):
    """All items in random order, or some drawn again and again.

    Parameters
    ----------
    data_source : Dataset or sequence
    replacement : bool
        Whether an item may come several times.
    num_samples : int, optional
        How many indices an iteration yields; by default as many as there are items.
    seed : int, optional
        Makes the sequence of orders the same each time; without it, `agrad.random` decides.

    Raises
    ------
    ValueError
        If `num_samples` is given and below 1, or there is nothing to draw so many from. Without it, nothing is drawn
        from nothing.

    Examples
    --------
    >>> from agrad.data import RandomSampler
    >>> sorted(RandomSampler("abc", seed=0))
    [0, 1, 2]
    """

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.data_source, self.replacement = check_sized("data_source", data_source), replacement
        self.num_samples = len(data_source) if num_samples is None else as_integer("num_samples", num_samples, 1)
        if not len(data_source) and self.num_samples:
            raise ValueError("there is no item to draw")

    def __iter__(self) -> Iterator[int]:
        draws, n = self._draws(), len(self.data_source)
        if self.replacement:
            return iter(draws.integers(n, self.num_samples).tolist())
        rounds = (draws.permutation(n).tolist() for _ in range(-(-self.num_samples // max(n, 1))))
        return islice((i for order in rounds for i in order), self.num_samples)

    def __len__(self) -> int:
        return self.num_samples


class WeightedRandomSampler(_Seeded):
    """Items drawn with probabilities in proportion to their weights: to even out rare classes, for instance.

    Parameters
    ----------
    weights : Tensor, array or list of float, of shape (n,)
        Not below 0; they need not add up to 1.
    num_samples : int
        How many indices an iteration yields.
    replacement : bool
        Whether an item may come several times.
    seed : int, optional
        Makes the sequence of draws the same each time; without it, `agrad.random` decides.

    Raises
    ------
    ValueError
        If weights are negative, infinite, NaN or all zero, if `num_samples` is below 1, or more than there are
        weights above 0 to draw from without replacement.

    Notes
    -----
    Without replacement by exponential races: Efraimidis and Spirakis, "Weighted random sampling with a reservoir",
    2006.

    Examples
    --------
    >>> from agrad.data import WeightedRandomSampler
    >>> set(WeightedRandomSampler([0.0, 0.5, 0.0, 2.0], num_samples=20, seed=0))
    {1, 3}
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, seed: int | None = None) -> None:
        super().__init__(seed)
        host = Device("cpu")
        self.weights = (weights.detach() if isinstance(weights, Tensor) else asarray(weights, device=host)).to(host)
        self.weights = self.weights.astype("float64")
        self.num_samples, self.replacement = as_integer("num_samples", num_samples, 1), replacement
        if self.weights.ndim != 1 or not all(isfinite(self.weights) & (self.weights >= 0)).item():
            raise ValueError("weights must be one list of finite numbers, none below 0")
        self._drawable = nonzero(self.weights)[0]
        if len(self._drawable) < (1 if replacement else self.num_samples):
            need = "a weight above 0" if replacement else f"{self.num_samples} weights above 0"
            raise ValueError(f"{need} must be there to draw from, here are {len(self._drawable)}")

    def __iter__(self) -> Iterator[int]:
        draws, weights = self._draws(), self.weights[self._drawable]
        if self.replacement:
            ends = cumulative_sum(weights)
            chosen = searchsorted(ends[:-1], draws.uniform(self.num_samples) * ends[-1], side="right")
        else:
            times = -log1p(-draws.uniform(len(weights))) / weights
            chosen = argsort(times)[: self.num_samples]
        return iter(self._drawable[chosen].tolist())

    def __len__(self) -> int:
        return self.num_samples


class DistributedSampler(Sampler):
    """The share of one of several processes that train together on the same data set.

    All of them make one with the same settings but their own `rank`. The shares are of the same length and together
    hold every item: some twice, or some left out.

    Parameters
    ----------
    dataset : Dataset or sequence
    num_replicas : int
        How many processes there are.
    rank : int
        Which of them this one is, from 0.
    shuffle : bool
    seed : int
        Of the order, the same in all processes.
    drop_last : bool
        Whether to leave out what does not divide evenly, instead of adding items a second time.

    Raises
    ------
    ValueError
        If `rank` is not from 0 to ``num_replicas - 1``.

    Notes
    -----
    As PyTorch's: call `set_epoch` before each epoch, or all have the same order.

    Examples
    --------
    >>> from agrad.data import DistributedSampler
    >>> [list(DistributedSampler("abcde", num_replicas=2, rank=rank, shuffle=False)) for rank in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int,
        rank: int,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.num_replicas, self.rank = as_integer("num_replicas", num_replicas, 1), as_integer("rank", rank)
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(f"rank must be from 0 to {self.num_replicas - 1}, not {rank}")
        self.dataset, self.shuffle, self.drop_last = check_sized("dataset", dataset), shuffle, drop_last
        self.seed = as_seed(seed)
        self.epoch = 0
        shares, rest = divmod(len(dataset), self.num_replicas)
        self.num_samples = shares if drop_last or not rest else shares + 1

    def set_epoch(self, epoch: int) -> None:
        """Choose the order: in all processes the same, in each epoch another."""
        self.epoch = as_integer("epoch", epoch)

    def __iter__(self) -> Iterator[int]:
        n, total = len(self.dataset), self.num_samples * self.num_replicas
        order = Draws(self.seed, self.epoch).permutation(n).tolist() if self.shuffle else list(range(n))
        return iter([order[i % n] for i in range(self.rank, total, self.num_replicas)])

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """The indices of a sampler in batches.

    Parameters
    ----------
    sampler : Sampler or iterable of int
    batch_size : int
    drop_last : bool
        Leave out a last batch that is not full.

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
        self.sampler, self.drop_last = check_iterable("sampler", sampler), drop_last
        self.batch_size = as_integer("batch_size", batch_size, 1)

    def __iter__(self) -> Iterator[list[int]]:
        return chunks(self.sampler, self.batch_size, self.drop_last)

    def __len__(self) -> int:
        return count_batches(len(self.sampler), self.batch_size, self.drop_last)


def check_sized(name: str, items: Any) -> Any:
    """Return a data set; TypeError if it has no length."""
    if not hasattr(items, "__len__"):
        raise TypeError(f"{name} must be a data set with len(), not {items!r}")
    return items


def check_iterable(name: str, indices: Any) -> Any:
    """Return what yields indices; TypeError if it yields nothing."""
    if not hasattr(indices, "__iter__") or isinstance(indices, (str, bytes)):
        raise TypeError(f"{name} must yield indices, as a Sampler or a list does, not {indices!r}")
    return indices


def chunks(items: Iterable[Any], size: int, drop_last: bool) -> Iterator[list[Any]]:
    """Yield lists of `size` items; the last may be shorter, or is left out."""
    iterator = iter(items)
    while len(chunk := list(islice(iterator, size))) == size or (chunk and not drop_last):
        yield chunk


def count_batches(n: int, size: int, drop_last: bool) -> int:
    """Return how many batches `n` items make."""
    whole, rest = divmod(n, size)
    return whole if drop_last or not rest else whole + 1
