"""One pass of a DataLoader over 60,000 rows in memory, shuffled, in batches of 128."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import agrad
import agrad.data

from .compare import Row, peer, race
from .mlp import BATCH, made_up


def reader(library: Any, data: Any, x: Any, y: Any, device: str) -> Callable[[], None]:
    """Return a function that iterates over all batches, by the same code for either library."""
    rows = data.TensorDataset(library.asarray(x, device=device), library.asarray(y, device=device))
    loader = data.DataLoader(rows, batch_size=BATCH, shuffle=True)

    def read() -> None:
        for _ in loader:
            pass

    return read


def measure(device: str) -> list[Row]:
    """Return the rows of this benchmark."""
    x, y = made_up()
    sides = {"agrad": reader(agrad, agrad.data, x, y, device)}
    if torch := peer("torch"):
        sides["PyTorch"] = reader(torch, torch.utils.data, x, y, device)
    return race("DataLoader over 60,000 rows, shuffled", sides, {"PyTorch": 0.15}, device, rounds=3)
