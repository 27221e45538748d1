"""Compiled training steps: the 7×1 regression and the MLP, beside hand-written NumPy and JAX under jit.

Where numba and SciPy are installed, the same steps as loops by numba come next.

The MLP's batches are gathered inside of the step, from all rows and the numbers of those in the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import agrad
import agrad.nn
import agrad.optim
from agrad.backends.numpy_products import matmul

from .compare import Row, interleave, peer
from .mlp import RATE, ROWS, made_up
from .mlp import stepper as mlp_by_hand
from .regression import AREA, PRICE
from .regression import by_hand as regression_by_hand

STEPS = 100  # of the MLP in a call of a side
PRODUCTS = "its matrix products alone"


def _compiled(model: Any, loss: Any, optimizer: Any, gather: bool, jit: str | None = None) -> Any:
    """Return a compiled step of training a model."""

    def step(x: Any, y: Any, rows: Any = None) -> Any:
        if gather:
            x, y = x[rows], y[rows]
        optimizer.zero_grad()
        error = loss(model(x), y)
        error.backward()
        optimizer.step()
        return error

    return agrad.compile(step, state=[model, loss, optimizer], keep_grads=False, jit=jit)


def regression(device: str, jit: str | None = None) -> Callable[[], object]:
    """Return a compiled step of the regression."""
    x, y = agrad.tensor(AREA, device=device), agrad.tensor(PRICE, device=device)
    model = agrad.nn.Linear(1, 1).to(device)
    step = _compiled(model, agrad.nn.MSELoss(), agrad.optim.SGD(model.parameters(), lr=0.01), gather=False, jit=jit)
    return lambda: step(x, y)


def regression_in_jax(jax: Any) -> Callable[[], object]:
    """Return the step in JAX, under jit."""
    x, y = jax.numpy.asarray(AREA, jax.numpy.float32), jax.numpy.asarray(PRICE, jax.numpy.float32)

    def loss(parameters: Any) -> Any:
        w, b = parameters
        return ((x @ w.T + b - y) ** 2).mean()

    @jax.jit
    def update(parameters: Any) -> Any:
        error, slopes = jax.value_and_grad(loss)(parameters)
        return [p - 0.01 * g for p, g in zip(parameters, slopes, strict=True)], error

    parameters: Any = [jax.numpy.zeros((1, 1)), jax.numpy.zeros(1)]

    def step() -> None:
        nonlocal parameters
        parameters, error = update(parameters)
        jax.block_until_ready((parameters, error))

    return step


def batches(batch: int) -> list[Any]:
    """Return the rows of some batches."""
    return list(np.random.default_rng(2).integers(0, ROWS, (STEPS, batch)))


def mlp(x: Any, y: Any, batch: int, device: str, jit: str | None = None) -> Callable[[], None]:
    """Return what takes some compiled steps of the MLP."""
    nn = agrad.nn
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)).to(device)
    step = _compiled(model, nn.CrossEntropyLoss(), agrad.optim.SGD(model.parameters(), lr=RATE), gather=True, jit=jit)
    images, labels = agrad.asarray(x, device=device), agrad.asarray(y, device=device)
    rows = [agrad.asarray(j, device=device) for j in batches(batch)]

    def steps() -> None:
        for j in rows:
            step(images, labels, j)

    return steps


def mlp_in_numpy(x: Any, y: Any, batch: int) -> Callable[[], None]:
    """Return the same steps written out in NumPy."""
    step, rows = mlp_by_hand(np), batches(batch)

    def steps() -> None:
        for j in rows:
            step(x[j], y[j])

    return steps


def products_alone(x: Any, y: Any, batch: int) -> Callable[[], None]:
    """Return what only multiplies the matrices of the same steps, as agrad does on NumPy: no step of it is faster."""
    draw = np.random.default_rng(1)
    shapes = (batch, 784), (128, 784), (batch, 128), (10, 128), (batch, 10), (batch, 128)
    x, w1, hidden, w2, error, slope = (draw.standard_normal(shape, dtype=np.float32) for shape in shapes)
    products = [(x, w1.T), (hidden, w2.T), (error, w2), (error.T, hidden), (slope.T, x)]

    def steps() -> None:
        for _ in range(STEPS):
            for factors in products:
                matmul(*factors)

    return steps


def mlp_in_jax(x: Any, y: Any, batch: int, jax: Any) -> Callable[[], None]:
    """Return the same steps in JAX, under jit."""
    xp = jax.numpy
    images, labels, rows = xp.asarray(x), xp.asarray(y), [xp.asarray(j) for j in batches(batch)]
    draw = np.random.default_rng(1)
    shapes = ((784, 128), (128,), (128, 10), (10,))
    parameters: Any = [xp.asarray(draw.standard_normal(shape, dtype=np.float32) / 28) for shape in shapes]

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2 = parameters
        scores = jax.nn.relu(x @ w1 + b1) @ w2 + b2
        return -xp.take_along_axis(jax.nn.log_softmax(scores), y[:, None], axis=1).mean()

    @partial(jax.jit, donate_argnums=0)
    def update(parameters: Any, images: Any, labels: Any, j: Any) -> Any:
        error, slopes = jax.value_and_grad(loss)(parameters, images[j], labels[j])
        return [p - RATE * g for p, g in zip(parameters, slopes, strict=True)], error

    def steps() -> None:
        nonlocal parameters
        for j in rows:
            parameters, error = update(parameters, images, labels, j)
        jax.block_until_ready((parameters, error))

    return steps


def rows(
    work: str, sides: dict[str, Any], goals: dict[str, float], by_numba: dict[str, float | None], device: str
) -> list[Row]:
    """Time all sides in one run, and return a row for each peer: of the program in NumPy, and of its loops by numba."""
    seconds = interleave({name: side for name, side in sides.items() if side is not None}, device, rounds=15)
    ours, loops = seconds.pop("agrad"), seconds.pop("by numba", None)
    found = [Row(f"{work}, compiled", name, ours, theirs, goals.get(name)) for name, theirs in seconds.items()]
    if loops is None:
        return found
    peers = seconds | {"the same without numba": ours}
    return found + [
        Row(f"{work}, compiled by numba", name, loops, peers[name], goal)
        for name, goal in by_numba.items()
        if name in peers
    ]


def measure(device: str) -> list[Row]:
    """Return the rows of this benchmark."""
    numpy, jax, numba, scipy = (peer(name) if device == "cpu" else None for name in ("numpy", "jax", "numba", "scipy"))
    sides: dict[str, Any] = {
        "agrad": regression(device),
        "by numba": regression(device, "numba") if numba and scipy else None,
        "by hand in numpy": regression_by_hand(numpy) if numpy else None,
        "JAX jit": regression_in_jax(jax) if jax else None,
    }
    goals = {"by hand in numpy": 0.65, "JAX jit": 1.0}
    lines = rows("linear-regression step, 7×1", sides, goals, {"JAX jit": 0.15}, device)
    x, y = made_up()
    for batch, goal in ((128, 0.9), (32, 0.7)):
        sides = {
            "agrad": mlp(x, y, batch, device),
            "by numba": mlp(x, y, batch, device, "numba") if numba and scipy else None,
            "by hand in numpy": mlp_in_numpy(x, y, batch) if numpy else None,
            "JAX jit": mlp_in_jax(x, y, batch, jax) if jax else None,
            PRODUCTS: products_alone(x, y, batch) if numpy else None,
        }
        goals = {"by hand in numpy": 1.0, "JAX jit": goal}
        work = f"MLP 784-128-10, {STEPS} steps at batch {batch}"
        lines += rows(work, sides, goals, {"the same without numba": 1.0, "JAX jit": goal, PRODUCTS: None}, device)
    return lines
