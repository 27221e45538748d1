"""200 small elementwise ops, forward and backward: the cost of recording an op."""

from __future__ import annotations

from typing import Any

import agrad

from .compare import Row, peer, race


def forward_and_backward(library: Any, a: Any) -> None:
    """Run 200 ops on 16 numbers forward and backward, by the same code for either library."""
    x = a
    for _ in range(50):
        x = library.tanh(x * a + a) - a
    x.sum().backward()
    a.grad = None


def measure(device: str) -> list[Row]:
    """Return the rows of this benchmark."""
    ours = agrad.tensor([0.5] * 16, requires_grad=True, device=device)
    sides = {"agrad": lambda: forward_and_backward(agrad, ours)}
    if torch := peer("torch"):
        theirs = torch.full((16,), 0.5, requires_grad=True, device=device)
        sides["PyTorch"] = lambda: forward_and_backward(torch, theirs)
    return race("200 small ops, forward + backward", sides, {"PyTorch": 0.5}, device, rounds=25)
