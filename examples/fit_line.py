"""Fit a line twice: with parameters of your own, and with a layer.

    python examples/fit_line.py --plot line.png

The data is f(x) = 3 x + 10 and noise from the standard normal distribution, at 100 points between -2 and 12. The model
is g(x) = a x + b, the loss the mean squared error, and gradient descent minimizes the loss over a and b.

`ByHand` creates a and b itself. A `Parameter` assigned to an attribute of a `Module` is registered, so that
`model.parameters()` includes it. `ByLayer` contains a `Linear`, whose parameters weight and bias are registered as its
own. Both converge to the same line, the least squares fit: close to 3 x + 10, but not equal to it because of the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common import BLUE, ORANGE, RED, arguments, at_least_one, parser, progress, pyplot, save, say

import agrad
from agrad import Tensor, nn, optim


class Line(NamedTuple):
    """A fitted line and its final loss."""

    slope: float
    intercept: float
    loss: float


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(agrad.randn(1, 1))
        self.b = nn.Parameter(agrad.randn(1, 1))

    def forward(self, x: Tensor) -> Tensor:
        scaled = x.mm(self.a)  # n × 1
        return scaled + self.b.expand_as(scaled)


class ByLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


def noisy_line(n: int) -> tuple[Tensor, Tensor]:
    x = agrad.linspace(-2, 12, n).reshape(n, 1)
    return x, 3 * x + 10 + agrad.randn(n, 1)


def train(model: nn.Module, x: Tensor, y: Tensor, epochs: int) -> Line:
    criterion = nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=1e-3)
    name = type(model).__name__
    print(f"\n{name}")
    for epoch in progress(range(1, epochs + 1), name):
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % max(1, epochs // 8) == 0:
            say(f"  epoch {epoch:5}/{epochs}  loss {loss.item():.6f}")
    for name, parameter in model.named_parameters():
        print(f"  {name} {parameter.item():.4f}")
    slope, intercept = (parameter.item() for parameter in model.parameters())
    return Line(slope, intercept, loss.item())


def draw(x: Tensor, y: Tensor, lines: dict[str, Line], file: Path) -> None:
    """Plot the data and the lines, and below it their differences from 3 x + 10, which tell the lines apart."""
    figure, axes = pyplot().subplots(2, 1, figsize=(8, 7), height_ratios=(3, 2), sharex=True, layout="constrained")
    ends = [x[0].item(), x[-1].item()]
    for axis, (slope, intercept) in zip(axes, ((0, 0), (3, 10)), strict=True):
        axis.plot(x.tolist(), (y - slope * x - intercept).tolist(), "o", color=BLUE, alpha=0.5, label="data")
        axis.plot(ends, [(3 - slope) * end + 10 - intercept for end in ends], ":", color="black", label="3 x + 10")
        for (name, line), (style, colour, width) in zip(lines.items(), (("-", ORANGE, 5), ("--", RED, 2)), strict=True):
            heights = [(line.slope - slope) * end + line.intercept - intercept for end in ends]
            label = f"{name}: {line.slope:.3f} x + {line.intercept:.3f}"
            axis.plot(ends, heights, style, color=colour, linewidth=width, label=label)
    axes[0].set(ylabel="y")
    axes[0].legend()
    axes[1].set(xlabel="x", ylabel="y − (3 x + 10)")
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> dict[str, Line]:
    made = parser(__doc__)
    made.add_argument("--epochs", type=at_least_one, default=20_000, help="steps of gradient descent (default: 20000)")
    args = arguments(made, argv)
    with args.device:
        x, y = noisy_line(100)
        lines = {type(model).__name__: train(model, x, y, args.epochs) for model in (ByHand(), ByLayer())}
        if args.plot:
            draw(x, y, lines, args.plot)
    return lines


if __name__ == "__main__":
    main()
