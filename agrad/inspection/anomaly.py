"""detect_anomaly: where a NaN or an infinity is born, and which line of the forward a failing gradient belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from ..checks import check_flags
from ..core import errors, tape
from ..core.device import Device
from ..core.observing import Call, Observer, Step
from ..core.tape import Node
from .arrays import describe, not_finite
from .source import Place, user_place

__all__ = ["detect_anomaly"]

_places: WeakKeyDictionary[Node, Place] = WeakKeyDictionary()  # where each Node was recorded, if anybody looked


class detect_anomaly(Observer):  # noqa: N801 - PyTorch's name, used like a function
    """Raise where a NaN or an infinity is born, forward or backward, and name the line of code that it comes from.

    A context manager. An op raises if its output holds a NaN, or an infinity, and none of its inputs does; so does the
    gradient rule of an op. The error shows the op, its inputs' shapes, the ranges of their values, and the line of
    user code that called it. Any other error of the backward pass names that line too, where the forward ran in such a
    block.

    Parameters
    ----------
    check_nan : bool
        False looks at no values, and only lets errors of the backward pass name the line of the forward.

    Raises
    ------
    FloatingPointError
        Where a NaN or an infinity is born.

    Notes
    -----
    Every array is read, and a GPU is waited for each time: this is for finding a mistake, not for training. Sums of
    the gradients that arrive at a leaf from several ops are not looked at.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor([4.0, 0.0], requires_grad=True)
    >>> y = agrad.tensor([1.0, 2.0])
    >>> with agrad.detect_anomaly():
    ...     z = agrad.divide(y, x)
    Traceback (most recent call last):
        ...
    FloatingPointError: divide made inf
      x1: float32 of shape (2,), from 1 to 2
      x2: float32 of shape (2,), from 0 to 4
      result: float32 of shape (2,), from 0.25 to 0.25, 1 inf
      called at <doctest agrad.inspection.anomaly.detect_anomaly[3]>, line 2: z = agrad.divide(y, x)
    """

    def __init__(self, check_nan: bool = True) -> None:
        check_flags(check_nan=check_nan)
        self.check_nan = check_nan
        self._arriving: WeakKeyDictionary[Node, set[str]] = WeakKeyDictionary()  # what goes to each Node rightly

    def see_op(self, call: Call, run: Callable[[], Any]) -> Any:
        """Run an op, note where it was called, and look at what it made."""
        with self._quiet(call.device):
            result = run()
        place = user_place()
        if call.node is not None:
            _places[call.node] = place
        if self.check_nan and (born := _born(call.device.xp, call.results, call.inputs.values())):
            shown = {**call.inputs, "result": result}
            raise _anomaly(f"{call.name} made {born}", call.device.xp, shown, f"called at {place}")
        return result

    def see_node(self, node: Node, g: Any) -> None:
        """Look at what a Node keeps, and at the sum of the gradients that have arrived at it."""
        try:
            if node.saved is None:
                raise errors.freed(node.plan.name)
            tape.check_unchanged(node)
        except RuntimeError as error:
            raise errors.located(error, _forward(node)) from None
        arriving = self._arriving.pop(node, None)
        if arriving is not None and (born := not_finite(node.device.xp, [g]) - arriving):
            what = f"the gradients that arrive at the output of {node.plan.name} sum up to {_listed(born)}"
            raise _anomaly(what, node.device.xp, {"sum": g}, _forward(node))

    def see_rule(self, step: Step, run: Callable[[], Any]) -> Any:
        """Run a rule, and look at what it made."""
        node, xp = step.node, step.node.device.xp
        try:
            with self._quiet(node.device):
                result = run()
                if not node.plan.sequence:
                    like = step.parent if isinstance(step.parent, Node) else step.parent._data
                    result = tape.unbroadcast(result, like, step.xp, step.name)
        except Exception as error:
            raise errors.located(error, _forward(node)) from error
        if self.check_nan:
            if born := _born(xp, [result], step.inputs.values()):
                what = f"the gradient rule of {step.name} for {step.argument!r} made {born}"
                raise _anomaly(what, xp, {**step.inputs, "result": result}, _forward(node))
            kinds = not_finite(xp, [result])
            for parent in {parent for parent, _ in node.edges if type(parent) is Node}:
                self._arriving.setdefault(parent, set()).update(kinds)
        return result

    def _quiet(self, device: Device) -> AbstractContextManager[Any]:
        """Keep the array library from warning of what is going to raise."""
        return device.backend.quiet() if self.check_nan else nullcontext()


def _born(xp: Any, results: Iterable[Any], inputs: Iterable[Any]) -> str:
    """Return which kinds of numbers that are not finite are in the results and not in the inputs."""
    kinds = not_finite(xp, results)
    return _listed(kinds - not_finite(xp, inputs)) if kinds else ""


def _listed(kinds: set[str]) -> str:
    return " and ".join(sorted(kinds))


def _anomaly(what: str, xp: Any, shown: Mapping[str, Any], where: str) -> FloatingPointError:
    lines = [f"{name}: {describe(xp, value)}" for name, value in shown.items() if name != "xp"]
    return FloatingPointError("\n  ".join([what, *lines, where]))


def _forward(node: Node) -> str:
    """Say where the op of a Node was called."""
    if node not in _places:
        return "where the forward was called is not known: run it under detect_anomaly() too"
    return f"the forward was called at {_places[node]}"
