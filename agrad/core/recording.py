"""The record of a call: the Node that it leaves on the tape, what the Node saves, and the gradient rules that it runs.

The function that makes the Nodes of an op is compiled of a text, as calls are: see `codegen`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from . import errors, tape
from .codegen import make, tuple_text
from .device import Device
from .dtypes import from_native
from .tape import Node, Pick, tick, unchanged
from .tensor import LEAF, PLAIN, Tensor, wrap

if TYPE_CHECKING:
    from .primitive import Definition

__all__ = ["RulePlan"]

# What makes the Node of a call: Node.__init__ without the call of it, which is a thirtieth of a small op.
_RECORD: Final = """\
def record({frame}, out, like):
    node = new(Node)
    node.number, node.plan, node.device = tick(), plan, _device
    node.edges = {edges}
    node.saved = {saved}
    node.shape, node.dtype = like.shape, like.dtype
    return node
"""

# What runs a rule, on the cotangent and what its Node saved.
_RULE: Final = """\
def rule_of_{argument}(g, saved):
    try: return {found}
    except Exception as error: raise explain(error, {values}) from error
"""


class RulePlan:
    """The plan of a call in which some of the arguments need gradients: what to save of it, and which rules to run.

    Attributes
    ----------
    record : callable
        Makes the Node of a call, or returns None if no argument that needs a gradient has a rule.

    The others are those of `tape.Plan`.
    """

    portable = True

    def __init__(self, definition: Definition, mask: int) -> None:
        self.name, self.sequence, self.arrays = definition.name, definition.sequence, definition.arrays
        self.residuals = definition.residuals
        self.tracked = {i: x for i, x in enumerate(self.arrays) if mask >> i & 1 and x in definition.rules}
        rules = {name: definition.rules[name] for name in self.tracked.values()}
        asked = [name for _, asks in rules.values() for name in asks]
        self.saves = list(dict.fromkeys(["xp", *asked])) + ["the places of the parents"] * self.sequence
        self.saves_arrays = any(name in (*self.arrays, *self.residuals, "out") for name in self.saves)
        self.record = self._recorder(definition, {f"rule_of_{x}": self._runner(x, *rule) for x, rule in rules.items()})

    def _runner(self, argument: str, rule: Callable[..., Any], asks: list[str]) -> Any:
        """Return a rule as a function of the cotangent and of all saved values."""
        if rule is unchanged:
            return rule
        text = _rule_text(argument, [self.saves.index(name) for name in asks], self.sequence)
        known = {"rule": rule, "explain": partial(errors.in_rule, self.name, argument, rule, asks)}
        return make(text, known, f"{self.name}: the rule of {argument}")

    def _recorder(self, definition: Definition, rules: dict[str, Any]) -> Any:
        if not self.tracked:
            return lambda *_: None
        first, has_node = self.arrays[0], "if (_n := x._node) is not None"
        edges = [f"({x} if (_n := {x}._node) is LEAF else _n, rule_of_{x})" for x in self.tracked.values()]
        if self.sequence:
            edges = [f"*[(x if _n is LEAF else _n, rule_of_{first}) for x in {first} {has_node}]"]
        places = f"[i for i, x in enumerate({first}) {has_node}]"
        saved = [definition.known.get(name, places) for name in self.saves]
        known = rules | {"Node": Node, "LEAF": LEAF, "plan": self, "new": object.__new__, "tick": tick}
        text = _record_text(", ".join([definition.frame, *self.residuals]), edges, saved)
        return make(text, known, f"{self.name}: the record for {', '.join(self.tracked.values())}")

    def run_sequence_rule(
        self, edges: Sequence[Any], g: Any, saved: Sequence[Any]
    ) -> list[tuple[Any, Callable[..., Any]]]:
        """Run the rule of an op over a sequence once; return edges that hold what it found for each parent."""
        return [(parent, lambda *_, x=x: x) for (parent, _), x in zip(edges, edges[0][1](g, saved), strict=True)]

    def unpack(self, node: Node, saved: Sequence[Any]) -> list[Any]:
        """Return saved values as Tensors with their places on the tape, so that rules that use them are recorded."""
        parents = [parent for parent, _ in node.edges]
        entries = dict(zip(saved[-1] if self.sequence else self.tracked, parents, strict=True))
        values = [tape.namespace]
        for name, value in zip(self.saves[1:], saved[1:], strict=True):
            if name == "out":
                value = _outputs(node, value)
            elif name in self.residuals:
                value = _residual(value, node.device)
            elif name in self.arrays and self.sequence:
                value = [self._argument(x, entries.get(i), node.device) for i, x in enumerate(value)]
            elif name in self.arrays:
                value = self._argument(value, entries.get(self.arrays.index(name)), node.device)
            values.append(value)
        return values

    def _argument(self, x: Any, entry: Any, device: Device) -> Any:
        """Return a saved argument as a Tensor at its place on the tape, or a number as it is."""
        if isinstance(entry, Tensor):
            if entry._data is not x:
                raise errors.changed(self.name)  # it was given another array, as JAX's arrays are written to
            return entry
        return x if type(x) in PLAIN else wrap(x, device, entry)


def _outputs(node: Node, out: Any) -> Any:
    """Return a saved output, or several, as Tensors at their places on the tape."""
    if isinstance(out, list):
        return [wrap(x, node.device, Pick.node(node, i, x)) for i, x in enumerate(out)]
    return wrap(out, node.device, node)


def _residual(x: Any, device: Device) -> Any:
    """Return a residual as a constant, or None for one that is floating: its derivative is not known."""
    return None if from_native(x.dtype).differentiable else wrap(x, device)


def _record_text(frame: str, edges: Sequence[str], saved: Sequence[str]) -> str:
    """Return the text of what makes the Node of a call; the others are the elements of tuples."""
    return _RECORD.format(frame=frame, edges=tuple_text(edges), saved=tuple_text(saved))


def _rule_text(argument: str, places: list[int], sequence: bool) -> str:
    """Return the text of what runs the rule for an argument, which asks for saved values by their places."""
    values = ["g", *(f"saved[{i}]" for i in places)]
    found = f"rule({', '.join(values)})"
    found = f"list(map({found}.__getitem__, saved[-1]))" if sequence else found
    return _RULE.format(argument=argument, found=found, values=tuple_text(values))
