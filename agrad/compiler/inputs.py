"""Inputs: the arrays and constants among the arguments of a call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from math import isfinite
from typing import Any

from .. import backends
from ..backends.host import is_number
from ..core.device import Device
from ..core.grad_mode import recording
from ..core.tensor import Tensor, wrap
from ..virtual.traced.recording import Trace, described
from .state import identifier

__all__ = ["Array", "Inputs"]


class Array:
    """An array among the arguments.

    Attributes
    ----------
    name : str
    place : str
        The expression for it: ``arg0["x"]``.
    value : Tensor or array
    conditions : list of (str, str)
        The conditions on the array itself, as in `Inputs`.
    """

    def __init__(self, name: str, place: str, value: Any) -> None:
        self.name, self.place, self.value = name, place, value
        self.conditions: list[tuple[str, str]] = []

    @property
    def array(self) -> Any:
        """The raw array: that of the Tensor, or the value itself."""
        return self.value._data if isinstance(self.value, Tensor) else self.value

    @property
    def raw(self) -> str:
        """The expression for the raw array."""
        return f"{self.place}._data" if isinstance(self.value, Tensor) else self.place

    def converts(self, device: Device) -> bool:
        """Return whether it is an array of another library than the device's."""
        return not isinstance(self.value, Tensor) and Device.of(self.value) is not device


