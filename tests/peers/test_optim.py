"""Optimizers beside PyTorch's: the same steps, the same state."""

import itertools

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers


@pytest.fixture(autouse=True)
def _double_precision():
    """PyTorch keeps NAdam's product of momenta in its default type."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def combinations(**choices):
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


SHARED = {"weight_decay": [0, 0.1], "maximize": [False, True]}
SETTINGS = {
    "SGD": [
        settings
        for settings in combinations(momentum=[0, 0.9], dampening=[0, 0.5], nesterov=[False, True], **SHARED)
        if not settings["nesterov"] or (settings["momentum"] and not settings["dampening"])
    ],
    "Adam": [
        {"betas": (0.5, 0.9), "eps": 1e-3},
        *combinations(amsgrad=[False, True], decoupled_weight_decay=[False, True], **SHARED),
    ],
    "AdamW": [{}, *combinations(amsgrad=[False, True], **SHARED)],
    "RMSprop": [{"alpha": 0.5, "eps": 1e-3}, *combinations(momentum=[0, 0.9], centered=[False, True], **SHARED)],
    "Adagrad": [{"eps": 1e-3}, *combinations(lr_decay=[0, 0.1], initial_accumulator_value=[0, 0.5], **SHARED)],
    "Adadelta": [{"rho": 0.5, "eps": 1e-3}, *combinations(**SHARED)],
    "NAdam": [{"momentum_decay": 0.5, "eps": 1e-3}, *combinations(decoupled_weight_decay=[False, True], **SHARED)],
    "RAdam": [{"betas": (0.5, 0.7), "eps": 1e-3}, *combinations(decoupled_weight_decay=[False, True], **SHARED)],
    "Adamax": [{"betas": (0.5, 0.9), "eps": 1e-3}, *combinations(**SHARED)],
}
CASES = [pytest.param(name, settings, id=f"{name}-{settings}") for name in SETTINGS for settings in SETTINGS[name]]
TOLERANCES = {"float32": 1e-5, "float64": 1e-10}


def steps(name, settings, values, gradients):
    """Take the same steps with both libraries; return both optimizers and their parameters."""
    ours = [agrad.asarray(v, requires_grad=True) for v in values]
    theirs = [torch.tensor(v, requires_grad=True) for v in values]
    mine, other = (getattr(library.optim, name) for library in (agrad, torch))
    mine, other = mine(ours, lr=0.05, **settings), other(theirs, lr=0.05, **settings)
    for step in gradients:
        for p, q, g in zip(ours, theirs, step, strict=True):
            p.grad, q.grad = agrad.asarray(g), torch.tensor(g)
        mine.step()
        other.step()
    return mine, other, ours, theirs


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_pytorchs_steps(name, settings, dtype):
    random = np.random.default_rng(0)
    shapes = ((3, 2), (3,), ())
    values = [np.asarray(random.standard_normal(shape), dtype) for shape in shapes]
    gradients = [[np.asarray(random.standard_normal(shape), dtype) for shape in shapes] for _ in range(20)]
    mine, other, ours, theirs = steps(name, settings, values, gradients)
    for p, q in zip(ours, theirs, strict=True):
        assert_close(p.detach(), q.detach().numpy(), rtol=TOLERANCES[dtype], atol=TOLERANCES[dtype])
    same_state(mine.state_dict(), other.state_dict(), TOLERANCES[dtype])


def same_state(state, expected, tolerance):
    assert list(state["state"]) == list(expected["state"])
    for i, entry in state["state"].items():
        known = {name: value for name, value in expected["state"][i].items() if value is not None}
        assert entry.keys() | {"step"} == known.keys() | {"step"}
        for name in entry:
            assert_close(entry[name], known[name].numpy(), rtol=tolerance, atol=tolerance)
    shared = state["param_groups"][0].keys() & expected["param_groups"][0].keys()
    assert state["param_groups"][0].keys() == shared
    assert all(state["param_groups"][0][name] == expected["param_groups"][0][name] for name in shared)


@pytest.mark.parametrize("name", SETTINGS)
def test_pytorchs_steps_in_the_complex_plane(name):
    random = np.random.default_rng(0)
    values, *gradients = random.standard_normal((21, 3)) + 1j * random.standard_normal((21, 3))
    _, _, ours, theirs = steps(name, {"weight_decay": 0.1}, [values], [[g] for g in gradients])
    assert_close(ours[0].detach(), theirs[0].detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", SETTINGS)
def test_pytorchs_defaults(name):
    mine, other = (getattr(library.optim, name)([library.ones(1, requires_grad=True)]) for library in (agrad, torch))
    assert mine.defaults == {key: other.defaults[key] for key in mine.defaults}


REFUSED = [
    *[(name, {"lr": -1}) for name in SETTINGS],
    *[(name, {"weight_decay": -1}) for name in SETTINGS],
    ("SGD", {"momentum": -1}),
    ("SGD", {"nesterov": True}),
    ("Adam", {"betas": (1.0, 0.9)}),
    ("Adam", {"betas": (0.9, -0.1)}),
    ("Adam", {"eps": -1}),
    ("RMSprop", {"momentum": -1}),
    ("Adagrad", {"lr_decay": -1}),
    ("Adagrad", {"initial_accumulator_value": -1}),
    ("Adadelta", {"rho": 2}),
    ("NAdam", {"momentum_decay": -1}),
    ("RAdam", {"betas": (0.9, 1.0)}),
    ("Adamax", {"betas": (-0.1, 0.9)}),
]


@pytest.mark.parametrize(("name", "settings"), REFUSED, ids=str)
def test_settings_that_pytorch_refuses_are_refused(name, settings):
    for library in (agrad, torch):
        with pytest.raises(
            ValueError, match=r"(?i)momentum|learning rate|lr|weight_decay|beta|eps|decay|accumulator|rho"
        ):
            getattr(library.optim, name)([library.ones(1, requires_grad=True)], **settings)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
@pytest.mark.parametrize("history_size", [2, 100])
def test_pytorchs_lbfgs(line_search_fn, history_size, dtype):
    random = np.random.default_rng(1)
    A, b, x = (np.asarray(random.standard_normal(shape), dtype) for shape in ((20, 4), (20,), (4,)))
    losses = {agrad: [], torch: []}
    for library in losses:
        A_, b_, x_ = library.asarray(A), library.asarray(b), library.asarray(x.copy()).requires_grad_()
        settings = {"history_size": history_size, "line_search_fn": line_search_fn}
        optimizer = library.optim.LBFGS([x_], lr=0.5, max_iter=4, **settings)

        def closure():
            optimizer.zero_grad()  # noqa: B023
            loss = ((A_ @ x_ - b_) ** 2).sum() + (x_**4).sum() * 0.1  # noqa: B023
            loss.backward()
            return loss

        # Near the minimum, rounding decides which step is the last, so single precision is compared before.
        losses[library] = [optimizer.step(closure).item() for _ in range(20 if dtype == "float64" else 3)]
        losses[library] += x_.tolist()
        if dtype == "float64":
            losses[library] += [optimizer.state[x_][name] for name in ("func_evals", "n_iter")]
    np.testing.assert_allclose(losses[agrad], losses[torch], rtol=TOLERANCES[dtype])


@pytest.mark.parametrize("decay", [None, 0.9])
def test_pytorchs_averages(decay):
    random = np.random.default_rng(0)
    weights = random.standard_normal((20, 3, 2))
    averages = []
    for library in (agrad, torch):
        model = library.nn.Linear(2, 3, bias=False, dtype=library.float64)
        swa_utils = library.optim.swa_utils
        average = swa_utils.AveragedModel(model, avg_fn=None if decay is None else swa_utils.get_ema_avg_fn(decay))
        for weight in weights:
            model.load_state_dict({"weight": library.asarray(weight)})
            average.update_parameters(model)
        averages.append(average.state_dict())
    assert list(averages[0]) == ["n_averaged", "module.weight"] == list(averages[1])
    assert_close(averages[0]["module.weight"], averages[1]["module.weight"].numpy(), rtol=1e-10)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.5, float("inf")])
def test_pytorchs_clipping(norm_type, dtype):
    random = np.random.default_rng(0)
    gradients = [np.asarray(random.standard_normal(shape), dtype) for shape in ((3, 2), (3,), ())]
    results = []
    for library in (agrad, torch):
        params = [library.asarray(g * 0).requires_grad_() for g in gradients]
        for p, g in zip(params, gradients, strict=True):
            p.grad = library.asarray(g.copy())
        norm = library.nn.utils.clip_grad_norm_(params, 1.0, norm_type)
        library.nn.utils.clip_grad_value_(params, 0.25)
        results.append([np.asarray(x.tolist()) for x in (norm, *(p.grad for p in params))])
    for mine, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=TOLERANCES[dtype])
