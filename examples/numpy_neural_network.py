"""A neural network in NumPy's names: only the gradient is agrad's.

    python examples/numpy_neural_network.py --plot spirals.png

Two spirals are wound around each other, and a network with two hidden layers learns to tell them apart. Its parameters
are a list of pairs of arrays, weights and biases. `agrad.grad` differentiates with respect to all of them at once, and
returns the gradients as a list of pairs, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common import BLUE, GREEN, ORANGE, arguments, at_least_one, parser, plain_log_ticks, progress, pyplot, save, say

import agrad

WIDTHS = (2, 24, 24, 1)
Parameters = list[tuple[Any, Any]]


class Network(NamedTuple):
    parameters: Parameters
    losses: list[float]
    accuracy: float


def spirals(random: np.random.Generator, n: int = 150) -> tuple[Any, Any]:
    """Return points, n in each spiral, and their classes, 0 or 1."""
    turn = np.linspace(0.5, 2.75 * np.pi, n)
    arm = np.stack([turn * np.cos(turn), turn * np.sin(turn)], axis=1) / 8.0
    points = np.concatenate([arm, -arm]) + 0.02 * random.standard_normal((2 * n, 2))
    return points, np.repeat([0.0, 1.0], n)


def initial(random: np.random.Generator) -> Parameters:
    return [(random.standard_normal((m, n)) * np.sqrt(2.0 / m), np.zeros(n)) for m, n in pairwise(WIDTHS)]


def logits(parameters: Parameters, x: Any) -> Any:
    *hidden, (weight, bias) = parameters
    for w, b in hidden:
        x = np.tanh(np.dot(x, w) + b)
    return np.squeeze(np.dot(x, weight) + bias, axis=1)


def loss(parameters: Parameters, x: Any, labels: Any) -> Any:
    """Return the mean negative log-probability of the right classes."""
    z = logits(parameters, x)
    return np.mean(np.logaddexp(0.0, z) - labels * z)


def train(parameters: Parameters, x: Any, labels: Any, steps: int) -> Network:
    value_and_gradient = agrad.value_and_grad(loss)
    momentum = [(0.0 * w, 0.0 * b) for w, b in parameters]
    losses = []
    for step in progress(range(steps), "steps"):
        value, gradient = value_and_gradient(parameters, x, labels)
        momentum = [(0.9 * v + g, 0.9 * u + h) for (v, u), (g, h) in zip(momentum, gradient, strict=True)]
        parameters = [(w - 0.1 * v, b - 0.1 * u) for (w, b), (v, u) in zip(parameters, momentum, strict=True)]
        losses.append(value.item())
        if step % max(1, steps // 6) == 0:
            say(f"step {step:5}  loss {losses[-1]:.4f}")
    right = np.equal(np.greater(logits(parameters, x), 0.0), labels > 0.5)
    return Network(parameters, losses, np.count_nonzero(right).item() / len(labels))


def draw(network: Network, x: Any, labels: Any, file: Path) -> None:
    figure, (left, right) = pyplot().subplots(1, 2, figsize=(11, 5), layout="constrained")
    side = np.linspace(-1.3, 1.3, 120)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    seen = logits(network.parameters, grid).numpy().reshape(120, 120)
    left.contourf(side, side, seen > 0, levels=[-0.5, 0.5, 1.5], colors=[BLUE, ORANGE], alpha=0.3)
    for label, colour in ((0, BLUE), (1, ORANGE)):
        left.plot(*x[labels == label].T, "o", color=colour, markersize=3)
    left.set(aspect="equal")
    right.plot(network.losses, color=GREEN)
    right.set(xlabel="step", ylabel="loss", yscale="log")
    plain_log_ticks(right.yaxis)
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> Network:
    made = parser(__doc__)
    made.add_argument("--steps", type=at_least_one, default=1500, help="of gradient descent (default: 1500)")
    args = arguments(made, argv)
    random = np.random.default_rng(args.seed)
    x, labels = spirals(random)
    with args.device:
        network = train(initial(random), x, labels, args.steps)
        print(f"{100 * network.accuracy:.1f} % of the points are told apart")
        if args.plot:
            draw(network, x, labels, args.plot)
    return network


if __name__ == "__main__":
    main()
