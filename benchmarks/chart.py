"""A bar chart of the ratios in the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .compare import Row

__all__ = ["chart"]

_WITHIN, _MISSED, _FREE = "#2a7f62", "#c8553d", "#8a8f98"
_LEAST: Final = 1 / 20  # smaller ratios are drawn as this one


def chart(lines: Sequence[Row], title: str, path: Path) -> None:
    """Draw a bar for each row: to the left of 1, agrad is faster. A black mark is the goal."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.26 * len(lines)), layout="constrained")
    for place, row in enumerate(reversed(lines)):
        ratio = max(row.ratio, _LEAST)
        color = _FREE if row.goal is None else _WITHIN if row.ratio <= row.goal else _MISSED
        axes.barh(place, ratio - 1, left=1, height=0.7, color=color)
        axes.annotate(
            f"{row.ratio:.2f}", (max(ratio, 1), place), (4, 0), textcoords="offset points", va="center", fontsize=7
        )
        if row.goal is not None:
            axes.plot([row.goal, row.goal], [place - 0.42, place + 0.42], color="black", linewidth=1.5)
    axes.set_xscale("log")
    ticks = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(_LEAST / 1.6, max(2.0, *(row.ratio for row in lines)) * 1.6)
    axes.set_yticks(range(len(lines)), [f"{row.work} / {row.peer}" for row in reversed(lines)], fontsize=7)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("agrad's time or memory, divided by the peer's; black: the goal", fontsize=8)
    axes.set_title(title, fontsize=8)
    figure.savefig(path)
    plt.close(figure)
