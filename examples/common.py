"""Helpers of the examples: command-line arguments, a progress bar, plots, and images of handwritten digits."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import agrad
from agrad.data import MNIST, FashionMNIST, TensorDataset

T = TypeVar("T")

# The colour-blind-safe palette of Okabe and Ito.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#555555"


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the arguments that all examples take."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--device", type=_device, default=None, help="cpu (default), cuda, cuda:1, torch, jax, strict")
    made.add_argument("--seed", type=_seed, default=0, help="seed of all random numbers (default: 0)")
    made.add_argument("--plot", type=_drawable, metavar="FILE.png", help="plot the results to this file")
    return made


def _device(name: str) -> agrad.Device:
    try:
        return agrad.Device(name)
    except (ValueError, RuntimeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an integer, not {text!r}") from None


def _seed(text: str) -> int:
    if not 0 <= _whole(text) < 2**64:
        raise argparse.ArgumentTypeError(f"must be from 0 to 2**64 - 1, not {text}")
    return int(text)


def at_least_one(text: str) -> int:
    """Parse an integer of at least 1."""
    if _whole(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return int(text)


def rate(text: str) -> float:
    """Parse a learning rate: a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return number


def writable(name: str) -> Path:
    """Parse the name of a file to write; its folder must exist."""
    file = Path(name)
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {file.parent} to write {file.name} to")
    if file.is_dir():
        raise argparse.ArgumentTypeError(f"{file} is a folder; name a file")
    return file


def exportable(name: str) -> Path:
    """Parse the name of an ONNX file to write; its library must be installed."""
    _device("ndonnx")
    return writable(name)


def _drawable(name: str) -> Path:
    file, kinds = writable(name), pyplot().FigureCanvasBase.get_supported_filetypes()
    if file.suffix.lower()[1:] not in kinds:
        raise argparse.ArgumentTypeError(f"{file.name} must end in one of .{', .'.join(sorted(kinds))}")
    return file


def arguments(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line, and seed the random numbers."""
    return prepare(parser, parser.parse_args(argv))


def prepare(parser: argparse.ArgumentParser, args: argparse.Namespace) -> argparse.Namespace:
    """Set the device to the current one if none was given, and seed the random numbers."""
    try:
        args.device = own_gpu(args.device or agrad.get_device())
    except (ValueError, RuntimeError) as error:  # the environment variable AGRAD_DEVICE names it
        parser.error(f"AGRAD_DEVICE: {error}")
    agrad.manual_seed(args.seed)
    return args


def own_gpu(device: agrad.Device) -> agrad.Device:
    """Return the GPU of this process, one for each local rank; any other device unchanged."""
    rank = agrad.distributed.get_local_rank()
    return agrad.Device(f"cuda:{rank % agrad.cuda.device_count()}") if device.kind == "cuda" and rank else device


def only_first_prints() -> AbstractContextManager[Any]:
    """Return a context in which only the process of rank 0 prints."""
    return nullcontext() if agrad.distributed.get_rank() == 0 else redirect_stdout(StringIO())


def stop_unless_finite(loss: float, label: str) -> None:
    """Exit if training has diverged."""
    if not math.isfinite(loss):
        raise SystemExit(f"{label}: the loss is {loss}. Training diverged: try a smaller --lr")


def progress(items: Iterable[T], label: str) -> Iterable[T]:
    """Iterate over `items` with a progress bar, in a terminal where tqdm is installed.

    Of several processes, only that of rank 0 shows one. Their output goes through mpiexec, so that they cannot tell
    whether it is a terminal: TQDM_DISABLE=1 hides the bar where it is a file.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        return items
    settings: dict[str, Any] = {"disable": None}  # None: hidden if the output is not a terminal
    if agrad.distributed.get_world_size() > 1:
        settings = {"disable": True} if agrad.distributed.get_rank() else {"mininterval": 1.0}
    return tqdm(items, desc=label, leave=False, dynamic_ncols=True, **settings)


def say(line: str) -> None:
    """Print a line above the progress bar, if there is one."""
    try:
        from tqdm import tqdm
    except ImportError:
        print(line)
    else:
        tqdm.write(line)


def pyplot() -> Any:
    """Return matplotlib's pyplot, set to draw into files in the style of all examples."""
    try:
        import matplotlib
    except ImportError:
        raise SystemExit('--plot needs matplotlib; install it with: pip install "agrad[examples]"') from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update(
        {"axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25, "font.size": 11}
    )
    return pyplot


def plain_log_ticks(axis: Any) -> None:
    """Label a logarithmic axis of few decades with plain numbers: 0.02, 0.05, 0.1."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def save(figure: Any, file: Path) -> None:
    """Save a figure to a file, and print its name."""
    try:
        figure.savefig(file, dpi=150)
    except OSError as error:
        raise SystemExit(f"--plot: {error}") from None
    pyplot().close(figure)
    print(f"drew {file}")


def pictures(dataset: str) -> tuple[TensorDataset, TensorDataset, str]:
    """Return a training set, a test set and their name: MNIST, or scikit-learn's digits if MNIST is not available.

    `dataset` is "auto", or the name of the required data set.
    """
    if dataset != "digits":
        kind = FashionMNIST if dataset == "fashion" else MNIST
        try:
            return kind(train=True), kind(train=False), "fashion" if dataset == "fashion" else "mnist"
        except ValueError as error:  # report a damaged file instead of using another data set
            raise SystemExit(f"no {kind.__name__}: {error}") from None
        except (OSError, ImportError) as error:
            if dataset != "auto":
                raise SystemExit(f"no {kind.__name__}: {error}") from None
            print("MNIST is not here and cannot be downloaded: using the 1,797 digits that scikit-learn ships")
    return (*_small_digits(), "digits")


def _small_digits() -> tuple[TensorDataset, TensorDataset]:
    """Return scikit-learn's 8×8 images of handwritten digits; every sixth is in the test set."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit('the small digits need scikit-learn: pip install "agrad[examples]"') from None
    bunch = load_digits()
    images = agrad.expand_dims(agrad.asarray(bunch.images, dtype=agrad.float32) / 16, axis=1)
    digits = TensorDataset(images, agrad.asarray(bunch.target))
    train = [i for i in range(len(digits)) if i % 6]
    return TensorDataset(*digits[train]), TensorDataset(*digits[::6])
