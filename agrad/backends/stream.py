"""Random numbers from libraries whose generators are functions of a seed."""

from __future__ import annotations

from operator import index
from threading import Lock
from typing import Any

from .base import Backend

__all__ = ["Stream", "StreamBackend"]


class Stream:
    """A generator that is two numbers: its seed, and how often it was drawn from."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.draws = 0
        self._lock = Lock()

    def draw(self) -> tuple[int, int]:
        """Return the seed and the number of this draw: in each thread another."""
        with self._lock:
            self.draws += 1
            return self.seed, self.draws


class StreamBackend(Backend):
    """A backend whose generators are Streams, so that the state of one is those two numbers."""

    def generator(self, seed: int, native: Any) -> Any:
        return Stream(seed)

    def get_state(self, generator: Any) -> dict[str, Any]:
        return {"seed": generator.seed, "draws": generator.draws}

    def set_state(self, generator: Any, state: dict[str, Any]) -> None:
        seed, draws = index(state["seed"]), index(state["draws"])
        if not (0 <= seed < 2**64 and 0 <= draws < 2**64):
            raise ValueError(f"seed and draws are integers from 0 to 2**64 - 1, not {seed} and {draws}")
        generator.seed, generator.draws = seed, draws
