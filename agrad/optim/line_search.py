"""A line search for L-BFGS: the step size along a direction."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from ..core.tensor import Tensor

__all__ = ["Point", "strong_wolfe"]

DECREASE = 1e-4  # c1 of the Wolfe conditions: sufficient decrease, loss <= start.loss + c1 * t * start.slope
FLATTENING = 0.9  # c2 of the Wolfe conditions: curvature, abs(slope) <= c2 * abs(start.slope)


class Point(NamedTuple):
    """A point on the line: its step size, the loss there, the gradient, and the slope along the direction."""

    t: float
    loss: float
    gradient: Tensor
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Point], start: Point, t: float, longest: float, tolerance: float, most: int
) -> Point:
    """Return a point that satisfies the strong Wolfe conditions, or else the best one found.

    Parameters
    ----------
    evaluate : callable
        Returns the point at `t`.
    start : Point
        The point at 0; its slope is negative.
    t : float
        The first step size to evaluate.
    longest : float
        The largest absolute entry of the direction.
    tolerance : float
        The search ends when the bracket, times `longest`, is narrower than this.
    most : int
        The maximum number of evaluations after the first.

    Returns
    -------
    Point
        The point found.

    Notes
    -----
    The conditions are ``loss <= start.loss + DECREASE * t * start.slope`` and
    ``abs(slope) <= FLATTENING * abs(start.slope)``, with PyTorch's constants. Nocedal and Wright, "Numerical
    optimization", 2nd edition, algorithms 3.5 and 3.6.
    """
    bracket, evaluated = _bracket(evaluate, start, t, most)
    low = 0 if bracket[0].loss <= bracket[-1].loss else 1
    near_end = False
    while len(bracket) == 2 and evaluated < most and abs(bracket[1].t - bracket[0].t) * longest >= tolerance:
        t, near_end = _interpolate(bracket, near_end)
        new = evaluate(t)
        evaluated += 1
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
    """Return two points that bracket one that satisfies the conditions, or that one alone; and the evaluations used."""
    previous, new = start, evaluate(t)
    for evaluated in range(most):
        if _too_high(new, start) or (evaluated > 1 and new.loss >= previous.loss):
            return [previous, new], evaluated
        if _flat(new, start):
            return [new], evaluated
        if new.slope >= 0:
            return [previous, new], evaluated
        t = _cubic_minimum(previous, new, new.t + 0.01 * (new.t - previous.t), new.t * 10)
        previous, new = new, evaluate(t)
    return [start, new], most


def _too_high(point: Point, start: Point) -> bool:
    return point.loss > start.loss + DECREASE * point.t * start.slope


def _flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -FLATTENING * start.slope


def _interpolate(bracket: list[Point], near_end: bool) -> tuple[float, bool]:
    """Return the next step size between two points, and whether it is near one of them.

    Two step sizes near an end in a row are not allowed: the second is moved inwards, so that the bracket shrinks.
    """
    least, most = sorted(point.t for point in bracket)
    t = _cubic_minimum(bracket[0], bracket[1], least, most)
    margin = 0.1 * (most - least)
    if min(most - t, t - least) >= margin:
        return t, False
    if near_end or t >= most or t <= least:
        return (most - margin if abs(t - most) < abs(t - least) else least + margin), False
    return t, True


def _cubic_minimum(a: Point, b: Point, least: float, most: float) -> float:
    """Return the minimum, clipped to `least` and `most`, of the cubic with the losses and slopes of two points.

    Nocedal and Wright, equation 3.59. For a straight line it is the lower end, and if there is no minimum the middle.
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
    if below == 0:  # a straight line: the limit of the formula, as PyTorch gets by dividing by zero
        return middle if above == 0 else most if above < 0 else least
    return min(max(right.t - (right.t - left.t) * (above / below), least), most)
