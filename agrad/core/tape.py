"""The tape: what was computed from what, and the backward pass over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar, Token
from functools import wraps
from heapq import heappop, heappush
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary, ref

from .. import errors
from .device import Device
from .dtypes import from_native
from .tensor import LEAF, Tensor, convert, wrap

if TYPE_CHECKING:
    from .primitive import Plan

__all__ = [
    "Node", "backward", "enable_grad", "gradients", "is_grad_enabled", "no_grad", "retain_grad", "set_grad_enabled",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")

recording: ContextVar[bool] = ContextVar("agrad recording", default=True)
namespace: Any = None  # what rules that run on Tensors call; agrad.ops puts itself here
tick = count(-1, -1).__next__  # the clock of the tape; it runs backwards, so that a heap yields the newest Node first
_written: dict[Any, int] = {}  # when each buffer was last written in place
_last_write = 0
_retained: WeakKeyDictionary[Node, ref[Tensor]] = WeakKeyDictionary()


class Node:
    """One recorded call of a primitive.

    Attributes
    ----------
    number : int
        Counts down as ops are recorded: a parent's is always larger than its child's.
    plan : Plan
        The rules to run, and where each finds what it asks for.
    edges : tuple of (Node or Tensor, callable)
        For each input that needs a gradient, what made it (a Node, or a leaf Tensor itself) and the rule to run.
    kept : tuple or None
        The values that the rules ask for, the namespace first; None once they are freed.
    device : Device
    shape, dtype : tuple of int, native dtype
        Of the output, or lists of them for an op of several outputs.
    """

    __slots__ = ("__weakref__", "device", "dtype", "kept", "edges", "number", "plan", "shape")

    def __init__(
        self, plan: Plan, edges: tuple[tuple[Any, Any], ...], kept: tuple[Any, ...], device: Device, like: Any
    ) -> None:
        self.number = tick()
        self.plan = plan
        self.edges = edges
        self.kept: tuple[Any, ...] | None = kept
        self.device = device
        self.shape = like.shape
        self.dtype = like.dtype

    @property
    def name(self) -> str:
        """The name of the primitive."""
        return self.plan.name


class Pick:
    """The plan of a Node that stands for one output of an op with several.

    Its cotangent becomes one entry of the list of cotangents of its only parent.
    """

    def __init__(self, name: str, index: int) -> None:
        self.name, self.index = name, index

    @classmethod
    def node(cls, whole: Node, index: int, output: Any) -> Node:
        """Return a Node for the output at `index` of the op that `whole` recorded."""
        return Node(cls(whole.name, index), ((whole, None),), (), whole.device, output)


# Recording on and off


class _Recording:
    """A context manager and decorator in which recording is on or off."""

    def __init__(self, mode: bool) -> None:
        self._mode = mode
        self._tokens: list[Token[bool]] = []

    def __enter__(self) -> None:
        self._tokens.append(recording.set(self._mode))

    def __exit__(self, *exc: object) -> None:
        recording.reset(self._tokens.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def switched(*args: P.args, **kwargs: P.kwargs) -> R:
            with _Recording(self._mode):
                return function(*args, **kwargs)

        return switched


class no_grad(_Recording):  # noqa: N801 - PyTorch's name, used like a function
    """Record nothing: in a ``with`` block, or in a function decorated with ``@no_grad()``.

    Results then require no gradient, and writing in place changes the buffer itself.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(2.0, requires_grad=True)
    >>> with agrad.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_Recording):  # noqa: N801
    """Record again inside a `no_grad` block: a context manager and decorator.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(2.0, requires_grad=True)
    >>> with agrad.no_grad(), agrad.enable_grad():
    ...     y = x * x
    >>> y.requires_grad
    True
    """

    def __init__(self) -> None:
        super().__init__(True)


