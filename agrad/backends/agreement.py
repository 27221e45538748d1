"""With AGRAD_DEBUG=1, what all processes are about to call is compared before each collective.

Without it, MPI waits forever where one process calls another collective than the rest, or none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

import numpy as np

from .endings import PeerError, poll

__all__ = ["Agreement", "demanded", "timeout"]

_BYTES: Final = 2048  # of a message: a call, and the line that it is in
_LONGEST: Final = 1e9  # seconds: about what Python's timers can take
_RULE: Final = "all must call the same ones in the same order, with the same shapes and dtypes"


def demanded() -> bool:
    """Return whether the environment asks for these comparisons."""
    return os.environ.get("AGRAD_DEBUG", "0") not in ("", "0")


def timeout() -> float:
    """Return the seconds that a process waits for the others: at its start, and in these comparisons."""
    text = os.environ.get("AGRAD_TIMEOUT") or "50"
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"AGRAD_TIMEOUT is {text!r}; it takes the seconds to wait, such as AGRAD_TIMEOUT=600")
    return seconds


class Agreement:
    """Compares what the processes call.

    Parameters
    ----------
    comm : Comm
        For its messages alone.
    line : callable
        Returns the running line of the user's code.
    """

    def __init__(self, comm: Any, line: Callable[[], object]) -> None:
        self._comm, self._line = comm, line
        self._rank = comm.Get_rank()
        self._others = [rank for rank in range(comm.Get_size()) if rank != self._rank]
        self._before = "it has called none yet"

    def check(self, call: str, patient: bool = False) -> None:
        """Raise PeerError if another process calls something else, or, unless `patient`, nothing until the timeout."""
        mine = f"{call}\n{'' if patient else self._line()}"
        received = np.zeros((len(self._others), _BYTES), np.uint8)
        message = np.frombuffer(mine.encode()[:_BYTES].ljust(_BYTES, b"\0"), np.uint8)
        receives = [self._comm.Irecv(row, rank) for row, rank in zip(received, self._others, strict=True)]
        sends = [self._comm.Isend(message, rank) for rank in self._others]
        until = float("inf") if patient else monotonic() + timeout()
        poll(lambda: all([x.Test() for x in receives]) or monotonic() > until)
        calls = {self._rank: mine}
        for rank, row, request in zip(self._others, received, receives, strict=True):
            if request.Test():
                calls[rank] = row.tobytes().rstrip(b"\0").decode(errors="replace")
        self._compare(calls)
        poll(lambda: all([x.Test() for x in sends]))
        self._before = f"its last one was {_shown(mine)}"

    def _compare(self, calls: Mapping[int, str]) -> None:
        silent = [rank for rank in self._others if rank not in calls]
        if silent:
            raise PeerError(
                f"{_ranks(silent)} called no collective for {timeout():g} seconds, and rank {self._rank} waited:\n"
                f"{_listed(calls)}\n  {_ranks(silent)}: none; {self._before}\n"
                f"{_RULE}; AGRAD_TIMEOUT=600 waits longer"
            )
        if len({text.partition("\n")[0] for text in calls.values()}) > 1:
            raise PeerError(f"the processes call different collectives:\n{_listed(calls)}\n{_RULE}")


def _listed(calls: Mapping[int, str]) -> str:
    ranks = {text: [rank for rank in sorted(calls) if calls[rank] == text] for text in calls.values()}
    lines = sorted((found, text) for text, found in ranks.items())
    return "\n".join(f"  {_ranks(found)}: {_shown(text)}" for found, text in lines)


def _shown(text: str) -> str:
    call, _, line = text.partition("\n")
    return f"{call} in {line}" if line else call


def _ranks(ranks: list[int]) -> str:
    return f"rank{'s' * (len(ranks) > 1)} {', '.join(map(str, ranks))}"
