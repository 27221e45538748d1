"""Observers: the base class of instruments such as `agrad.profile`, and the only place where the engine calls them.

While no observer is entered, an op only tests whether one list is empty, and so does the backward pass. While one is,
ops run through `observe`, and the backward pass takes a Node's edges from `edges`; both call the observers of the
running context and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar, Token
from functools import partial
from typing import Any, Self

__all__ = ["Call", "Observer", "Step", "edges", "observe"]

observers: list[Observer] = []  # those of all contexts
_here: ContextVar[tuple[Observer, ...]] = ContextVar("agrad observers", default=())


class Call:
    """A call of an op.

    Attributes
    ----------
    name : str
        Of the op.
    device : Device
    given : dict
        The array arguments by name: Tensors and numbers, or lists of Tensors. `run` computes with what stands there.
    settings : dict
        The other arguments by name.
    inputs : dict
        All arguments by name: raw arrays and numbers, lists of them, and settings.
    definition : Definition
        Of the op.
    result : Tensor, or tuple of Tensor
        Once it has run.
    """

    def __init__(self, definition: Any, mask: int, frame: tuple[Any, ...]) -> None:
        self.name, self.device = definition.name, frame[-1]
        self.definition, self._mask, arrays = definition, mask, len(definition.arrays)
        self.given: dict[str, Any] = dict(zip(definition.arrays, frame[:arrays], strict=True))
        self.settings = dict(zip(definition.settings, frame[2 * arrays : -1], strict=True))
        self.result: Any = None

    @property
    def inputs(self) -> dict[str, Any]:  # noqa: D102 - see Attributes
        raw = {k: [x._data for x in v] if type(v) is list else getattr(v, "_data", v) for k, v in self.given.items()}
        return raw | self.settings

    def run(self) -> Any:
        """Compute and record, as the op does when it is not observed."""
        definition, inputs = self.definition, self.inputs
        frame = (*self.given.values(), *inputs.values(), self.device)
        try:
            out = definition.run(self.device, inputs)
        except Exception as error:
            out = definition.retry(error, frame)
        self.result = definition.finish(out, self.device, self._mask, frame)
        return self.result

    @property
    def node(self) -> Any:
        """The Node that it recorded, or None."""
        first = next((x for x in self.results if x._node is not None), None)
        if first is None:
            return None
        if first is self.result:
            return first._node
        return first._node.edges[0][0]  # behind the Node of one output, that of the whole call

    @property
    def results(self) -> list[Any]:
        """The Tensors that it returned."""
        return list(self.result) if isinstance(self.result, tuple | list) else [self.result]


class Step:
    """A call of a gradient rule.

    Attributes
    ----------
    name : str
        Of the op.
    argument : str
        The argument of the op that the gradient is for.
    node : Node
    parent : Node or Tensor
        What the gradient goes to; of an op over a sequence, the first.
    xp : module
        What the rule computes with: under ``create_graph`` it is agrad's own namespace.
    inputs : dict
        What the rule may ask for: ``"g"``, and by name what its Node saved.
    """

    def __init__(self, node: Any, argument: str, parent: Any, g: Any, saved: Sequence[Any]) -> None:
        self.name, self.argument, self.node, self.parent = node.plan.name, argument, node, parent
        self.xp = saved[0]
        self.inputs = {"g": g} | dict(zip(node.plan.saves[1:], saved[1:], strict=True))


class Observer:
    """The base class of instruments: a context manager that sees each op and each gradient rule run in its context.

    A subclass overrides `see_op`, `see_rule` or `see_node`.
    """

    _tokens: list[Token[tuple[Observer, ...]]]

    def __enter__(self) -> Self:
        self._tokens = [*getattr(self, "_tokens", []), _here.set((*_here.get(), self))]
        observers.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        observers.remove(self)
        _here.reset(self._tokens.pop())

    def see_op(self, call: Call, run: Callable[[], Any]) -> Any:
        """Run an op, and return its result."""
        return run()

    def see_rule(self, step: Step, run: Callable[[], Any]) -> Any:
        """Run a rule, and return the gradient; for an op over a sequence, a list of them."""
        return run()

    def see_node(self, node: Any, g: Any) -> None:
        """See a Node that the backward pass has reached, and the gradient of its output."""


def observe(definition: Any, mask: int, frame: tuple[Any, ...]) -> Any:
    """Run an op inside `see_op` of each observer of the running context, the outermost first."""
    call = Call(definition, mask, frame)
    run = call.run
    for observer in reversed(_here.get()):
        run = partial(observer.see_op, call, run)
    return run()


def edges(node: Any, g: Any) -> list[tuple[Any, Callable[..., Any]]]:
    """Return the edges of a Node, with rules that run inside `see_rule` of each observer of the running context."""
    here = _here.get()
    for observer in here:
        observer.see_node(node, g)
    arguments = list(node.plan.tracked.values()) * (len(node.edges) if node.plan.sequence else 1)
    return [
        (parent, partial(_step, here, node, argument, parent, rule))
        for argument, (parent, rule) in zip(arguments, node.edges, strict=True)
    ]


def _step(
    here: tuple[Observer, ...], node: Any, argument: str, parent: Any, rule: Callable[..., Any], g: Any, saved: Any
) -> Any:
    step = Step(node, argument, parent, g, saved)
    run: Callable[[], Any] = partial(rule, g, saved)
    for observer in reversed(here):
        run = partial(observer.see_rule, step, run)
    return run()
