"""Check a backend: ``python -m agrad.testing.backend NAME``.

NAME is a device, as ``mlx``, or where a backend is that is not registered yet, as ``mypackage.module:MyBackend``.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from ...backends import register_backend
from ...core.device import Device
from .checks import Outcome, check_programs, check_rows

__all__ = ["find_device", "main", "report"]

_TITLES = {
    "is not compared": "not compared, as the device 'cpu' lacks it here",
    "is missing": "the library lacks (an error says so, and what to write instead)",
    "fails": "fails",
    "differs": "differs from NumPy",
}


def find_device(name: str) -> Device:
    """Return the device of that name, or of the backend ``module:Backend``, which is registered if it is not yet."""
    module, _, attribute = name.partition(":")
    if not attribute or attribute[0].islower() or attribute[0].isdigit():
        return Device(name)
    sys.path.insert(0, str(Path.cwd()))
    backend = getattr(import_module(module), attribute)
    try:
        return Device(backend.kind)
    except ValueError:
        return Device(register_backend(backend).kind)


def report(outcomes: Sequence[Outcome]) -> str:
    """Return what agrees and what does not, as text."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    lines = [f"{counts['agrees']} of {len(outcomes)} agree with NumPy"]
    for verdict, title in _TITLES.items():
        members = [outcome for outcome in outcomes if outcome.verdict == verdict]
        if members:
            lines += ["", f"{title}: {len(members)}", *(f"  {outcome.name}: {outcome.reason}" for outcome in members)]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if something fails or differs, and 0 if the library has all or only lacks something."""
    parser = argparse.ArgumentParser("python -m agrad.testing.backend", description="Check a backend.")
    parser.add_argument("name", help="a device, or module:Backend")
    parser.add_argument("-k", dest="part", default="", help="only rows and programs with this in their name")
    given = parser.parse_args(arguments)
    try:
        device = find_device(given.name)
    except (ImportError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        parser.error(str(error))
    outcomes = [*check_programs(device, given.part), *check_rows(device, given.part)]
    print(report(outcomes))
    return int(any(outcome.verdict in ("fails", "differs") for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
