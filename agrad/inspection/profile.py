"""profile: the calls, time and saved memory of each op, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from weakref import ref

from ..core.device import Device
from ..core.observing import Call, Observer, Step
from ..core.tape import Node
from .arrays import flat, nbytes
from .text import seconds, size, table

__all__ = ["Row", "profile"]


@dataclass
class Row:
    """The counts of one op in a profile.

    Attributes
    ----------
    op : str
        The name of the op.
    calls : int
        The number of calls, without those of its gradient rules.
    forward, backward : float
        The time of the op and of its gradient rules, in seconds.
    saved : int
        The size of the inputs and outputs that the tape saved for it, in bytes.
    """

    op: str
    calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    saved: int = 0

    @property
    def total(self) -> float:
        """The time forward and backward together, in seconds."""
        return self.forward + self.backward


class profile(Observer):  # noqa: N801 - PyTorch's name, used like a function
    """Count the calls of each op in a block, the time they take and the bytes that the tape saves for them.

    A context manager; printed, it is a table with the slowest op first. Nested calls are timed separately: where a
    recorded rule calls other ops, their time is theirs. On a GPU, each op is timed with the device synchronized before
    and after it.

    Attributes
    ----------
    rows : list of Row
        ``op``, ``calls``, ``forward``, ``backward`` and ``total`` in seconds, and ``saved`` in bytes; sorted by total.

    Notes
    -----
    An array that several Nodes save is counted once, for the op that saved it first. Profiling itself takes some
    microseconds per op, which matter where ops are small. Writing in place under `no_grad`, as optimizers do, is not an
    op and not counted.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.ones((100, 100), requires_grad=True)
    >>> with agrad.profile() as seen:
    ...     agrad.sum(agrad.exp(x) * x).backward()
    >>> sorted((row.op, row.calls, row.saved) for row in seen.rows)
    [('exp', 1, 40000), ('multiply', 1, 40000), ('sum', 1, 0)]
    >>> print(seen)  # doctest: +SKIP
    op        calls  forward  backward    total     saved
    ----------------------------------------------------
    exp           1  41.2 µs   12.9 µs  54.1 µs  40.0 kB
    multiply      1  15.7 µs   21.5 µs  37.2 µs  40.0 kB
    sum           1  18.8 µs   8.52 µs  27.3 µs      0 B
    ----------------------------------------------------
    total         3  75.7 µs   42.9 µs   119 µs  80.0 kB
    """

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._inside = 0.0  # the time of the ops that the running one has called
        self._keepers: dict[Any, ref[Node]] = {}  # the Node that saves each buffer

    @property
    def rows(self) -> list[Row]:
        """The counts of each op, sorted by total time."""
        return sorted(self._rows.values(), key=lambda row: row.total, reverse=True)

    def see_op(self, call: Call, run: Callable[[], Any]) -> Any:
        """Time an op, and count the bytes that its Node saves."""
        row = self._row(call.name)
        result, took = self._timed(call.device, run)
        row.calls += 1
        row.forward += took
        if call.node is not None:
            row.saved += self._newly_saved(call.node)
        return result

    def see_rule(self, step: Step, run: Callable[[], Any]) -> Any:
        """Time a gradient rule."""
        row = self._row(step.name)
        result, took = self._timed(step.node.device, run)
        row.backward += took
        return result

    def _row(self, op: str) -> Row:
        return self._rows.setdefault(op, Row(op))

    def _timed(self, device: Device, run: Callable[[], Any]) -> tuple[Any, float]:
        """Run, and return the result and the time in seconds, without that of the ops it called."""
        before, self._inside = self._inside, 0.0
        device.synchronize()
        start = perf_counter()
        try:
            result = run()
            device.synchronize()
        finally:
            took = perf_counter() - start
            inside, self._inside = self._inside, before + took
        return result, took - inside

    def _newly_saved(self, node: Node) -> int:
        """Return the bytes of the saved arrays that no other Node saves."""
        backend, saved = node.device.backend, 0
        for array in flat(node.saved or ()):
            if backend.is_array(array):
                buffer = backend, backend.buffer_of(array)
                keeper = self._keepers.get(buffer, lambda: None)()
                if keeper is None or keeper.saved is None:  # the number of a freed buffer may be reused
                    self._keepers[buffer] = ref(node)
                    saved += nbytes(array)
        return saved

    def __repr__(self) -> str:
        rows = self.rows
        total = Row("total")
        for row in rows:
            total.calls += row.calls
            total.forward += row.forward
            total.backward += row.backward
            total.saved += row.saved
        return table(
            ("op", "calls", "forward", "backward", "total", "saved"), [_cells(row) for row in (*rows, total)], 1
        )


def _cells(row: Row) -> list[str]:
    return [row.op, str(row.calls), *map(seconds, (row.forward, row.backward, row.total)), size(row.saved)]
