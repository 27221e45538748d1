"""Generators for libraries whose random numbers are pure functions of a seed."""

from __future__ import annotations

from operator import index
from threading import Lock
from typing import Any

from .base import Backend
from .typing import NativeDevice

__all__ = ["Stream", "StreamBackend"]


class Stream:
    """A random generator whose state is two integers: its seed and the number of draws."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.draws = 0
        self._lock = Lock()

    def draw(self) -> tuple[int, int]:
        """Return the seed and the number of the next draw; each number is given to one thread only."""
        with self._lock:
            self.draws += 1
            return self.seed, self.draws


class StreamBackend(Backend):
    """A backend whose generators are Streams."""

    def generator(self, seed: int, native: NativeDevice) -> Any:
        return Stream(seed)

    def get_state(self, generator: Any) -> dict[str, Any]:
        return {"seed": generator.seed, "draws": generator.draws}

    def set_state(self, generator: Any, state: dict[str, Any]) -> None:
        seed, draws = index(state["seed"]), index(state["draws"])
        if not (0 <= seed < 2**64 and 0 <= draws < 2**64):
            raise ValueError(f"seed and draws must be integers from 0 to 2**64 - 1, not {seed} and {draws}")
        generator.seed, generator.draws = seed, draws
