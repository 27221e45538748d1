"""The error messages that several places need, or that are long.

Each function returns an exception that shows what came, what was expected and what to write instead.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from types import ModuleType
from typing import Any, Final

from ..backends import UnknownValueError
from .device import traced
from .typing import DTypeLike

__all__ = [
    "ELSEWHERE", "TapeDroppedError", "changed", "describe", "freed", "in_op", "in_rule", "kind_of", "leaf_in_place",
    "located", "lost_gradient", "mixed_devices", "moved", "no_array", "no_gradient", "not_differentiable",
    "not_scalar", "stale_gradient", "wrong_forward", "wrong_gradient", "wrong_hook", "wrong_rule",
]  # fmt: skip

# Functions that return errors for wrong or missing arguments of an op. `agrad.spellings`, which knows PyTorch's names,
# sets them.
wrong_call: Callable[[Any, str, dict[str, Any]], TypeError]
missing_array: Callable[[str, str], TypeError]
ELSEWHERE: Final = "compute it on a device whose library has it: x.to('cpu')"
# Messages of libraries that do not support an operation on booleans or integers.
_NO_LOOP: Final = re.compile(
    "did not contain a loop|numpy boolean|not supported|not implemented for '[A-Z]|only support floating"
    "|dtypes are allowed|does not accept dtype bool|must be numeric|got bool|not support bool|infer output dtype",
    re.IGNORECASE,
)
_KINDS: Final = (
    UnknownValueError, ValueError, TypeError, IndexError, NotImplementedError, OverflowError, FloatingPointError,
    MemoryError,
)  # fmt: skip


def no_gradient(what: str) -> RuntimeError:
    """Nothing was recorded for the Tensor to differentiate."""
    return RuntimeError(
        f"{what} of a Tensor that does not require gradients; make its inputs with requires_grad=True, "
        "and compute outside of no_grad() and of functions under agrad.compile"
    )


def not_differentiable(dtype: DTypeLike) -> TypeError:
    """A gradient of integers or booleans was requested."""
    return TypeError(
        f"only floating and complex Tensors can require gradients, not {dtype!r}; "
        "write x.astype(agrad.float32) first, or make it from floats: 1.0 instead of 1"
    )


def not_scalar(shape: Sequence[int], dtype: DTypeLike) -> RuntimeError:
    """Backward was called on several elements, or on a complex one, without a gradient."""
    if prod(shape) == 1:
        return RuntimeError(
            f"a gradient is created implicitly only for a real number, and this Tensor is {dtype.name}; "
            "write agrad.real(x).backward() or agrad.abs(x).backward(), or backward(gradient) with a complex Tensor"
        )
    return RuntimeError(
        f"a gradient is created implicitly only for one element, and this Tensor has shape {tuple(shape)}; "
        "write .sum().backward(), or backward(gradient) with a Tensor of that shape"
    )


class TapeDroppedError(RuntimeError):
    """A backward pass needs a part of the tape that forward mode has dropped; it then runs again and keeps it."""


def wrong_gradient(gradient: Any, tensor: Any) -> ValueError:
    """A gradient does not match its Tensor."""
    return ValueError(
        f"the gradient is {gradient.dtype.name} of shape {gradient.shape} on {gradient.device}, "
        f"its Tensor {tensor.dtype.name} of shape {tensor.shape} on {tensor.device}; they must be the same"
    )


def stale_gradient(gradient: Sequence[int], data: Sequence[int]) -> ValueError:
    """x.data was set to an array of another shape than x.grad."""
    return ValueError(
        f"x.grad has shape {tuple(gradient)}, and the new x.data {tuple(data)}; write x.grad = None before x.data = ..."
    )


def freed(op: str) -> RuntimeError:
    """A second backward pass needs what the first one freed."""
    return RuntimeError(
        f"the values that {op} saved were freed by an earlier backward pass; write backward(retain_graph=True) "
        "in the earlier one to go through the graph a second time"
    )


def no_array(op: str, argument: str) -> TypeError:
    """An op got None instead of an array."""
    return TypeError(f"{op} got None for {argument}; it takes a Tensor, an array or a number")


def changed(op: str) -> RuntimeError:
    """A saved value was written in place before backward."""
    return RuntimeError(
        f"a Tensor that the gradient of {op} needs was changed in place after it was used; "
        "change a copy instead (x = x + v), or move the change after backward()"
    )


def leaf_in_place() -> RuntimeError:
    """A leaf that requires gradients would be changed while recording."""
    return RuntimeError(
        "a leaf Tensor that requires gradients cannot be changed in place while recording; "
        "write `with agrad.no_grad():` around the change, or x = x + v for a new Tensor"
    )


def lost_gradient(
    way: str, instead: str = "compute with agrad's own functions (agrad.sum(x), agrad.stack([x, y]))"
) -> RuntimeError:
    """A Tensor that requires gradients was to become an array, which has none."""
    return RuntimeError(
        f"{way} of a Tensor that requires gradients would lose them; write x.detach() first, or {instead}"
    )


def mixed_devices(what: str, names: Iterable[str]) -> Exception:
    """An op got Tensors on different devices."""
    first, *others = dict.fromkeys(names)
    if traced.get() is not None:
        return UnknownValueError(
            f"{what} got a Tensor on {[first, *others][-1]} that is neither an argument of the function under "
            "agrad.compile nor a part of its state, so that the program would always use its present values; make it "
            "an argument, or name the module or Tensor in state=[...]"
        )
    if not others:
        return ValueError(
            f"{what} got a Tensor of another vmap, which has ended or runs in another thread; return the Tensor from "
            "the function under vmap, or start threads by contextvars.copy_context().run"
        )
    return ValueError(
        f"{what} got Tensors on {first} and {', '.join(others)}; bring them together with x.to({first!r})"
    )


def moved(op: str, there: str, here: str) -> ValueError:
    """A leaf was moved to another library between its use and the backward pass."""
    return ValueError(
        f"{op} was computed on {there}, but a leaf that needs its gradient was moved to {here} since; "
        f"write .to({here!r}) before the forward pass, or after backward()"
    )


def wrong_forward(op: str, parameters: Iterable[inspect.Parameter]) -> TypeError:
    """The forward of a primitive does not take what it is called with."""
    return TypeError(
        f"@primitive needs a function of the namespace and of arguments annotated ArrayLike; write "
        f"def {op}(xp, x: ArrayLike): ..., not {op}({', '.join(map(str, parameters))})"
    )


def wrong_rule(op: str, argument: str, asks: Sequence[str], arrays: Sequence[str], known: Iterable[str]) -> TypeError:
    """A gradient rule is for, or asks for, something that its op does not have."""
    if argument not in arrays:
        return TypeError(f"{op} has no array argument {argument!r} for a rule; it has {list(arrays)}")
    return TypeError(
        f"the rule of {op} for {argument!r} takes {', '.join(asks) or 'nothing'}; it must take g first, "
        f"then any of {', '.join(sorted(known))}, and last parameters with defaults"
    )


def in_op(op: str, error: Exception, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Exception:
    """An array library's error, with the op's name and its inputs; shapes that do not fit are a ValueError."""
    shown = [describe(x) for x in args] + [f"{name}={describe(x)}" for name, x in kwargs.items()]
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return NotImplementedError(f"{op}({', '.join(shown)}): {error}; {ELSEWHERE}")
    wrong = max(map(_whole, args), default="")
    if wrong and not isinstance(error, (ValueError, IndexError)) and _NO_LOOP.search(str(error)):
        return TypeError(f"{op}({', '.join(shown)}): it takes {wrong}; write x.astype(agrad.float32) first")
    about_shapes = type(error) in (RuntimeError, TypeError) and re.search("shape|size|dimension", str(error))
    kind = ValueError if about_shapes else kind_of(error)
    return kind(f"{op}({', '.join(shown)}): {error}")


def _whole(x: Any) -> str:
    """Return what is expected instead of booleans or integers; "" for other inputs. The text for booleans is larger."""
    name = str(getattr(x, "dtype", type(x).__name__))
    return "numbers, not booleans" if name.endswith("bool") else "floats, not integers" if "int" in name else ""


def in_rule(
    op: str, argument: str, rule: Callable[..., Any], asks: Sequence[str], error: Exception, values: Sequence[Any]
) -> Exception:
    """An error in a gradient rule, with the op, the argument that the rule is for, and the rule's inputs."""
    takes = inspect.signature(rule).parameters  # what is asked for beyond that is for the check of what it returns
    given = dict(zip(["g", *asks], values, strict=True))
    shown = [f"{name}={describe(x)}" for name, x in given.items() if name in takes and name != "xp"]
    return kind_of(error)(f"the gradient rule of {op} for {argument!r}, given {', '.join(shown)}: {error}")


def located(error: Exception, where: str) -> Exception:
    """An error with the line that it comes from."""
    return kind_of(error)(f"{error}\n  {where}")


def wrong_hook(hook: Any, result: Any) -> TypeError:
    """A hook returned something that is no gradient."""
    name = getattr(hook, "__name__", repr(hook))
    return TypeError(
        f"a hook of a Tensor must return None or the new gradient, a Tensor; "
        f"{name} returned {type(result).__name__}: write agrad.asarray(...) around it"
    )


def kind_of(error: Exception) -> type[Exception]:
    """Return the exception class with which an error is raised again."""
    return next((kind for kind in _KINDS if isinstance(error, kind)), RuntimeError)


def describe(x: Any) -> str:
    """Describe an argument: the dtype and shape of an array, or else its repr, shortened."""
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return f"{getattr(x.dtype, 'name', None) or str(x.dtype).rpartition('.')[2]} of shape {tuple(x.shape)}"
    if isinstance(x, (list, tuple)) and any(hasattr(item, "shape") for item in x):
        return f"[{', '.join(describe(item) for item in x)}]"
    text = repr(tuple(x) if isinstance(x, tuple) else x)
    return text if len(text) <= 60 else f"{text[:57]}..."
