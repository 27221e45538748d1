"""Learn to write, letter by letter: a recurrent neural network, and how close it comes to the best possible one.

    python examples/char_rnn.py
    python examples/char_rnn.py --epochs 20 --plot char_rnn.png

The network reads a text one character at a time and says each time how likely each character is to be the next one.
It is told nothing about words. Whatever it knows of the text so far it has to keep in its state, a vector that it
changes with every character:

    state = mix(state, tanh(what this character and the old state say))

A gated recurrent unit (GRU) lets each part of the state decide how much of it to mix in, so that something can be
remembered for long: here, whether one animal does something or several, while an adjective and a noun pass by.

The text is made by a small grammar ("two big cats chase the bird."). So we know what a text book does not tell us: how
many bits of surprise a character has on average. No network can do better than that; ours starts near 4.6, the number
for guessing among 25 characters, and ends 2% above the limit. Then it writes, by drawing one character after the
other, and about nine in ten of its sentences are right: words, order, and "cats chase" but "a cat chases".
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import common
from common import BLUE, GREEN, GREY, RED, arguments, at_least_one, parser, progress, pyplot, rate, save, say

import agrad
from agrad import nn, optim
from agrad.nn import functional as F

# The grammar. Each choice is as likely as the others beside it; "the" tells nothing about the number.
DETERMINERS = {"one": ["a", "the", "this"], "many": ["two", "the", "some"]}
ADJECTIVES = ["small", "big", "hungry", "quiet"]
NOUNS = {
    "one": ["cat", "dog", "bird", "child", "fox", "girl"],
    "many": ["cats", "dogs", "birds", "children", "foxes", "girls"],
}
VERBS = {
    "one": ["chases", "sees", "likes", "follows", "finds"],
    "many": ["chase", "see", "like", "follow", "find"],
}
WORDS = sum([*DETERMINERS.values(), *NOUNS.values(), *VERBS.values()], ADJECTIVES)
CHARACTERS = "\n ." + "".join(sorted(set("".join(WORDS))))

BATCH, LENGTH = 32, 50  # texts side by side, and characters between two steps of the optimizer


def phrase(number: str, draw: random.Random) -> str:
    adjective = [draw.choice(ADJECTIVES)] if draw.random() < 0.5 else []
    return " ".join([draw.choice(DETERMINERS[number]), *adjective, draw.choice(NOUNS[number])])


def sentence(draw: random.Random) -> str:
    who, whom = draw.choice(["one", "many"]), draw.choice(["one", "many"])
    return f"{phrase(who, draw)} {draw.choice(VERBS[who])} {phrase(whom, draw)}.\n"


def text(characters: int, draw: random.Random) -> str:
    parts, length = [], 0
    while length < characters:
        parts.append(sentence(draw))
        length += len(parts[-1])
    return "".join(parts)[:characters]


def limit() -> float:
    """Return the bits of surprise per character: those of the choices in a sentence, over its mean length."""

    def mean(words: list[str]) -> float:
        return sum(map(len, words)) / len(words)

    numbers = ("one", "many")
    choices = 2 * (1 + math.log2(3) + 1 + math.log2(len(ADJECTIVES)) / 2 + math.log2(6)) + math.log2(5)
    phrases = [mean(DETERMINERS[n]) + 1 + (mean(ADJECTIVES) + 1) / 2 + mean(NOUNS[n]) for n in numbers]
    verbs = [mean(VERBS[n]) for n in numbers]
    return choices / (mean_of(phrases) * 2 + mean_of(verbs) + len("  .\n"))


def mean_of(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def is_right(line: str) -> bool:
    """Whether the grammar can make a line."""
    either = "(?:" + "|".join(pattern(number, VERBS[number]) for number in ("one", "many")) + ")"
    return re.fullmatch(rf"{either} (?:{pattern('one')}|{pattern('many')})\.", line) is not None


def pattern(number: str, verbs: Sequence[str] = ()) -> str:
    parts = ["|".join(DETERMINERS[number]), "|".join(NOUNS[number])]
    made = rf"(?:{parts[0]}) (?:(?:{'|'.join(ADJECTIVES)}) )?(?:{parts[1]})"
    return rf"{made} (?:{'|'.join(verbs)})" if verbs else made


class Writer(nn.Module):
    """A gated recurrent unit between a table of characters and scores for the next one."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.table = nn.Parameter(agrad.randn(len(CHARACTERS), hidden))  # a row for each character
        self.from_character = nn.Linear(hidden, 3 * hidden)
        self.from_state = nn.Linear(hidden, 3 * hidden)
        self.scores = nn.Linear(hidden, len(CHARACTERS))
        with agrad.no_grad():
            self.from_state.bias[:hidden] = 2.0  # begin by keeping most of the state, or nothing is learned from afar

    def begin(self, texts: int) -> agrad.Tensor:
        return agrad.zeros((texts, self.hidden))

    def forward(self, characters: agrad.Tensor, state: agrad.Tensor) -> tuple[agrad.Tensor, agrad.Tensor]:
        """Return scores of shape (texts, length, characters), and the state after the last character."""
        texts, length = characters.shape
        rows = agrad.take(self.table, characters.reshape(-1), axis=0)
        read = self.from_character(rows).reshape(texts, length, 3 * self.hidden)
        states = []
        for t in range(length):
            state = self.mix(read[:, t], self.from_state(state), state)
            states.append(state)
        return self.scores(agrad.stack(states, axis=1)), state

    def mix(self, read: agrad.Tensor, recalled: agrad.Tensor, state: agrad.Tensor) -> agrad.Tensor:
        n = self.hidden
        gates = agrad.sigmoid(read[:, : 2 * n] + recalled[:, : 2 * n])
        keep, reset = gates[:, :n], gates[:, n:]
        new = agrad.tanh(read[:, 2 * n :] + reset * recalled[:, 2 * n :])
        return new + keep * (state - new)


