"""Nodes whose way back is worked out by a function, when the backward pass arrives there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from ..core import errors, tape
from ..core.gradients import leading_to
from ..core.tape import Node, Pick, entry_of, propagate
from ..core.tensor import LEAF, Tensor, wrap
from . import pytrees

__all__ = ["Deferred", "Saved", "arrays_of", "pull_back", "record", "refuse_others", "twins"]

# Takes the cotangents of the outputs and what is saved; returns cotangents by entry on the tape, and the set of entries
# whose cotangent may share memory with another: all as `core.tape.propagate` has them.
Rule: TypeAlias = Callable[[list[Any], "Saved"], tuple[dict[Any, Any], set[Any]]]


class Saved(NamedTuple):
    """What a deferred Node keeps.

    Attributes
    ----------
    xp : module
    device : Device
    outputs : list
        The arrays of the outputs, if the rule asks for them; Tensors with their places on the tape, when the backward
        pass is recorded.
    arrays : list
        Others that must not be written into before the backward pass.
    call : object
        Whatever else the rule needs.
    """

    xp: Any
    device: Any
    outputs: list[Any]
    arrays: list[Any]
    call: Any


class Deferred:
    """The plan of a Node with a rule for all its parents at once, which may call functions of agrad on Tensors."""

    sequence, saves_arrays, saves, arrays = True, True, Saved._fields, ("its inputs",)

    def __init__(self, name: str, rule: Rule, parents: Sequence[Any]) -> None:
        self.name, self.rule, self.parents = name, rule, parents
        self.tracked = {0: "its inputs"}

    def run(self, g: list[Any], saved: Sequence[Any]) -> list[Any]:
        """Run the rule; return the cotangent of each parent, and None for one that nothing comes back to."""
        saved = Saved(*saved)
        found, shared = self.rule(g, saved)
        if not isinstance(g[0], Tensor):  # what a leaf gets is its own
            own = saved.device.backend.own
            found = {entry: own(x, True) if entry in shared else x for entry, x in found.items()}
        return [found.get(parent) for parent in self.parents]

    def spread(self, edges: Sequence[Any], g: list[Any], saved: Sequence[Any]) -> list[tuple[Any, Callable[..., Any]]]:
        """Run the rule once; return edges that find each parent's cotangent in the result."""
        cotangents = zip(edges, edges[0][1](g, saved), strict=True)
        return [(parent, lambda *_, x=x: x) for (parent, _), x in cotangents if x is not None]

    def unpack(self, node: Node, saved: Sequence[Any]) -> list[Any]:
        """Return saved values for a pass that is recorded."""
        _, device, outputs, *others = saved
        alive = [wrap(x, device, Pick.node(node, i, x)) for i, x in enumerate(outputs)]
        return [tape.namespace, device, alive, *others]


def record(
    name: str,
    outputs: Sequence[Tensor],
    parents: Sequence[Any],
    arrays: list[Any],
    call: Any,
    rule: Rule,
    keep_outputs: bool = False,
) -> list[Tensor]:
    """Return outputs as if an op of that name had made them of the `parents`.

    Parameters
    ----------
    name : str
    outputs : sequence of Tensor
        At least one.
    parents : sequence of Node or Tensor
        The entries on the tape that the rule returns cotangents for.
    arrays, call
        As in `Saved`; freed when a backward pass has gone through.
    rule : callable
    keep_outputs : bool
        Whether the rule asks for them.
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
    """Carry cotangents back to `parents` and no further, also where one leads to another; none go through `stops`."""
    entries = [entry_of(x, "an output") for x in outputs]
    needed = leading_to(parents, entries) | dict.fromkeys(parents, False)
    for x in stops:
        needed.pop(x._node, None)
    graph = isinstance(g[0], Tensor)
    return propagate(entries, g, graph, graph, needed, set(parents))


def twins(tree: Any) -> Any:
    """Return a nest with other Tensors in the same places on the tape, so that writing into one harms no other.

    A leaf of the tape is its own place, and stays.
    """

    def twin(x: Any) -> Any:
        return x if not isinstance(x, Tensor) or x._node is LEAF else wrap(x._data, x._device, x._node)

    return pytrees.rebuild(tree, [twin(x) for x in pytrees.leaves(tree)])


def arrays_of(tree: Any, parents: Sequence[Any]) -> list[Any]:
    """Return the arrays of a nest, and of the leaves among `parents`: those that must not be written into."""
    return [x._data for x in (*pytrees.leaves(tree), *parents) if isinstance(x, Tensor)]


def refuse_others(name: str, before: Sequence[Any], now: Sequence[Any]) -> None:
    """Raise if a leaf has another array now: libraries that cannot write in place leave it so."""
    if any(x is not y for x, y in zip(before, now, strict=True)):
        raise errors.changed(name)
