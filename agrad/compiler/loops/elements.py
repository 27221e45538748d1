"""Elements: the expression for one element of an elementwise call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, Final

__all__ = ["DTYPES", "ELEMENTWISE", "IDENTITIES", "accumulated", "cast", "element", "literal", "unit"]

DTYPES: Final = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"}
)
# These return the values of their operand, in the dtype of their result.
IDENTITIES: Final = frozenset({"asarray", "assign", "astype", "conj", "copy", "fill", "positive", "real"})

_ARITHMETIC: Final = {
    "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}", "pow": "{} ** {}",
    "floor_divide": "{} // {}", "remainder": "{} % {}", "negative": "-{}", "abs": "abs({})", "square": "{0} * {0}",
    "bitwise_and": "{} & {}", "bitwise_or": "{} | {}", "bitwise_xor": "{} ^ {}",
    "bitwise_left_shift": "{} << {}", "bitwise_right_shift": "{} >> {}",
    # NaN if either operand is NaN.
    "maximum": "{0} if {0} >= {1} or {0} != {0} else {1}", "minimum": "{0} if {0} <= {1} or {0} != {0} else {1}",
    "sign": "np.sign({})", "expm1": "math.expm1({})", "log1p": "math.log1p({})", "hypot": "math.hypot({}, {})",
    "special_erf": "math.erf({})", "special_erfc": "math.erfc({})", "special_gammaln": "math.lgamma({})",
    "add_scaled": "{0} + {2} * {1}", "add_product": "{0} + {1} * {2} * {3}", "add_quotient": "{0} + {1} / {2} * {3}",
}  # fmt: skip
_FUNCTIONS: Final = {
    "exp": "exp", "log": "log", "sqrt": "sqrt", "sin": "sin", "cos": "cos", "tan": "tan", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "asin": "asin", "acos": "acos", "atan": "atan", "asinh": "asinh", "acosh": "acosh",
    "atanh": "atanh", "log10": "log10", "atan2": "atan2", "floor": "floor", "ceil": "ceil",
    "trunc": "trunc",
}  # fmt: skip
_NUMPYS: Final = {"log2": "np.log2", "floor": "np.floor", "ceil": "np.ceil", "trunc": "np.trunc", "round": "np.rint"}
_COMPARISONS: Final = {
    "less": "{} < {}", "less_equal": "{} <= {}", "greater": "{} > {}", "greater_equal": "{} >= {}", "equal": "{} == {}",
    "not_equal": "{} != {}", "logical_and": "{} and {}", "logical_or": "{} or {}", "logical_xor": "{} != {}",
    "logical_not": "not {}", "isnan": "{0} != {0}", "isfinite": "math.isfinite({})", "isinf": "math.isinf({})",
}  # fmt: skip
_TEMPLATES: Final = (
    _ARITHMETIC
    | {name: f"math.{function}({'{}, {}' if name == 'atan2' else '{}'})" for name, function in _FUNCTIONS.items()}
    | {name: f"{function}({{}})" for name, function in _NUMPYS.items()}
    | _COMPARISONS
)
ELEMENTWISE: Final = frozenset({*_TEMPLATES, *IDENTITIES, "where", "clip", "reciprocal", "bitwise_invert"})


def element(name: str, operands: Sequence[Callable[[str], str]], dtype: str, common: str) -> str:
    """Return the expression for an element of a call.

    Parameters
    ----------
    name : str
        The name of the call.
    operands : sequence of callable
        Each takes a dtype, and returns the expression for an operand in it.
    dtype, common : str
        The dtype of the result, and the one that the operands promote to.
    """
    if name == "where":
        return f"{operands[1](dtype)} if {operands[0]('bool')} else {operands[2](dtype)}"
    if name == "clip":
        x, least, most = (operand(dtype) for operand in operands)
        return f"{least} if {x} < {least} else {most} if {x} > {most} else {x}"
    if name in IDENTITIES:
        return operands[0](dtype)
    if name == "reciprocal":
        return f"{dtype}(1) / {operands[0](dtype)}"
    if name == "bitwise_invert":
        return f"not {operands[0](dtype)}" if dtype == "bool" else f"{dtype}(~{operands[0](dtype)})"
    within = "bool" if name.startswith("logical") else common if name in _COMPARISONS else dtype
    text = _TEMPLATES[name].format(*[operand(within) for operand in operands])
    # numba promotes small integers to 64 bits.
    return f"{dtype}({text})" if dtype not in ("bool", "int64", "float32", "float64") else text


def cast(text: str, have: str, want: str) -> str:
    """Return an expression cast from one dtype to another."""
    if have == want:
        return text
    return f"({text} != 0)" if want == "bool" else f"{want}({text})"


def literal(value: Any, dtype: str) -> str:
    """Return a number as an expression of a dtype."""
    if dtype == "bool":
        return str(bool(value))
    if dtype.startswith("float"):
        number = float(value)
        special = "math.nan" if number != number else "math.inf" if number > 0 else "-math.inf"
        return f"{dtype}({number!r})" if isfinite(number) else f"{dtype}({special})"
    return f"{dtype}({int(value)})"


def unit(name: str, dtype: str) -> str:
    """Return the initial value of a reduction."""
    if name in ("any", "all"):
        return str(name == "all")
    if name in ("max", "min"):
        if dtype.startswith("float"):
            return f"{dtype}({'-' * (name == 'max')}math.inf)"
        return f"np.iinfo(np.{dtype}).{'min' if name == 'max' else 'max'}"
    return f"{dtype}({int(name == 'prod')})"


def accumulated(name: str, so_far: str, x: str) -> str:
    """Return the expression that adds an element to a reduction."""
    templates = {
        "sum": "{0} + {1}", "prod": "{0} * {1}", "any": "{0} or {1}", "all": "{0} and {1}",
        "max": "{1} if {1} > {0} or {1} != {1} else {0}", "min": "{1} if {1} < {0} or {1} != {1} else {0}",
    }  # fmt: skip
    return templates[name].format(so_far, x)
