"""Making batches in advance, in threads, while the last one is being used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from ..core.tensor import Tensor

__all__ = ["prefetch"]


def prefetch(jobs: Iterable[Callable[[], Any]], threads: int, ahead: int) -> Iterator[Any]:
    """Yield the results of jobs in order, running up to `ahead` of them in advance.

    An exception in a job is raised in place of its result. When the iterator is closed, deleted or interrupted, jobs
    that have not begun are cancelled, and the running ones are waited for.

    Parameters
    ----------
    jobs : iterable of callable
        Functions without arguments. Each runs with the device and recording state of the caller.
    threads : int
        The number of threads.
    ahead : int
        The number of jobs run in advance.

    Yields
    ------
    Any
        The result of the next job.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="agrad-data")
    waiting: deque[Future[Any]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(copy_context().run, _computed, job))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _computed(job: Callable[[], Any]) -> Any:
    """Return the result of a job, with the arrays of a lazy library computed: other threads cannot do so."""
    batch = job()
    _materialize(batch)
    return batch


def _materialize(batch: Any) -> None:
    if isinstance(batch, Tensor):
        backend = batch._device.backend
        (batch._data,) = backend.materialize([batch._data]) if backend.lazy else (batch._data,)
    elif isinstance(batch, (list, tuple)):
        for part in batch:
            _materialize(part)
    elif isinstance(batch, dict):
        _materialize(list(batch.values()))
