"""Entry: a program, and the function that runs it if its conditions are met."""

from __future__ import annotations

from typing import Any

from ..core.device import Device
from ..random.generators import current
from .capture import captured
from .expand import expanded
from .inputs import Inputs
from .loops import LoopSource
from .program import shortened
from .record import Recording
from .state import State
from .wiring import Wiring

__all__ = ["Entry", "Lowered"]


class Lowered:
    """A recorded program and its Python source.

    Attributes
    ----------
    program : Program
    checks : list of (int, Call)
        The checks of inputs, each with the index of its input.
    source : Source
    """

    def __init__(self, recorded: Recording, tensors: int, device: Device, title: str, jit: str | None) -> None:
        program = recorded.program if jit else expanded(recorded.program, device.backend)
        self.program = shortened(program)
        self.checks = self.program.checks_of_inputs()
        held = [start for start, _ in self.program.state[:tensors]]
        lowered = LoopSource if jit else captured
        self.source = lowered(self.program, device, lambda: current.get().of(device), title, held)


class Entry:
    """A program of a function, bound to the state that it was recorded with.

    Attributes
    ----------
    program : Program
    source : str
        The program as Python source.
    run : callable
        Takes the positional and the keyword arguments of a call; runs the program, or returns MISS if a condition is
        not met.
    """

    def __init__(self, recorded: Recording, lowered: Lowered, inputs: Inputs, state: State, device: Device) -> None:
        wiring = Wiring(recorded, lowered.program, lowered.source, inputs, state, device)
        for i, call in lowered.checks:
            wiring.check(inputs.arrays[i], call)
        if lowered.source.is_native:
            wiring.check_writable()
        self.program, self.source, self.run = lowered.program, lowered.source.text, wiring.made()
        self._conditions, self._failures = wiring.conditions, wiring.failures
        self.program.free_values()

    def difference(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Return why the program cannot be used for a call."""
        if self._failures:
            error = self._failures.pop()
            return f"the program raised {type(error).__name__}: {error}"
        return self._conditions.difference(args, kwargs)
