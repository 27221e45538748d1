"""profile: how long each op takes, forward and backward, and what the tape keeps for it."""

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
    """What a profile has counted of one op.

    Attributes
    ----------
    op : str
    calls : int
        Of the op itself; its gradient rules are not counted.
    forward, backward : float
        The seconds that the op and its rules took.
    saved : int
        The bytes that the tape saved of its inputs and outputs.
    """

    op: str
    calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    saved: int = 0

    @property
    def total(self) -> float:
        """The seconds that it took forward and backward."""
        return self.forward + self.backward


class profile(Observer):  # noqa: N801 - PyTorch's name, used like a function
    """Count, while the block is entered, the calls of each op, the time they take and the bytes that the tape keeps.

    A context manager; printed, it is a table, the op that took longest first. The time is an op's own: where a rule
    that is recorded calls other ops, theirs is counted with them. On a GPU the clock waits for the device before and
    after each op.

    Attributes
    ----------
    rows : list of Row
        ``op``, ``calls``, ``forward``, ``backward`` and ``total`` in seconds, and ``saved`` in bytes; sorted by total.

    Notes
    -----
    An array that several Nodes keep is counted once, with the op that saved it first. Looking itself takes some
    microseconds for each op, which count where ops are small. Writing in place under `no_grad`, as optimizers do, is
    no op and is not counted.

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
        self._inside = 0.0  # the seconds taken by what has run inside of what is running
        self._keepers: dict[Any, ref[Node]] = {}  # the Node that keeps a buffer

    @property
    def rows(self) -> list[Row]:
        """What was counted, an op each."""
        return sorted(self._rows.values(), key=lambda row: row.total, reverse=True)

    def see_op(self, call: Call, run: Callable[[], Any]) -> Any:
        """Time an op, and count what its Node keeps."""
        row = self._row(call.name)
        result, took = self._timed(call.device, run)
        row.calls += 1
        row.forward += took
        if call.node is not None:
            row.saved += self._newly_saved(call.node)
        return result

    def see_rule(self, step: Step, run: Callable[[], Any]) -> Any:
        """Time a rule."""
        row = self._row(step.name)
        result, took = self._timed(step.node.device, run)
        row.backward += took
        return result

    def _row(self, op: str) -> Row:
        return self._rows.setdefault(op, Row(op))

    def _timed(self, device: Device, run: Callable[[], Any]) -> tuple[Any, float]:
        """Run, and return the result and the seconds that it took beside what was timed inside of it."""
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
        """Return the bytes of the arrays that no other Node keeps yet."""
        backend, saved = node.device.backend, 0
        for array in flat(node.saved or ()):
            if backend.is_array(array):
                place = backend, backend.buffer_of(array)
                keeper = self._keepers.get(place, lambda: None)()
                if keeper is None or keeper.saved is None:  # a buffer's number may come again when it is gone
                    self._keepers[place] = ref(node)
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
