"""Gradients of Tensors with respect to other Tensors, asked of the tape: `gradients`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from operator import attrgetter
from typing import Any

from . import errors, tape
from .device import Device, opened
from .grad_mode import set_grad_enabled
from .lifting import common_device
from .tape import Node, deliver, entry_of, propagate, seed
from .tensor import Tensor

__all__ = ["gradients", "leading_to"]


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

    Returns
    -------
    tuple of Tensor or None
        One gradient per input, of its shape and dtype.

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
    for name, what in (("outputs", outputs), ("inputs", inputs)):
        if not isinstance(what, (Tensor, list, tuple, Sequence)):  # the last takes ten times as long
            raise TypeError(f"{name} must be a Tensor or a list of Tensors, not {type(what).__name__}")
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    given = [grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs or [None] * len(outputs)
    if len(given) != len(outputs):
        raise ValueError(f"{len(outputs)} outputs need as many grad_outputs, not {len(given)}")
    entries = [entry_of(output, "gradients()") for output in outputs]
    wanted = [_wanted(x, i, outputs) for i, x in enumerate(inputs)]
    needed = leading_to(wanted, entries)
    # Cotangents of a transform that was opened later. Without a single device above those of the tape, the rules run on
    # Tensors, which are lifted where they meet.
    later = any([isinstance(g, Tensor) and not y._device.knows(g._device) for y, g in zip(outputs, given, strict=True)])
    above = _above(outputs, given, needed) if later and not create_graph else None
    graph = create_graph or (later and above is None)
    seeds = [seed(output, g, graph, above) for output, g in zip(outputs, given, strict=True)]
    retain = create_graph if retain_graph is None else retain_graph
    quiet = outputs[0]._device.backend.during_backward() if outputs else nullcontext()
    with quiet, set_grad_enabled(create_graph) if graph else nullcontext():
        found, shared = propagate(entries, seeds, retain, graph, needed, set(wanted), above)
    unused = [i for i, entry in enumerate(wanted) if entry not in found]
    if unused and not allow_unused:
        raise RuntimeError(f"no output depends on inputs {unused}; write allow_unused=True to get None for them")
    twice = len(set(wanted)) < len(wanted)
    results = [
        deliver(x, found[entry], graph, twice or entry in shared, above) if entry in found else None
        for x, entry in zip(inputs, wanted, strict=True)
    ]
    return tuple([g if g is None else g.detach() for g in results] if graph and not create_graph else results)


def _wanted(x: Any, i: int, outputs: Sequence[Tensor]) -> Any:
    """Return the entry of an input on the tape."""
    if isinstance(x, Tensor) and any([_is_outside(x, y) for y in outputs]):
        raise RuntimeError(
            f"inputs[{i}], of shape {x.shape}, comes from outside of vmap, and each example has a gradient of its own "
            "for it; make it an argument of the function, with None in in_axes, or write agrad.grad"
        )
    if isinstance(x, Tensor) and x._node is None:
        raise RuntimeError(
            f"inputs[{i}], of shape {x.shape}, does not require gradients; write x.requires_grad_() before the outputs "
            "are computed from it"
        )
    entry = entry_of(x, "gradients()")
    if getattr(getattr(entry, "plan", None), "closed", False):
        raise errors.TapeDroppedError
    return entry


def _above(outputs: Sequence[Tensor], given: Sequence[Any], needed: dict[Any, bool]) -> Device | None:
    """Return the virtual device of cotangents, above that of all Nodes; None if there is no such single device."""
    device = common_device([x._device for x in (*outputs, *given) if isinstance(x, Tensor)])
    here = outputs[0]._device
    alone = all([type(x) is Node and x.device is here and x.plan.portable for x in needed])
    return device if alone and not tape.hooked else None


def _is_outside(x: Tensor, output: Any) -> bool:
    """Whether a Tensor is not of the transform that runs and that an output is of."""
    if not isinstance(output, Tensor):
        return False
    here = output._device
    return here is not x._device and here in opened.get() and not x._device.knows(here)


def leading_to(wanted: Sequence[Any], entries: Sequence[Any]) -> dict[Any, bool]:
    """Return `wanted`, and the Nodes behind `entries` that lead there: True for those whose rules are to run."""
    reached = {entry for entry in entries if type(entry) is Node}
    stack, needed = list(reached), dict.fromkeys(wanted, False)
    all_lead_there = True
    while stack:
        node = stack.pop()
        all_lead_there = all_lead_there and bool(node.edges or node in needed)
        for parent, _ in node.edges:
            if type(parent) is not Node:
                all_lead_there = all_lead_there and parent in needed
            elif parent not in reached:
                reached.add(parent)
                stack.append(parent)
    if all_lead_there:  # as they do in a function of its arguments alone
        return needed | {node: True for node in reached if node.edges}
    for node in sorted(reached, key=attrgetter("number"), reverse=True):
        for parent, _ in node.edges:  # any() of a list takes twice as long
            if parent in needed:
                needed[node] = True
    return needed
