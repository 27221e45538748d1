"""Find wrong labels: the gradient of each example, for all examples at once.

    python examples/vmap_wrong_labels.py --plot labels.png

Points of two classes lie on two half circles, and the labels of some are wrong. A network is trained with the gradient
of each example, `vmap` of `grad`, scaled down to a norm of at most 1, as training with differential privacy does. So no
example has much influence, and the network does not fit the wrong labels. At the end, the examples with the largest
gradients are those that contradict the others: these labels should be checked.

The same gradients by a loop over the examples take about thirty times as long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import BLUE, GREY, ORANGE, RED, arguments, at_least_one, parser, progress, pyplot, save

import agrad
from agrad import Tensor, nn
from agrad.nn import functional as F

CLASS_SIZE, WRONG = 150, 20

Weights = dict[str, Tensor]


class Result(NamedTuple):
    """The trained weights, the norm of each example's gradient, and which labels are wrong."""

    model: nn.Module
    weights: Weights
    norms: Tensor
    wrong: Tensor

    @property
    def found(self) -> int:
        """How many of the examples with the largest gradients have wrong labels."""
        suspects = agrad.argsort(self.norms, descending=True)[:WRONG]
        return int(agrad.count_nonzero(agrad.take(self.wrong, suspects)).item())


def data() -> tuple[Tensor, Tensor, Tensor]:
    """Return points, labels, and which labels are wrong."""
    angles = agrad.linspace(0.0, math.pi, CLASS_SIZE)
    upper = agrad.stack([agrad.cos(angles), agrad.sin(angles)], axis=1)
    lower = agrad.stack([1 - agrad.cos(angles), 0.5 - agrad.sin(angles)], axis=1)
    points = agrad.concat([upper, lower])
    labels = agrad.concat([agrad.zeros(CLASS_SIZE, dtype=int), agrad.ones(CLASS_SIZE, dtype=int)])
    places = agrad.random.randperm(2 * CLASS_SIZE)[:WRONG]
    wrong = agrad.any(agrad.arange(2 * CLASS_SIZE)[:, None] == places, axis=1)
    return points + 0.1 * agrad.randn(points.shape), agrad.where(wrong, 1 - labels, labels), wrong


def norms_of(gradients: Weights) -> Tensor:
    """Return the norm of each example's gradient, over all weights."""
    squares = [agrad.sum(agrad.reshape(g, (g.shape[0], -1)) ** 2, axis=1) for g in gradients.values()]
    return agrad.sqrt(sum(squares[1:], squares[0]))


def train(steps: int) -> Result:
    points, labels, wrong = data()
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def loss(weights: Weights, point: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(model.functional_call(weights, point), label)

    of_each = agrad.vmap(agrad.grad(loss), in_axes=(None, 0, 0))
    for _ in progress(range(steps), "steps"):
        gradients = of_each(weights, points, labels)
        scale = 1 / agrad.maximum(norms_of(gradients), 1.0)
        weights = {
            name: w - agrad.tensordot(scale, gradients[name], axes=1) / len(points) for name, w in weights.items()
        }
    return Result(model, weights, norms_of(of_each(weights, points, labels)), wrong)


def draw(result: Result, points: Any, labels: Any, file: Path) -> None:
    """Plot the examples with the largest gradients encircled, and the distributions of the norms."""
    figure, (left, right) = pyplot().subplots(1, 2, figsize=(11, 4.5), width_ratios=(3, 2), layout="constrained")
    norms, wrong = result.norms.numpy(), result.wrong.numpy()
    for label, color in ((0, BLUE), (1, ORANGE)):
        left.plot(*points[labels == label].T, "o", color=color, markersize=4, label=f"labelled {label}")
    suspects = points[norms.argsort()[::-1][:WRONG]]
    left.plot(*suspects.T, "o", color=RED, markersize=11, fillstyle="none", label="largest gradients")
    left.set(xlabel="x", ylabel="y")
    left.legend(loc="upper right")
    right.hist([norms[~wrong], norms[wrong]], bins=20, color=[GREY, RED], label=["right label", "wrong label"])
    right.set(xlabel="norm of an example's gradient", ylabel="examples", yscale="log")
    right.legend()
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> Result:
    made = parser(__doc__)
    made.add_argument("--steps", type=at_least_one, default=500, help="steps of gradient descent (default: 500)")
    args = arguments(made, argv)
    with args.device:
        result = train(args.steps)
        print(f"{result.found} of the {WRONG} examples with the largest gradients have a wrong label")
        if args.plot:
            agrad.manual_seed(args.seed)
            points, labels, _ = data()
            draw(result, points.numpy(), labels.numpy(), args.plot)
    return result


if __name__ == "__main__":
    main()
