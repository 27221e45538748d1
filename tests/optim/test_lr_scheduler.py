"""Schedules of the learning rate: what they promise, their state, and what they refuse."""

import math
import warnings

import pytest

import agrad
from agrad import nn, optim
from agrad.optim import lr_scheduler as schedules


def sgd(lr=1.0, momentum=0.9):
    return optim.SGD([{"params": nn.Parameter([1.0])}, {"params": nn.Parameter([1.0]), "lr": lr / 2}], lr, momentum)


def walk(scheduler, steps):
    """Step, and return the learning rates of both groups each time."""
    rates = [scheduler.get_last_lr()]
    for _ in range(steps):
        scheduler.optimizer.step()
        scheduler.step(*([1.0] if isinstance(scheduler, schedules.ReduceLROnPlateau) else []))
        rates.append(scheduler.get_last_lr())
        assert rates[-1] == [group["lr"] for group in scheduler.optimizer.param_groups]
    return rates


class Decay:
    def __init__(self, by):
        self.by = by

    def __call__(self, epoch):
        return self.by**epoch


MADE = {
    "LambdaLR": lambda o: schedules.LambdaLR(o, [lambda t: 0.9**t, Decay(0.8)]),
    "StepLR": lambda o: schedules.StepLR(o, 3, gamma=0.5),
    "MultiStepLR": lambda o: schedules.MultiStepLR(o, [2, 5, 5, 8], gamma=0.5),
    "ExponentialLR": lambda o: schedules.ExponentialLR(o, 0.9),
    "LinearLR": lambda o: schedules.LinearLR(o, 0.25, 0.75, total_iters=6),
    "CosineAnnealingLR": lambda o: schedules.CosineAnnealingLR(o, 5, eta_min=0.01),
    "CosineAnnealingWarmRestarts": lambda o: schedules.CosineAnnealingWarmRestarts(o, 2, 2, eta_min=0.01),
    "ConstantLR": lambda o: schedules.ConstantLR(o, 0.25, total_iters=6),
    "PolynomialLR": lambda o: schedules.PolynomialLR(o, 8, power=2.0),
    "MultiplicativeLR": lambda o: schedules.MultiplicativeLR(o, lambda t: 0.9),
    "OneCycleLR": lambda o: schedules.OneCycleLR(o, [1.0, 0.5], total_steps=20),
    "ReduceLROnPlateau": lambda o: schedules.ReduceLROnPlateau(o, patience=1, cooldown=1, min_lr=[0.1, 0.0]),
    "SequentialLR": lambda o: schedules.SequentialLR(
        o, [schedules.LinearLR(o, total_iters=3), schedules.CosineAnnealingLR(o, 4)], [3]
    ),
}
every = pytest.mark.parametrize("make", MADE.values(), ids=MADE.keys())