class set_grad_enabled(_Recording):  # noqa: N801
    """Turn recording on or off from here on, or for a ``with`` block or a decorated function only.

    Parameters
    ----------
    mode : bool

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(2.0, requires_grad=True)
    >>> with agrad.set_grad_enabled(False):
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        super().__enter__()

    def __enter__(self) -> None:
        pass  # it is in force since it was made

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        self.__exit__()
        return super().__call__(function)


def is_grad_enabled() -> bool:
    """Return whether ops are recorded now.

    Examples
    --------
    >>> import agrad
    >>> agrad.is_grad_enabled()
    True
    """
    return recording.get()


# The backward pass


def backward(
    tensor: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add the gradient of this Tensor with respect to every leaf that it depends on to the leaf's ``.grad``.

    Parameters
    ----------
    gradient : Tensor, optional
        The weights of the sum that is differentiated, of this Tensor's shape; may be left out for one element.
    retain_graph : bool, optional
        Keep what the rules need for another pass; as `create_graph` by default.
    create_graph : bool
        Record the pass itself, so that the gradients can be differentiated again.

    Raises
    ------
    RuntimeError
        If nothing here requires gradients, if `gradient` is missing for several elements, if an earlier pass
        freed the graph, or if a Tensor that a gradient needs was changed in place.
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
    entry = _entry(tensor, "backward()")
    seed = _seed(tensor, gradient, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    leaves, shared = _propagate([entry], [seed], None, retain, create_graph)
    for leaf, g in leaves.items():
        _accumulate(leaf, _deliver(leaf, g, create_graph, leaf in shared), create_graph)


def gradients(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the sum of `outputs` with respect to `inputs`; no ``.grad`` changes.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
    grad_outputs : Tensor or sequence of Tensor, optional
        As `gradient` in `Tensor.backward`, one per output.
    retain_graph, create_graph : bool
        As in `Tensor.backward`.
    allow_unused : bool
        Return None for an input that no output depends on, instead of raising.

    Raises
    ------
    RuntimeError, ValueError
        As `Tensor.backward`, and for an unused input.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(3.0, requires_grad=True)
    >>> (slope,) = agrad.gradients(x**3, x, create_graph=True)
    >>> agrad.gradients(slope, x)
    (Tensor(18., dtype=float32, device='cpu'),)
    """
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    given = [grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs or [None] * len(outputs)
    if len(given) != len(outputs):
        raise ValueError(f"{len(outputs)} outputs need as many grad_outputs, not {len(given)}")
    entries = [_entry(output, "gradients()") for output in outputs]
    wanted = [_entry(x, "gradients() with respect to a Tensor") for x in inputs]
    seeds = [_seed(output, g, create_graph) for output, g in zip(outputs, given, strict=True)]
    retain = create_graph if retain_graph is None else retain_graph
    found, shared = _propagate(entries, seeds, wanted, retain, create_graph)
    unused = [i for i, entry in enumerate(wanted) if entry not in found]
    if unused and not allow_unused:
        raise RuntimeError(f"no output depends on inputs {unused}; write allow_unused=True to get None for them")
    return tuple(
        _deliver(x, found[entry], create_graph, entry in shared or type(entry) is Node) if entry in found else None
        for x, entry in zip(inputs, wanted, strict=True)
    )


def retain_grad(tensor: Tensor) -> None:
    """Make `backward` leave this Tensor's gradient in ``.grad`` although it is no leaf.

    Raises
    ------
    RuntimeError
        If no gradients flow to it.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> y.retain_grad()
    >>> (2 * y).backward()
    >>> y.grad
    Tensor(2., dtype=float32, device='cpu')
    """
    if type(_entry(tensor, "retain_grad()")) is Node:
        _retained[tensor._node] = ref(tensor)


def _entry(tensor: Tensor, what: str) -> Any:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{what} needs Tensors, not {type(tensor).__name__}")
    if tensor._node is None:
        raise errors.no_gradient(what)
    return tensor if tensor._node is LEAF else tensor._node


def _seed(tensor: Tensor, gradient: Tensor | None, graph: bool) -> Any:
    """Return the cotangent to begin with: raw, or a Tensor under `graph`."""
    device = tensor._device
    if gradient is None:
        if tensor.size != 1:
            raise errors.not_scalar(tensor.shape)
        gradient = wrap(device.xp.ones_like(tensor._data), device)
    elif not isinstance(gradient, Tensor):
        gradient = wrap(convert(gradient, tensor.dtype, device)[0], device)
    if gradient.shape != tensor.shape:
        raise ValueError(f"gradient has shape {gradient.shape}, the Tensor {tensor.shape}; they must be the same")
    if gradient._device is not device:
        raise errors.mixed_devices("backward()", [device.name, gradient._device.name])
    if tensor.dtype.is_complex:
        gradient = namespace.conj(gradient)
    g = gradient if graph else gradient._data
    return _fit(g, tensor._data, namespace if graph else device.xp, "backward")


def _propagate(
    entries: Sequence[Any], seeds: Sequence[Any], wanted: Sequence[Any] | None, retain: bool, graph: bool
) -> tuple[dict[Any, Any], set[Any]]:
    """Carry cotangents from `entries` back to the leaves, or to the `wanted` entries.

    Returns the cotangents by entry, raw arrays or under `graph` Tensors, and the set of those entries whose
    cotangent may share its memory with another.
    """
    needed = None if wanted is None else _leading_to(wanted, entries)
    asked_for = set(wanted or ())
    pending: dict[Any, Any] = {}  # the sums of the cotangents that have arrived
    arrived: dict[Any, Any] = {}  # the finished ones that the caller asked for
    owned: set[Any] = set()  # entries whose sum has a buffer of its own, so that adding in place harms nobody
    shared: set[Any] = set(entries)
    queue: list[tuple[int, Node]] = []
    retained = len(_retained) > 0
    special = retained or needed is not None
    for entry, seed in zip(entries, seeds, strict=True):
        if entry in pending:
            pending[entry] = pending[entry] + seed
        else:
            pending[entry] = seed
            if type(entry) is Node:
                heappush(queue, (entry.number, entry))
    while queue:
        _, node = heappop(queue)
        g = pending.pop(node)
        plan = node.plan
        if special:
            if retained and node in _retained:
                _keep_grad(node, g, graph)
            if needed is not None:
                if node in asked_for:
                    arrived[node] = g
                if node not in needed:
                    continue
        if type(plan) is Pick:
            whole = node.edges[0][0]
            if whole not in pending:
                pending[whole] = [None] * len(whole.shape)
                heappush(queue, (whole.number, whole))
            pending[whole][plan.index] = g
            continue
        kept = node.kept
        if kept is None:
            raise errors.freed(plan.name)
        if _last_write < node.number:
            _check_unchanged(node)
        if graph:
            kept = plan.revive(node, kept)
        if plan.keeps and not retain:
            node.kept = None
        if type(g) is list:
            g = _complete(node, g, graph)
        edges = plan.spread(node, g, kept) if plan.sequence else node.edges
        for parent, call in edges:
            if needed is not None and parent not in needed:
                continue
            cotangent = call(g, kept)
            if cotangent is None:
                continue
            like = parent if type(parent) is Node else parent._data
            array = cotangent._data if graph else cotangent
            if array.shape != like.shape or array.dtype != like.dtype:
                cotangent = _fit(cotangent, like, kept[0], plan.name)
            if parent in pending:
                if parent in owned:
                    pending[parent] += cotangent
                else:
                    pending[parent] = pending[parent] + cotangent
                    if not graph:
                        owned.add(parent)
            else:
                pending[parent] = cotangent
                if like is parent:
                    heappush(queue, (parent.number, parent))
                elif cotangent is g or any([cotangent is value for value in kept]):
                    shared.add(parent)
    arrived.update((entry, g) for entry, g in pending.items() if type(entry) is not Node)
    return arrived, shared - owned


def _leading_to(wanted: Sequence[Any], entries: Sequence[Any]) -> set[Any]:
    """Return the leaves among `wanted`, and the Nodes behind `entries` through which the way leads to `wanted`."""
    reached = {entry for entry in entries if type(entry) is Node}
    stack = list(reached)
    while stack:
        for parent, _ in stack.pop().edges:
            if type(parent) is Node and parent not in reached:
                reached.add(parent)
                stack.append(parent)
    targets = set(wanted)
    needed = {entry for entry in wanted if type(entry) is not Node}
    for node in sorted(reached, key=attrgetter("number"), reverse=True):
        if not targets.isdisjoint([parent for parent, _ in node.edges]):
            targets.add(node)
            needed.add(node)
    return needed


def _check_unchanged(node: Node) -> None:
    """Compare what a Node keeps with what was written since."""
    arrays = [a for value in node.kept or () for a in (value if type(value) is list else [value])]
    buffer_of = node.device.backend.buffer_of
    for array in arrays:
        if node.device.backend.is_array(array) and _written.get(buffer_of(array), 0) < node.number:
            raise errors.changed(node.name)


def wrote(tensor: Tensor) -> None:
    """Note that the buffer behind a Tensor was changed in place: gradients that need the old values then raise."""
    global _last_write
    _last_write = _written[tensor._device.backend.buffer_of(tensor._data)] = tick()


def _fit(cotangent: Any, like: Any, xp: Any, name: str) -> Any:
    """Undo broadcasting and promotion: sum a cotangent to the shape of `like`, and cast it to its dtype."""
    shape = tuple(like.shape)
    extra = len(cotangent.shape) - len(shape)
    summed = [i for i, n in enumerate(cotangent.shape) if i < extra or (shape[i - extra] == 1 and n != 1)]
    if summed:
        cotangent = xp.reshape(xp.sum(cotangent, axis=tuple(summed)), shape)
    if tuple(cotangent.shape) != shape:
        raise ValueError(f"a rule of {name} returned shape {tuple(cotangent.shape)} for an input of shape {shape}")
    dtype = cotangent._data.dtype if isinstance(cotangent, Tensor) else cotangent.dtype
    if dtype != like.dtype:
        if from_native(dtype).is_complex and not from_native(like.dtype).is_complex:
            cotangent = xp.real(cotangent)
        cotangent = xp.astype(cotangent, like.dtype)
    return cotangent


def _complete(node: Node, cotangents: list[Any], graph: bool) -> list[Any]:
    """Put zeros in the place of the cotangents of outputs that nothing depends on."""
    device = node.device
    for i, (shape, dtype) in enumerate(zip(node.shape, node.dtype, strict=True)):
        if cotangents[i] is None:
            zeros = device.xp.zeros(shape, dtype=dtype, device=device.native)
            cotangents[i] = wrap(zeros, device) if graph else zeros
    return cotangents


def _deliver(like: Tensor, g: Any, graph: bool, shared: bool) -> Tensor:
    """Make the gradient that the user sees of a finished cotangent."""
    if graph:
        return namespace.conj(g) if like.dtype.is_complex else g  # type: ignore[no-any-return]
    device = like._device
    if like.dtype.is_complex:
        g = device.xp.conj(g)
    if type(g) is not device.array_type:
        g = device.backend.box(g)
    if shared or device.backend.is_view(g):
        g = device.backend.copy(g)
    return wrap(g, device)


def _accumulate(leaf: Tensor, gradient: Tensor, graph: bool) -> None:
    grad = leaf._grad
    if grad is None:
        leaf._grad = gradient
    elif graph or grad._node is not None:
        leaf._grad = grad + gradient
    else:
        grad._data += gradient._data
        wrote(grad)


def _keep_grad(node: Node, g: Any, graph: bool) -> None:
    tensor = _retained[node]()
    if tensor is not None and tensor._node is node:
        _accumulate(tensor, _deliver(tensor, g, graph, True), graph)
