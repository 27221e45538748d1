"""Classify handwritten digits: a complete training loop, with checkpoints.

    python examples/mnist.py
    python examples/mnist.py --device cuda --epochs 10 --plot mnist.png
    python examples/mnist.py --resume mnist.safetensors --epochs 20
    python examples/mnist.py --compile
    python examples/mnist.py --export mnist.onnx
    mpiexec -n 2 python examples/mnist.py

A multi-layer perceptron takes the 784 pixels of an image and returns ten logits, one per digit. It is trained on the
60,000 images of MNIST in random batches. For each batch it

1. computes the logits and the loss, which is small where the right digit has the largest logit (forward),
2. computes the gradient of the loss with respect to every weight (backward),
3. moves each weight a little against its gradient (the optimizer's step).

Ten passes over the images (epochs) reach a test accuracy above 98% on 10,000 other images. The code does not depend on
the device: `--device cuda` trains the same network on a GPU.

With --compile, a step is recorded once, and then runs as a list of array calls. The result is the same.

With --export the trained network becomes an ONNX file, which onnxruntime runs without agrad.

Under mpiexec, each process trains on its own part of the images, in batches of --batch-size, and all take the same
steps with the mean of their gradients: see docs/distributed.md.

After each epoch a checkpoint is written: the weights, the optimizer's momentum and the number of epochs. You can stop
with Ctrl-C and resume with --resume: the result is the same as without the interruption.
"""

from __future__ import annotations

import math
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeAlias

import common
from common import BLUE, GREY, RED, at_least_one, parser, pictures, prepare, progress, pyplot, rate, save, writable

import agrad
from agrad import distributed, nn, optim
from agrad.data import DataLoader, DistributedSampler, TensorDataset

MOMENTUM = 0.9
SETTINGS = ("dataset", "seed", "lr", "batch_size")  # saved in a checkpoint, and used to resume


class Schedule(NamedTuple):
    """How long to train, and the factor of the learning rate from epoch to epoch."""

    epochs: int
    decay: float


Step: TypeAlias = Callable[[agrad.Tensor, agrad.Tensor], agrad.Tensor]


class Epoch(NamedTuple):
    """The values in a line of the log."""

    loss: float
    accuracy: float
    seconds: float
    images_per_second: float


def build(pixels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, 256),
        nn.ReLU(),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


