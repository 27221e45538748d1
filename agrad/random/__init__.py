"""Random Tensors, drawn on their own device by a generator that `manual_seed` sets."""

from .sampling import (
    bernoulli,
    fork_rng,
    get_state,
    manual_seed,
    normal,
    rand,
    randint,
    randn,
    randperm,
    set_state,
    uniform,
)

__all__ = [
    "bernoulli", "fork_rng", "get_state", "manual_seed", "normal", "rand", "randint", "randn", "randperm", "set_state",
    "uniform",
]  # fmt: skip
