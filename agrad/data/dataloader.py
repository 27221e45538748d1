"""DataLoader: a data set in batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any

from ..checks import as_integer, as_seed, check_callable
from ..core.tensor import Tensor, wrap
from ..ops.creation import arange
from ..random.generators import current
from .collate import default_collate
from .contexts import END, BatchGenerators, context_of, steps
from .dataset import IterableDataset, TensorDataset
from .draws import Draws
from .prefetch import prefetch
from .sampler import check_iterable, chunks, count_batches
from .subset import Subset

__all__ = ["DataLoader"]


class DataLoader:
    """Hand out a data set in batches, in order or shuffled anew at each iteration.

    A `TensorDataset`, and a `Subset` of one, is asked for whole batches, gathered on its device. The items of any
    other data set are fetched one by one and stacked on the current device. Either way a batch has memory of its own:
    what is written into it does not reach the data.

    Parameters
    ----------
    dataset : Dataset, IterableDataset or sequence
        Anything with ``len()`` and items.
    batch_size : int or None
        Items in a batch; the last batch holds what is left. None for single items, as they are.
    shuffle : bool
        Whether each iteration takes the items in a new random order.
    sampler : Sampler or iterable of int, optional
        The indices of the items, in the order to take them.
    batch_sampler : Sampler or iterable of list of int, optional
        The indices of each batch.
    num_workers : int
        How many threads make batches ahead: worth it where items are read from files or decoded by code that lets
        other threads run. An `IterableDataset` is read by one.
    collate_fn : callable, optional
        Makes a batch of a list of items, instead of `default_collate`.
    drop_last : bool
        Leave out a last batch that is not full.
    prefetch_factor : int
        How many batches each thread is ahead.
    seed : int, optional
        Makes the sequence of iterations the same each time, the order on every device. Without it they follow from
        what `manual_seed` was given and from how many iterations of all loaders have begun since.

    Attributes
    ----------
    epoch : int
        How many iterations have begun. With a seed, the next one follows from it alone: to go on where a training
        stopped, set it. Without one, `agrad.random.set_state` goes on with the next.

    Raises
    ------
    ValueError
        If a number is out of range, or if settings exclude each other: `shuffle` and a sampler, for instance.
    TypeError
        If `dataset` has no length or no items, or if a number is no integer.

    Notes
    -----
    Each batch has random numbers of its own. What a data set, a ``collate_fn`` or a sampler draws with agrad is the
    same in each run with the same seed, for any `num_workers`, and leaves the numbers outside as they are;
    `manual_seed` and `agrad.random.get_state` in there mean the numbers of that batch (those of a sampler or an
    `IterableDataset`: of that iteration). This does not hold for the global generators of NumPy (``np.random.rand``)
    and Python (``random.random``): all threads share them, so with several workers they are drawn from in another
    order in each run. Make one for each item instead, such as ``np.random.default_rng([seed, index])``.

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
        batch_size: int | None = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        *,
        drop_last: bool = False,
        prefetch_factor: int = 2,
        seed: int | None = None,
    ) -> None:
        if not isinstance(dataset, IterableDataset) and not all(hasattr(dataset, m) for m in _METHODS):
            raise TypeError(f"a DataLoader needs a data set with len() and items, not {type(dataset).__name__}")
        size = None if batch_size is None else as_integer("batch_size", batch_size, 1)
        self.dataset = dataset
        self.batch_size = size if batch_sampler is None else None
        self.shuffle, self.sampler, self.batch_sampler, self.drop_last = shuffle, sampler, batch_sampler, drop_last
        self.num_workers = as_integer("num_workers", num_workers, 0)
        self.prefetch_factor = as_integer("prefetch_factor", prefetch_factor, 1)
        self.collate_fn = collate_fn
        if collate_fn is not None:
            check_callable("DataLoader(collate_fn=)", collate_fn)
        for name, samples in {"sampler": sampler, "batch_sampler": batch_sampler}.items():
            if samples is not None:
                check_iterable(name, samples)
        self.seed = None if seed is None else as_seed(seed)
        self.epoch = 0
        self._refuse_contradictions(size)

    def _refuse_contradictions(self, batch_size: int | None) -> None:
        chosen = {"shuffle": self.shuffle, "sampler": self.sampler is not None, "drop_last": self.drop_last}
        if self.batch_sampler is not None and (batch_size != 1 or any(chosen.values())):
            raise ValueError("a batch_sampler decides alone: leave out batch_size, shuffle, sampler and drop_last")
        if self.shuffle and self.sampler is not None:
            raise ValueError("a sampler decides about the order: leave out shuffle")
        if batch_size is None and self.drop_last:
            raise ValueError("single items have no last batch to drop: leave out drop_last, or give a batch_size")
        if isinstance(self.dataset, IterableDataset) and (
            self.shuffle or self.sampler is not None or self.batch_sampler is not None
        ):
            raise ValueError("an IterableDataset has an order of its own: leave out shuffle and samplers")

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        items: Any = self.dataset if self.sampler is None else self.sampler
        return len(items) if self.batch_size is None else count_batches(len(items), self.batch_size, self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        streams = isinstance(self.dataset, IterableDataset)
        jobs, threads = self._reading() if streams else self._fetching(), self.num_workers
        self.epoch += 1
        if threads:
            return _until_the_end(prefetch(jobs, 1 if streams else threads, threads * self.prefetch_factor))
        return _until_the_end(job() for job in jobs)

    # What makes each batch, as functions without arguments: run here, or ahead in threads

    def _generators(self) -> BatchGenerators:
        """Return what the random numbers of the next iteration come from."""
        seed = current.get().spawn() if self.seed is None else ("loader", self.seed, self.epoch)
        return BatchGenerators(seed, (self.epoch,))

    def _reading(self) -> Iterator[Callable[[], Any]]:
        """Make each batch of the next items; there are jobs without end, the last ones return `END`."""
        return steps(context_of(self._generators()), self._batches())

    def _batches(self) -> Generator[Any]:
        if self.batch_size is None:
            yield from map(self.collate_fn or _as_it_is, self.dataset)
        else:
            yield from map(self.collate_fn or default_collate, chunks(self.dataset, self.batch_size, self.drop_last))

    def _fetching(self) -> Iterator[Callable[[], Any]]:
        """Make each batch of the items that were chosen for it."""
        generators = self._generators()
        outside = context_of(generators)
        fetch, choices = outside.run(self._fetch_and_choices)
        if self._draws_nothing():
            return (partial(fetch, chosen) for chosen in choices)
        return _apart(generators, fetch, _until_the_end(step() for step in steps(outside, _each(choices))))

    def _fetch_and_choices(self) -> tuple[Callable[[Any], Any], Iterable[Any]]:
        """Return what makes a batch, and what it takes for each."""
        if self.batch_size is None and self.batch_sampler is None:
            return partial(_item, self.dataset, self.collate_fn or _as_it_is), self._order()
        if self.collate_fn is None and _gathers(self.dataset):
            return self.dataset.__getitem__, self._rows()
        return partial(_items, self.dataset, self.collate_fn or default_collate), self._lists_of_indices()

    def _draws_nothing(self) -> bool:
        """Whether no code of the user's has a part in the batches, so that they need no random numbers."""
        own = any(x is not None for x in (self.sampler, self.batch_sampler, self.collate_fn))
        return not own and type(_root(self.dataset)) is TensorDataset

    def _order(self) -> Iterable[int]:
        if self.sampler is not None:
            return self.sampler
        return self._shuffled().tolist() if self.shuffle else range(len(self.dataset))

    def _shuffled(self) -> Tensor:
        return Draws(self.seed, self.epoch).permutation(len(self.dataset))

    def _lists_of_indices(self) -> Iterable[list[int]]:
        if self.batch_sampler is not None:
            return self.batch_sampler
        assert self.batch_size is not None
        return chunks(self._order(), self.batch_size, self.drop_last)

    def _rows(self) -> Iterable[Any]:
        """Return the rows of each batch: on the device as a whole, where the order is known beforehand.

        In order, too, they are indices and no slices: a batch has memory of its own, to be written into.
        """
        size = self.batch_size
        if size is None or self.sampler is not None:
            return self._lists_of_indices()
        n, place = len(self.dataset), _root(self.dataset).device
        rows = (self._shuffled() if self.shuffle else arange(n, device=place)).to(place).data
        return (wrap(rows[i : min(i + size, n)], place) for i in range(0, len(self) * size, size))

    def __repr__(self) -> str:
        return f"DataLoader({self.dataset!r}, batch_size={self.batch_size}, shuffle={self.shuffle})"


_METHODS = ("__len__", "__getitem__")


def _until_the_end(items: Iterator[Any]) -> Iterator[Any]:
    for item in items:
        if item is END:
            return
        yield item


def _apart(generators: BatchGenerators, fetch: Callable[[Any], Any], choices: Iterator[Any]) -> Iterator[Any]:
    """Yield functions that fetch what was chosen for each batch, with random numbers of the batch's own."""
    for i, chosen in enumerate(choices):
        own = BatchGenerators(generators.spawn(), (*generators.numbers, i))
        yield partial(context_of(own).run, fetch, chosen)


def _each(items: Iterable[Any]) -> Generator[Any]:
    yield from items


def _gathers(dataset: Any) -> bool:
    """Whether a data set hands out whole batches."""
    return isinstance(_root(dataset), TensorDataset)


def _root(dataset: Any) -> Any:
    """Return the data set of which this one is a part, a part of a part, or the whole."""
    while type(dataset) is Subset:
        dataset = dataset.dataset
    return dataset


def _as_it_is(item: Any) -> Any:
    return item


def _item(dataset: Any, finish: Callable[[Any], Any], index: int) -> Any:
    return finish(dataset[index])


def _items(dataset: Any, collate: Callable[[list[Any]], Any], indices: Iterable[int]) -> Any:
    return collate([dataset[i] for i in indices])
