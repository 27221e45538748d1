"""Neural networks of scalars: every weight is a Tensor of its own.

    python examples/scalar_mlp.py --plot scalars.png

A Tensor may hold a single number. In a network of such Tensors no matrix hides the chain rule: it is applied to one
addition or multiplication after the other.

1. Gradients by hand and by `backward`: z = x + x, where x = a · b. Two paths lead from z to x, and their gradients are
   summed.
2. A layer, and the multi-layer perceptron MLP(3, [2, 1]), learn y = x₁ + 2 x₂ + 4 x₃ from three points. Each weight is
   a Tensor of its own; a list ``[weight] * n`` would hold the same one n times.
3. A layer with one output learns to predict the digit in an image: 1,000 images, 784 weights and some 1,570
   multiplications and additions for each. Then the same training with one matrix product per image: the same losses in
   a fraction of the time. This is why agrad records ops on arrays, and not on scalars.
4. Operators with plain numbers, matrices, and `requires_grad`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import BLUE, ORANGE, RED, arguments, at_least_one, parser, pictures, plain_log_ticks, progress, pyplot, save

import agrad
from agrad import Tensor
from agrad.data import TensorDataset

POINTS = [[1.0, 2.0, 3.0], [2.0, 3.0, 7.0], [5.0, 3.0, 1.0]]
LABELS = [x1 + 2 * x2 + 4 * x3 for x1, x2, x3 in POINTS]  # 17, 36, 15


class Training(NamedTuple):
    """The loss at each step, the time in seconds, and the final weights."""

    losses: list[float]
    seconds: float
    weights: list[float]


class Result(NamedTuple):
    """The results of each part of the example."""

    gradients: tuple[float, float, float]
    layer: list[float]
    mlp: list[float]
    scalars: Training
    matrix: Training


# Networks of scalars


def weight(scale: float = 1.0) -> Tensor:
    return Tensor(scale * random.random(), requires_grad=True)


class Linear:
    """A fully connected layer: each output is a weighted sum of all inputs, plus a bias."""

    def __init__(self, inputs: int, outputs: int, scale: float = 1.0) -> None:
        self.w = [[weight(scale) for _ in range(inputs)] for _ in range(outputs)]
        self.b = [weight(scale) for _ in range(outputs)]

    def __call__(self, x: Sequence[Any]) -> list[Tensor]:
        return [self.weighted_sum(row, x, b) for row, b in zip(self.w, self.b, strict=True)]

    @staticmethod
    def weighted_sum(row: list[Tensor], x: Sequence[Any], b: Tensor) -> Tensor:
        total = b
        for w, value in zip(row, x, strict=True):
            total = total + w * value
        return total

    def parameters(self) -> list[Tensor]:
        return [w for row in self.w for w in row] + self.b


class MLP:
    """A chain of layers, with a ReLU after each but the last."""

    def __init__(self, inputs: int, outputs: list[int]) -> None:
        self.layers = [Linear(m, n) for m, n in zip([inputs, *outputs], outputs, strict=False)]

    def __call__(self, x: Sequence[Any]) -> list[Tensor]:
        for layer in self.layers[:-1]:
            x = [output.relu() for output in layer(x)]
        return self.layers[-1](x)

    def parameters(self) -> list[Tensor]:
        return [p for layer in self.layers for p in layer.parameters()]


def squared_loss(predicted: Tensor, y: float) -> Tensor:
    return (predicted - y) ** 2 / 2


def sgd(parameters: list[Tensor], lr: float) -> None:
    with agrad.no_grad():
        for parameter in parameters:
            parameter -= lr * parameter.grad
            parameter.grad = None


# The four parts


def two_paths() -> tuple[float, float, float]:
    """dz/da = 2 b, dz/db = 2 a, dz/dx = 2."""
    a, b = Tensor(2.0, requires_grad=True), Tensor(3.0, requires_grad=True)
    x = a * b
    x.retain_grad()
    z = x + x
    z.backward()
    found = a.grad.item(), b.grad.item(), x.grad.item()
    print("z = x + x, x = a · b, a = 2, b = 3: dz/da = {}, dz/db = {}, dz/dx = {}".format(*found))
    return found


def learn_points(net: Linear | MLP, lr: float, epochs: int) -> list[float]:
    """Learn from one point after the other, and return the mean loss after each epoch."""
    losses = []
    for _ in range(epochs):
        for x, y in zip(POINTS, LABELS, strict=True):
            squared_loss(net(x)[0], y).backward()
            sgd(net.parameters(), lr)
        with agrad.no_grad():
            losses.append(sum(squared_loss(net(x)[0], y).item() for x, y in zip(POINTS, LABELS, strict=True)) / 3)
    guesses = ", ".join(f"{net(x)[0].item():.1f} ({y:.0f})" for x, y in zip(POINTS, LABELS, strict=True))
    print(f"{type(net).__name__}: loss {losses[0]:.3f} → {losses[-1]:.3f} in {epochs} epochs; guesses {guesses}")
    return losses


def learn_digits_by_scalars(net: Linear, pictures: list[list[float]], digits: list[int], lr: float) -> Training:
    losses = []
    start = time.perf_counter()
    for picture, digit in progress(list(zip(pictures, digits, strict=True)), "scalars"):
        loss = squared_loss(net(picture)[0], digit)
        loss.backward()
        sgd(net.parameters(), lr)
        losses.append(loss.item())
    return Training(losses, time.perf_counter() - start, [w.item() for w in net.w[0]])


def learn_digits_by_matrix(net: Linear, pictures: Tensor, digits: list[int], lr: float) -> Training:
    """Train in the same way, with the weights of `net` in one matrix of 784 × 1."""
    w = Tensor([[w.item()] for w in net.w[0]], requires_grad=True)
    b = Tensor(net.b[0].item(), requires_grad=True)
    losses = []
    start = time.perf_counter()
    for i, digit in enumerate(digits):
        loss = squared_loss(pictures[i : i + 1] @ w + b, digit)
        loss.backward()
        sgd([w, b], lr)
        losses.append(loss.item())
    return Training(losses, time.perf_counter() - start, w.reshape(-1).tolist())


def learn_digits(data: TensorDataset, rows: int, lr: float = 0.002) -> tuple[Training, Training]:
    images, labels = data[:rows]
    pictures, digits = images.reshape(len(images), -1), labels.tolist()
    net = Linear(pictures.shape[1], 1, scale=0.01)
    matrix = learn_digits_by_matrix(net, pictures, digits, lr)
    scalars = learn_digits_by_scalars(net, pictures.tolist(), digits, lr)
    tenth = max(1, len(digits) // 10)
    for name, training in (("scalars", scalars), ("matrix", matrix)):
        first, last = mean(training.losses[:tenth]), mean(training.losses[-tenth:])
        print(f"{name:8} {training.seconds:8.3f} s for {len(digits)} pictures, loss {first:.2f} → {last:.2f}")
    print(f"one matrix product is {scalars.seconds / matrix.seconds:.0f} times as fast as {pictures.shape[1]} scalars")
    return scalars, matrix


def comforts() -> None:
    """Use operators and exp with plain numbers, matrices, and Tensors with and without `requires_grad`."""
    x = Tensor(1.5, requires_grad=True)
    y = agrad.exp(1 - x) / 2 + 2**x - 3 / x
    y.backward()
    print(f"y = exp(1 - x) / 2 + 2ˣ - 3 / x at 1.5: y = {y.item():.4f}, dy/dx = {x.grad.item():.4f}")
    w, inputs = agrad.ones((3, 1), requires_grad=True), Tensor(POINTS)
    (inputs @ w).sum().backward()
    print(f"(X @ w).sum(): dw = {w.grad.reshape(-1).tolist()}, and X, which is not marked, has {inputs.grad}")


def mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / max(1, len(numbers))


def draw(result: Result, file: Path) -> None:
    figure, (left, middle, right) = pyplot().subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    draw_points(left, result)
    draw_digits(middle, result.scalars, result.matrix)
    draw_weights(figure, right, result.scalars.weights)
    save(figure, file)


def draw_points(axis: Any, result: Result) -> None:
    axis.plot(range(1, len(result.layer) + 1), result.layer, "o-", color=BLUE, label="one layer")
    axis.plot(range(1, len(result.mlp) + 1), result.mlp, "s-", color=RED, label="MLP(3, [2, 1])")
    axis.set(yscale="log", xlabel="epoch", ylabel="mean loss", title="three points")
    plain_log_ticks(axis.yaxis)
    axis.legend()


def draw_digits(axis: Any, scalars: Training, matrix: Training) -> None:
    width = max(1, len(scalars.losses) // 20)
    places = range(width, len(scalars.losses) + 1, width)
    for training, style, colour, name in ((scalars, "o", ORANGE, "scalars"), (matrix, "-", BLUE, "one matrix product")):
        means = [mean(training.losses[end - width : end]) for end in places]
        axis.plot(places, means, style, color=colour, label=f"{name}, {training.seconds:.2f} s")
    axis.set(ylim=(0, None), xlabel="picture", ylabel=f"mean loss of {width} pictures", title="guessing the digit")
    axis.legend()


def draw_weights(figure: Any, axis: Any, weights: list[float]) -> None:
    side = round(len(weights) ** 0.5)
    rows = [weights[i : i + side] for i in range(0, len(weights), side)]
    largest = max(map(abs, weights))
    image = axis.imshow(rows, cmap="PuOr", vmin=-largest, vmax=largest)
    axis.set_axis_off()
    axis.set_title("the weight of each pixel")
    bar = figure.colorbar(image, ax=axis)
    bar.set_label("← smaller digit        larger digit →")


def main(argv: Sequence[str] | None = None) -> Result:
    made = parser(__doc__)
    made.add_argument(
        "--rows", type=at_least_one, default=1000, help="pictures to learn from in part 3 (default: 1000)"
    )
    made.add_argument("--dataset", choices=("auto", "mnist", "digits"), default="auto", help="as in mnist.py")
    args = arguments(made, argv)
    random.seed(args.seed)
    with args.device:
        gradients = two_paths()
        layer = learn_points(Linear(3, 1), lr=0.03, epochs=3)
        mlp = learn_points(MLP(3, [2, 1]), lr=0.001, epochs=10)
        data, _, _ = pictures(args.dataset)
        scalars, matrix = learn_digits(data, args.rows)
        comforts()
        result = Result(gradients, layer, mlp, scalars, matrix)
        if args.plot:
            draw(result, args.plot)
    return result


if __name__ == "__main__":
    main()
