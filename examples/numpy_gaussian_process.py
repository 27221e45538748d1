"""A Gaussian process in NumPy's names: its kernel is learned by agrad's gradient.

    python examples/numpy_gaussian_process.py --plot process.png

A Gaussian process is a random function. Its kernel is the covariance of the values at two places: here
`exp(-(x - y)**2 / (2 l**2))`, times a variance, plus noise if the places are the same. Given a few values, the process
predicts a mean and a standard deviation everywhere.

The length l, the variance and the noise are learned from the data: they maximize the likelihood of the observed values.
The likelihood takes a Cholesky factor, the solution of linear equations and a logarithm. It is written with
`import numpy as np`, and `agrad.grad` differentiates through all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common import BLUE, GREY, ORANGE, arguments, at_least_one, parser, progress, pyplot, save, say

import agrad

PLACES = np.linspace(-1.0, 7.0, 161)


class Process(NamedTuple):
    """The learned length, standard deviation and noise; the mean and the deviation at PLACES; the losses."""

    kernel: list[float]
    mean: Any
    deviation: Any
    losses: list[float]


def data(seed: int, n: int = 25) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    x = np.sort(random.uniform(0.0, 6.0, n))
    return x, np.sin(1.5 * x) + 0.15 * random.standard_normal(n)


def kernel(logs: Any, x1: Any, x2: Any) -> Any:
    """Return the covariances of the values at pairs of places."""
    length, size = np.exp(logs[0]), np.exp(logs[1])
    return size**2 * np.exp(-0.5 * ((x1[:, None] - x2[None, :]) / length) ** 2)


def factor(logs: Any, x: Any) -> Any:
    """Return the Cholesky factor of the covariance of the observations."""
    return np.linalg.cholesky(kernel(logs, x, x) + np.exp(2.0 * logs[2]) * np.eye(len(x)))


def loss(logs: Any, x: Any, y: Any) -> Any:
    """Return the negative log-likelihood, up to a constant."""
    lower = factor(logs, x)
    return 0.5 * np.sum(np.linalg.solve(lower, y) ** 2) + np.sum(np.log(np.diagonal(lower)))


def learn(x: Any, y: Any, steps: int) -> Process:
    value_and_gradient = agrad.value_and_grad(loss)
    logs, momentum = np.zeros(3), np.zeros(3)
    losses = []
    for step in progress(range(steps), "steps"):
        value, gradient = value_and_gradient(logs, x, y)
        momentum = 0.8 * momentum + gradient
        logs = logs - 0.01 * momentum
        losses.append(value.item())
        if step % max(1, steps // 6) == 0:
            say(f"step {step:4}  loss {losses[-1]:8.3f}")
    return predicted(logs, x, y, losses)


def predicted(logs: Any, x: Any, y: Any, losses: list[float]) -> Process:
    lower = factor(logs, x)
    across = np.linalg.solve(lower, kernel(logs, x, PLACES))
    mean = across.T @ np.linalg.solve(lower, y)
    deviation = np.sqrt(np.exp(2.0 * logs[1]) - np.sum(across**2, axis=0))
    return Process(np.exp(logs).tolist(), mean.numpy(), deviation.numpy(), losses)


def draw(x: Any, y: Any, process: Process, file: Path) -> None:
    figure, (left, right) = pyplot().subplots(1, 2, figsize=(11, 4.5), width_ratios=(3, 2), layout="constrained")
    spread = 2.0 * process.deviation
    left.fill_between(PLACES, process.mean - spread, process.mean + spread, color=BLUE, alpha=0.2, label="95 %")
    left.plot(PLACES, process.mean, color=BLUE, label="expected")
    left.plot(PLACES, np.sin(1.5 * PLACES), ":", color=GREY, label="truth")
    left.plot(x, y, "o", color=ORANGE, label="data")
    left.set(xlabel="x", ylabel="y")
    left.legend()
    right.plot(process.losses, color=BLUE)
    right.set(xlabel="step", ylabel="loss")
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> Process:
    made = parser(__doc__)
    made.add_argument("--steps", type=at_least_one, default=120, help="of gradient descent (default: 120)")
    args = arguments(made, argv)
    x, y = data(args.seed)
    with args.device:
        process = learn(x, y, args.steps)
    length, size, noise = process.kernel
    print(f"length {length:.2f}, deviation {size:.2f}, noise {noise:.3f}")
    if args.plot:
        draw(x, y, process, args.plot)
    return process


if __name__ == "__main__":
    main()
