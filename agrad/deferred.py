"""Nodes whose way back is worked out by a function, when the backward pass arrives there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from . import errors, trees
from .core import tape
from .core.tape import Node, Pick, entry_of, propagate
from .core.tensor import LEAF, Tensor, wrap
from .core.transforms import leading_to

# Takes the Node, the cotangents of its outputs and what it keeps; returns cotangents by entry on the tape, and the set
# of entries whose cotangent may share memory with another: all as `core.tape.propagate` has them.
Rule: TypeAlias = Callable[[Node, list[Any], Sequence[Any]], tuple[dict[Any, Any], set[Any]]]


class Deferred:
    """The plan of a Node with a rule for all its parents at once, which may call functions of agrad on Tensors."""

    sequence, keeps = True, True

    def __init__(self, name: str, rule: Rule) -> None:
        self.name, self.rule = name, rule

    def spread(self, node: Node, g: list[Any], kept: Sequence[Any]) -> list[tuple[Any, Callable[..., Any]]]:
        """Run the rule; return edges that find each parent's cotangent in the result."""
        found, shared = self.rule(node, g, kept)
        graph = isinstance(g[0], Tensor)
        if not graph:  # what a leaf gets is its own
            own = node.device.backend.own
            found = {entry: own(x, True) if entry in shared else x for entry, x in found.items()}
        return [(parent, lambda *_, x=found[parent]: x) for parent, _ in node.edges if parent in found]

    def revive(self, node: Node, kept: Sequence[Any]) -> list[Any]:
        """Return kept values for a pass that is recorded: they are Tensors already."""
        return [tape.namespace, *kept[1:]]


def record(
    name: str, outputs: Sequence[Tensor], parents: Sequence[Any], kept: Sequence[Any], rule: Rule
) -> list[Tensor]:
    """Return outputs as if an op of that name had made them of the `parents`.

    Parameters
    ----------
    name : str
    outputs : sequence of Tensor
        At least one.
    parents : sequence of Node or Tensor
        The entries on the tape that the rule returns cotangents for.
    kept : sequence
        What the rule needs, in Tensors and whatever else; freed when a backward pass has gone through. A list among
        them holds raw arrays, which must not be written into before.
    rule : callable
    """
    device = outputs[0]._device
    arrays = [x._data for x in outputs]
    node = Node(
        Deferred(name, rule), tuple((parent, None) for parent in parents), (device.xp, *kept), device, _Like(arrays)
    )
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

    return trees.rebuild(tree, [twin(x) for x in trees.leaves(tree)])


def arrays_of(tree: Any, parents: Sequence[Any]) -> list[Any]:
    """Return the arrays of a nest, and of the leaves among `parents`: those that must not be written into."""
    return [x._data for x in (*trees.leaves(tree), *parents) if isinstance(x, Tensor)]


def refuse_others(name: str, before: Sequence[Any], now: Sequence[Any]) -> None:
    """Raise if a leaf has another array now: libraries that cannot write in place leave it so."""
    if any(x is not y for x, y in zip(before, now, strict=True)):
        raise errors.changed(name)
