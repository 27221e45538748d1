"""Generate handwritten digits: a variational autoencoder.

    python examples/vae.py
    python examples/vae.py --device cuda --epochs 30 --plot vae.png

An autoencoder maps an image to a short code, and is trained to reconstruct the image from it. To generate images we
could decode random codes, but most of them are unlike any code in training. A variational autoencoder differs in two
points.

1. The encoder returns a distribution of codes, the mean and the variance of a normal distribution, and the decoder gets
   a sample of it. So similar codes must decode to similar images.
2. The loss has a second term, the Kullback-Leibler divergence of this distribution from the standard normal one. So
   together the codes fill the space that the codes of new images are sampled from.

Gradients cannot flow through sampling, so it is reparametrized: in code = mean + deviation · noise, the noise does not
depend on the weights.

The sum of both terms is an upper bound of the negative log-likelihood of an image; it falls to about 106 nats per image
of MNIST in 15 epochs. The plot shows generated digits, and test images next to their reconstructions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import common
from common import BLUE, RED, arguments, at_least_one, parser, progress, pyplot, rate, save, say, stop_unless_finite

import agrad
from agrad import nn, optim
from agrad.data import DataLoader, TensorDataset

EPOCHS = {"mnist": 15, "digits": 200}  # the small digits are few: 12 steps an epoch


class VAE(nn.Module):
    """A variational autoencoder for images of `pixels` pixels, with codes of `latent` numbers."""

    def __init__(self, pixels: int, latent: int, hidden: int = 400) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def forward(self, pictures: agrad.Tensor) -> tuple[agrad.Tensor, agrad.Tensor, agrad.Tensor]:
        """Return the decoder's logits for each pixel, and the mean and the log-variance of the code."""
        encoded = self.encoder(pictures)
        mean, log_variance = encoded[:, : self.latent], encoded[:, self.latent :]
        noise = agrad.randn(mean.shape)
        return self.decoder(mean + agrad.exp(log_variance / 2) * noise), mean, log_variance


def loss_parts(model: VAE, pictures: agrad.Tensor) -> tuple[agrad.Tensor, agrad.Tensor]:
    """Return the cross entropy of the pixels and the divergence of the codes, in nats per image."""
    logits, mean, log_variance = model(pictures)
    pixels = pictures.reshape(logits.shape)
    # A grey value is the target probability: this is the binary cross entropy of sigmoid(logits), without overflow.
    surprise = agrad.sum(agrad.softplus(logits) - pixels * logits)
    divergence = agrad.sum(mean * mean + agrad.exp(log_variance) - log_variance - 1) / 2
    return surprise / len(pictures), divergence / len(pictures)


class Epoch(NamedTuple):
    """The values in a line of the log, in nats per image."""

    surprise: float
    divergence: float

    @property
    def loss(self) -> float:
        return self.surprise + self.divergence


class Result(NamedTuple):
    """The results of the training."""

    model: VAE
    epochs: list[Epoch]
    test: Epoch


def train(model: VAE, data: TensorDataset, args: Any) -> list[Epoch]:
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs, eta_min=args.lr / 20)
    loader = DataLoader(data, args.batch_size, shuffle=True, seed=args.seed)
    epochs = []
    for number in range(1, args.epochs + 1):
        total = agrad.zeros(2)
        for pictures, _ in progress(loader, f"epoch {number}"):
            surprise, divergence = loss_parts(model, pictures)
            optimizer.zero_grad()
            (surprise + divergence).backward()
            optimizer.step()
            total += agrad.stack([surprise.detach(), divergence.detach()]) * len(pictures)
        scheduler.step()
        epochs.append(Epoch(*(total / len(data)).tolist()))
        stop_unless_finite(epochs[-1].loss, f"epoch {number}")
        say(
            f"epoch {number:2}/{args.epochs}  loss {epochs[-1].loss:6.2f} nats: "
            f"pixels {epochs[-1].surprise:6.2f}, code {epochs[-1].divergence:5.2f}"
        )
    return epochs


@agrad.no_grad()
def test_on(model: VAE, data: TensorDataset) -> Epoch:
    total = agrad.zeros(2)
    for pictures, _ in DataLoader(data, batch_size=1000):
        total += agrad.stack(loss_parts(model, pictures)) * len(pictures)
    return Epoch(*(total / len(data)).tolist())


