"""Settings that make no sense are refused where they are given, by name."""

from __future__ import annotations

import pytest

from agrad.data import DataLoader, DistributedSampler, RandomSampler, WeightedRandomSampler, random_split, transforms

WITH_SEED = {
    "DataLoader": lambda seed: DataLoader("abc", shuffle=True, seed=seed),
    "RandomSampler": lambda seed: RandomSampler("abc", seed=seed),
    "WeightedRandomSampler": lambda seed: WeightedRandomSampler([1.0], 1, seed=seed),
    "DistributedSampler": lambda seed: DistributedSampler("abc", 1, 0, seed=seed),
    "random_split": lambda seed: random_split("abc", [1, 2], seed=seed),
    "RandomCrop": lambda seed: transforms.RandomCrop(2, seed=seed),
}


@pytest.mark.parametrize("make", WITH_SEED.values(), ids=WITH_SEED.keys())
@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_are_those_of_manual_seed(make, seed):
    with pytest.raises(ValueError, match=rf"a seed must be an integer from 0 to 2\*\*64 - 1, not {seed}"):
        make(seed)
    make(2**64 - 1)


@pytest.mark.parametrize("make", WITH_SEED.values(), ids=WITH_SEED.keys())
def test_seeds_are_integers(make):
    with pytest.raises(TypeError, match=r"seed must be an integer, not 1\.0"):
        make(1.0)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda n: DataLoader("abc", batch_size=n), "batch_size"),
        (lambda n: DataLoader("abc", num_workers=n), "num_workers"),
        (lambda n: DataLoader("abc", prefetch_factor=n), "prefetch_factor"),
        (lambda n: RandomSampler("abc", num_samples=n), "num_samples"),
        (lambda n: transforms.RandomCrop(2, padding=n), "padding"),
        (lambda n: transforms.RandomShift(n), "pixels"),
    ],
)
def test_numbers_are_integers_and_not_too_small(make, name):
    with pytest.raises(TypeError, match=rf"{name} must be an integer, not 2\.0"):
        make(2.0)
    with pytest.raises(ValueError, match=rf"{name} must be [01] or more, not -1"):
        make(-1)
