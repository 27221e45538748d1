"""Making batches ahead, in threads, while the last one is being used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

__all__ = ["prefetch"]


def prefetch(jobs: Iterable[Callable[[], Any]], threads: int, ahead: int) -> Iterator[Any]:
    """Yield what the jobs return, in their order, with up to `ahead` of them under way or done in advance.

    An exception in a job arrives where its result would have. When the iterator is closed, thrown away or
    interrupted, jobs that have not begun are dropped, and those that have are waited for.

    Parameters
    ----------
    jobs : iterable of callable
        Each is run with the device and the recording state that are current here.
    threads : int
    ahead : int
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="agrad-data")
    waiting: deque[Future[Any]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(copy_context().run, job))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
