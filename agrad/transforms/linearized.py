"""A function evaluated at a point, with its vjp and jvp, on which the transforms are built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from ..checks import check_callable
from ..core import errors, tape
from ..core.device import innermost, opened
from ..core.grad_mode import enable_grad, recording
from ..core.gradients import gradients
from ..core.lifting import lift
from ..core.tape import Node, entry_of, tick
from ..core.tensor import Tensor, convert, wrap
from . import pytrees
from .arguments import FOR_TENSORS
from .stop_gradient import stop_gradient

__all__ = ["CLOSED", "Linearized", "input_of", "outside", "to_innermost"]


# A function at a point


class _Input:
    """The plan of a Node that stands for an input of a transformed function.

    Its only parent is the entry of the Tensor that was passed in, if that is tracked: so the input of an inner
    transform is connected with that of an outer one, and nothing else outside is affected.
    """

    name = "input"
    sequence, saves_arrays, portable = False, False, True
    saves, arrays = ("xp",), ("x",)

    def __init__(self, parents: int, closed: bool = False) -> None:
        self.tracked, self.closed = dict.fromkeys(range(parents), "x"), closed

    def run_sequence_rule(self, edges: Sequence[Any], g: Any, saved: Sequence[Any]) -> Sequence[Any]:
        raise NotImplementedError  # not a sequence

    def unpack(self, node: Node, saved: Sequence[Any]) -> list[Any]:
        return [tape.namespace]


_INPUTS: Final = _Input(0), _Input(1)
CLOSED: Final = _Input(0, closed=True)  # of a Node whose parents forward mode has dropped


def input_of(x: Any, linked: bool = True) -> Tensor:
    """Return a leaf of an argument as a Tensor with its own entry on the tape, whose parent is that of `x` if `linked`.

    Raises
    ------
    TypeError
        If it is not an array, or not floating.
    """
    x = x if isinstance(x, Tensor) else wrap(*convert(x, None, None, copy=True))
    if not x.dtype.differentiable:
        raise errors.not_differentiable(x.dtype)
    parents = ((entry_of(x, "input"), lambda g, saved: g),) if linked and x._node is not None else ()
    return wrap(x._data, x._device, Node(_INPUTS[len(parents)], parents, (x._device.xp,), x._device, x._data))


def to_innermost(x: Any) -> Any:
    """Return an argument as a Tensor on the device of the innermost `vmap`: each example has its own derivative."""
    x = x if isinstance(x, Tensor) else wrap(*convert(x, None, None, copy=True))
    levels = opened.get()
    return x if not levels or x._device is levels[-1] else lift(x, innermost(x._device))


def outside(tensors: Iterable[Tensor], since: int) -> list[Any]:
    """Return the leaf Tensors, and the Nodes from before `since`, that the computation recorded since then uses."""
    stack = [entry_of(x, "a result") for x in tensors if x._node is not None]
    found: dict[Any, None] = {}
    seen: set[Any] = set(stack)
    while stack:
        entry = stack.pop()
        if type(entry) is not Node or entry.number > since:  # numbers on the tape decrease with time
            found[entry] = None
            continue
        for parent, _ in entry.edges:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return list(found)


class Linearized:
    """A function evaluated at a point, with its vector-Jacobian product `pull` and Jacobian-vector product `push`.

    Parameters
    ----------
    f : callable
        Returns a pytree of Tensors, or with `has_aux` a pair of that and auxiliary data.
    args, kwargs : tuple, dict
        The arguments of the call.
    argnums : sequence of int
        The positions of the arguments to differentiate with respect to.
    has_aux : bool
        Whether `f` returns auxiliary data besides its outputs.

    Attributes
    ----------
    picked, outputs : pytree
        Those arguments, and what the function returned.
    inputs, tensors : list of Tensor
        The leaves of `picked` and of `outputs`, as they are on the tape.
    aux : object
        The auxiliary data, or None.
    outer : bool
        Whether gradients also flow outside: to Tensors that the function closes over, or to those that the arguments
        were computed from.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        has_aux: bool = False,
    ) -> None:
        check_callable("a transform", f, FOR_TENSORS)
        linked, since = recording.get(), tick()
        filled = list(args)
        self.picked = [_pick(args, i) for i in argnums]
        self.inputs = [input_of(x, linked) for x in map(to_innermost, pytrees.flatten(self.picked))]
        twins = [wrap(x._data, x._device, x._node) for x in self.inputs]  # f may write into its arguments
        for i, tree in zip(argnums, pytrees.unflatten(self.picked, twins), strict=True):
            filled[i] = tree
        with enable_grad():
            result = f(*filled, **kwargs)
        pair: Any = _pair(result) if has_aux else (result, None)
        self.outputs, self.aux = pair
        self.tensors = [_checked(x) for x in pytrees.flatten(self.outputs)]
        others = [x for x in pytrees.flatten(self.aux) if isinstance(x, Tensor)]
        self.outer = linked and bool(outside([*self.tensors, *others], since))
        self._transposed: tuple[list[Any], list[Any]] | None = None

    def settled(self, tree: Any) -> Any:
        """Return outputs for the caller: detached, unless gradients flow outside."""
        return tree if self.outer else stop_gradient(tree)

    def pull(self, cotangents: Sequence[Any], retain: bool = True) -> list[Tensor]:
        """Return the cotangents of the inputs, given those of the outputs; None stands for zeros."""
        used = [(x, g) for x, g in zip(self.tensors, cotangents, strict=True) if x._node is not None and g is not None]
        graph = self._recorded(g for _, g in used)
        return self._carried([x for x, _ in used], self.inputs, [g for _, g in used], retain or graph, graph)

    def push(self, tangents: Sequence[Any], retain: bool = True) -> list[Tensor]:
        """Return the tangents of the outputs, given those of the inputs; None stands for zeros.

        `pull` is linear in the cotangents, so its own vector-Jacobian product is the Jacobian-vector product.
        """
        if self._transposed is None:
            weights = [input_of(_zeros(x)) for x in self.tensors]
            with enable_grad():
                self._transposed = self.pull(weights), weights
        pulled, weights = self._transposed
        used = [(x, t) for x, t in zip(pulled, tangents, strict=True) if x._node is not None and t is not None]
        graph = self._recorded(t for _, t in used)
        return self._carried([x for x, _ in used], weights, [t for _, t in used], retain or graph, graph)

    def _recorded(self, given: Iterable[Any]) -> bool:
        return recording.get() and (self.outer or any([isinstance(g, Tensor) and g._node is not None for g in given]))

    def _carried(
        self, outputs: list[Tensor], inputs: list[Tensor], given: list[Any], retain: bool, graph: bool
    ) -> list[Tensor]:
        found: Sequence[Tensor | None] = [None] * len(inputs)
        if outputs:
            found = gradients(outputs, inputs, given, retain, graph, allow_unused=True)
        return [_zeros(x) if g is None else g for x, g in zip(inputs, found, strict=True)]


def _pick(args: Sequence[Any], i: int) -> Any:
    if not -len(args) <= i < len(args):
        raise ValueError(
            f"there is no argument {i} for argnums: the function was called with {len(args)} positional ones"
        )
    return args[i]


def _pair(result: Any) -> Any:
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise TypeError(f"with has_aux=True the function must return a pair, not {type(result).__name__}")
    return result


def _checked(x: Any) -> Tensor:
    if not isinstance(x, Tensor):
        raise TypeError(f"the function must return Tensors, not {type(x).__name__}; no gradient flows there")
    if not x.dtype.differentiable:
        raise errors.not_differentiable(x.dtype)
    if x._device.depth and x._device not in opened.get():  # gradients would be sums over the batch
        raise errors.mixed_devices("a function under a transform", [x._device.name])
    return x


def _zeros(x: Tensor) -> Tensor:
    return wrap(x._device.xp.zeros_like(x._data), x._device)
