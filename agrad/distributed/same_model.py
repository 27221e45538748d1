"""Checks that all processes have the same model."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any, Final

from ..core.device import traced
from ..core.tensor import Tensor
from ..nn.module import Module
from ..ops.creation import asarray
from .collectives import broadcast
from .world import current, get_rank

__all__ = ["ParameterCheck", "check_same_model", "value_of_first"]

_EVERY: Final = 100  # exchanges from one comparison of the parameters to the next


def value_of_first(value: Any) -> Any:
    """Return the value of rank 0 in all processes: dicts, lists, strings and numbers, sent as JSON."""
    text = json.dumps(value).encode()
    length = broadcast(asarray(len(text), device="cpu")).item()
    padded = [*text[:length].ljust(length)]
    return json.loads(bytes(broadcast(asarray(padded, dtype="uint8", device="cpu")).tolist()))


def check_same_model(module: Module) -> None:
    """Raise ValueError unless the parameters and buffers are such as those of rank 0, in the same order.

    Their names, shapes and dtypes are compared, and which of them require gradients.
    """
    here = {name: _described(x) for name, x in (*module.named_parameters(), *module.named_buffers())}
    there = value_of_first(here)
    differing = sorted(name for name in {*here, *there} if here.get(name) != there.get(name))
    if differing:
        lines = [f"{name}: {there.get(name, 'missing')} there, {here.get(name, 'missing')} here" for name in differing]
        raise ValueError(f"the model of rank {get_rank()} differs from that of rank 0:\n  " + "\n  ".join(lines))
    if [*here] != [*there]:  # they are exchanged in their order
        raise ValueError(
            f"the model of rank {get_rank()} has its parameters and buffers in another order: {[*there]} there, "
            f"{[*here]} here; was it built from a set, which has no order?"
        )


def _described(x: Tensor) -> str:
    return f"{x.shape} {x.dtype.name}{'' if x.requires_grad else ' without gradient'}"


class ParameterCheck:
    """Compares the parameters of a model with those of rank 0 from time to time, with ``AGRAD_DEBUG=1``."""

    def __init__(self) -> None:
        self._exchanges = 0

    def note_exchange(self, module: Module) -> None:
        """Raise RuntimeError if parameters differ, even in one bit; compare at the first of every hundred calls.

        Under `agrad.compile`, where values are unknown, nothing is compared.
        """
        world = current()
        if world is None or not world.debugged or traced.get() is not None:
            return
        self._exchanges += 1
        if self._exchanges % _EVERY != 1:
            return
        here = {name: _digest(p) for name, p in module.named_parameters()}
        there = value_of_first(here)
        if differing := [name for name, digest in here.items() if there[name] != digest]:
            raise RuntimeError(
                f"parameters {differing} of rank {get_rank()} differ from those of rank 0; all processes must change "
                "them in the same way: look for code that depends on the rank, or that only some processes run"
            )


def _digest(x: Tensor) -> str:
    return blake2b(x._device.backend.to_numpy(x._data).tobytes(), digest_size=8).hexdigest()
