"""Newton's method from many points at once: where each of them leads.

    python examples/vmap_newton.py --plot newton.png

Himmelblau's function of two numbers has nine stationary points: four minima, four saddle points and one maximum.
Newton's method finds one of them. Which one depends on the starting point, in a complicated way: the plot shows the
result for each starting point.

A step computes the gradient and the Hessian, and solves a system of two equations. It is written for one point; `vmap`
runs it for all points of the picture at once, and `agrad.linalg.solve` gets all systems in one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common import arguments, at_least_one, parser, progress, pyplot, save

import agrad
from agrad import Tensor

STATIONARY = (
    (3.0, 2.0), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127),  # minima
    (0.086678, 2.884255), (3.385154, 0.073852), (-0.127961, -1.953715), (-3.073026, -0.081353),  # saddle points
    (-0.270845, -0.923039),  # the maximum
)  # fmt: skip
RANGE = 5.0


class Result(NamedTuple):
    """The number of the stationary point that each starting point leads to, and how far from it the last point is."""

    basins: Tensor
    distances: Tensor


def himmelblau(p: Tensor) -> Tensor:
    return (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


def step(p: Tensor) -> Tensor:
    """Return the next point of Newton's method."""
    return p - agrad.linalg.solve(agrad.hessian(himmelblau)(p), agrad.grad(himmelblau)(p))


def search(side: int, steps: int) -> Result:
    """Take all steps from each point of a grid."""
    places = agrad.linspace(-RANGE, RANGE, side, dtype=agrad.float64)
    points = agrad.reshape(agrad.stack(agrad.meshgrid(places, places), axis=-1), (-1, 2))
    for _ in progress(range(steps), "steps"):
        points = agrad.vmap(step)(points)
    known = agrad.asarray(STATIONARY, dtype=agrad.float64)
    distances = agrad.linalg.vector_norm(points[:, None, :] - known, axis=-1)
    return Result(agrad.argmin(distances, axis=1), agrad.min(distances, axis=1))


def draw(result: Result, side: int, file: Path) -> None:
    figure, axis = pyplot().subplots(figsize=(7, 6), layout="constrained")
    shown = result.basins.reshape(side, side).numpy()
    look = {"cmap": "Set3", "vmin": -0.5, "vmax": 11.5, "interpolation": "nearest"}
    axis.imshow(shown, origin="lower", extent=(-RANGE, RANGE) * 2, **look)
    for names, marker, first, end in (("minima", "o", 0, 4), ("saddle points", "x", 4, 8), ("maximum", "^", 8, 9)):
        axis.plot(*zip(*STATIONARY[first:end], strict=True), marker, color="black", label=names)
    axis.set(xlabel="x", ylabel="y", title="where Newton's method leads")
    axis.grid(visible=False)
    axis.legend(loc="lower right")
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> Result:
    made = parser(__doc__)
    made.add_argument("--side", type=at_least_one, default=300, help="starting points per axis (default: 300)")
    made.add_argument("--steps", type=at_least_one, default=30, help="steps of Newton's method (default: 30)")
    args = arguments(made, argv)
    with args.device:
        result = search(args.side, args.steps)
        arrived = agrad.count_nonzero(result.distances < 1e-5).item()
        print(f"{arrived:,} of {args.side**2:,} starting points have led to a stationary point")
        if args.plot:
            draw(result, args.side, args.plot)
    return result


if __name__ == "__main__":
    main()
