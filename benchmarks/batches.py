"""vmap: per-sample gradients, Jacobians and Hessians, compared with torch.func; the overhead of a batched op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import agrad
import agrad.nn

from .compare import Row, interleave, peer, race

OPS = 100
MOST = 2e-6  # seconds: the overhead that a batched op may have


def _numbers(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32) / 10


def _per_sample(library: Any, make: Callable[[Any], Any]) -> Callable[[], object]:
    """Return a function that computes the gradients of an MLP 32-64-10 for each of 128 examples."""
    parameters = [make(_numbers(*shape)) for shape in ((32, 64), (64,), (64, 10), (10,))]
    x, y = make(_numbers(128, 32)), make(np.arange(128) % 10)

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2 = parameters
        return library.nn.functional.cross_entropy(library.tanh(x @ w1 + b1) @ w2 + b2, y)

    transforms = agrad if library is agrad else library.func
    gradients = transforms.vmap(transforms.grad(loss), (None, 0, 0))
    return lambda: gradients(parameters, x, y)


def _jacobian(library: Any, make: Callable[[Any], Any]) -> Callable[[], object]:
    """Return a function that computes a Jacobian of 200 outputs and 200 inputs."""
    w, x = make(_numbers(200, 200)), make(_numbers(200))
    f = lambda x: library.tanh(w @ library.tanh(w @ x))
    jacobian = agrad.jacobian(f) if library is agrad else library.func.jacrev(f)
    return lambda: jacobian(x)


def _hessian(library: Any, make: Callable[[Any], Any]) -> Callable[[], object]:
    """Return a function that computes a Hessian of 100 inputs."""
    w, x = make(_numbers(100, 100)), make(_numbers(100))
    f = lambda x: library.sum(library.tanh(w @ library.tanh(w @ x)) ** 2)
    hessian = agrad.hessian(f) if library is agrad else library.func.hessian(f)
    return lambda: hessian(x)


WORK = {
    "gradients of each of 128 examples, MLP": (_per_sample, 0.5),
    "jacobian, 200×200": (_jacobian, 0.5),
    "hessian, 100×100": (_hessian, 0.3),
}


def _overhead(device: str) -> Row:
    """Return the row of the overhead of an op under vmap."""
    x = agrad.asarray(_numbers(8, 16), device=device)

    def chain(x: Any) -> Any:
        y = x
        for _ in range(OPS):
            y = y * x
        return y

    batched, empty = agrad.vmap(chain), agrad.vmap(lambda x: x)
    sides = {"batched": lambda: batched(x), "empty": lambda: empty(x), "plain": lambda: chain(x)}
    seconds = interleave(sides, device, rounds=15)
    more = (seconds["batched"] - seconds["empty"] - seconds["plain"]) / OPS
    return Row("an op under vmap, beyond one on Tensors", "the 2 µs allowed", more, MOST, 1.0)


def measure(device: str) -> list[Row]:
    """Return the rows of this benchmark."""
    ours = lambda values: agrad.asarray(values, device=device)
    lines = [_overhead(device)]
    if torch := peer("torch"):
        theirs = lambda values: torch.asarray(values, device=device)
        for work, (make, goal) in WORK.items():
            sides = {"agrad": make(agrad, ours), "torch.func": make(torch, theirs)}
            lines += race(work, sides, {"torch.func": goal}, device, rounds=15)
    return lines
