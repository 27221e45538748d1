"""Nodes whose gradient rule is a function that runs when the backward pass reaches them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeAlias

from ..core import errors, tape
from ..core.gradients import leading_to
from ..core.tape import Node, Pick, entry_of, propagate
from ..core.tensor import LEAF, Tensor, wrap
from . import pytrees

__all__ = [
    "Deferred",
    "Saved",
    "arrays_of",
    "check_same_arrays",
    "keep_tape",
    "keeping",
    "new_handles",
    "pull_back",
    "record",
]

keeping: ContextVar[bool] = ContextVar("agrad keeps the tape", default=False)


@contextmanager
def keep_tape() -> Iterator[None]:
    """Let forward mode, which drops what it no longer needs, leave the tape to a backward pass inside the block."""
    token = keeping.set(True)
    try:
        yield
    finally:
        keeping.reset(token)


# Takes the cotangents of the outputs and the saved values; returns a dict of cotangents by entry on the tape, and the
# set of entries whose cotangent may share memory with another, as `core.tape.propagate` does.
Rule: TypeAlias = Callable[[list[Any], "Saved"], tuple[dict[Any, Any], set[Any]]]


class Saved(NamedTuple):
    """The saved values of a deferred Node.

    Attributes
    ----------
    xp : module
    device : Device
    outputs : list
        The arrays of the outputs, if the rule needs them; Tensors on the tape, if the backward pass is recorded.
    arrays : list
        Other arrays that must not be changed in place before the backward pass.
    call : object
        Anything else that the rule needs.
    """

    xp: Any
    device: Any
    outputs: list[Any]
    arrays: list[Any]
    call: Any


class Deferred:
    """The plan of a Node with one gradient rule for all its parents, which may call agrad's functions on Tensors."""

    sequence, saves_arrays, portable = True, True, False
    saves, arrays = Saved._fields, ("its inputs",)

    def __init__(self, name: str, rule: Rule, parents: Sequence[Any]) -> None:
        self.name, self.rule, self.parents = name, rule, parents
        self.tracked = {0: "its inputs"}

    def run(self, g: list[Any], saved: Sequence[Any]) -> list[Any]:
        """Run the rule; return the cotangent of each parent, None for a parent without one."""
        saved = Saved(*saved)
        with keep_tape():
            found, shared = self.rule(g, saved)
        if not isinstance(g[0], Tensor):  # a leaf must own its gradient
            own = saved.device.backend.own
            found = {entry: own(x, True) if entry in shared else x for entry, x in found.items()}
        return [found.get(parent) for parent in self.parents]

    def run_sequence_rule(
        self, edges: Sequence[Any], g: list[Any], saved: Sequence[Any]
    ) -> list[tuple[Any, Callable[..., Any]]]:
        """Run the rule once; return edges that look up each parent's cotangent in the result."""
        cotangents = zip(edges, edges[0][1](g, saved), strict=True)
        return [(parent, lambda *_, x=x: x) for (parent, _), x in cotangents if x is not None]

    def unpack(self, node: Node, saved: Sequence[Any]) -> list[Any]:
        """Return the saved values for a recorded backward pass."""
        _, device, outputs, *others = saved
        tensors = [wrap(x, device, Pick.node(node, i, x)) for i, x in enumerate(outputs)]
        return [tape.namespace, device, tensors, *others]


def record(
    name: str,
    outputs: Sequence[Tensor],
    parents: Sequence[Any],
    arrays: list[Any],
    call: Any,
    rule: Rule,
    keep_outputs: bool = False,
) -> list[Tensor]:
    """Return outputs on the tape, as if one op had computed them from the `parents`.

    Parameters
    ----------
    name : str
        The name of the op.
    outputs : sequence of Tensor
        At least one.
    parents : sequence of Node or Tensor
        The entries on the tape that the rule returns cotangents for.
    arrays, call
        As in `Saved`; freed by the backward pass.
    rule : callable
        The gradient rule.
    keep_outputs : bool
        Whether to save the outputs for the rule.

    Returns
    -------
    list of Tensor
        New Tensors with the arrays of `outputs`.
    """
    device, made = outputs[0]._device, [x._data for x in outputs]
    plan = Deferred(name, rule, parents)
    edges = tuple((parent, plan.run) for parent in parents)
    saved = Saved(device.xp, device, made if keep_outputs else [], arrays, call)
    node = Node(plan, edges, saved, device, _Like(made))
    return [wrap(x._data, x._device, Pick.node(node, i, x._data)) for i, x in enumerate(outputs)]


class _Like:
    """The shapes and dtypes of several arrays."""

    def __init__(self, arrays: Sequence[Any]) -> None:
        self.shape, self.dtype = [x.shape for x in arrays], [x.dtype for x in arrays]


def pull_back(
    outputs: Sequence[Tensor], g: Sequence[Any], parents: Sequence[Any], stops: Sequence[Tensor] = ()
) -> tuple[dict[Any, Any], set[Any]]:
    """Propagate cotangents back to `parents` and no further, even if one parent depends on another; stop at `stops`."""
    entries = [entry_of(x, "an output") for x in outputs]
    needed = leading_to(parents, entries) | dict.fromkeys(parents, False)
    for x in stops:
        needed.pop(x._node, None)
    graph = isinstance(g[0], Tensor)
    return propagate(entries, g, graph, graph, needed, set(parents))


def new_handles(tree: Any) -> Any:
    """Return a pytree of new Tensors with the same entries on the tape. Writing into one does not change the other.

    A leaf of the tape is its own entry, and stays the same object.
    """

    def twin(x: Any) -> Any:
        return x if not isinstance(x, Tensor) or x._node is LEAF else wrap(x._data, x._device, x._node)

    return pytrees.unflatten(tree, [twin(x) for x in pytrees.flatten(tree)])


def arrays_of(tree: Any, parents: Sequence[Any]) -> list[Any]:
    """Return the arrays of a pytree and of the leaves among `parents`, which must not be changed in place."""
    return [x._data for x in (*pytrees.flatten(tree), *parents) if isinstance(x, Tensor)]


def check_same_arrays(name: str, before: Sequence[Any], now: Sequence[Any]) -> None:
    """Raise if the array of a Tensor was replaced, as writing does for libraries that cannot write in place."""
    if any(x is not y for x, y in zip(before, now, strict=True)):
        raise errors.changed(name)
