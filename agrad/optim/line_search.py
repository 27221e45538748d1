"""A line search: how far to go along a direction."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from ..core.tensor import Tensor

__all__ = ["Point", "strong_wolfe"]

DECREASE = 1e-4  # c1: the loss is to fall by this part of what the slope at the start promises
FLATTENING = 0.9  # c2: the slope is to fall to this part of the one at the start


class Point(NamedTuple):
    """A place on the line: how far from the start, and the loss, its gradient and its slope along the line there."""

    t: float
    loss: float
    gradient: Tensor
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Point], start: Point, t: float, longest: float, tolerance: float, most: int
) -> Point:
    """Return a point that fulfils the strong Wolfe conditions, or the best one found.

    Parameters
    ----------
    evaluate : callable
        Returns the point at `t`.
    start : Point
        At 0; the slope there is negative.
    t : float
        Where to look first.
    longest : float
        The largest coordinate of the direction: what a change of `t` means for the parameters.
    tolerance : float
        The search ends where the parameters would change by less.
    most : int
        How many points to look at after the first.

    Notes
    -----
    As PyTorch's: the loss has fallen by `DECREASE` of what the slope at the start promised, and the slope is
    `FLATTENING` of it or flatter. Nocedal and Wright, "Numerical optimization", 2nd edition, algorithms 3.5 and 3.6.
    """
    bracket, looked = _bracket(evaluate, start, t, most)
    low = 0 if bracket[0].loss <= bracket[-1].loss else 1
    stuck = False
    while len(bracket) == 2 and looked < most and abs(bracket[1].t - bracket[0].t) * longest >= tolerance:
        t, stuck = _inside(bracket, stuck)
        new = evaluate(t)
        looked += 1
        if _too_high(new, start) or new.loss >= bracket[low].loss:
            bracket[1 - low] = new
            low = 0 if bracket[0].loss <= bracket[1].loss else 1
        elif _flat(new, start):
            return new
        else:
            if new.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
                bracket[1 - low] = bracket[low]
            bracket[low] = new
    return bracket[low]


def _bracket(evaluate: Callable[[float], Point], start: Point, t: float, most: int) -> tuple[list[Point], int]:
    """Return two points between which there is a good one, or that one alone; and how many were looked at."""
    previous, new = start, evaluate(t)
    for looked in range(most):
        if _too_high(new, start) or (looked > 1 and new.loss >= previous.loss):
            return [previous, new], looked
        if _flat(new, start):
            return [new], looked
        if new.slope >= 0:
            return [previous, new], looked
        t = _lowest_of_cubic(previous, new, new.t + 0.01 * (new.t - previous.t), new.t * 10)
        previous, new = new, evaluate(t)
    return [start, new], most


def _too_high(point: Point, start: Point) -> bool:
    return point.loss > start.loss + DECREASE * point.t * start.slope


def _flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -FLATTENING * start.slope


def _inside(bracket: list[Point], stuck: bool) -> tuple[float, bool]:
    """Return where to look next between two points, and whether that is close to one of them."""
    least, most = sorted(point.t for point in bracket)
    t = _lowest_of_cubic(bracket[0], bracket[1], least, most)
    margin = 0.1 * (most - least)
    if min(most - t, t - least) >= margin:
        return t, False
    if stuck or t >= most or t <= least:
        return (most - margin if abs(t - most) < abs(t - least) else least + margin), False
    return t, True


def _lowest_of_cubic(a: Point, b: Point, least: float, most: float) -> float:
    """Return the minimum, from `least` to `most`, of the cubic with the losses and slopes of two points.

    Nocedal and Wright, equation 3.59; the lower end of a straight line, and the middle where there is none.
    """
    left, right = (a, b) if a.t <= b.t else (b, a)
    middle = (least + most) / 2
    if left.t == right.t:
        return middle
    d1 = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.t - right.t)
    square = d1 * d1 - left.slope * right.slope
    if not square >= 0:
        return middle
    d2 = sqrt(square)
    above, below = right.slope + d2 - d1, right.slope - left.slope + 2 * d2
    if below == 0:  # a straight line: as far down as allowed, where PyTorch's division by zero leads
        return middle if above == 0 else most if above < 0 else least
    return min(max(right.t - (right.t - left.t) * (above / below), least), most)
