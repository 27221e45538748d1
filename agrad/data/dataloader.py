"""DataLoader: iteration over a data set in batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any

from ..checks import as_integer, as_seed, check_callable, check_flags
from ..core.device import Device
from ..core.tensor import Tensor, wrap
from ..ops.creation import arange
from ..random.generators import current
from .collate import default_collate
from .contexts import END, BatchGenerators, context_of, steps
from .dataset import IterableDataset, TensorDataset
from .draws import Draws
from .prefetch import prefetch
from .sampler import DistributedSampler, check_iterable, chunks, count_batches
from .subset import Subset

__all__ = ["DataLoader"]


class DataLoader:
    """An iterable over the batches of a data set, in order or reshuffled at each iteration.

    A `TensorDataset`, or a `Subset` of one, is indexed with whole batches, gathered on its device. The items of any
    other data set are fetched one by one and stacked on the current device. A batch is always a copy: writing to it
    does not change the data set.

    Parameters
    ----------
    dataset : Dataset, IterableDataset or sequence
        The data set: anything with ``len()`` and indexing.
    batch_size : int or None
        The number of items in a batch; the last batch may be smaller. None yields single items without collating.
    shuffle : bool
        Whether to reshuffle the items at each iteration.
    sampler : Sampler or iterable of int, optional
        Yields the indices of the items, in order.
    batch_sampler : Sampler or iterable of list of int, optional
        Yields the list of indices of each batch.
    num_workers : int
        The number of threads that make batches in advance; 0 makes them in the calling thread. Threads help if items
        are read from files or decoded by code that releases the GIL. An `IterableDataset` is read by one thread.
    collate_fn : callable, optional
        Makes a batch from a list of items; by default `default_collate`.
    drop_last : bool
        Whether to drop the last batch if it is smaller than `batch_size`.
    prefetch_factor : int
        The number of batches made in advance per thread.
    seed : int, optional
        The seed of the shuffling and of the random numbers in batches; the order is then the same on every device. By
        default they depend on `manual_seed` and on the number of iterations of all loaders since.

    Attributes
    ----------
    epoch : int
        The number of iterations begun. With a seed, set it to resume training: the next iteration depends only on
        `seed` and `epoch`. Without a seed, restore the random state by `agrad.random.set_state`.

    Raises
    ------
    ValueError
        If a setting is out of range, or if settings exclude each other, such as `shuffle` and a sampler.
    TypeError
        If `dataset` has no length or no items, or if a setting is not an integer.

    Notes
    -----
    Each batch has its own random generators. What a data set, a ``collate_fn`` or a sampler draws with agrad is the
    same in each run with the same seed, for any `num_workers`, and does not change the random numbers outside;
    `manual_seed` and `agrad.random.get_state` called there act on the generators of that batch (in a sampler or an
    `IterableDataset`, of that iteration). This does not hold for the global generators of NumPy (``np.random.rand``)
    and Python (``random.random``), which all threads share: with several workers the order of draws varies from run
    to run. Make a generator for each item instead, such as ``np.random.default_rng([seed, index])``.

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
        check_flags(shuffle=shuffle, drop_last=drop_last)
        if not isinstance(dataset, IterableDataset) and not all(hasattr(dataset, m) for m in _METHODS):
            raise TypeError(
                f"dataset must have __len__ and __getitem__, or be an IterableDataset, not a {type(dataset).__name__}"
            )
        size = None if batch_size is None else as_integer("batch_size", batch_size, 1)
        self.dataset = dataset
        self.batch_size = size if batch_sampler is None else None
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.shuffle, self.drop_last = shuffle, drop_last
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
        self._check_exclusive(size)

    def _check_exclusive(self, batch_size: int | None) -> None:
        chosen = {"shuffle": self.shuffle, "sampler": self.sampler is not None, "drop_last": self.drop_last}
        if self.batch_sampler is not None and (batch_size != 1 or any(chosen.values())):
            raise ValueError("batch_sampler excludes batch_size, shuffle, sampler and drop_last; leave them out")
        if self.shuffle and self.sampler is not None:
            raise ValueError("sampler excludes shuffle, since it sets the order; leave out shuffle")
        if batch_size is None and self.drop_last:
            raise ValueError("batch_size=None excludes drop_last; leave out drop_last, or set a batch_size")
        if isinstance(self.dataset, IterableDataset) and (
            self.shuffle or self.sampler is not None or self.batch_sampler is not None
        ):
            raise ValueError("an IterableDataset sets its own order; leave out shuffle, sampler and batch_sampler")

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        items: Any = self.dataset if self.sampler is None else self.sampler
        return len(items) if self.batch_size is None else count_batches(len(items), self.batch_size, self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        iterable, threads = isinstance(self.dataset, IterableDataset), self.num_workers
        jobs = self._iterable_jobs() if iterable else self._indexed_jobs()
        self.epoch += 1
        if threads:
            return _until_end(prefetch(jobs, 1 if iterable else threads, threads * self.prefetch_factor))
        return _until_end(job() for job in jobs)

    # Jobs: functions without arguments that each return a batch, called here or in threads

    def _generators(self) -> BatchGenerators:
        """Return the random generators of the next iteration."""
        seed = current.get().spawn() if self.seed is None else ("loader", self.seed, self.epoch)
        return BatchGenerators(seed, (self.epoch,))

    def _iterable_jobs(self) -> Iterator[Callable[[], Any]]:
        """Yield jobs, endlessly: each makes a batch of the next items, or returns `END` when there are none."""
        return steps(context_of(self._generators()), self._batches())

    def _batches(self) -> Generator[Any]:
        if self.batch_size is None:
            yield from map(self.collate_fn or _identity, self.dataset)
        else:
            yield from map(self.collate_fn or default_collate, chunks(self.dataset, self.batch_size, self.drop_last))

    def _indexed_jobs(self) -> Iterator[Callable[[], Any]]:
        """Yield jobs that each fetch the items of a batch by their indices."""
        generators = self._generators()
        context = context_of(generators)
        fetch, indices = context.run(self._fetch_and_indices)
        if self._needs_no_generators():
            return (partial(fetch, chosen) for chosen in indices)
        return _jobs_in_contexts(generators, fetch, _until_end(step() for step in steps(context, _generator(indices))))

    def _fetch_and_indices(self) -> tuple[Callable[[Any], Any], Iterable[Any]]:
        """Return the function that makes a batch from indices, and the indices of each batch."""
        if self.batch_size is None and self.batch_sampler is None:
            return partial(_item, self.dataset, self.collate_fn or _identity), self._order()
        if self.collate_fn is None and _gathers(self.dataset):
            return self.dataset.__getitem__, self._rows()
        return partial(_items, self.dataset, self.collate_fn or default_collate), self._lists_of_indices()

    def _needs_no_generators(self) -> bool:
        """Whether no user code takes part in making batches, so that nothing can draw random numbers."""
        own = self._has_own_sampler() or self.batch_sampler is not None or self.collate_fn is not None
        return not own and type(_root(self.dataset)) is TensorDataset

    def _has_own_sampler(self) -> bool:
        return self.sampler is not None and type(self.sampler) is not DistributedSampler

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
        """Return the row indices of each batch: slices of one array on the device, where all are known.

        They are indices even without shuffling, not slices of the data, so that a batch is a copy and not a view.
        """
        size = self.batch_size
        if size is None or self._has_own_sampler():
            return self._lists_of_indices()
        device = _root(self.dataset).device
        rows = self._all_rows(device).to(device).data
        n = rows.shape[0]
        parts = (rows[i : min(i + size, n)] for i in range(0, len(self) * size, size))
        return (wrap(device.backend.materialize([part])[0], device) for part in parts)

    def _all_rows(self, device: Device) -> Tensor:
        if isinstance(self.sampler, DistributedSampler):
            return self.sampler.indices()
        return self._shuffled() if self.shuffle else arange(len(self.dataset), device=device)

    def __repr__(self) -> str:
        return f"DataLoader({self.dataset!r}, batch_size={self.batch_size}, shuffle={self.shuffle})"


_METHODS = ("__len__", "__getitem__")


def _until_end(items: Iterator[Any]) -> Iterator[Any]:
    for item in items:
        if item is END:
            return
        yield item


def _jobs_in_contexts(
    generators: BatchGenerators, fetch: Callable[[Any], Any], indices: Iterator[Any]
) -> Iterator[Callable[[], Any]]:
    """Yield jobs that fetch batches by their indices, each in a context with its own random generators."""
    for i, chosen in enumerate(indices):
        own = BatchGenerators(generators.spawn(), (*generators.numbers, i))
        yield partial(context_of(own).run, fetch, chosen)


def _generator(items: Iterable[Any]) -> Generator[Any]:
    yield from items


def _gathers(dataset: Any) -> bool:
    """Whether a data set can be indexed with a whole batch of indices."""
    return isinstance(_root(dataset), TensorDataset)


def _root(dataset: Any) -> Any:
    """Return the data set below any number of `Subset`."""
    while type(dataset) is Subset:
        dataset = dataset.dataset
    return dataset


def _identity(item: Any) -> Any:
    return item


def _item(dataset: Any, finish: Callable[[Any], Any], index: int) -> Any:
    return finish(dataset[index])


def _items(dataset: Any, collate: Callable[[list[Any]], Any], indices: Iterable[int]) -> Any:
    return collate([dataset[i] for i in indices])
