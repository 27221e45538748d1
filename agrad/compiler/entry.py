"""Entry: a program, and the function that runs it where it holds."""

from __future__ import annotations

from typing import Any

from ..core.device import Device
from ..random.generators import current
from .capture import captured
from .expand import expanded
from .inputs import Inputs
from .program import shortened
from .record import Recording
from .state import State
from .wiring import Wiring

__all__ = ["Entry"]


class Entry:
    """A program of a function, bound to the state that it was recorded with.

    Attributes
    ----------
    source : str
        The program in Python.
    run : callable
        Takes the positional and the keyword arguments of a call; runs the program, or returns MISS if it does not hold.
    """

    def __init__(self, recorded: Recording, inputs: Inputs, state: State, device: Device, title: str) -> None:
        program = shortened(expanded(recorded.program, device.backend))
        checks = program.checks_of_inputs()
        source = captured(program, device, lambda: current.get().of(device), title)
        wiring = Wiring(recorded, program, source, inputs, state, device)
        for i, call in checks:
            wiring.check(inputs.arrays[i], call)
        self.source, self.run = source.text, wiring.made()
        self._conditions, self._failures = wiring.conditions, wiring.failures

    def difference(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Return what keeps the program from serving a call."""
        if self._failures:
            error = self._failures.pop()
            return f"the program raised {type(error).__name__}: {error}"
        return self._conditions.difference(args, kwargs)
