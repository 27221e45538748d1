"""Fit a line to data with outliers: NumPy's names, agrad's gradient.

    python examples/numpy_regression.py --plot robust.png

The loss is written with `import numpy as np`, as usual. `agrad.grad(loss)` calls it with a Tensor instead of the array.
NumPy passes calls with Tensors on to agrad, which records them, and `agrad.grad` returns the gradient of the loss.

The data is 2 x - 1 and noise, and every eighth point is far above. Least squares weighs an error by its square, so a
few outliers pull the line up. The logarithm of the hyperbolic cosine, which is a square near 0 and a straight line from
1 on, is a loss that outliers hardly affect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common import BLUE, GREEN, ORANGE, arguments, at_least_one, parser, progress, pyplot, save

import agrad


class Line(NamedTuple):
    slope: float
    intercept: float


def data(seed: int, n: int = 60) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    x = np.linspace(0.0, 4.0, n)
    y = 2.0 * x - 1.0 + 0.3 * random.standard_normal(n)
    y[::8] += random.uniform(6.0, 12.0, len(y[::8]))
    return x, y


def squared(distance: Any) -> Any:
    return distance**2


def log_cosh(distance: Any) -> Any:
    return np.logaddexp(distance, -distance) - np.log(2.0)


def fit(price: Callable[[Any], Any], x: Any, y: Any, steps: int) -> Line:
    def loss(w: Any) -> Any:
        return np.mean(price(w[0] * x + w[1] - y))

    gradient = agrad.grad(loss)
    w = np.zeros(2)
    for _ in progress(range(steps), price.__name__):
        w = w - 0.05 * gradient(w)
    return Line(*w.tolist())


def draw(x: Any, y: Any, lines: dict[str, Line], file: Path) -> None:
    figure, axis = pyplot().subplots(figsize=(8, 5), layout="constrained")
    axis.plot(x, y, "o", color=BLUE, alpha=0.6, label="data")
    for (name, line), colour in zip(lines.items(), (ORANGE, GREEN), strict=True):
        label = f"{name}: {line.slope:.2f} x {'−' if line.intercept < 0 else '+'} {abs(line.intercept):.2f}"
        axis.plot(x, line.slope * x + line.intercept, color=colour, linewidth=2, label=label)
    axis.plot(x, 2.0 * x - 1.0, ":", color="black", label="2 x − 1")
    axis.set(xlabel="x", ylabel="y")
    axis.legend()
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> dict[str, Line]:
    made = parser(__doc__)
    made.add_argument("--steps", type=at_least_one, default=3000, help="of gradient descent (default: 3000)")
    args = arguments(made, argv)
    x, y = data(args.seed)
    with args.device:
        lines = {price.__name__: fit(price, x, y, args.steps) for price in (squared, log_cosh)}
    for name, line in lines.items():
        print(f"{name:8}  y = {line.slope:.3f} x + {line.intercept:.3f}")
    if args.plot:
        draw(x, y, lines, args.plot)
    return lines


if __name__ == "__main__":
    main()
