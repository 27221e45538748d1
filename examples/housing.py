"""Predict the price of flats: linear regression, and the effect of the learning rate.

    python examples/housing.py --plot housing.png

Seven flats near an underground station in Nanshan, Shenzhen, with their area, their age and the price asked per square
metre. We fit the line price = w · area + b with the smallest mean squared error, by gradient descent from a random
start.

1. With a learning rate of 0.1 each step overshoots the minimum and increases the loss: it diverges. The areas are
   around 75, so the gradient is large, and the learning rate must be small.
2. With 0.0001 the loss falls to 0.18 in five steps, and then hardly at all: the weight fits, while the bias, whose
   gradient is 75 times smaller, has barely changed. The best line has a loss of 0.163 and a bias of -2.
3. With the age as a second feature the loss falls to 0.158, and the weight of the age is negative: a square metre of
   an older flat is cheaper. This takes 1,000 steps, because area and age are correlated.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import BLUE, GREEN, GREY, RED, arguments, parser, progress, pyplot, save

import agrad
from agrad import nn, optim

AREAS = [64.4, 68.0, 74.1, 74.0, 76.9, 78.1, 78.6]  # m²
AGES = [31.0, 21.0, 19.0, 24.0, 17.0, 16.0, 17.0]  # years
PRICES = [6.1, 6.25, 7.8, 6.66, 7.82, 7.14, 8.02]  # 10,000 yuan per m²


class Fit(NamedTuple):
    """A trained model and its loss before each step."""

    model: nn.Linear
    losses: list[float]

    @property
    def weights(self) -> list[float]:
        return self.model.weight.detach()[0].tolist()

    @property
    def bias(self) -> float:
        return self.model.bias.item()


def column(numbers: list[float]) -> agrad.Tensor:
    return agrad.asarray(numbers).reshape(-1, 1)


def anywhere(features: int) -> nn.Linear:
    """Return an untrained model: weights from the standard normal distribution, bias 0."""
    model = nn.Linear(features, 1)
    with agrad.no_grad():
        model.weight[...] = agrad.randn(1, features)
        model.bias.zero_()
    return model


def train(features: agrad.Tensor, prices: agrad.Tensor, lr: float, epochs: int) -> Fit:
    """Train by gradient descent, and stop early if the loss is not finite."""
    model, criterion = anywhere(features.shape[1]), nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in progress(range(epochs), f"learning rate {lr}"):
        loss = criterion(model(features), prices)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Fit(model, losses)


def report(title: str, fit: Fit, every: int) -> None:
    print(f"\n{title}")
    last = len(fit.losses)
    for epoch, loss in enumerate(fit.losses, start=1):
        if epoch % every == 0 or epoch == last:
            print(f"  epoch {epoch:4}  loss {loss:g}")
    if math.isfinite(fit.losses[-1]):
        print(f"  w: {', '.join(f'{w:.4f}' for w in fit.weights)}   b: {fit.bias:.4f}")


def draw(diverging: Fit, by_area: Fit, by_both: Fit, file: Path) -> None:
    figure, (left, right) = pyplot().subplots(1, 2, figsize=(12, 5), layout="constrained")
    draw_losses(left, diverging, by_area, by_both)
    draw_flats(right, by_area, by_both)
    save(figure, file)


def draw_losses(axis: Any, diverging: Fit, by_area: Fit, by_both: Fit) -> None:
    finite = [loss for loss in diverging.losses if math.isfinite(loss)]
    for losses, style, colour, label in (
        (finite, "o:", GREY, "area, learning rate 0.1"),
        (by_area.losses, "-", BLUE, "area, 0.0001"),
        (by_both.losses, "--", RED, "area and age, 0.0001"),
    ):
        axis.plot(range(1, len(losses) + 1), losses, style, color=colour, label=label)
    axis.set(xscale="log", yscale="log", ylim=(0.1, 1e10), xlabel="epoch", ylabel="mean squared error")
    axis.legend()


def draw_flats(axis: Any, by_area: Fit, by_both: Fit) -> None:
    ends = [min(AREAS) - 1, max(AREAS) + 1]
    (w,), b = by_area.weights, by_area.bias
    label = f"fitted by area: {w:.4f} · area {'−' if b < 0 else '+'} {abs(b):.4f}"
    axis.plot(ends, [w * area + b for area in ends], color=BLUE, label=label)
    w1, w2 = by_both.weights
    fitted = [w1 * area + w2 * age + by_both.bias for area, age in zip(AREAS, AGES, strict=True)]
    axis.vlines(AREAS, fitted, PRICES, color=GREY, linewidth=1, linestyle=":")
    axis.plot(AREAS, fitted, "x", color=RED, markersize=9, markeredgewidth=2, label="fitted by area and age")
    axis.plot(AREAS, PRICES, "o", color=GREEN, markersize=8, label="asked per m², with the age in years")
    for area, age, price in zip(AREAS, AGES, PRICES, strict=True):
        axis.annotate(f"{age:.0f}", (area, price), (8, -4), textcoords="offset points")
    axis.set(xlabel="area (m²)", ylabel="price per m² (10,000 yuan)")
    axis.legend(loc="upper left", fontsize=9)


def main(argv: Sequence[str] | None = None) -> dict[str, Fit]:
    args = arguments(parser(__doc__), argv)
    with args.device:
        prices, areas = column(PRICES), column(AREAS)
        both = agrad.concat([areas, column(AGES)], axis=1)
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # the overflow is the point
            diverging = train(areas, prices, lr=0.1, epochs=100)
        report("area, learning rate 0.1: it diverges", diverging, every=1)
        by_area = train(areas, prices, lr=1e-4, epochs=100)
        report("area, learning rate 0.0001", by_area, every=20)
        by_both = train(both, prices, lr=1e-4, epochs=1000)
        report("area and age, learning rate 0.0001", by_both, every=100)
        if args.plot:
            draw(diverging, by_area, by_both, args.plot)
    return {"diverging": diverging, "area": by_area, "area and age": by_both}


if __name__ == "__main__":
    main()
