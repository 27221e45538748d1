"""detect_anomaly: find the op that first returns a NaN or an infinity, and the line of code that called it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from ..checks import check_flags
from ..core import errors, tape
from ..core.device import Device
from ..core.observing import Call, Observer, Step
from ..core.tape import Node
from ..core.typing import Namespace
from .arrays import describe, not_finite
from .source import Place, user_place

__all__ = ["detect_anomaly"]

_places: WeakKeyDictionary[Node, Place] = WeakKeyDictionary()  # where each Node was recorded, if under detect_anomaly


class detect_anomaly(Observer):  # noqa: N801 - PyTorch's name, used like a function
    """Raise an error at the first NaN or infinity, forward or backward, that names the line of code that caused it.

    A context manager. An op raises if its output has a NaN, or an infinity, and none of its inputs does; so does the
    gradient rule of an op. The error shows the op, the shapes and value ranges of its inputs, and the line of user code
    that called it. Other errors of the backward pass name that line too, if the forward ran in such a block.

    Parameters
    ----------
    check_nan : bool
        False checks no values, and only adds the line of the forward to errors of the backward pass.

    Raises
    ------
    FloatingPointError
        If an op or a gradient rule returns a NaN or an infinity that none of its inputs has.
    ValueError
        If a matrix is singular or not positive definite where that must not be, as everywhere on the CPU. On CUDA, only
        in this block: outside of it the solvers' reports are not read, and the result is wrong.

    Notes
    -----
    Every array is read, which waits for a GPU each time: this is for finding a mistake, not for training. The sum of
    the gradients that several ops add to a leaf is not checked.

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
        self._arriving: WeakKeyDictionary[Node, set[str]] = WeakKeyDictionary()  # kinds known to arrive

    def see_op(self, call: Call, run: Callable[[], Any]) -> Any:
        """Run an op, record where it was called, and check its result."""
        with self._looking(call.device):
            result = run()
        place = user_place()
        if call.node is not None:
            _places[call.node] = place
        if self.check_nan and (new := _new_kinds(call.device.xp, call.results, call.inputs.values())):
            shown = {**call.inputs, "result": result}
            raise _anomaly(f"{call.name} made {new}", call.device.xp, shown, f"called at {place}")
        return result

    def see_node(self, node: Node, g: Any) -> None:
        """Check the saved values of a Node, and the sum of the gradients that have arrived at it."""
        try:
            if node.saved is None:
                raise errors.freed(node.plan.name)
            tape.check_unchanged(node)
        except RuntimeError as error:
            raise errors.located(error, _forward(node)) from None
        arriving = self._arriving.pop(node, None)
        if arriving is not None and (new := not_finite(node.device.xp, [g]) - arriving):
            what = f"the gradients that arrive at the output of {node.plan.name} sum up to {_listed(new)}"
            raise _anomaly(what, node.device.xp, {"sum": g}, _forward(node))

    def see_rule(self, step: Step, run: Callable[[], Any]) -> Any:
        """Run a gradient rule, and check its result."""
        node, xp = step.node, step.node.device.xp
        try:
            with self._looking(node.device):
                result = run()
                if not node.plan.sequence:
                    like = step.parent if isinstance(step.parent, Node) else step.parent._data
                    result = tape.unbroadcast(result, like, step.xp, step.name)
        except Exception as error:
            raise errors.located(error, _forward(node)) from error
        if self.check_nan:
            if new := _new_kinds(xp, [result], step.inputs.values()):
                what = f"the gradient rule of {step.name} for {step.argument!r} made {new}"
                raise _anomaly(what, xp, {**step.inputs, "result": result}, _forward(node))
            kinds = not_finite(xp, [result])
            for parent in {parent for parent, _ in node.edges if type(parent) is Node}:
                self._arriving.setdefault(parent, set()).update(kinds)
        return result

    @contextmanager
    def _looking(self, device: Device) -> Iterator[None]:
        """Make the array library report errors that it otherwise ignores to save time, and silence its warnings."""
        if not self.check_nan:
            yield
            return
        with device.backend.without_warnings(), device.backend.with_checks():
            yield


def _new_kinds(xp: Namespace, results: Iterable[Any], inputs: Iterable[Any]) -> str:
    """Return which of NaN and inf are in the results, but not in the inputs."""
    kinds = not_finite(xp, results)
    return _listed(kinds - not_finite(xp, inputs)) if kinds else ""


def _listed(kinds: set[str]) -> str:
    return " and ".join(sorted(kinds))


def _anomaly(what: str, xp: Namespace, shown: Mapping[str, Any], where: str) -> FloatingPointError:
    lines = [f"{name}: {describe(xp, value)}" for name, value in shown.items() if name != "xp"]
    return FloatingPointError("\n  ".join([what, *lines, where]))


def _forward(node: Node) -> str:
    """Return a text that says where the op of a Node was called."""
    if node not in _places:
        return "the line of the forward is not known: run it under detect_anomaly() too"
    return f"the forward was called at {_places[node]}"