@pytest.mark.parametrize(
    ("make", "factor"),
    [
        (MADE["StepLR"], lambda t: 0.5 ** (t // 3)),
        (MADE["MultiStepLR"], lambda t: 0.5 ** sum(m <= t for m in (2, 5, 5, 8))),
        (MADE["ExponentialLR"], lambda t: 0.9**t),
        (MADE["LinearLR"], lambda t: 0.25 + 0.5 * min(t, 6) / 6),
        (lambda o: schedules.CosineAnnealingLR(o, 5), lambda t: (1 + math.cos(math.pi * t / 5)) / 2),
        (lambda o: schedules.CosineAnnealingLR(o, 1), lambda t: (1 + math.cos(math.pi * t)) / 2),
        (lambda o: schedules.LambdaLR(o, lambda t: 1 / (1 + t)), lambda t: 1 / (1 + t)),
        (MADE["ConstantLR"], lambda t: 0.25 if t < 6 else 1.0),
        (MADE["PolynomialLR"], lambda t: (1 - min(t, 8) / 8) ** 2),
        (lambda o: schedules.PolynomialLR(o, 0), lambda t: 1.0),
        (MADE["MultiplicativeLR"], lambda t: 0.9**t),
        (
            lambda o: schedules.CosineAnnealingWarmRestarts(o, 3),
            lambda t: (1 + math.cos(math.pi * (t % 3) / 3)) / 2,
        ),
    ],
)
def test_closed_forms(make, factor):
    for t, (first, second) in enumerate(walk(make(sgd()), 15)):
        assert first == pytest.approx(factor(t), abs=1e-12)
        assert second == pytest.approx(factor(t) / 2, abs=1e-12)


@every
def test_resumed_as_if_never_stopped(make, tmp_path):
    optimizer = sgd()
    scheduler = make(optimizer)
    walk(scheduler, 4)
    agrad.save({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, tmp_path / "state")
    expected = walk(scheduler, 10)
    saved = agrad.load(tmp_path / "state")
    other = sgd()
    resumed = make(other)
    other.load_state_dict(saved["optimizer"])
    resumed.load_state_dict(saved["scheduler"])
    assert walk(resumed, 10) == expected
    settings = [{k: v for k, v in group.items() if k != "params"} for group in other.param_groups]
    assert settings == [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]


def test_the_attributes_of_callables_are_saved():
    ours, other = (schedules.LambdaLR(sgd(), Decay(by)) for by in (0.5, 0.25))
    other.load_state_dict(ours.state_dict())
    assert other.lr_lambdas[0].by == 0.5
    assert ours.state_dict()["lr_lambdas"][0] == {"by": 0.5}


def test_warm_restarts_in_the_middle_of_epochs():
    scheduler = schedules.CosineAnnealingWarmRestarts(sgd(), T_0=2, T_mult=3)
    scheduler.optimizer.step()
    for epoch, part in ((0.5, 0.25), (3.5, 0.25), (3, 1 / 6), (8.0, 0.0)):
        scheduler.step(epoch)
        assert scheduler.get_last_lr()[0] == pytest.approx((1 + math.cos(math.pi * part)) / 2)
        assert scheduler.last_epoch == int(epoch)
    with pytest.raises(ValueError, match="epoch must be 0 or more, not -1"):
        scheduler.step(-1)


def test_warm_restarts_go_on_from_a_step():
    whole = walk(schedules.CosineAnnealingWarmRestarts(sgd(), 2, 2), 12)
    optimizer = sgd()
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    assert walk(schedules.CosineAnnealingWarmRestarts(optimizer, 2, 2, last_epoch=6), 5) == whole[7:]


def test_two_schedules_multiply():
    optimizer = sgd()
    both = [schedules.StepLR(optimizer, 2, 0.5), schedules.ExponentialLR(optimizer, 0.9)]
    for _ in range(5):
        optimizer.step()
        for scheduler in both:
            scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5**2 * 0.9**5)


def test_one_cycle_moves_momentum_the_other_way():
    optimizer = sgd()
    scheduler = schedules.OneCycleLR(optimizer, 1.0, epochs=2, steps_per_epoch=5, pct_start=0.5, three_phase=False)
    seen = []
    for _ in range(10):
        seen.append((scheduler.get_last_lr()[0], optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        scheduler.step()
    rates, momenta = zip(*seen, strict=True)
    assert rates.index(max(rates)) == momenta.index(min(momenta)) == 4
    assert (max(rates), min(momenta), momenta[0], momenta[-1]) == (1.0, 0.85, 0.95, 0.95)
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[-1] == pytest.approx(1 / 25e4)
    with pytest.raises(ValueError, match="has 10 steps"):
        scheduler.step()


def test_one_cycle_with_betas():
    optimizer = optim.Adam([nn.Parameter([1.0])])
    schedules.OneCycleLR(optimizer, 1.0, total_steps=10)
    assert optimizer.param_groups[0]["betas"] == (0.95, 0.999)


@pytest.mark.parametrize(("total", "part"), [(10, 0.1), (10, 1.0), (10, 0.0), (1, 0.3)])
def test_one_cycle_at_its_limits(total, part):
    scheduler = schedules.OneCycleLR(sgd(), 1.0, total_steps=total, pct_start=part)
    assert all(0 < lr <= 1 for rates in walk(scheduler, total - 1) for lr in rates)


@pytest.mark.parametrize(
    "make",
    [
        lambda o: schedules.LinearLR(o, start_factor=0.9, end_factor=0.0, total_iters=59),
        lambda o: schedules.OneCycleLR(o, 1.0, total_steps=59, anneal_strategy="linear"),
    ],
    ids=["LinearLR", "OneCycleLR"],
)
def test_no_schedule_ends_below_zero(make):
    optimizer = sgd()
    assert all(lr >= 0 for rates in walk(make(optimizer), 59) for lr in rates)
    sgd().load_state_dict(optimizer.state_dict())


def test_a_plateau():
    optimizer = sgd()
    scheduler = schedules.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, threshold=0.1)
    rates = []
    for loss in (1.0, 0.95, 0.95, agrad.asarray(0.95), 0.5, 0.5, 0.5, 0.5):
        scheduler.step(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25]


def test_a_plateau_reduces_the_rate_of_a_group_that_was_added():
    optimizer = sgd()
    scheduler = schedules.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, min_lr=0.3)
    optimizer.add_param_group({"params": [nn.Parameter(1.0)], "lr": 4.0})
    for _ in range(2):
        scheduler.step(1.0)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.3, 2.0]


def test_a_plateau_asks_for_the_smallest_rate_of_a_group_that_was_added():
    optimizer = sgd()
    scheduler = schedules.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, min_lr=[0.5, 0.1])
    optimizer.add_param_group({"params": [nn.Parameter(1.0)]})
    scheduler.step(1.0)
    with pytest.raises(ValueError, match=r"2 values for the optimizer's 3 parameter groups.*min_lrs.append"):
        scheduler.step(1.0)
    scheduler.min_lrs.append(0.0)
    scheduler.step(1.0)


