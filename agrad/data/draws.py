"""Random numbers for data, drawn on the host so that a seed gives the same order on every device."""

from __future__ import annotations

import random
from operator import index
from typing import Any

from ..core.device import Device
from ..core.tensor import Tensor, wrap
from ..random.sampling import rand, randint, randperm

__all__ = ["Draws"]


class Draws:
    """Random numbers determined by a seed and an epoch, or drawn from `agrad.random` if there is no seed.

    Parameters
    ----------
    seed : int, optional
        The seed; None draws from `agrad.random`.
    epoch : int or tuple of int
        With the same seed, each epoch has different numbers.
    """

    def __init__(self, seed: int | None, epoch: int | tuple[int, ...]) -> None:
        self.host = Device("cpu")
        self.generator: Any = None
        if seed is not None:
            # Hashed, not added: seed 0 in epoch 1 must not give the numbers of seed 1 in epoch 0.
            mixed = random.Random(f"{index(seed)}, {epoch}").getrandbits(32)
            self.generator = self.host.backend.generator(mixed, self.host.native)

    def permutation(self, n: int) -> Tensor:
        """Return the integers from 0 to n - 1 in random order."""
        if self.generator is None:
            return randperm(n, device=self.host)
        return wrap(self.host.backend.permutation(self.generator, n, self.host.native), self.host)

    def uniform(self, *shape: int) -> Tensor:
        """Return float64 numbers drawn uniformly from [0, 1)."""
        if self.generator is None:
            return rand(shape, dtype="float64", device=self.host)
        xp = self.host.xp
        return wrap(self.host.backend.uniform(self.generator, shape, xp.float64, self.host.native), self.host)

    def integers(self, high: int, *shape: int) -> Tensor:
        """Return int64 numbers drawn uniformly from 0 to high - 1."""
        if self.generator is None:
            return randint(high, shape, device=self.host)
        xp = self.host.xp
        return wrap(self.host.backend.integers(self.generator, 0, high, shape, xp.int64, self.host.native), self.host)
