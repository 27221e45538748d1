"""CUDA graphs: the kernels of a function are captured once, and then launched all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cupy

from .products import Products
from .scalars import Scalars

__all__ = ["Capturer"]


class Capturer:
    """Captures functions of CuPy arrays on a device; see `agrad.backends.base.Capturer`.

    They run on a separate stream, since the default stream cannot be captured, and allocate from a separate memory
    pool, since no other array may use that memory as long as the graph can be launched.
    """

    def __init__(self, native: cupy.cuda.Device) -> None:
        self._native = native
        with native:
            self._stream = cupy.cuda.Stream(non_blocking=True)
            self._scalars = Scalars()
            self._products = Products(self._stream)
        self._pool = cupy.cuda.MemoryPool()

    def scalar(self, dtype: Any) -> tuple[Any, Callable[[Any], None]]:
        with self._native:
            return self._scalars.new(dtype)

    def flush(self) -> None:
        with self._native:
            self._scalars.flush()

    def buffer(self, array: Any) -> Any:
        with self._native:
            return array.copy()

    def copy(self, buffer: Any, array: Any) -> None:
        with self._native:
            cupy.copyto(buffer, array)

    def run(self, function: Callable[[], Any]) -> Any:
        with self._native:
            outside = cupy.cuda.get_current_stream()
            with self._entered():
                self._stream.wait_event(outside.record())
                try:
                    return function()
                finally:
                    outside.wait_event(self._stream.record())

    def capture(self, function: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        with self._native, self._entered():
            self._stream.begin_capture()
            try:
                result = function()
            except BaseException:
                self._drop_capture()
                raise
            graph = self._stream.end_capture()

        def launch() -> None:
            with self._native:
                graph.launch()

        return launch, result

    def _drop_capture(self) -> None:
        try:
            self._stream.end_capture()
        except cupy.cuda.runtime.CUDARuntimeError:  # the first error has already ended the capture
            return

    @contextmanager
    def _entered(self) -> Iterator[None]:
        with self._stream, cupy.cuda.using_allocator(self._pool.malloc), self._products.entered():
            yield
