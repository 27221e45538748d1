"""TracedNumber: a number on the host, such as a learning rate, whose arithmetic is recorded."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from ...backends import UnknownValueError
from .recording import NUMBER, Call, Trace, Variable

__all__ = ["TracedNumber"]


def _binary(name: str, op: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """Return a binary operator for traced numbers, and its reflected version."""

    def forward(x1: Any, x2: Any) -> Any:
        return _computed(x1, name, op, x1, x2) if type(x2) in _PLAIN else x1._beside(x2)

    def reflected(x2: Any, x1: Any) -> Any:
        return _computed(x2, name, op, x1, x2) if type(x1) in _PLAIN else x2._beside(x1)

    return forward, reflected


def _unary(name: str, op: Callable[[Any], Any]) -> Any:
    return lambda x: _computed(x, name, op, x)


def _computed(known: TracedNumber, name: str, op: Callable[..., Any], *args: Any) -> TracedNumber:
    trace = known.trace
    variables = tuple(x.variable if type(x) is TracedNumber else x for x in args)
    value = op(*(x.variable.value if type(x) is TracedNumber else x for x in args))
    call = Call(NUMBER, name, op, variables, {})
    call.outputs = [Variable(value, number=True)]
    trace.numbers.append(call)
    return TracedNumber(call.outputs[0], trace)


class TracedNumber:
    """A number that may differ at the next call.

    Its truth value, which `if` reads, is recorded as a guard: if it differs at a later call, the function is recorded
    again.
    """

    __slots__ = ("trace", "variable")
    __array_ufunc__ = None

    def __init__(self, variable: Variable, trace: Trace) -> None:
        self.variable, self.trace = variable, trace

    def checked(self) -> Any:
        """Return the number."""
        return self.variable.value

    def __bool__(self) -> bool:
        answer = bool(self.variable.value)
        if not any(variable is self.variable for variable, _ in self.trace.guards):
            self.trace.guards.append((self.variable, answer))
        return answer

    @property
    def _name(self) -> str:
        return self.variable.name or "computed from a setting"

    def _beside(self, other: Any) -> Any:
        """Refuse a Tensor as the other operand, and leave the rest to that operand."""
        if hasattr(other, "requires_grad"):
            raise UnknownValueError(
                f"the number {self._name} meets a Tensor under agrad.compile, but it may differ at the next call; make "
                "it an argument of the function: agrad.asarray(lr)"
            )
        return NotImplemented

    def _read(self, *_: Any, **__: Any) -> Any:
        raise UnknownValueError(
            f"the value of the number {self._name} was read under agrad.compile, but it may differ at the next call; "
            "compute with + - * / ** and comparisons, n ** 0.5 instead of math.sqrt(n), or make it an argument: "
            "agrad.asarray(lr)"
        )

    __array__ = __format__ = __round__ = __trunc__ = __floor__ = __ceil__ = item = _read

    def __float__(self) -> float:
        return float(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __index__(self) -> int:
        return int(self._read())

    def __repr__(self) -> str:
        return f"TracedNumber({self.variable.value!r})"

    __add__, __radd__ = _binary("add", operator.add)
    __sub__, __rsub__ = _binary("subtract", operator.sub)
    __mul__, __rmul__ = _binary("multiply", operator.mul)
    __truediv__, __rtruediv__ = _binary("divide", operator.truediv)
    __floordiv__, __rfloordiv__ = _binary("floor_divide", operator.floordiv)
    __mod__, __rmod__ = _binary("remainder", operator.mod)
    __pow__, __rpow__ = _binary("pow", operator.pow)
    __lt__, __gt__ = _binary("less", operator.lt)[0], _binary("greater", operator.gt)[0]
    __le__, __ge__ = _binary("less_equal", operator.le)[0], _binary("greater_equal", operator.ge)[0]
    __eq__, __ne__ = _binary("equal", operator.eq)[0], _binary("not_equal", operator.ne)[0]
    __neg__, __pos__, __abs__ = _unary("negative", operator.neg), _unary("positive", operator.pos), _unary("abs", abs)
    __hash__ = None  # type: ignore[assignment]


_PLAIN = frozenset({bool, int, float, TracedNumber})
