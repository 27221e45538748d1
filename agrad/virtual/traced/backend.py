"""The backend of traced arrays: what the standard lacks, recorded as calls of the backend below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NoReturn

from ... import backends
from ...backends import UnknownValueError
from ...backends.base import Backend
from ...backends.typing import Array, Namespace, NativeDevice, NativeDtype
from .arrays import TracedArray
from .fused import FusedBackend
from .namespace import TracedNamespace
from .recording import CHECK, EXCHANGE, PURE, WRITE, Call, Variable, described

__all__ = ["TracedBackend", "traced_over"]


def _pure(name: str) -> Any:
    def recorded(self: TracedBackend, *args: Any) -> Any:
        trace = next(x.trace for x in args if type(x) is self.array_type)
        return trace.run(PURE, name, getattr(self.below, name), *args)

    return recorded


def _write(name: str) -> Any:
    def recorded(self: TracedBackend, array: Array, *args: Any) -> Any:
        return array.trace.run(WRITE, name, getattr(self.below, name), array, *args)

    return recorded


def _draw(name: str) -> Any:
    def recorded(self: TracedBackend, generator: Any, *args: Any) -> Any:
        return args[-1].draw(name, getattr(self.below, name), generator, *args)  # the last one is the native device

    return recorded


def _exchange(name: str) -> Any:
    def recorded(self: TracedBackend, given: Any, *args: Any) -> Any:
        trace = (given[0] if type(given) is list else given).trace
        return trace.run(EXCHANGE, name, getattr(self.below, name), given, *args)

    return recorded


class TracedBackend(FusedBackend):
    """Backend of traced arrays that hold arrays of another library.

    Attributes
    ----------
    below : Backend
        The backend of that library.
    """

    kind: ClassVar[str] = "traced"

    def __init__(self, below: Backend, xp: Namespace) -> None:
        self.below = below
        self.array_type: Any = type("TracedArray", (TracedArray,), {"__slots__": ()})
        self.xp = TracedNamespace(xp, self.array_type)
        self.native_keys = below.native_keys  # type: ignore[misc]
        self.fuses_relu = below.fuses_relu  # type: ignore[misc]
        self.formulas = below.formulas  # type: ignore[misc]
        self.without_special = below.without_special  # type: ignore[misc]

    @property
    def supports_float64(self) -> bool:
        return self.below.supports_float64

    def without_warnings(self) -> AbstractContextManager[Any]:
        return self.below.without_warnings()

    def with_checks(self) -> AbstractContextManager[Any]:
        return self.below.with_checks()

    def device_name_of(self, array: Array) -> Any:
        return array.trace.device

    # Arrays

    def asarray(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        if type(data) is not self.array_type:
            raise UnknownValueError(_CAPTURED.format("An array", " ".join(described(data))))
        trace = data.trace
        return trace.run(PURE, "asarray", self.below.asarray, data, dtype, trace.native, copy)

    def constant(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        value = self.below.constant(data, dtype, native.native, True)
        return native.run(PURE, "constant", lambda: value)

    def box(self, value: Array) -> Any:
        return value

    def to_numpy(self, array: TracedArray) -> NoReturn:
        array.refuse("`if`, float(), item(), tolist() or numpy()")

    def dlpack(self, array: TracedArray, **wishes: Any) -> NoReturn:
        array.refuse("__dlpack__")

    def format_array(self, array: Array, name: str) -> str:
        return f"recorded by agrad.compile, shape={array.shape}"

    def underlying_array(self, array: Array) -> Any:
        return self.below.underlying_array(array.value)

    def bounds(self, array: Array) -> tuple[Any, Any]:
        array.trace.read_values = True  # for the message of an error, which ends the recording
        return self.below.bounds(array.value)

    def within(self, array: Array, least: float, most: float) -> bool:
        answer = self.below.within(array.checked(), least, most)
        call = Call(CHECK, "within", self.below.within, (array.variable, least, most), {})
        call.outputs = [Variable(answer)]
        array.trace.calls.append(call)
        return answer

    def is_view(self, array: Array) -> bool:
        return self.below.is_view(array.value)

    def buffer_of(self, array: Array) -> int:
        return id(array.memory)

    def own(self, value: Array, shared: bool) -> Any:
        return self.copy(value) if shared or self.below.is_view(value.value) else value

    def is_writable(self, array: Array) -> bool:
        return self.below.is_writable(array.value)

    def update(self, array: Array, operator: Callable[[Any, Any], Any], other: Array) -> Any:
        return array.trace.run(WRITE, "update", self.below.update, array, operator, other)

    def can_update(self, row: Sequence[Array]) -> bool:
        return self.below.can_update([None if x is None else x.value for x in row])

    def update_many(self, formula: str, rows: Sequence[Sequence[Array]], settings: Sequence[Any]) -> Any:
        targets = [x for row in rows for i, x in enumerate(row) if i != 1 and x is not None]  # not the gradients
        updated = targets[0].trace.write_many(
            "update_many", self.below.update_many, targets, formula, list(rows), tuple(settings)
        )
        new = {id(x): y for x, y in zip(targets, updated, strict=True)}
        return [[new.get(id(x), x) for x in row] for row in rows]

    def special(self, name: str) -> Callable[..., Any]:
        function = self.below.special(name)

        def special(*arrays: Any) -> Any:
            trace = next(x.trace for x in arrays if type(x) is self.array_type)
            return trace.run(PURE, f"special_{name}", function, *arrays)

        return special

    copy, solve_triangular = _pure("copy"), _pure("solve_triangular")
    convolve, convolve_input, convolve_weight = map(_pure, ("convolve", "convolve_input", "convolve_weight"))
    window_sum, window_max, add_to_windows, gather_from_windows = map(
        _pure, ("window_sum", "window_max", "add_to_windows", "gather_from_windows")
    )
    assign, fill, put, add_at = map(_write, ("assign", "fill", "put", "add_at"))
    add_scaled, add_product, add_quotient = map(_write, ("add_scaled", "add_product", "add_quotient"))
    all_reduce, all_gather, reduce_scatter, broadcast, average = map(
        _exchange, ("all_reduce", "all_gather", "reduce_scatter", "broadcast", "average")
    )
    uniform, normal, integers, permutation = map(_draw, ("uniform", "normal", "integers", "permutation"))

    # Random numbers

    def generator(self, seed: int, native: NativeDevice) -> Any:
        return self.below.generator(seed, native.native)

    def get_state(self, generator: Any) -> dict[str, Any]:
        return self.below.get_state(generator)

    def set_state(self, generator: Any, state: dict[str, Any]) -> None:
        self.below.set_state(generator, state)


_CAPTURED = (
    "{} of {} is used under agrad.compile, but is neither an argument nor a part of its state, so that the program "
    "would keep it as it is now; make it an argument of the function, or name the module that holds it in state=[...]"
)
_known: dict[int, TracedBackend] = {}


def traced_over(backend: Backend, xp: Namespace) -> TracedBackend:
    """Return the backend of traced arrays that hold arrays of a library, for one of its namespaces."""
    if id(xp) not in _known:
        _known[id(xp)] = TracedBackend(backend, xp)
        backends.add_type(_known[id(xp)])
    return _known[id(xp)]
