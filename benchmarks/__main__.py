"""Run the benchmarks: all of them, or those named."""

from __future__ import annotations

import argparse
from pathlib import Path

from .chart import chart
from .compare import circumstances, table
from .isolated import measured

ALL = (
    "small_ops",
    "regression",
    "mlp",
    "compiled",
    "lenet",
    "batches",
    "tangents",
    "loader",
    "importing",
    "deep_graph",
    "memory",
    "checkpointing",
    "exchange",
)


def main() -> None:
    """Read the command line, measure, print the table, and draw it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(ALL)}; all by default")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the ratios there too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios there as a bar chart (matplotlib)")
    own = "count the CPU time of the process, on a busy machine; with OMP_NUM_THREADS=1"
    parser.add_argument("--own-time", action="store_true", help=own)
    options = parser.parse_args()
    if unknown := set(options.names) - set(ALL):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    lines, used, gpu = measured(options.names or ALL, options.device, options.own_time)
    where = circumstances(options.device, used, gpu)
    print(f"{where}\n\n{table(lines)}")
    if options.plot:
        chart(lines, where.splitlines()[1].removeprefix("- "), options.plot)
    if options.markdown:
        options.markdown.write_text(f"{where}\n\n{table(lines, times=False)}\n", encoding="utf-8")


main()