class Run:
    """A training run, with all the state that a checkpoint saves."""

    name, lr = "mnist", 0.1
    schedules: ClassVar = {"mnist": Schedule(10, 0.8), "digits": Schedule(10, 0.8)}

    def __init__(self, settings: dict[str, Any], picture: agrad.Tensor, compiled: bool = False) -> None:
        self.settings = settings
        self.schedule = self.schedules[settings["dataset"]]
        self.model = distributed.DataParallel(self.build(picture))
        self.optimizer = optim.SGD(self.model.parameters(), lr=settings["lr"], momentum=MOMENTUM)
        self.step = training_step(self.model, self.optimizer)
        if compiled:
            self.step = agrad.compile(self.step, state=[self.model, self.optimizer], keep_grads=False)
        self.epochs: list[Epoch] = []

    def build(self, picture: agrad.Tensor) -> nn.Module:
        return build(picture.size)

    def state(self) -> dict[str, Any]:
        return {
            "example": self.name,
            "settings": self.settings,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epochs": [epoch._asdict() for epoch in self.epochs],
            "random": agrad.random.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epochs = [Epoch(**epoch) for epoch in state["epochs"]]
        agrad.random.set_state(state["random"])

    def train(self, data: TensorDataset, test: TensorDataset) -> Epoch:
        """Train for one more epoch, then test."""
        label = f"epoch {len(self.epochs) + 1}"
        sampler = DistributedSampler(data, seed=self.settings["seed"])
        sampler.set_epoch(len(self.epochs))  # the seed and the epoch determine the order
        loader = DataLoader(data, self.settings["batch_size"], sampler=sampler)
        start = time.perf_counter()
        loss = train_epoch(self.model, loader, self.step, label)
        seconds = time.perf_counter() - start
        self.epochs.append(Epoch(loss, accuracy(self.model, test), seconds, len(data) / seconds))
        self.optimizer.param_groups[0]["lr"] *= self.schedule.decay
        return self.epochs[-1]


def training_step(model: nn.Module, optimizer: optim.SGD) -> Step:
    """Return a function that takes a step on a batch, and returns the loss before it."""
    criterion = nn.CrossEntropyLoss()

    def step(images: agrad.Tensor, labels: agrad.Tensor) -> agrad.Tensor:
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def train_epoch(model: nn.Module, loader: DataLoader, step: Step, label: str) -> float:
    """Take one step per batch, and return the mean loss."""
    model.train()
    total = agrad.asarray(0.0)
    for count, (images, labels) in enumerate(progress(loader, label), start=1):
        total += step(images, labels)
        if count % 100 == 0 or count == len(loader):  # not at each step: reading a value waits for the GPU
            common.stop_unless_finite(total.item(), label)
    return distributed.all_reduce(total, "mean").item() / len(loader)


@agrad.no_grad()
def predict(model: nn.Module, data: TensorDataset) -> agrad.Tensor:
    """Return the predicted digit of each image."""
    model.eval()
    return agrad.concat([agrad.argmax(model(images), axis=1) for images, _ in DataLoader(data, batch_size=1000)])


def accuracy(model: nn.Module, data: TensorDataset) -> float:
    _, labels = data.tensors
    right = predict(model, data) == labels
    return agrad.sum(right.astype(agrad.int64)).item() / len(data)


def fit(run: Run, data: TensorDataset, test: TensorDataset, epochs: int, file: Path) -> None:
    """Train up to a number of epochs, with a checkpoint after each; after Ctrl-C, print how to resume."""
    write(run, file)
    if len(run.epochs) >= epochs:
        print(f"nothing is left to train: {len(run.epochs)} epochs are done, and --epochs asks for {epochs} in all")
    try:
        while len(run.epochs) < epochs:
            done = run.train(data, test)
            print(
                f"epoch {len(run.epochs):2}/{epochs}  loss {done.loss:.4f}  test accuracy {done.accuracy:7.2%}  "
                f"{done.seconds:5.2f} s  {done.images_per_second:,.0f} images/s",
                flush=True,
            )
            write(run, file)
    except KeyboardInterrupt:
        print(f"\nstopped; go on with: python examples/{run.name}.py --resume {file} --epochs {epochs}")
        raise SystemExit(130) from None


def write(run: Run, file: Path) -> None:
    if distributed.get_rank():
        return
    try:
        agrad.save(run.state(), file)
    except OSError as error:
        raise SystemExit(f"the checkpoint cannot be written: {error}") from None


def draw(run: Run, test: TensorDataset, file: Path) -> None:
    """Plot the loss and accuracy, and misclassified digits."""
    figure = pyplot().figure(figsize=(12, 5.5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(2, 3))
    draw_curves(left, run.epochs)
    draw_mistakes(right, run.model, test)
    save(figure, file)


def draw_curves(figure: Any, epochs: list[Epoch]) -> None:
    numbers = range(1, len(epochs) + 1)
    top, bottom = figure.subplots(2, 1, sharex=True)
    top.plot(numbers, [epoch.loss for epoch in epochs], "o-", color=BLUE)
    top.set(ylabel="training loss", yscale="log")
    common.plain_log_ticks(top.yaxis)
    bottom.plot(numbers, [100 * epoch.accuracy for epoch in epochs], "o-", color=RED)
    bottom.set(xlabel="epoch", ylabel="test accuracy (%)")
    bottom.xaxis.get_major_locator().set_params(integer=True)


def draw_mistakes(figure: Any, model: nn.Module, test: TensorDataset, most: int = 28) -> None:
    pictures, labels = test.tensors
    seen = predict(model, test).tolist()
    meant = labels.tolist()
    wrong = [i for i in range(len(test)) if seen[i] != meant[i]]
    shown = f", the first {most}:" if len(wrong) > most else ""
    figure.suptitle(f"{len(wrong)} of {len(test):,} misread{shown}")
    count = max(1, min(most, len(wrong)))
    columns = math.ceil(math.sqrt(1.5 * count))
    axes = figure.subplots(math.ceil(count / columns), columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, i in zip(axes, wrong, strict=False):
        axis.imshow(pictures[i].numpy().squeeze(), cmap="gray_r")
        axis.set_title(f"{meant[i]}, read {seen[i]}", fontsize=10, color=GREY)


def write_results(run: Run, test: TensorDataset, args: Namespace) -> None:
    """Write the plot and the exported network, if they are asked for."""
    if args.plot:
        draw(run, test, args.plot)
    if args.export:
        export(run, test[0][0], args.export)


def export(run: Run, picture: agrad.Tensor, file: Path) -> None:
    """Write the network as a graph for any number of images."""
    agrad.onnx.export(run.model, picture[None], file, dynamic_axes={0: "batch"})


def load(file: Path, kind: type[Run]) -> dict[str, Any]:
    try:
        state = agrad.load(file)
    except (OSError, ValueError) as error:
        raise SystemExit(f"--resume: {error}") from None
    if not isinstance(state, dict) or state.get("example") != kind.name:
        raise SystemExit(f"--resume: {file} was not written by this example")
    return state


def parse(argv: Sequence[str] | None, kind: type[Run], doc: str | None) -> Namespace:
    made = parser(doc)
    rounds = ", ".join(f"{schedule.epochs} for {name}" for name, schedule in kind.schedules.items())
    total = f"passes over the training data, in all (default: {rounds})"
    made.add_argument("--epochs", type=at_least_one, default=None, help=total)
    first = f"learning rate of the first epoch (default: {kind.lr})"
    made.add_argument("--lr", type=rate, default=kind.lr, help=first)
    made.add_argument(
        "--batch-size", type=at_least_one, default=128, help="images per step, in each process (default: 128)"
    )
    which = "auto is MNIST, or scikit-learn's small digits if MNIST is not available (default)"
    made.add_argument("--dataset", choices=("auto", *kind.schedules), default="auto", help=which)
    written = f"written after each epoch (default: the one of --resume, or {kind.name}.safetensors)"
    made.add_argument("--checkpoint", type=writable, metavar="FILE", help=written)
    made.add_argument("--compile", action="store_true", help="record a step once, and run it as a program")
    written = "write the trained network to this ONNX file"
    made.add_argument("--export", type=common.exportable, metavar="FILE.onnx", help=written)
    made.add_argument("--resume", type=Path, metavar="FILE", help="resume from this checkpoint, with its settings")
    defaults = {name: made.get_default(name) for name in SETTINGS}
    made.set_defaults(**dict.fromkeys(SETTINGS))  # None: not given
    args = made.parse_args(argv)
    given = {name: value for name in SETTINGS if (value := getattr(args, name)) is not None}
    if args.resume and given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        made.error(f"--resume goes on with the settings of its checkpoint: leave out {options}")
    vars(args).update(defaults | given)
    return prepare(made, args)


def main(argv: Sequence[str] | None = None, kind: type[Run] = Run, doc: str | None = __doc__) -> Run:
    args = parse(argv, kind, doc)
    with args.device, common.only_first_prints():
        state = load(args.resume, kind) if args.resume else None
        settings = state["settings"] if state else {name: getattr(args, name) for name in SETTINGS}
        data, test, settings["dataset"] = pictures(settings["dataset"])
        print(f"{settings['dataset']}: {len(data):,} pictures to train, {len(test):,} to test, on {args.device}")
        run = kind(settings, data[0][0], args.compile)
        if state:
            run.restore(state)
        epochs = run.schedule.epochs if args.epochs is None else args.epochs
        fit(run, data, test, epochs, args.checkpoint or args.resume or Path(f"{kind.name}.safetensors"))
        if distributed.get_rank() == 0:
            write_results(run, test, args)
    return run


if __name__ == "__main__":
    distributed.init()
    main()
