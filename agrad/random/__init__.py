"""Random Tensors, drawn on their device by its generator, which `manual_seed` seeds."""

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
