"""What the session says at its end: how many functions of each library were found to do what the table says."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.ecosystem.libraries import STATUSES


def pytest_terminal_summary(terminalreporter: Any) -> None:
    held: set[tuple[str, ...]] = set()
    for report in terminalreporter.stats.get("passed", []):
        held.update(tuple(value) for name, value in report.user_properties if name == "consumer")
    counts = Counter((library, device, status) for device, library, status, _ in held)
    if counts:
        terminalreporter.section("functions by library, and what becomes of a gradient in them")
    for library, device in dict.fromkeys(key[:2] for key in sorted(counts)):
        told = ", ".join(f"{status} in {counts[library, device, status]}" for status in STATUSES)
        terminalreporter.write_line(f"{library} on {device}: {told}")