class Inputs:
    """The arguments of a call.

    Attributes
    ----------
    arrays : list of Array
        The Tensors and arrays in them, also in pytrees.
    structure : list of (str, str)
        The conditions on ``args`` and ``kwargs`` under which the program can be used: an expression, and what it is
        about.
    conditions : list of (str, str)
        The conditions on each argument, without those on the arrays themselves. Positional arguments are ``arg0``,
        ``arg1`` and so on, which is faster than an index.
    names : dict of str to object
        The objects that the expressions refer to.
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args, self.kwargs = args, kwargs
        self.arrays: list[Array] = []
        names = f"list(kwargs) == {list(kwargs)!r}" if kwargs else "not kwargs"
        self.structure = [(f"len(args) == {len(args)}", "the number of arguments"), (names, "the keyword arguments")]
        self.conditions: list[tuple[str, str]] = []
        self.names: dict[str, Any] = {}
        self._taken: set[str] = set()
        for i, (name, value) in enumerate(zip(_parameter_names(f, len(args)), args, strict=True)):
            self._take_apart(value, f"arg{i}", name)
        for name, value in kwargs.items():
            self._take_apart(value, f"kwargs[{name!r}]", name)

    def device(self) -> Device | None:
        """Return the device of the first Tensor."""
        return next((x.value._device for x in self.arrays if isinstance(x.value, Tensor)), None)

    def _condition(self, text: str, about: str) -> None:
        self.conditions.append((text, about))

    def _known(self, value: Any) -> str:
        name = f"known{len(self.names)}"
        self.names[name] = value
        return name

    def _take_apart(self, value: Any, place: str, name: str) -> None:
        of_class = f"type({place}) is {self._known(type(value))}"
        if is_number(value) or type(value) in (bool, int, float, complex, str):
            self._condition(f"{of_class} and {_same_constant(value, place)}", f"{name} was {_shown(value)} before")
        elif _is_array(value):
            self._add_array(value, place, name)
        elif isinstance(value, Mapping):
            keys = self._known(list(value))
            self._condition(f"{of_class} and list({place}) == {keys}", f"the keys of {name}, or its class")
            for i, (key, part) in enumerate(value.items()):
                self._take_apart(part, f"{place}[{repr(key) if type(key) is str else f'{keys}[{i}]'}]", f"{name}_{key}")
        elif isinstance(value, (list, tuple)):
            self._condition(f"{of_class} and len({place}) == {len(value)}", f"the length of {name}, or its class")
            for i, part in enumerate(value):
                self._take_apart(part, f"{place}[{i}]", f"{name}_{i}")
        else:
            self._condition(f"{place} is {self._known(value)}", f"{name} was {_which(value)} before")

    def _add_array(self, value: Any, place: str, name: str) -> None:
        word = identifier(name)
        word = next(w for w in (word, *(f"{word}_{i}" for i in range(2, len(self._taken) + 3))) if w not in self._taken)
        self._taken.add(word)
        self.arrays.append(Array(word, place, value))
        array = self.arrays[-1]
        raw = array.array
        shape, kind = tuple(raw.shape), self._known(raw.dtype)
        about = f"{name} was {' '.join(described(raw))} before"
        of_class = f"type({place}) is {self._known(type(value))}"
        if isinstance(value, Tensor):
            of_class += f" and {place}._device is {self._known(value._device)}"
            tracked = "is None" if value._node is None else "is not None"
            of_class += f" and {place}._node {tracked}"
        self._condition(of_class, about)
        same_dtype = f"({array.raw}.dtype is {kind} or {array.raw}.dtype == {kind})"  # equal dtypes may be distinct
        array.conditions.append((f"{array.raw}.shape == {shape!r} and {same_dtype}", about))
        flags: Any = getattr(raw, "flags", None)
        if shape and hasattr(flags, "c_contiguous"):  # sums are taken in another order in another memory layout
            plain = bool(flags.c_contiguous)
            layout = "flags.c_contiguous" if plain else f"strides == {raw.strides!r}"
            array.conditions.append((f"{array.raw}.{layout}", f"the memory layout of {name}"))

    def traced(self, trace: Trace) -> tuple[Any, Any, list[Any]]:
        """Return the arguments with traced arrays in Tensors, and a list of these arrays with their Tensors.

        Raises
        ------
        ValueError
            If a Tensor is on another device, or requires gradients.
        """
        given: list[Any] = []
        replaced: list[Tensor] = []
        for array in self.arrays:
            raw = _checked(array, trace)
            x = trace.input(raw, array.name)
            replaced.append(wrap(x, trace.device))
            given.append((x, replaced[-1]))
        parts = iter(replaced)
        args = tuple(_rebuilt(value, parts) for value in self.args)
        kwargs = {name: _rebuilt(value, parts) for name, value in self.kwargs.items()}
        return args, kwargs, given


def _parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """Return names for positional arguments."""
    try:
        parameters = list(inspect.signature(getattr(f, "forward", f)).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "x")
    return names + [f"{rest}_{i}" for i in range(count - len(names))]


def _same_constant(value: Any, place: str) -> str:
    """Return the condition that a number or string is equal to `value`, with the sign of a zero, or NaN like it."""
    plain = type(value) in (bool, int, str) or (type(value) is float and isfinite(value) and value != 0)
    return f"{place} == {value!r}" if plain else f"repr({place}) == {repr(value)!r}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _which(value: Any) -> str:
    return "None" if value is None else f"another {type(value).__name__}"


def _checked(array: Array, trace: Trace) -> Any:
    """Return the array behind an argument, on the device of the recording."""
    value, memory = array.value, trace.device.memory
    if isinstance(value, Tensor) and value._node is not None and recording.get():
        raise ValueError(
            f"the argument {array.name} requires gradients, which do not flow through a function under agrad.compile; "
            "write x.detach(), or compute the gradient inside"
        )
    device = value._device if isinstance(value, Tensor) else Device.of(value)
    if device is memory or device is trace.device:  # while recording, arrays and the state are on the traced device
        raw = array.array
        return raw.value if type(raw) is trace.library.array_type else raw
    if isinstance(value, Tensor) or device.kind != "cpu":
        raise ValueError(
            f"the argument {array.name} is on {device.name} and other arrays are on {memory.name}; a function under "
            f"agrad.compile computes on one device: write x.to({memory.name!r})"
        )
    return memory.backend.asarray(value, None, memory.native)


def _is_array(value: Any) -> bool:
    if isinstance(value, Tensor):
        return True
    return hasattr(value, "shape") and not is_number(value) and backends.is_array_type(type(value))


def _rebuilt(value: Any, arrays: Iterator[Tensor]) -> Any:
    """Return an argument with the arrays in it replaced, in the order of `Inputs.arrays`."""
    if _is_array(value):
        return next(arrays)
    if isinstance(value, Mapping):
        filled: Any = copy(value)  # keeps the class
        for key in value:
            filled[key] = _rebuilt(value[key], arrays)
        return filled
    if isinstance(value, (list, tuple)):
        parts = [_rebuilt(part, arrays) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value
