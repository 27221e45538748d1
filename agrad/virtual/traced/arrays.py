"""TracedArray: an array of the library below, whose operators are recorded."""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import prod
from typing import Any, Final, NoReturn

from ...backends import UnknownValueError
from .recording import PURE, WRITE, Memory, Trace, Variable, described

__all__ = ["TracedArray"]


def _binary(name: str, op: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """Return a binary operator for traced arrays, and its reflected version."""

    def forward(x1: Any, x2: Any) -> Any:
        return x1.trace.run(PURE, name, op, x1, x2)

    return forward, lambda x2, x1: x2.trace.run(PURE, name, op, x1, x2)


def _in_place(name: str, op: Callable[[Any, Any], Any]) -> Any:
    return lambda x1, x2: x1.trace.run(WRITE, name, op, x1, x2)


def _unary(name: str, op: Callable[[Any], Any]) -> Any:
    return lambda x: x.trace.run(PURE, name, op, x)


class TracedArray:
    """An array that records what is computed with it. There is a subclass for each array library.

    Attributes
    ----------
    value : array
        The array of the library below.
    variable : Variable
        The array in the program.
    memory : Memory
        The memory that it shares with its views. Writing returns a new array with the same memory; this one is then
        outdated.
    trace : Trace
    """

    __slots__ = ("memory", "trace", "value", "variable", "version")
    __array_ufunc__ = None  # so that NumPy's operators defer to this class

    def __init__(self, value: Any, variable: Variable, memory: Memory, trace: Trace) -> None:
        self.value, self.variable, self.memory, self.trace = value, variable, memory, trace
        self.version = memory.version

    def checked(self) -> Any:
        """Return the array of the library below; UnknownValueError if its memory was written through another array."""
        if self.version != self.memory.version:
            raise UnknownValueError(
                f"an array of {' '.join(described(self.value))} is read after the memory that it shares was written "
                "in place, which agrad.compile cannot follow; take a copy before the write: agrad.asarray(x, copy=True)"
            )
        return self.value

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

    @property
    def size(self) -> int:
        return prod(self.value.shape)

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def device(self) -> Trace:
        return self.trace

    @property
    def mT(self) -> Any:  # noqa: N802
        return self.trace.run(PURE, "matrix_transpose", self.trace.xp.matrix_transpose, self)

    @property
    def T(self) -> Any:  # noqa: N802
        return self.mT

    def __getitem__(self, key: Any) -> Any:
        items = key if type(key) is tuple else (key,)
        if any("bool" in str(getattr(item, "dtype", "")) for item in items):
            self.refuse("a mask as a key, whose result has a shape that depends on values,")
        return self.trace.run(PURE, "getitem", operator.getitem, self, key)

    # Conversions to Python values

    def refuse(self, what: str) -> NoReturn:
        """Raise UnknownValueError, because `what` needs values."""
        error = UnknownValueError(_REFUSED.format(what, " ".join(described(self.value))))
        self.trace.refused = error
        raise error

    def __bool__(self) -> bool:
        self.refuse("`if`, `while`, `and`, `not` or bool()")

    def __int__(self) -> int:
        self.refuse("int()")

    def __index__(self) -> int:
        self.refuse("use as an index")

    def __float__(self) -> float:
        self.refuse("float()")

    def __complex__(self) -> complex:
        self.refuse("complex()")

    def __repr__(self) -> str:
        return f"TracedArray(shape={self.shape}, dtype={described(self.value)[1]})"

    # Operators

    __add__, __radd__ = _binary("add", operator.add)
    __sub__, __rsub__ = _binary("subtract", operator.sub)
    __mul__, __rmul__ = _binary("multiply", operator.mul)
    __truediv__, __rtruediv__ = _binary("divide", operator.truediv)
    __floordiv__, __rfloordiv__ = _binary("floor_divide", operator.floordiv)
    __mod__, __rmod__ = _binary("remainder", operator.mod)
    __pow__, __rpow__ = _binary("pow", operator.pow)
    __matmul__, __rmatmul__ = _binary("matmul", operator.matmul)
    __and__, __rand__ = _binary("bitwise_and", operator.and_)
    __or__, __ror__ = _binary("bitwise_or", operator.or_)
    __xor__, __rxor__ = _binary("bitwise_xor", operator.xor)
    __lshift__, __rlshift__ = _binary("bitwise_left_shift", operator.lshift)
    __rshift__, __rrshift__ = _binary("bitwise_right_shift", operator.rshift)
    __lt__, __gt__ = _binary("less", operator.lt)[0], _binary("greater", operator.gt)[0]
    __le__, __ge__ = _binary("less_equal", operator.le)[0], _binary("greater_equal", operator.ge)[0]
    __eq__, __ne__ = _binary("equal", operator.eq)[0], _binary("not_equal", operator.ne)[0]
    __neg__, __pos__ = _unary("negative", operator.neg), _unary("positive", operator.pos)
    __abs__, __invert__ = _unary("abs", abs), _unary("bitwise_invert", operator.invert)
    __iadd__, __isub__ = _in_place("add", operator.iadd), _in_place("subtract", operator.isub)
    __imul__, __itruediv__ = _in_place("multiply", operator.imul), _in_place("divide", operator.itruediv)
    __ifloordiv__, __imod__ = _in_place("floor_divide", operator.ifloordiv), _in_place("remainder", operator.imod)
    __ipow__, __imatmul__ = _in_place("pow", operator.ipow), _in_place("matmul", operator.imatmul)
    __iand__, __ior__ = _in_place("bitwise_and", operator.iand), _in_place("bitwise_or", operator.ior)
    __ixor__ = _in_place("bitwise_xor", operator.ixor)
    __ilshift__ = _in_place("bitwise_left_shift", operator.ilshift)
    __irshift__ = _in_place("bitwise_right_shift", operator.irshift)
    __hash__ = None  # type: ignore[assignment]


_REFUSED: Final = (
    "{} needs the values of an array of {} under agrad.compile, which are not known when the function is recorded; "
    "write agrad.where(condition, a, b) instead of `if` and masks, and return what is to be read from the function"
)
