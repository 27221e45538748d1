"""The results of `steps` as a Markdown table and a bar chart.

python -m benchmarks.gpu.report results.jsonl table.md chart.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

COLOURS: Final = {
    "agrad": "#c0392b",
    "agrad, one CUDA graph": "#e59a8f",
    "CuPy by hand": "#7f8c8d",
    "PyTorch": "#2e6da4",
    "PyTorch, compiled": "#6aa3d5",
    "PyTorch, one CUDA graph": "#a9cbe8",
}


def title(line: dict[str, Any]) -> str:
    """Return the name of a benchmark with its precision."""
    return f"{line['work']}, {'TF32' if line['tf32'] else 'float32'}"


def table(lines: list[dict[str, Any]]) -> str:
    """Return the results as a Markdown table, with agrad's time divided by that of each side."""
    ours = {title(line): line["seconds"] for line in lines if line["side"] == "agrad"}
    rows = ["| step of | side | µs | agrad's ratio to it | memory held |", "|---|---|---|---|---|"]
    for line in lines:
        ratio = ours[title(line)] / line["seconds"]
        memory = "" if line["memory"] is None else f"{line['memory'] / 1e6:.1f} MB"
        rows.append(f"| {title(line)} | {line['side']} | {line['seconds'] * 1e6:.0f} | {ratio:.2f} | {memory} |")
    return f"{lines[0]['circumstances']}\n\n" + "\n".join(rows) + "\n"


def chart(lines: list[dict[str, Any]], path: Path) -> None:
    """Draw the microseconds of a step, a group of bars per benchmark."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch

    works = list(dict.fromkeys(map(title, lines)))
    sides = [side for side in COLOURS if any(line["side"] == side for line in lines)]
    height = 0.8 / len(sides)
    figure, axes = plt.subplots(figsize=(8, 0.8 + (0.25 + 0.2 * len(sides)) * len(works)), layout="constrained")
    for line in lines:
        y = works.index(title(line)) + (sides.index(line["side"]) - (len(sides) - 1) / 2) * height
        width = line["seconds"] * 1e6
        axes.barh(y, width, height * 0.92, color=COLOURS[line["side"]])
        axes.text(width, y, f" {width:.0f}", va="center", fontsize=8)
    axes.set_yticks(range(len(works)), works)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("microseconds for a training step (less is better)")
    axes.spines[["top", "right"]].set_visible(False)
    patches = [Patch(color=COLOURS[side], label=side) for side in sides]
    figure.legend(handles=patches, loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Read the results, and write the table and the chart."""
    results, markdown, picture = map(Path, sys.argv[1:])
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    text = table(lines)
    print(text)
    markdown.write_text(text, encoding="utf-8")
    chart(lines, picture)


if __name__ == "__main__":
    main()
