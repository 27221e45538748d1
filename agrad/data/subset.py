"""Subsets and concatenations of data sets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import floor, isclose
from operator import index as as_int
from typing import Any

from ..checks import as_list, as_seed, check_numbers
from ..core.device import Device
from ..core.tensor import Tensor
from ..ops.creation import asarray
from .dataset import Dataset
from .draws import Draws

__all__ = ["ConcatDataset", "Subset", "random_split"]


class Subset(Dataset):
    """The items of a data set at given indices.

    Parameters
    ----------
    dataset : Dataset or sequence
        The whole data set.
    indices : sequence of int or Tensor
        The indices in `dataset` of the items, in the order of the subset.

    Examples
    --------
    >>> from agrad.data import Subset
    >>> odd = Subset("abcdef", [1, 3, 5])
    >>> len(odd), odd[2]
    (3, 'f')
    """

    def __init__(self, dataset: Any, indices: Sequence[int] | Tensor) -> None:
        if not hasattr(dataset, "__getitem__"):
            raise TypeError(f"dataset must have __getitem__, as a Dataset or a list has, not {dataset!r}")
        self.dataset = dataset
        self.indices: list[int] = (
            indices.tolist() if isinstance(indices, Tensor) else [as_int(i) for i in as_list("indices", indices)]
        )
        self._rows: dict[Device, Tensor] = {}
        if self.indices and hasattr(dataset, "__len__"):
            for i in (min(self.indices), max(self.indices)):
                if not -len(dataset) <= i < len(dataset):
                    raise IndexError(f"index {i} is out of range for a data set of {len(dataset)} items")

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if hasattr(index, "__index__") and not isinstance(index, Tensor):
            return self.dataset[self.indices[index]]
        if not isinstance(index, Tensor):
            chosen = self.indices[index] if isinstance(index, slice) else [self.indices[i] for i in index]
            return [self.dataset[i] for i in chosen] if isinstance(self.dataset, Sequence) else self.dataset[chosen]
        if index.device not in self._rows:
            self._rows[index.device] = asarray(self.indices, dtype=int, device=index.device)
        return self.dataset[self._rows[index.device][index]]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dataset!r}, {len(self)} items)"


class ConcatDataset(Dataset):
    """The concatenation of data sets.

    Parameters
    ----------
    datasets : iterable of Dataset or sequence
        The data sets to concatenate.

    Raises
    ------
    ValueError
        If `datasets` is empty.

    Examples
    --------
    >>> from agrad.data import ConcatDataset
    >>> both = ConcatDataset(["ab", "cde"])
    >>> len(both), both[3], both[-1]
    (5, 'd', 'e')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = as_list("the data sets of a ConcatDataset", datasets)
        if not self.datasets:
            raise ValueError("a ConcatDataset needs at least one data set")
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: Any) -> Any:
        i = as_int(index) + (len(self) if index < 0 else 0)
        if not 0 <= i < len(self):
            raise IndexError(f"index {index} is out of range for a data set of {len(self)} items")
        which = bisect_right(self.cumulative_sizes, i)
        return self.datasets[which][i - (self.cumulative_sizes[which - 1] if which else 0)]


def random_split(dataset: Any, lengths: Sequence[float], seed: int | None = None) -> list[Subset]:
    """Split a data set at random into subsets of given lengths.

    Parameters
    ----------
    dataset : Dataset or sequence
        The data set to split.
    lengths : sequence of int or float
        The lengths of the subsets, or fractions that sum to 1. Fractions are rounded down, and the remaining items go
        to the first subsets, one each.
    seed : int, optional
        The seed of the split; by default it is drawn from `agrad.random`.

    Returns
    -------
    list of Subset
        One subset for each length.

    Raises
    ------
    ValueError
        If the lengths do not sum to the length of the data set, or if the seed is out of range.

    Examples
    --------
    >>> from agrad.data import random_split
    >>> train, test = random_split(range(10), [0.8, 0.2], seed=0)
    >>> len(train), len(test), sorted([*train, *test]) == [*range(10)]
    (8, 2, True)
    """
    counts = _counts(len(dataset), lengths)
    order = Draws(None if seed is None else as_seed(seed), 0).permutation(len(dataset)).tolist()
    ends = list(accumulate(counts))
    return [Subset(dataset, order[end - count : end]) for count, end in zip(counts, ends, strict=True)]


def _counts(n: int, lengths: Sequence[Any]) -> list[int]:
    """Return the lengths of the subsets as integers."""
    lengths = as_list("lengths", lengths)
    check_numbers(**{f"lengths[{i}]": length for i, length in enumerate(lengths)})
    if isclose(sum(lengths), 1) and all(0 <= part <= 1 for part in lengths):
        counts = [floor(n * part) for part in lengths]
        for i in range(n - sum(counts)):
            counts[i % len(counts)] += 1
        return counts
    if sum(lengths) != n or not all(length >= 0 for length in lengths):
        raise ValueError(f"lengths must sum to {n}, the length of the data set, or to 1 as fractions, not {lengths}")
    return [as_int(length) for length in lengths]