def test_a_new_scheduler_keeps_the_first_learning_rate():
    optimizer = sgd()
    walk(schedules.ExponentialLR(optimizer, 0.5), 2)
    assert [group["initial_lr"] for group in optimizer.param_groups] == [1.0, 0.5]
    assert schedules.ExponentialLR(optimizer, 0.5, last_epoch=1).last_epoch == 2


def test_the_order_of_the_calls_is_checked():
    optimizer = sgd()
    scheduler = schedules.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match=r"before optimizer.step\(\)"):
        scheduler.step()
    with warnings.catch_warnings(action="error"):
        scheduler.step()


def test_a_schedule_of_an_optimizer_that_is_then_sharded():
    weight = agrad.tensor(1.0, requires_grad=True)
    plain = optim.SGD([weight], lr=0.1)
    scheduler = schedules.ExponentialLR(plain, 0.5)
    sharded = optim.Sharded(plain)
    sharded.step()
    scheduler.step()  # no warning
    assert sharded.param_groups[0]["lr"] == 0.05


def test_what_they_refuse():
    optimizer, other = sgd(), sgd()
    with pytest.raises(TypeError, match="needs an optimizer, not Linear"):
        schedules.StepLR(nn.Linear(1, 1), 1)
    with pytest.raises(KeyError, match="initial_lr"):
        schedules.StepLR(optimizer, 1, last_epoch=3)
    with pytest.raises(ValueError, match="3 values for the optimizer's 2"):
        schedules.LambdaLR(optimizer, [Decay(1)] * 3)
    with pytest.raises(ValueError, match="start_factor"):
        schedules.LinearLR(optimizer, start_factor=0)
    with pytest.raises(ValueError, match="end_factor"):
        schedules.LinearLR(optimizer, end_factor=2)
    with pytest.raises(ValueError, match="needs total_steps"):
        schedules.OneCycleLR(optimizer, 1.0, epochs=3)
    with pytest.raises(ValueError, match="the number of steps must be 1 or more"):
        schedules.OneCycleLR(optimizer, 1.0, total_steps=0)
    with pytest.raises(ValueError, match="pct_start"):
        schedules.OneCycleLR(optimizer, 1.0, total_steps=5, pct_start=2)
    with pytest.raises(ValueError, match="'cos' or 'linear'"):
        schedules.OneCycleLR(optimizer, 1.0, total_steps=5, anneal_strategy="sine")
    with pytest.raises(ValueError, match="cycle_momentum=False"):
        schedules.OneCycleLR(optim.Adagrad([nn.Parameter([1.0])]), 1.0, total_steps=5)
    with pytest.raises(ValueError, match="factor must be from 0 to below 1, not 1"):
        schedules.ReduceLROnPlateau(optimizer, factor=1)
    with pytest.raises(ValueError, match="'min' or 'max'"):
        schedules.ReduceLROnPlateau(optimizer, mode="least")
    with pytest.raises(ValueError, match="'rel' or 'abs'"):
        schedules.ReduceLROnPlateau(optimizer, threshold_mode="sum")
    with pytest.raises(ValueError, match="at least one"):
        schedules.SequentialLR(optimizer, [], [])
    with pytest.raises(ValueError, match="2 schedulers need 1 milestones, not 0"):
        schedules.SequentialLR(optimizer, [schedules.StepLR(optimizer, 1), schedules.StepLR(optimizer, 1)], [])
    with pytest.raises(ValueError, match="another optimizer"):
        schedules.SequentialLR(optimizer, [schedules.StepLR(other, 1)], [])
    with pytest.raises(ValueError, match="needs a metric"):
        schedules.SequentialLR(optimizer, [schedules.ReduceLROnPlateau(optimizer)], [])
    with pytest.raises(NotImplementedError, match="get_lr"):
        schedules.LRScheduler(optimizer)