@agrad.no_grad()
def invent(model: VAE, count: int) -> agrad.Tensor:
    """Return generated images, as rows of grey values."""
    return agrad.sigmoid(model.decoder(agrad.randn(count, model.latent)))


@agrad.no_grad()
def through_the_code(model: VAE, pictures: agrad.Tensor) -> agrad.Tensor:
    """Return the reconstructions of images, from the mean of their codes."""
    return agrad.sigmoid(model.decoder(model.encoder(pictures)[:, : model.latent]))


def mosaic(rows: agrad.Tensor, columns: int) -> Any:
    """Return images side by side, with white between them, as one NumPy array."""
    side = round(rows.shape[1] ** 0.5)
    framed = agrad.pad(rows.reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)))
    return in_a_grid(framed, columns).numpy()


def paired(left: agrad.Tensor, right: agrad.Tensor, columns: int) -> Any:
    """Return pairs of images as one NumPy array: the second beside the first, and a wide gap between pairs."""
    side = round(left.shape[1] ** 0.5)
    pairs = agrad.concat([left.reshape(-1, side, side), right.reshape(-1, side, side)], axis=2)
    return in_a_grid(agrad.pad(pairs, ((0, 0), (1, 1), (side // 4, side // 4))), columns).numpy()


def in_a_grid(tiles: agrad.Tensor, columns: int) -> agrad.Tensor:
    """Return images of shape (count, height, width) as one image, row by row."""
    _, height, width = tiles.shape
    rows = tiles.reshape(-1, columns, height, width)
    return agrad.permute_dims(rows, (0, 2, 1, 3)).reshape(-1, columns * width)


def draw(result: Result, test: TensorDataset, file: Path, rows: int = 8) -> None:
    """Plot generated digits, test images with their reconstructions, and the loss."""
    figure, axes = pyplot().subplots(1, 3, figsize=(15, 5), layout="constrained")
    pictures = test[: 4 * rows][0].reshape(4 * rows, -1)
    pairs = paired(pictures, through_the_code(result.model, pictures), 4)
    for axis, shown, title in (
        (axes[0], mosaic(invent(result.model, rows * rows), rows), "generated"),
        (axes[1], pairs, "test images, each with its reconstruction at its right"),
    ):
        axis.imshow(shown, cmap="gray_r", vmin=0, vmax=1)
        axis.set_title(title)
        axis.set_axis_off()
    numbers = range(1, len(result.epochs) + 1)
    axes[2].plot(numbers, [epoch.loss for epoch in result.epochs], color=BLUE, label="loss")
    axes[2].plot(numbers, [epoch.divergence for epoch in result.epochs], color=RED, label="of which the code's")
    axes[2].set(xlabel="epoch", ylabel="nats per picture", ylim=(0, None))
    axes[2].xaxis.get_major_locator().set_params(integer=True)
    axes[2].legend()
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> Result:
    made = parser(__doc__)
    rounds = "passes over the training data (default: 15, or 200 for the small digits)"
    made.add_argument("--epochs", type=at_least_one, default=None, help=rounds)
    made.add_argument("--lr", type=rate, default=1e-3, help="the first learning rate (default: 0.001)")
    made.add_argument("--batch-size", type=at_least_one, default=128, help="images per step (default: 128)")
    made.add_argument("--latent", type=at_least_one, default=16, help="numbers in a code (default: 16)")
    which = "MNIST, scikit-learn's small digits, or the first that is available (default)"
    made.add_argument("--dataset", choices=("auto", "mnist", "digits"), default="auto", help=which)
    args = arguments(made, argv)
    with args.device:
        data, test, name = common.pictures(args.dataset)
        print(f"{name}: {len(data):,} digits to train, {len(test):,} to test, on {args.device}")
        args.epochs = EPOCHS[name] if args.epochs is None else args.epochs
        model = VAE(data[0][0].size, args.latent)
        epochs = train(model, data, args)
        result = Result(model, epochs, test_on(model, test))
        print(f"test set: {result.test.loss:.2f} nats")
        if args.plot:
            draw(result, test, args.plot)
    return result


if __name__ == "__main__":
    main()
