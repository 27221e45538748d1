"""The error messages of modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..core.errors import describe, kind_of

__all__ = ["in_layer", "takes_none", "wrapped"]


def takes_none(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TypeError:
    """Arguments were given to a class of modules that takes none."""
    given = [*map(describe, args), *(f"{key}={describe(value)}" for key, value in kwargs.items())]
    return TypeError(f"{name}() takes no arguments, not {', '.join(given)}; write {name}()")


def in_layer(error: Exception, whole: Any, name: str, layer: Any) -> Exception:
    """An error in a layer of a Sequential, with the layer's name; of nested ones, with the path to it."""
    path = getattr(error, "layer", None)
    told, text = (f"{name}.{path[0]}", path[1:]) if path else (name, (repr(layer).partition("\n")[0], str(error)))
    found = kind_of(error)(f"layer {told} of {type(whole).__name__}, {text[0]}: {text[1]}")
    found.layer = (told, *text)  # type: ignore[attr-defined]
    return found


def wrapped(own: Iterable[str], given: Iterable[str]) -> list[str]:
    """Return what to write for a state dict whose names have the prefix of a wrapper of PyTorch's; empty for others."""
    for prefix in ("module.", "_orig_mod."):  # of DistributedDataParallel and torch.compile
        if {prefix + name for name in own} == {*given}:
            return [f'write {{k.removeprefix("{prefix}"): v for k, v in state.items()}}']
    return []