def test_a_state_of_another_kind_changes_nothing():
    scheduler = schedules.StepLR(sgd(), 3)
    with pytest.raises(
        ValueError, match=r"not the state of a StepLR: missing \['step_size'\], unexpected \['milestones'\]"
    ):
        scheduler.load_state_dict(schedules.MultiStepLR(sgd(), [1]).state_dict())
    assert scheduler.step_size == 3


def test_repr():
    assert repr(schedules.StepLR(sgd(), 3)) == "StepLR(last_epoch=0, lr=[1.0, 0.5])"


@pytest.mark.parametrize(
    ("kind", "settings", "named"),
    [
        (schedules.StepLR, {"step_size": 0}, "step_size"),
        (schedules.StepLR, {"step_size": -2}, "step_size"),
        (schedules.CosineAnnealingLR, {"T_max": 0}, "T_max"),
        (schedules.LinearLR, {"total_iters": -1}, "total_iters"),
        (schedules.ReduceLROnPlateau, {"factor": -0.5}, "factor"),
        (schedules.OneCycleLR, {"max_lr": 1.0, "total_steps": 5, "div_factor": 0}, "div_factor"),
        (schedules.OneCycleLR, {"max_lr": 1.0, "total_steps": 5, "final_div_factor": -1.0}, "final_div_factor"),
        (schedules.OneCycleLR, {"max_lr": -1.0, "total_steps": 5}, "max_lr"),
    ],
)
def test_settings_out_of_range(kind, settings, named):
    optimizer = optim.SGD([nn.Parameter(1.0)], lr=0.5, momentum=0.9)
    with pytest.raises(ValueError, match=f"^{named} must be"):
        kind(optimizer, **settings)
    assert "initial_lr" not in optimizer.param_groups[0]


@pytest.mark.parametrize(
    ("kind", "settings", "named"),
    [
        (schedules.StepLR, {"step_size": 2.5}, "step_size"),
        (schedules.StepLR, {"step_size": 2, "gamma": "0.1"}, "gamma"),
        (schedules.ExponentialLR, {"gamma": None}, "gamma"),
        (schedules.MultiStepLR, {"milestones": [1], "gamma": None}, "gamma"),
        (schedules.LambdaLR, {"lr_lambda": 0.5}, "lr_lambda"),
        (schedules.LinearLR, {"start_factor": "a"}, "start_factor"),
        (schedules.LinearLR, {"end_factor": None}, "end_factor"),
        (schedules.LinearLR, {"total_iters": "a"}, "total_iters"),
        (schedules.CosineAnnealingLR, {"T_max": "a"}, "T_max"),
        (schedules.OneCycleLR, {"max_lr": "a", "total_steps": 5}, "max_lr"),
        (schedules.OneCycleLR, {"max_lr": 1.0, "total_steps": 5, "pct_start": "a"}, "pct_start"),
        (schedules.OneCycleLR, {"max_lr": 1.0, "total_steps": 5, "div_factor": None}, "div_factor"),
        (schedules.OneCycleLR, {"max_lr": 1.0, "total_steps": 5, "base_momentum": "a"}, "base_momentum"),
        (schedules.ReduceLROnPlateau, {"factor": "a"}, "factor"),
        (schedules.ReduceLROnPlateau, {"patience": "a"}, "patience"),
        (schedules.ReduceLROnPlateau, {"min_lr": "a"}, "min_lr"),
    ],
)
def test_settings_of_another_type(kind, settings, named):
    with pytest.raises(TypeError, match=f"^{named} must be"):
        kind(optim.SGD([nn.Parameter(1.0)], lr=0.5, momentum=0.9), **settings)


def test_milestones_go_up():
    optimizer = optim.SGD([nn.Parameter(1.0)], lr=0.5)
    parts = [schedules.ExponentialLR(optimizer, 0.5) for _ in range(3)]
    for milestones in ([5, 2], [2, 2], [-1, 2]):
        with pytest.raises(ValueError, match="milestones must be 0 or more and increase"):
            schedules.SequentialLR(optimizer, parts, milestones)


def test_a_state_is_a_dict():
    with pytest.raises(TypeError, match=r"a dict.*not list"):
        schedules.ExponentialLR(optim.SGD([nn.Parameter(1.0)], lr=0.5), 0.5).load_state_dict([1])
