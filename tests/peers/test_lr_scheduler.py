"""Schedules of the learning rate beside PyTorch's, step by step."""

import pytest

import agrad

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

MADE = [
    ("LambdaLR", {"lr_lambda": lambda t: 0.9**t}),
    ("LambdaLR", {"lr_lambda": [lambda t: 0.9**t, lambda t: 1 / (1 + t)]}),
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 9, 5, 5], "gamma": 0.3}),
    ("MultiStepLR", {"milestones": []}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 10}),
    ("CosineAnnealingLR", {"T_max": 5}),
    ("CosineAnnealingLR", {"T_max": 40, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3}),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2, "eta_min": 0.01}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 0}),
    ("PolynomialLR", {"total_iters": 7, "power": 2.5}),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 1 / t}),
    ("MultiplicativeLR", {"lr_lambda": [lambda t: 0.9, lambda t: 0.8]}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 25}),
    ("OneCycleLR", {"max_lr": [1.0, 2.0], "epochs": 5, "steps_per_epoch": 5, "three_phase": True}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 30, "anneal_strategy": "linear", "pct_start": 0.45}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 30, "cycle_momentum": False, "div_factor": 3.0}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 30, "base_momentum": 0.1, "final_div_factor": 2.0}),
]


def optimizer_of(library, kind="SGD"):
    a, b = (library.ones(1, requires_grad=True) for _ in range(2))
    settings = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(library.optim, kind)([{"params": [a]}, {"params": [b], "lr": 0.2}], lr=0.5, **settings)


def compare(make, steps=25, kind="SGD"):
    """Step the schedulers that `make` returns for each library's optimizer; compare what the groups say."""
    optimizers = [optimizer_of(library, kind) for library in (agrad, torch)]
    schedulers = [make(library, optimizer) for library, optimizer in zip((agrad, torch), optimizers, strict=True)]
    for step in range(steps):
        mine, theirs = (optimizer.param_groups for optimizer in optimizers)
        for a, b in zip(mine, theirs, strict=True):
            assert a["lr"] == pytest.approx(b["lr"], rel=1e-12, abs=1e-15), step
            name = "momentum" if kind == "SGD" else "betas"
            assert a[name] == pytest.approx(b[name], rel=1e-12), step
        for optimizer, taken in zip(optimizers, schedulers, strict=True):
            optimizer.step()
            for scheduler in taken:
                scheduler.step()
        assert schedulers[0][-1].last_epoch == schedulers[1][-1].last_epoch


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "settings"), MADE, ids=[f"{i}-{name}" for i, (name, _) in enumerate(MADE)])
def test_pytorchs_schedules(name, settings, kind):
    compare(lambda library, o: [getattr(library.optim.lr_scheduler, name)(o, **settings)], kind=kind)


def test_pytorchs_products_of_schedules():
    def make(library, optimizer):
        s = library.optim.lr_scheduler
        return [s.LinearLR(optimizer), s.StepLR(optimizer, 4, 0.5), s.ExponentialLR(optimizer, 0.95)]

    compare(make)


SECOND = [
    ("ExponentialLR", {"gamma": 0.8}),
    ("CosineAnnealingLR", {"T_max": 12}),
    ("StepLR", {"step_size": 3}),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2}),
    ("PolynomialLR", {"total_iters": 4}),
]


@pytest.mark.parametrize(("name", "settings"), SECOND, ids=str)
@pytest.mark.parametrize("milestone", [0, 1, 5])
def test_pytorchs_sequences(name, settings, milestone):
    def make(library, optimizer):
        s = library.optim.lr_scheduler
        parts = [s.LinearLR(optimizer, total_iters=5), getattr(s, name)(optimizer, **settings)]
        parts.append(s.MultiStepLR(optimizer, [2, 4]))
        return [s.SequentialLR(optimizer, parts, [milestone, 12])]

    compare(make)


@pytest.mark.parametrize("first", [("LinearLR", {"total_iters": 5}), ("ExponentialLR", {"gamma": 0.8})], ids=str)
def test_pytorchs_sequence_that_ends_in_one_cycle(first):
    def make(library, optimizer):
        s = library.optim.lr_scheduler
        parts = [getattr(s, first[0])(optimizer, **first[1]), s.OneCycleLR(optimizer, max_lr=1.0, total_steps=20)]
        return [s.SequentialLR(optimizer, parts, [5])]

    compare(make, 20)


@pytest.mark.parametrize("settings", [{"T_0": 3}, {"T_0": 2, "T_mult": 2}], ids=str)
def test_pytorchs_warm_restarts_after_each_batch(settings):
    def rates(library):
        scheduler = library.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer_of(library), **settings)
        for epoch in (0.25, 0.5, 2.75, 7.5, 1.25, None, None, 4, None):
            scheduler.step(epoch)
            yield scheduler.get_last_lr()[0]

    for mine, theirs in zip(rates(agrad), rates(torch), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-12)


METRICS = [5.0, 4.0, 4.0, 3.9999, 4.5, 4.0, 4.0, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0, -1.0, -1.0, -1.0, 7.0, 8.0, 8.0, 8.0]


PLATEAUS = [{}, {"cooldown": 2}, {"min_lr": [0.1, 0.05]}, {"eps": 0.1}, {"threshold": 0.3}]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("settings", PLATEAUS, ids=str)
def test_pytorchs_plateaus(mode, threshold_mode, settings):
    optimizers = [optimizer_of(library) for library in (agrad, torch)]
    schedulers = [
        library.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode, factor=0.5, patience=1, threshold_mode=threshold_mode, **settings
        )
        for library, optimizer in zip((agrad, torch), optimizers, strict=True)
    ]
    for metric in METRICS:
        for scheduler in schedulers:
            scheduler.step(metric)
        assert schedulers[0].get_last_lr() == pytest.approx(schedulers[1].get_last_lr(), rel=1e-12)
        assert schedulers[0].best == schedulers[1].best
