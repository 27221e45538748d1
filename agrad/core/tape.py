"""The tape: what was computed from what, and the backward pass over it.

An entry of the tape is a Node or, where gradients end, a leaf Tensor. Cotangents, the gradients on their way, travel
from entry to entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from weakref import ref

from .. import backends
from . import errors, hooks, observing
from .device import Device
from .dtypes import from_native
from .grad_mode import enable_grad, recording, set_grad_enabled
from .tensor import LEAF, Tensor, convert, wrap
from .typing import Array, Namespace

__all__ = [
    "Node", "Pick", "Plan", "backward", "check_unchanged", "deliver", "entry_of", "propagate", "seed", "unbroadcast",
    "unchanged", "wrote", "wrote_all",
]  # fmt: skip

namespace: Any = None  # what rules that run on Tensors call: agrad, which puts itself here
tick = count(-1, -1).__next__  # the clock of the tape; it runs backwards, so that a heap yields the newest Node first
written: dict[Any, int] = {}  # when each buffer was last written in place
_last_write = 0
_forgotten = 0  # when `written` was last cleared: what was written before is unknown
hooked = False  # whether any Tensor that is no leaf has ever had a hook


Edges: TypeAlias = Sequence[tuple[Any, Any]]


class Plan(Protocol):
    """What a Node knows of the op that it recorded; Nodes of calls that need gradients of the same arguments share one.

    Attributes
    ----------
    name : str
        Of the op, for error messages.
    arrays : sequence of str
        The names of its array arguments.
    tracked : dict
        The names of those whose gradients are wanted, by their places; of an op over a sequence, there is one.
    sequence : bool
        Whether one rule finds the cotangents of all parents at once: then `run_sequence_rule` runs it.
    saves : sequence of str
        The names of the saved values, in their order: the namespace, then what the rules ask for.
    saves_arrays : bool
        Whether arrays are among them, so that there is something to free.
    portable : bool
        Whether the rules know no device, so that they also run on arrays of a virtual device above the Node's.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def arrays(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def tracked(self) -> Mapping[int, str]: ...  # noqa: D102
    @property
    def sequence(self) -> bool: ...  # noqa: D102
    @property
    def saves(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def saves_arrays(self) -> bool: ...  # noqa: D102
    @property
    def portable(self) -> bool: ...  # noqa: D102

    def run_sequence_rule(self, edges: Edges, g: Any, saved: Sequence[Any]) -> Sequence[tuple[Any, Callable[..., Any]]]:
        """Run the one rule for all parents; return edges whose rules only hand over what it found."""
        ...

    def unpack(self, node: Node, saved: Sequence[Any]) -> Sequence[Any]:
        """Return saved values as Tensors at their places on the tape, for a backward pass that is recorded."""
        ...


class Node:
    """One recorded call of a primitive.

    Attributes
    ----------
    number : int
        Counts down as ops are recorded: an input's number is larger than that of what was made of it.
    plan : Plan or Pick
    edges : tuple of (Node or Tensor, callable)
        For each input that needs a gradient, what made it (a Node, or a leaf Tensor itself) and the rule to run. A
        Node of one output of several has one edge, to the Node of the call, without a rule.
    saved : tuple or None
        The values that the rules ask for, the namespace first; None once they are freed.
    device : Device
    shape, dtype : tuple of int, native dtype
        Of the output, or lists of them for an op of several outputs.
    hooks : dict
        Those of its output; unset where it never had one.
    picks : dict
        The Nodes of its outputs by their places, held weakly; unset for an op of one output.
    """

    __slots__ = ("__weakref__", "device", "dtype", "edges", "hooks", "number", "picks", "plan", "saved", "shape")

    if TYPE_CHECKING:
        hooks: dict[float, Any]
        picks: dict[int, ref[Node]]

    # Ops make their Nodes without this call: the text `recording._RECORD` fills in the same attributes.
    def __init__(self, plan: Plan | Pick, edges: Edges, saved: Sequence[Any], device: Device, like: Any) -> None:
        self.number, self.device = tick(), device
        self.plan: Any = plan  # Any, because the backward pass asks for its type once
        self.edges = edges
        self.saved: Sequence[Any] | None = saved
        self.shape, self.dtype = like.shape, like.dtype

    def __lt__(self, other: Node) -> bool:  # for the heap: Nodes of one number do not lead to each other
        return False


class Pick:
    """The plan of a Node that stands for one output of an op with several.

    Its cotangent becomes one entry of the list of cotangents of its only parent.
    """

    portable = True

    def __init__(self, name: str, index: int) -> None:
        self.name, self.index = name, index

    @classmethod
    def node(cls, whole: Node, index: int, output: Any) -> Node:
        """Return the Node for the output at `index` of the op that `whole` recorded, the same as long as it lives."""
        if not hasattr(whole, "picks"):
            whole.picks = {}
        pick = whole.picks[index]() if index in whole.picks else None
        if pick is None:
            pick = Node(cls(whole.plan.name, index), ((whole, None),), (), whole.device, output)
            whole.picks[index] = ref(pick)
        return pick


def unchanged(g: Any, saved: Any = None) -> Any:
    """The rule of an op whose cotangent passes on as it is; the backward pass does not call it."""
    return g


# The backward pass


def backward(
    tensor: Tensor, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False
) -> None:
    """Add the gradient of this Tensor with respect to every leaf that it depends on to the leaf's ``.grad``.

    Parameters
    ----------
    gradient : Tensor, optional
        The weights of the sum that is differentiated, of this Tensor's shape; may be left out for one element.
    retain_graph : bool, optional
        Keep the saved values for another pass; by default as `create_graph`.
    create_graph : bool
        Record the pass itself, so that the gradients can be differentiated again.

    Raises
    ------
    RuntimeError
        If nothing here requires gradients, if `gradient` is missing for several elements or a complex one, if an
        earlier pass freed the graph, or if a Tensor that a gradient needs was changed in place.
    ValueError
        If `gradient` has another shape or device.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).backward(agrad.tensor([1.0, 10.0]))
    >>> x.grad
    Tensor([ 2., 40.], dtype=float32, device='cpu')
    """
    if create_graph and not recording.get():
        with enable_grad():
            backward(tensor, gradient, retain_graph, create_graph)
        return
    entry, start = entry_of(tensor, "backward()"), seed(tensor, gradient, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    with tensor._device.backend.during_backward():
        found, shared = propagate([entry], [start], retain, create_graph)
    for leaf, g in found.items():
        _accumulate(leaf, deliver(leaf, g, create_graph, leaf in shared), create_graph)
    for hook in [*hooks.after_backward.values()]:
        hook(found)


def entry_of(tensor: Tensor, what: str) -> Any:
    """Return what stands for a Tensor on the tape: its Node, or the leaf itself."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{what} needs Tensors, not {type(tensor).__name__}")
    if tensor._node is None:
        raise errors.no_gradient(what)
    return tensor if tensor._node is LEAF else tensor._node


def seed(tensor: Tensor, gradient: Tensor | None, graph: bool, above: Device | None = None) -> Any:
    """Return the cotangent to begin with: raw, on the virtual device `above` if given; a Tensor under `graph`."""
    device = above or tensor._device
    if gradient is None and (tensor.size != 1 or tensor.dtype.is_complex):
        raise errors.not_scalar(tensor.shape, tensor.dtype)
    if gradient is None:
        if graph:
            return wrap(tensor._device.xp.ones_like(tensor._data), tensor._device)
        ones = tensor._device.backend.seed_like(tensor._data)
        return ones if above is None else above.raised(ones, tensor._device)
    if not isinstance(gradient, Tensor):
        gradient = wrap(*convert(gradient, tensor.dtype, device, copy=graph or None))
    there = gradient._device
    if gradient.shape != tensor.shape or not (device.knows(there) or (graph and there.knows(device))):
        raise errors.wrong_gradient(gradient, tensor)
    if there is not device and not graph:
        gradient = wrap(device.raised(gradient._data, there), device)
    gradient = namespace.conj(gradient) if tensor.dtype.is_complex else gradient
    given, xp = (gradient, namespace) if graph else (gradient._data, device.xp)
    if gradient._data.dtype == tensor._data.dtype:
        return given
    return unbroadcast(given, tensor._node if type(tensor._node) is Node else tensor._data, xp, "backward")


def propagate(
    entries: Sequence[Any],
    seeds: Sequence[Any],
    retain: bool,
    graph: bool,
    needed: Any = None,
    wanted: Any = (),
    above: Any = None,
) -> tuple[dict[Any, Any], set[Any]]:
    """Propagate cotangents from `entries` back to the leaves and the `wanted` entries.

    `needed` maps entries to whether their rules run; rules that lead to other entries do not. Without it, all run. If
    the seeds are arrays of a virtual device `above` that of the Nodes, saved arrays are raised to it. Returns the
    cotangents by entry, raw arrays or under `graph` Tensors, and the set of those entries whose cotangent may share its
    memory with another.
    """
    pending, queue = _started(entries, seeds)  # the sums of the cotangents that have arrived; Nodes whose turn comes
    arrived: dict[Any, Any] = {}  # the finished ones that the caller asked for
    owned: set[Any] = set()  # entries whose sum has a buffer of its own, so that adding in place harms nobody
    shared: set[Any] = set(entries)
    ahead: Any = None  # a Node that has not joined the queue: most have one parent, whose turn is next
    observe = observing.edges if observing.observers else None
    special = graph or above is not None
    while queue or ahead is not None:
        if ahead is None or (queue and queue[0][0] < ahead.number):
            _, node = heappop(queue)
        else:
            node, ahead = ahead, None
        g, plan = pending.pop(node), node.plan
        if hooked and hasattr(node, "hooks"):
            g = _after_hooks(node, g, graph)
        if wanted and node in wanted:
            arrived[node] = g
        if needed is not None and not needed.get(node):
            continue
        if type(plan) is Pick:
            _collect(node, g, pending, queue)
            continue
        edges, saved = node.edges if observe is None else observe(node, g), node.saved
        if saved is None:
            raise errors.freed(plan.name)
        if _last_write < node.number:  # the clock runs backwards: a smaller number is later
            check_unchanged(node)
        if special:
            saved = plan.unpack(node, saved) if graph else _all_raised(node, saved, above)
        if plan.saves_arrays and not retain:
            node.saved = None
        if type(g) is list:
            g = _complete(node, g, graph, above)
        for parent, rule in plan.run_sequence_rule(edges, g, saved) if plan.sequence else edges:
            if needed is not None and parent not in needed:
                continue
            cotangent = g if rule is unchanged else rule(g, saved)
            like = parent if type(parent) is Node else parent._data
            array = cotangent._data if graph else cotangent
            if array.shape != like.shape or (array.dtype is not like.dtype and array.dtype != like.dtype):
                cotangent = unbroadcast(cotangent, like, saved[0], plan.name)
            if parent in pending:
                if parent in owned:
                    pending[parent] += cotangent
                else:
                    pending[parent] = pending[parent] + cotangent
                    if not graph:
                        owned.add(parent)
            else:
                pending[parent] = cotangent
                if (like is not parent or (wanted and parent in wanted)) and _is_among(cotangent, g, saved):
                    shared.add(parent)
                if like is parent:
                    if ahead is None:
                        ahead = parent
                    else:
                        heappush(queue, (parent.number, parent))
    return arrived | pending, shared - owned  # what is left are leaves


def _started(entries: Sequence[Any], seeds: Sequence[Any]) -> tuple[dict[Any, Any], list[tuple[int, Node]]]:
    """Return the cotangents to begin with by entry, and the heap of the Nodes among these."""
    pending: dict[Any, Any] = {}
    queue: list[tuple[int, Node]] = []
    for entry, g in zip(entries, seeds, strict=True):
        if type(entry) is Node and entry not in pending:
            heappush(queue, (entry.number, entry))
        pending[entry] = pending[entry] + g if entry in pending else g
    return pending, queue


def _is_among(cotangent: Any, g: Any, saved: Sequence[Any]) -> bool:
    """Whether a rule returned what it was given: its cotangent, one of several, or a saved value."""
    for value in saved:
        if value is cotangent:
            return True
    return cotangent is g or (type(g) is list and any([value is cotangent for value in g]))


def _collect(node: Node, g: Any, pending: dict[Any, Any], queue: list[tuple[int, Node]]) -> None:
    """Add the cotangent of one output to the list of those of the whole op."""
    whole, i = node.edges[0][0], node.plan.index
    if whole not in pending:
        pending[whole] = [None] * len(whole.shape)
        heappush(queue, (whole.number, whole))
    # A rule that runs on Tensors and asks for outputs gets Nodes of its own for them: there may be several.
    pending[whole][i] = g if pending[whole][i] is None else pending[whole][i] + g


def check_unchanged(node: Node) -> None:
    """Compare what a Node keeps with what was written since."""
    backend = node.device.backend
    for value in node.saved or ():
        for array in value if type(value) is list else [value]:
            if backend.is_array(array) and written.get(backend.buffer_of(array), _forgotten) < node.number:
                raise errors.changed(node.plan.name)


def wrote(tensor: Tensor) -> None:
    """Note that the buffer behind a Tensor was changed in place: gradients that need the old values then raise."""
    global _forgotten, _last_write
    if len(written) > 100_000:  # most of those buffers are gone; for an older Node any of them may have been written
        _forgotten = tick()
        written.clear()
    _last_write = written[tensor._device.backend.buffer_of(tensor._data)] = tick()


def wrote_all(buffers: Sequence[int]) -> None:
    """Note as `wrote` that buffers were changed, given by their numbers."""
    global _last_write
    _last_write = tick()
    for buffer in buffers:
        written[buffer] = _last_write


def unbroadcast(cotangent: Array, like: Array, xp: Namespace, name: str) -> Array:
    """Undo broadcasting and promotion: sum a cotangent to the shape of `like`, and cast it to its dtype."""
    shape = tuple(like.shape)
    extra = len(cotangent.shape) - len(shape)
    summed = [i for i, n in enumerate(cotangent.shape) if n != 1 and (i < extra or shape[i - extra] == 1)]
    if summed:
        cotangent = xp.sum(cotangent, axis=tuple(summed))
    if summed or extra > 0:
        cotangent = xp.reshape(cotangent, shape)
    if tuple(cotangent.shape) != shape:
        raise ValueError(f"a rule of {name} returned shape {tuple(cotangent.shape)} for an input of shape {shape}")
    raw = cotangent._data if isinstance(cotangent, Tensor) else cotangent
    if raw.dtype != like.dtype:
        if type(like) is not Node and _are_strangers(cotangent, like):
            raise errors.moved(name, Device.of(raw).name, Device.of(like).name)
        if from_native(raw.dtype).is_complex and not from_native(like.dtype).is_complex:
            cotangent = xp.real(cotangent)
        cotangent = xp.astype(cotangent, like.dtype)
    return cotangent


def _are_strangers(cotangent: Array, like: Any) -> bool:
    """Whether a cotangent, of which a Tensor may be one of virtual arrays, and an array are of two libraries."""
    if isinstance(cotangent, Tensor) and cotangent._device.depth:
        return False
    raw = cotangent._data if isinstance(cotangent, Tensor) else cotangent
    return backends.of(raw) is not backends.of(like)


def _all_raised(node: Node, saved: Sequence[Any], above: Device) -> list[Any]:
    """Return saved values for rules that run on arrays of a virtual device above the Node's."""
    return [above.xp, *_raised([*saved[1:]], node.device, above)]


def _raised(x: Any, device: Device, above: Device) -> Any:
    """Return a saved value with the arrays of a device as arrays of a virtual device above it."""
    if type(x) is list:
        return [_raised(part, device, above) for part in x]
    return above.raised(x, device) if isinstance(x, device.array_type) else x


def _complete(node: Node, cotangents: list[Any], graph: bool, above: Device | None) -> list[Any]:
    """Put zeros in the place of the cotangents of outputs that nothing depends on."""
    device = above or node.device
    for i in [i for i, g in enumerate(cotangents) if g is None]:
        zeros = device.xp.zeros(node.shape[i], dtype=node.dtype[i], device=device.native)
        cotangents[i] = wrap(zeros, device) if graph else zeros
    return cotangents


def deliver(like: Tensor, g: Any, graph: bool, shared: bool, above: Device | None = None) -> Tensor:
    """Return the gradient that the user sees for a finished cotangent, after the hooks of a leaf."""
    device = above or like._device
    g = (namespace if graph else device.xp).conj(g) if from_native(like._data.dtype).is_complex else g
    gradient = g if graph else wrap(device.backend.own(g, shared), device)
    if like._hooks:
        with set_grad_enabled(graph):
            gradient = hooks.run(like._hooks, gradient, graph)
    return gradient


def _after_hooks(node: Node, g: Any, graph: bool) -> Any:
    """Return the cotangent of an intermediate Tensor after its hooks."""
    like = wrap(g._data, g._device) if graph else wrap(g, node.device)
    like._hooks = node.hooks
    return seed(like, deliver(like, g, graph, True), graph)


def _accumulate(leaf: Tensor, gradient: Tensor, graph: bool) -> None:
    grad = leaf._grad
    if grad is None or graph or grad._node is not None:
        leaf._grad = gradient if grad is None else grad + gradient
    else:
        grad._data += gradient._data
        wrote(grad)