class Result(NamedTuple):
    """What the training did."""

    writer: Writer
    bits: list[float]  # per character, at each step
    sentences: list[str]
    right: float  # which part of the sentences


def numbers(string: str) -> agrad.Tensor:
    return agrad.asarray([CHARACTERS.index(character) for character in string])


def train(args: Any, draw: random.Random) -> tuple[Writer, list[float]]:
    """Show the writer text that it has not seen, epoch after epoch; return it, and its bits per character."""
    writer = Writer(args.hidden)
    optimizer = optim.Adam(writer.parameters(), lr=args.lr)
    steps = args.epochs * args.steps
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=steps + 1, cycle_momentum=False)
    criterion = nn.CrossEntropyLoss()
    bits: list[float] = []
    for epoch in range(1, args.epochs + 1):
        shown = numbers(text(BATCH * (args.steps * LENGTH + 1), draw)).reshape(BATCH, -1)
        state = writer.begin(BATCH)
        for start in progress(range(0, args.steps * LENGTH, LENGTH), f"epoch {epoch}"):
            now, following = (shown[:, start + i : start + i + LENGTH] for i in (0, 1))
            scores, state = writer(now, state.detach())  # the state goes on, gradients do not reach back further
            loss = criterion(scores.reshape(-1, len(CHARACTERS)), following.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(writer.parameters(), 1.0)  # now and then a gradient explodes on its way back
            optimizer.step()
            scheduler.step()
            bits.append(loss.item() / math.log(2))
            common.stop_unless_finite(bits[-1], f"epoch {epoch}")
        say(f"epoch {epoch:2}/{args.epochs}  bits per character {mean_of(bits[-args.steps :]):.3f}")
    return writer, bits


@agrad.no_grad()
def write(writer: Writer, texts: int, length: int) -> list[str]:
    """Draw characters one after the other, each with the probability that the writer gives it; return whole lines."""
    state, last = writer.begin(texts), numbers("\n" * texts)
    drawn = []
    for _ in progress(range(length), "writing"):
        scores, state = writer(last.reshape(texts, 1), state)
        chance = agrad.rand(texts, len(CHARACTERS)) * 0.999998 + 1e-6
        # Gumbel's trick: with this noise, each score is the largest with just the probability that it stands for.
        last = agrad.argmax(scores[:, 0] - agrad.log(-agrad.log(chance)), axis=1)
        drawn.append(last)
    rows = agrad.stack(drawn, axis=1).tolist()
    return [line for row in rows for line in "".join(CHARACTERS[i] for i in row).split("\n")[:-1]]


@agrad.no_grad()
def surprise(writer: Writer, line: str) -> list[float]:
    """Return the bits of surprise of each character of a line."""
    indices = numbers("\n" + line)
    scores, _ = writer(indices[:-1].reshape(1, -1), writer.begin(1))
    return (F.cross_entropy(scores[0], indices[1:], reduction="none") / math.log(2)).tolist()


def draw_result(result: Result, file: Path) -> None:
    """Draw how the surprise fell, and where in a sentence it is."""
    figure, (left, right) = pyplot().subplots(1, 2, figsize=(13, 4.5), layout="constrained", width_ratios=(2, 3))
    left.plot(range(1, len(result.bits) + 1), result.bits, color=BLUE, linewidth=1)
    left.axhline(limit(), color=RED, linestyle="--")
    where = {"xytext": (0, 4), "textcoords": "offset points", "ha": "left", "color": RED}
    left.annotate("as little as there can be", (1, limit()), **where)
    left.set(xlabel="step", ylabel="bits per character", yscale="log")
    left.set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
    left.minorticks_off()
    line = "this hungry fox follows two children."
    bits = surprise(result.writer, line)
    begins = [i == 0 or line[i - 1] == " " for i in range(len(line))]
    right.bar(range(len(line)), bits, color=[GREEN if begin else GREY for begin in begins])
    right.set_xticks(range(len(line)), list(line.replace(" ", "␣")), family="monospace")
    right.set(ylabel="bits of surprise", title="Surprise is where words begin (green), and where they part")
    right.grid(axis="x", visible=False)
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> Result:
    made = parser(__doc__)
    made.add_argument("--epochs", type=at_least_one, default=12, help="texts to read (default: 12)")
    made.add_argument("--steps", type=at_least_one, default=40, help="steps for each text (default: 40)")
    made.add_argument("--hidden", type=at_least_one, default=96, help="numbers in the state (default: 96)")
    made.add_argument("--lr", type=rate, default=1e-2, help="the largest learning rate (default: 0.01)")
    args = arguments(made, argv)
    with args.device:
        print(f"{len(CHARACTERS)} characters, at best {limit():.3f} bits each, on {args.device}")
        writer, bits = train(args, random.Random(args.seed))
        sentences = write(writer, texts=50, length=200)
        right = mean_of([is_right(line) for line in sentences]) if sentences else 0.0
        result = Result(writer, bits, sentences, right)
        print(f"{right:.0%} of {len(sentences)} sentences that it wrote are right; the first of them:")
        print("\n".join(f"    {line}" for line in sentences[:6]))
        if args.plot:
            draw_result(result, args.plot)
    return result


if __name__ == "__main__":
    main()
