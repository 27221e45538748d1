"""Recording: a function is run on traced arrays, which gives its result and its program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..backends import UnknownValueError
from ..core.device import Device, traced
from ..core.errors import located
from ..core.tensor import Tensor, wrap
from ..nn.module import Module
from ..random.generators import current
from ..transforms import pytrees
from ..virtual.lines import line_of
from ..virtual.traced.arrays import TracedArray
from ..virtual.traced.backend import traced_over
from ..virtual.traced.numbers import TracedNumber
from ..virtual.traced.recording import Trace, described
from .exchange import Exchange
from .inputs import Inputs
from .program import Program
from .state import State

__all__ = ["Place", "Recording", "filled", "record"]


class Recording:
    """The result and the program of a function that was run on traced arrays.

    Attributes
    ----------
    result : pytree
        What the function returned.
    template : pytree
        The result with a Place for each array and number.
    program : Program
    grads : list of (Tensor, int or None)
        The Tensors whose ``.grad`` the function replaced, each with the index of the new one in the program's
        gradients, or None if it was removed.
    with_grads : list of int
        The indices of those Tensors of the state that had a gradient at the start.
    shares_memory : bool
        Whether an argument shares memory with the state. Other calls then cannot use the program.
    """

    def __init__(self, template: Any, program: Program, exchange: Exchange, device: Device) -> None:
        self.template, self.program = template, program
        self.result = filled(template, [x.value for x in program.outputs], device)
        self.grads: list[tuple[Tensor, int | None]] = []
        self.shares_memory = False
        self.with_grads = [i for i, (_, _, grad) in enumerate(exchange.grads) if grad is not None]

    def drop_grads(self) -> None:
        """Remove the new gradients, from the Tensors and from the program."""
        self.program.grads = []
        self.grads = [(x, None) for x, _ in self.grads]
        for x, _ in self.grads:
            x._grad = None


class Place:
    """Stands for an output in the template of a result."""

    def __init__(self, index: int, is_number: bool) -> None:
        self.index, self.is_number = index, is_number


def record(
    f: Callable[..., Any], inputs: Inputs, state: State, device: Device, lower: Callable[[Recording], Any]
) -> tuple[Recording, Exchange, Any]:
    """Run a function and record it; return the recording, the exchanged state, and the result of `lower`.

    Raises
    ------
    UnknownValueError
        If the function reads values that are not known when it is recorded; the message names its line. After this and
        any other error, the state is restored.
    """
    generator = current.get().of(device)
    trace = Trace(traced_over(device.backend, device.xp), device.backend, device.xp, device.native, generator)
    trace.device = stand_in = Device.replacing(device, trace)
    random = device.backend.get_state(generator)
    exchange = Exchange(state, trace)
    try:
        with _recording(stand_in):
            args, kwargs, given = inputs.traced(trace)
            result = f(*args, **kwargs)
            recording = _collected(result, inputs, given, exchange, trace)
        lowered = lower(recording)
    except BaseException as error:
        exchange.undo()
        device.backend.set_state(generator, random)
        if isinstance(error, UnknownValueError) and (place := line_of(error)) and place not in str(error):
            raise located(error, place) from error
        raise
    finally:
        trace.close()
    return recording, exchange, lowered


@contextmanager
def _recording(stand_in: Device) -> Iterator[None]:
    token = traced.set(stand_in)
    try:
        yield
    finally:
        traced.reset(token)


def _collected(result: Any, inputs: Inputs, given: list[Any], exchange: Exchange, trace: Trace) -> Recording:
    """Make the recording of what the function returned and changed."""
    if trace.refused is not None:
        raise trace.refused
    if trace.read_values:
        raise UnknownValueError(
            "the function caught an error that shows values of an array, which agrad.compile cannot repeat; let the "
            "error pass, or compile only the part before it"
        )
    for x, tensor in given:
        if tensor._data is not x:
            raise UnknownValueError(
                "the function writes into one of its arguments, which agrad.compile does not support; return the new "
                "value, or name the Tensor in state=[...]"
            )
    finals = _finals(exchange)
    grads, new_grads = _new_grads(exchange, trace)
    kept = {id(x.memory) for x in (*finals, *grads)} | {id(x.memory) for x, _ in given}
    template, outputs = _outputs(result, trace, kept)
    program = Program(
        [x.variable for x, _ in given],
        [(slot.traced.variable, x.variable) for slot, x in zip(exchange.slots, finals, strict=True)],
        [x.variable for x in grads],
        [x.variable for x in outputs],
        [(stand_in.variable, end) for stand_in, end in zip(exchange.traced, exchange.last_numbers(), strict=True)],
        [*trace.numbers, *trace.calls],
        trace.guards,
    )
    recording = Recording(template, program, exchange, trace.device.memory)
    recording.grads = new_grads
    held = {id(slot.traced.memory) for slot in exchange.slots}
    recording.shares_memory = any(id(x.memory) in held for x, _ in given)
    return recording


def _finals(exchange: Exchange) -> list[Any]:
    """Return the final traced array of each Tensor of the state, and of each gradient that it had at the start."""
    found = []
    for slot in exchange.slots:
        x = slot.tensor._data
        if type(x) is not type(slot.traced) or x.trace is not exchange.trace:
            raise UnknownValueError(
                f"under agrad.compile, {slot.name} was set to an array that the function did not compute; make that "
                "array an argument"
            )
        if slot.tensor._node is not slot.node and slot.tensor.is_leaf:
            raise UnknownValueError(
                f"requires_grad of {slot.name} was changed under agrad.compile; call requires_grad_ outside"
            )
        if slot.tensor._node is not slot.node:
            raise UnknownValueError(
                f"{slot.name} became the result of a recorded operation, so that its history would grow from call to "
                "call; write to it under agrad.no_grad()"
            )
        x.checked()
        if x.shape != tuple(slot.array.shape) or x.dtype != slot.array.dtype:
            raise UnknownValueError(
                f"{slot.name} was {' '.join(described(slot.array))} and became {' '.join(described(x))} under "
                "agrad.compile; convert it outside"
            )
        if x is not slot.traced and not exchange.trace.backend.is_writable(slot.array):
            raise ValueError(
                f"{slot.name} cannot be updated: its memory is read-only, or its elements share it; write "
                "agrad.asarray(x, copy=True) where it is made"
            )
        found.append(x)
    return found


def _new_grads(exchange: Exchange, trace: Trace) -> tuple[list[Any], list[tuple[Tensor, int | None]]]:
    """Return the new gradients, and the Tensors whose gradient changed, each with the index of the new one."""
    arrays: list[Any] = []
    places: list[tuple[Tensor, int | None]] = []
    for name, x, before in exchange.grads:
        if x._grad is before:
            continue
        if x._grad is None:
            places.append((x, None))
            continue
        if x._grad._device is not trace.device or x._grad._node is not None:
            raise UnknownValueError(
                f"under agrad.compile, the gradient of {name} was set to a Tensor that the function did not compute, "
                "or that has a history; compute it inside, without create_graph=True"
            )
        places.append((x, len(arrays)))
        arrays.append(x._grad._data)
    return arrays, places


def _outputs(result: Any, trace: Trace, kept: set[int]) -> tuple[Any, list[Any]]:
    """Return the template of a result, and the traced arrays and numbers in it."""
    found: list[Any] = []
    filling: list[Any] = []
    for leaf in pytrees.flatten(result):
        if isinstance(leaf, TracedArray):
            raise UnknownValueError("the function returns x.data under agrad.compile; return the Tensor x")
        if isinstance(leaf, Tensor):
            filling.append(Place(len(found), False))
            found.append(_owned(leaf, trace, kept))
        elif type(leaf) is TracedNumber:
            filling.append(Place(len(found), True))
            found.append(leaf)
        else:
            filling.append(_constant(leaf, trace))
    return pytrees.unflatten(result, filling), found


def _constant(leaf: Any, trace: Trace) -> Any:
    """Return a part of the result that is neither array nor number, which later calls return too."""
    if isinstance(leaf, (Iterator, Awaitable)):
        raise UnknownValueError(
            f"the function returns a {type(leaf).__name__} under agrad.compile, which can be used once; return a list"
        )
    held = getattr(leaf, "__dict__", {}).values()
    if not isinstance(leaf, Module) and any(isinstance(x, Tensor) and x._device is trace.device for x in held):
        raise UnknownValueError(
            f"the function returns a {type(leaf).__name__} with Tensors under agrad.compile, which looks for them in "
            "tuples, lists and dicts only; return one of these"
        )
    return leaf


def _owned(x: Tensor, trace: Trace, kept: set[int]) -> Any:
    """Return the traced array of an output, copied if another result, the state or an argument shares its memory."""
    if x._device is not trace.device:
        raise UnknownValueError(
            "the function returns a Tensor that was made outside of it, whose present values each call would return; "
            "name what holds it in state=[...], or pass it as an argument, alone or in a tuple, list or dict"
        )
    array = x._data
    if id(array.memory) in kept:
        array = trace.run("pure", "copy", trace.backend.copy, array)
    kept.add(id(array.memory))
    return array


def filled(template: Any, values: list[Any], device: Device) -> Any:
    """Return a template with its Places filled: by arrays, as Tensors, and by numbers."""
    if template is None:
        return None
    found = [
        leaf if type(leaf) is not Place else values[leaf.index] if leaf.is_number else wrap(values[leaf.index], device)
        for leaf in pytrees.flatten(template)
    ]
    return pytrees.unflatten(template, found)
