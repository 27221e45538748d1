"""Linear regression from scratch: only Tensors and their gradients.

    python examples/linear_regression_scratch.py --plot points.png

We generate 1,000 points from known parameters, y = 2 x₁ − 3.4 x₂ + 4.2 and a little noise, and estimate the parameters
from the points. All parts of training are written out here, in a few short functions:

- `data_iter` yields the points in random batches,
- `linreg` is the model, `squared_loss` its loss,
- ``loss.sum().backward()`` computes the gradients ``w.grad`` and ``b.grad``,
- `sgd` moves w and b a little against their gradients: under `no_grad`, because the update is not to be recorded, and
  then sets the gradients to zero, because `backward` adds to them.

examples/linear_regression.py does the same with agrad's layers, losses, optimizers and data loaders.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from common import BLUE, RED, arguments, at_least_one, parser, pyplot, save

import agrad
from agrad import Tensor

TRUE_W = [2.0, -3.4]
TRUE_B = 4.2


class Result(NamedTuple):
    """The estimate, the mean loss after each epoch, and the squared error of the estimate before and after."""

    w: list[float]
    b: float
    losses: list[float]
    before: float
    after: float


def synthetic_data(w: Tensor, b: float, n: int) -> tuple[Tensor, Tensor]:
    """Return n points: features from the standard normal distribution, shape (n, 2), and labels, shape (n, 1)."""
    features = agrad.normal(0, 1, size=(n, len(w)))
    labels = features @ w + b
    labels += agrad.normal(0, 0.01, size=labels.shape)
    return features, labels.reshape(-1, 1)


def data_iter(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield all rows once, in random order, `batch_size` at a time."""
    order = list(range(len(features)))
    random.shuffle(order)
    for i in range(0, len(order), batch_size):
        chosen = agrad.asarray(order[i : i + batch_size])
        yield features[chosen], labels[chosen]


def linreg(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return x @ w + b


def squared_loss(predicted: Tensor, y: Tensor) -> Tensor:
    return (predicted - y.reshape(predicted.shape)) ** 2 / 2


def sgd(parameters: Sequence[Tensor], lr: float, batch_size: int) -> None:
    """Take a step of stochastic gradient descent, and set the gradients to zero; they are summed over the batch."""
    with agrad.no_grad():
        for parameter in parameters:
            parameter -= lr * parameter.grad / batch_size
            parameter.grad.zero_()


def distance(w: Tensor, b: Tensor) -> float:
    """Return the squared distance of an estimate from the true parameters."""
    estimate = [*w.reshape(-1).tolist(), b.item()]
    return sum((mine - true) ** 2 for mine, true in zip(estimate, [*TRUE_W, TRUE_B], strict=True))


def describe(w: Tensor, b: Tensor) -> str:
    w1, w2 = w.reshape(-1).tolist()
    return f"w = [{w1:.4f}, {w2:.4f}]  b = {b.item():.4f}  squared distance from the truth {distance(w, b):.3g}"


def train(features: Tensor, labels: Tensor, epochs: int, lr: float = 0.03, batch_size: int = 10) -> Result:
    w = agrad.normal(0, 0.01, size=(2, 1), requires_grad=True)
    b = agrad.zeros(1, requires_grad=True)
    before = distance(w, b)
    print(f"before:  {describe(w, b)}  (the gradient of w is still {w.grad})")
    losses = []
    for epoch in range(1, epochs + 1):
        for x, y in data_iter(batch_size, features, labels):
            loss = squared_loss(linreg(x, w, b), y)
            loss.sum().backward()
            sgd([w, b], lr, len(x))
        with agrad.no_grad():
            losses.append(squared_loss(linreg(features, w, b), labels).mean().item())
        print(f"epoch {epoch}  loss {losses[-1]:.6f}")
    after = distance(w, b)
    print(f"after:   {describe(w, b)}")
    return Result(w.reshape(-1).tolist(), b.item(), losses, before, after)


def draw(features: Tensor, labels: Tensor, w: list[float], b: float, file: Path) -> None:
    """Plot the points against each feature, with the estimated slope through them."""
    figure, axes = pyplot().subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
    y = labels.reshape(-1).tolist()
    for i, axis in enumerate(axes):
        x = features[:, i].tolist()
        ends = [min(x), max(x)]
        axis.plot(x, y, ".", color=BLUE, markersize=4, alpha=0.5, label="points")
        axis.plot(ends, [w[i] * end + b for end in ends], color=RED, linewidth=2, label=f"slope {w[i]:.3f}")
        axis.set(xlabel=f"$x_{i + 1}$", ylabel="$y$" if i == 0 else None)
        axis.legend()
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> Result:
    made = parser(__doc__)
    made.add_argument("--epochs", type=at_least_one, default=3, help="passes over the points (default: 3)")
    args = arguments(made, argv)
    random.seed(args.seed)
    with args.device:
        features, labels = synthetic_data(agrad.asarray(TRUE_W), TRUE_B, 1000)
        result = train(features, labels, args.epochs)
        if args.plot:
            draw(features, labels, result.w, result.b, args.plot)
    return result


if __name__ == "__main__":
    main()
