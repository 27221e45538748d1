"""Random number generators: one for each device, and the set that the current context draws from."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from hashlib import blake2b
from threading import Lock
from typing import Any, Final, Self, TypeAlias

from ..core.device import Device

__all__ = ["Generators", "Seed", "current"]

Seed: TypeAlias = int | tuple[int | str, ...]


class Generators:
    """A random number generator for each device, all seeded by one seed; each is made at its first use.

    Several threads may draw at once; no two of them get the same numbers.

    Parameters
    ----------
    seed : int or tuple of int and str
        An integer from 0 to 2**64 - 1, or a tuple that is hashed to one.
    """

    def __init__(self, seed: Seed) -> None:
        self._lock = Lock()
        self._seed = seed
        self._made: dict[Device, Any] = {}
        self._states: dict[str, dict[str, Any]] = {}  # initial states of generators not made yet, by device
        self._spawned = 0

    def start_over(self, seed: int, states: Mapping[str, dict[str, Any]], spawned: int) -> None:
        """Reset to a seed, the states of some devices, and the number of spawned seeds."""
        with self._lock:
            self._seed = seed
            self._made = {}
            self._states = dict(states)
            self._spawned = spawned

    def of(self, device: Device) -> Any:
        """Return the generator of a device."""
        device = device.memory or device
        generator = self._made.get(device)
        return self._make(device) if generator is None else generator

    def _make(self, device: Device) -> Any:
        with self._lock:  # two threads must not make two generators, which would draw the same numbers
            if device not in self._made:
                generator = device.backend.generator(self._mixed(), device.native)
                if device.name in self._states:
                    device.backend.set_state(generator, self._states.pop(device.name))
                self._made[device] = generator
            return self._made[device]

    def _mixed(self) -> int:
        """Return the seed as an integer; a tuple is hashed only at its first use, because most batches draw nothing."""
        if isinstance(self._seed, tuple):
            self._seed = int.from_bytes(blake2b(repr(self._seed).encode(), digest_size=8).digest(), "little")
        return self._seed

    def state(self) -> dict[str, Any]:
        """Return the state that determines all further numbers, in strings, integers and dicts."""
        with self._lock:
            drawn = {device.name: device.backend.get_state(generator) for device, generator in self._made.items()}
            return {"seed": self._mixed(), "devices": self._states | drawn, "spawned": self._spawned}

    def copy(self) -> Self:
        """Return a copy, which will draw the same numbers."""
        others, state = copy.copy(self), self.state()
        others.start_over(state["seed"], state["devices"], state["spawned"])
        return others

    def spawn(self) -> Seed:
        """Return a new seed for other generators: it is derived from this seed, and no number is drawn."""
        with self._lock:
            self._spawned += 1
            return "spawned", self._mixed(), self._spawned


_of_the_process: Final = Generators(secrets.randbits(63))  # without manual_seed, each run draws different numbers
current: ContextVar[Generators] = ContextVar("agrad generators", default=_of_the_process)
