"""Each example runs, on small settings, and reaches what its docstring says where that is quick."""

from __future__ import annotations

import math
import os
import random
import re
import signal
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import agrad
from agrad.data import MNIST, FashionMNIST

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

SMALL = {
    "define_an_op": [],
    "housing": [],
    "linear_regression": ["--epochs", "1"],
    "linear_regression_scratch": ["--epochs", "1"],
    "fit_line": ["--epochs", "50"],
    "scalar_mlp": ["--dataset", "digits", "--rows", "10"],
    "mnist": ["--dataset", "digits", "--epochs", "1"],
    "mnist_cnn": ["--dataset", "digits", "--epochs", "1"],
    "differentiate_scipy": ["--steps", "5"],
    "char_rnn": ["--epochs", "2", "--steps", "2", "--hidden", "8"],
    "vae": ["--dataset", "digits", "--epochs", "1"],
    "pretrained": ["--seconds", "0.2"],
    "numpy_regression": ["--steps", "5"],
    "numpy_gaussian_process": ["--steps", "5"],
    "numpy_neural_network": ["--steps", "5"],
    "vmap_wrong_labels": ["--steps", "5"],
    "vmap_newton": ["--side", "5", "--steps", "5"],
    "vmap_ensemble": ["--networks", "3", "--steps", "5"],
}
PACKAGES = {"pretrained": ("torch", "torchcrepe", "silero_vad")}  # that the tests do not need otherwise
ALONE = {"differentiate_scipy"}  # it tells SciPy something before it imports it, and here SciPy may be imported already


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """What an example writes stays out of the project."""
    monkeypatch.chdir(tmp_path)


def run(name: str, *options: str):
    if missing := [package for package in PACKAGES.get(name, ()) if find_spec(package) is None]:
        pytest.skip(f"{', '.join(missing)} is not installed")
    if name in ALONE:
        return print(script(name, *options))
    return import_module(name).main([*map(str, options)])


def script(name: str, *options: str) -> str:
    command = [sys.executable, EXAMPLES / f"{name}.py", *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_png(file: Path) -> bool:
    return file.read_bytes().startswith(b"\x89PNG") and file.stat().st_size > 10_000


# All of them


def test_none_is_forgotten():
    assert {file.stem for file in EXAMPLES.glob("*.py")} == {*SMALL, "common", "first_steps"}


def test_the_first_one_needs_no_options(tmp_path):
    pytest.importorskip("matplotlib")
    last = script("first_steps").splitlines()[-1]
    assert last.startswith("step 1000")
    assert 0.009 < float(last.split()[-1]) < 0.012  # the variance of the noise is 0.01
    assert is_png(tmp_path / "first_steps.png")


@pytest.mark.parametrize("name", SMALL)
def test_each_runs_on_each_device(name, device, capsys):
    run(name, *SMALL[name], "--device", device.name)
    assert capsys.readouterr().out


@pytest.mark.parametrize("name", SMALL)
def test_each_draws(name, tmp_path):
    pytest.importorskip("matplotlib")
    run(name, *SMALL[name], "--plot", tmp_path / "drawn.png")
    assert is_png(tmp_path / "drawn.png")


@pytest.mark.parametrize("name", SMALL)
def test_each_runs_as_a_script_and_explains_itself(name):
    said = script(name, "--help")
    assert f"python examples/{name}.py" in said
    assert "--seed" in said


def environment() -> dict[str, str]:
    paths = [str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUNBUFFERED": "1"}


def test_a_device_that_is_not_there_is_one_line(capsys):
    with pytest.raises(SystemExit, match="2"):
        run("housing", "--device", "abacus")
    assert "unknown device 'abacus'" in capsys.readouterr().err


def test_without_tqdm(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    run("fit_line", "--epochs", "8")
    assert "epoch     8/8" in capsys.readouterr().out


def test_a_seed_repeats_everything():
    first, again, other = (run("linear_regression", "--epochs", "1", "--seed", seed) for seed in (1, 1, 2))
    assert first == again != other


# Their figures


@pytest.mark.parametrize("seed", range(5))
def test_housing(seed):
    fits = run("housing", "--seed", seed)
    assert not fits["diverging"].losses[-1] < float("inf")
    assert len(fits["area"].losses) == 100
    assert 0.179 <= round(fits["area"].losses[-1], 3) <= 0.181
    assert len(fits["area and age"].losses) == 1000
    assert 0.158 <= round(fits["area and age"].losses[-1], 3) <= 0.159
    area, age = fits["area and age"].weights
    assert area == pytest.approx(0.104, abs=0.002)
    assert age == pytest.approx(-0.024, abs=0.005)


@pytest.mark.parametrize(("name", "noise"), [("linear_regression_scratch", 0.5e-4), ("linear_regression", 1e-4)])
def test_linear_regression_finds_the_law(name, noise):
    result = run(name)
    assert result.w == pytest.approx([2.0, -3.4], abs=3e-3)
    assert result.b == pytest.approx(4.2, abs=3e-3)
    assert result.losses[-1] == pytest.approx(noise, rel=0.2)
    assert result.after < 1e-5 < 1 < result.before


def test_both_lines_are_the_least_squares_line():
    by_hand, by_layer = run("fit_line").values()
    for line in (by_hand, by_layer):
        assert line.slope == pytest.approx(3, abs=0.1)
        assert line.intercept == pytest.approx(10, abs=0.6)
        assert 0.6 < line.loss < 1.4
    assert by_hand == pytest.approx(by_layer, abs=2e-3)


@pytest.mark.parametrize("seed", range(3))
def test_scalars(seed):
    result = run("scalar_mlp", "--dataset", "digits", "--rows", "30", "--seed", seed)
    assert result.gradients == (6.0, 4.0, 2.0)
    assert result.layer[-1] < result.layer[0]
    assert result.mlp[-1] < 0.1 * result.mlp[0]
    assert result.scalars.losses == pytest.approx(result.matrix.losses, rel=1e-3)
    assert result.scalars.weights == pytest.approx(result.matrix.weights, abs=1e-4)
    assert result.matrix.seconds < result.scalars.seconds


@pytest.mark.parametrize(("rows", "used"), [(3, 3), (100_000, 1497)])
def test_the_losses_of_few_and_of_all_digits_are_told(capsys, monkeypatch, rows, used):
    scalars = import_module("scalar_mlp")
    monkeypatch.setattr(scalars, "learn_digits_by_scalars", lambda *args: scalars.Training([1.0], 1.0, []))
    monkeypatch.setattr(
        scalars, "learn_digits_by_matrix", lambda *args: scalars.Training([*range(1, used + 1)], 1.0, [])
    )
    scalars.learn_digits(scalars.pictures("digits")[0], rows)
    tenth = max(1, used // 10)
    first, last = (1 + tenth) / 2, used - (tenth - 1) / 2
    assert f"for {used} pictures, loss {first:.2f} → {last:.2f}" in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(3))
def test_the_camera_is_found(seed):
    said = script("differentiate_scipy", "--seed", seed)
    assert float(re.search(r"([\d.]+) m beside the truth", said)[1]) < 0.3


# The main job


def weights(run) -> list:
    return [parameter.tolist() for parameter in run.model.parameters()]


def test_mnist_learns_the_small_digits(capsys):
    trained = run("mnist", "--dataset", "digits", "--epochs", "10")
    assert trained.epochs[-1].accuracy > 0.95
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert len(lines) == 10
    for told in ("epoch 10/10", "loss 0.", "test accuracy", "%", " s  ", "images/s"):
        assert told in lines[-1]


def test_the_cnn_learns_the_small_digits():
    assert run("mnist_cnn", "--dataset", "digits", "--epochs", "8", "--batch-size", "32").epochs[-1].accuracy > 0.95


def test_mnist_learns_mnist(data_root):
    trained = run("mnist", "--dataset", "mnist", "--epochs", "1")
    assert trained.epochs[-1].accuracy > 0.93


@pytest.mark.parametrize("name", ["mnist", "mnist_cnn"])
def test_compiled_training_gives_the_same(name):
    options = ("--dataset", "digits", "--epochs", "2")
    assert weights(run(name, *options, "--compile")) == weights(run(name, *options))


def test_compiled_training_of_a_recurrent_network_gives_the_same():
    options = ("--epochs", "2", "--steps", "5", "--hidden", "8")
    assert run("char_rnn", *options, "--compile").bits == run("char_rnn", *options).bits


@pytest.mark.parametrize("name", ["mnist", "mnist_cnn"])
def test_a_resumed_run_equals_an_uninterrupted_one(name):
    whole = run(name, "--dataset", "digits", "--epochs", "4", "--checkpoint", "whole.safetensors")
    run(name, "--dataset", "digits", "--epochs", "2", "--checkpoint", "half.safetensors")
    resumed = run(name, "--resume", "half.safetensors", "--epochs", "4")
    assert weights(resumed) == weights(whole)
    assert [epoch[:2] for epoch in resumed.epochs] == [epoch[:2] for epoch in whole.epochs]
    finished = run(name, "--resume", "half.safetensors", "--epochs", "4")
    assert weights(finished) == weights(whole)


def test_only_the_first_of_several_processes_writes_files(monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(agrad.distributed, "get_rank", lambda: 1)
    run("mnist", "--dataset", "digits", "--epochs", "1", "--plot", "drawn.png")
    assert not list(tmp_path.iterdir())


def test_a_resumed_run_keeps_its_settings():
    run("mnist", "--dataset", "digits", "--epochs", "1", "--lr", "0.05", "--batch-size", "32", "--seed", "3")
    resumed = run("mnist", "--resume", "mnist.safetensors", "--epochs", "1")
    assert resumed.settings == {"dataset": "digits", "seed": 3, "lr": 0.05, "batch_size": 32}


def test_ctrl_c_leaves_a_checkpoint_that_goes_on(monkeypatch, capsys):
    mnist = import_module("mnist")
    progress = mnist.progress

    def interrupted(items, label):
        for step, item in enumerate(progress(items, label)):
            if (label, step) == ("epoch 2", 5):
                raise KeyboardInterrupt
            yield item

    with monkeypatch.context() as patch:
        patch.setattr(mnist, "progress", interrupted)
        with pytest.raises(SystemExit, match="130"):
            run("mnist", "--dataset", "digits", "--epochs", "3")
    assert "--resume mnist.safetensors --epochs 3" in capsys.readouterr().out
    resumed = run("mnist", "--resume", "mnist.safetensors", "--epochs", "3")
    assert weights(resumed) == weights(run("mnist", "--dataset", "digits", "--epochs", "3"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_for_real(tmp_path, interruptible):
    command = [sys.executable, EXAMPLES / "mnist.py", "--dataset", "digits", "--epochs", "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as job:
        seen = [job.stdout.readline() for _ in range(3)]
        job.send_signal(signal.SIGINT)
        out, err = job.communicate(timeout=60)
    assert seen[1].startswith("epoch  1/"), err
    assert job.returncode == 130
    assert "go on with" in out
    assert "Traceback" not in err
    assert len(agrad.load(tmp_path / "mnist.safetensors")["epochs"]) >= 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mnist", ["--dataset", "digits", "--epochs", "3", "--lr", "1e9"]),
        ("vae", ["--dataset", "digits", "--epochs", "3", "--lr", "1e9"]),
        ("char_rnn", ["--epochs", "1", "--steps", "3", "--hidden", "8", "--lr", "1e38"]),
    ],
)
def test_a_loss_that_is_no_number_stops_with_a_hint(name, options):
    with pytest.raises(SystemExit, match="smaller --lr"):
        run(name, *options)


@pytest.fixture
def no_mnist(monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.delenv("AGRAD_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for dataset in (MNIST, FashionMNIST):
        monkeypatch.setattr(dataset, "mirrors", ("http://127.0.0.1:9/",))


def test_without_mnist_it_says_so_and_takes_the_small_digits(no_mnist, capsys):
    trained = run("mnist", "--epochs", "1")
    assert trained.settings["dataset"] == "digits"
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "MNIST" in line]
    assert "scikit-learn" in line


@pytest.mark.parametrize(("name", "least"), [("mnist", 0.96), ("mnist_cnn", 0.975)])
def test_the_small_digits_are_learned_by_default(name, least):
    assert run(name, "--dataset", "digits").epochs[-1].accuracy > least


def test_without_mnist_asking_for_it_is_an_error(no_mnist):
    with pytest.raises(SystemExit, match="no MNIST: train-images"):
        run("mnist", "--dataset", "mnist")


def test_without_fashion_mnist_asking_for_it_is_an_error(no_mnist):
    with pytest.raises(SystemExit, match="no FashionMNIST: train-images"):
        run("mnist_cnn", "--dataset", "fashion")


@pytest.mark.parametrize("state", [{"weight": 1.0}, 3, None, {"settings": {}}], ids=str)
def test_a_file_that_is_no_checkpoint_of_it(state):
    agrad.save(state, "other.safetensors")
    with pytest.raises(SystemExit, match=r"other\.safetensors was not written by this example"):
        run("mnist", "--resume", "other.safetensors")


def test_a_checkpoint_of_another_example():
    run("mnist", "--dataset", "digits", "--epochs", "1")
    with pytest.raises(SystemExit, match=r"mnist\.safetensors was not written by this example"):
        run("mnist_cnn", "--resume", "mnist.safetensors")


def test_a_checkpoint_that_cannot_be_written(monkeypatch):
    def full(state, file):
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(agrad, "save", full)
    with pytest.raises(SystemExit, match=r"checkpoint cannot be written: .*No space left on device: 'a'"):
        run("mnist", "--dataset", "digits", "--checkpoint", "a")


def test_nothing_left_to_train_is_said(capsys):
    run("mnist", "--dataset", "digits", "--epochs", "2")
    capsys.readouterr()
    run("mnist", "--resume", "mnist.safetensors", "--epochs", "1")
    assert "nothing is left to train: 2 epochs are done, and --epochs asks for 1" in capsys.readouterr().out


@pytest.mark.parametrize("dataset", ["auto", "mnist"])
def test_damaged_data_is_one_line(no_mnist, monkeypatch, tmp_path, dataset):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b damaged")
    monkeypatch.setenv("AGRAD_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match=r"^no MNIST: .*train-images-idx3-ubyte\.gz is damaged"):
        run("mnist", "--dataset", dataset)


def test_a_checkpoint_that_is_not_there():
    with pytest.raises(SystemExit, match=r"nowhere\.safetensors"):
        run("mnist", "--resume", "nowhere.safetensors")


def test_a_seed_counts_in_the_check_of_own_ops(monkeypatch):
    own, seeds = import_module("define_an_op"), set()
    monkeypatch.setattr(own, "check_grads", lambda f, args, seed: seeds.add(seed))
    run("define_an_op", "--seed", "5")
    assert seeds == {5}


def test_own_ops(device):
    found = run("define_an_op", "--device", device.name)
    assert found.naive != pytest.approx(1e7, rel=0.1)
    assert found.stable == pytest.approx(1e7, rel=1e-6)
    assert found.totals == [4.0, 2.0, 4.0]
    assert found.omega == pytest.approx(0.5671433, abs=1e-6)
    assert found.minimum == pytest.approx(2.1331, abs=1e-3)


def test_char_rnn_knows_its_grammar():
    grammar = import_module("char_rnn")
    draw = random.Random(0)
    lines = grammar.text(50_000, draw).split("\n")[:-1]
    assert all(grammar.is_right(line) for line in lines)
    wrong = ["a cat chase the dog.", "two cats chases a dog.", "the cat.", "a cats chases a dog.", "the cat sees a dog"]
    assert not any(grammar.is_right(line) for line in wrong)
    assert set("".join(lines)) | {"\n"} == set(grammar.CHARACTERS)
    choices = 2 * math.log2(2 * 3 * 2 * math.sqrt(4) * 6) + math.log2(5)
    assert grammar.limit() == pytest.approx(choices * len(lines) / sum(len(line) + 1 for line in lines), rel=0.01)


def test_char_rnn_learns():
    result = run("char_rnn", "--epochs", "3", "--steps", "20", "--hidden", "32")
    assert result.bits[0] > 4
    assert result.bits[-1] < 3
    assert len(result.bits) == 60


def test_vae_learns():
    result = run("vae", "--dataset", "digits", "--epochs", "10")
    losses = [epoch.loss for epoch in result.epochs]
    assert losses[-1] < 0.75 * losses[0]
    assert result.test.loss == pytest.approx(losses[-1], rel=0.05)
    assert result.test.divergence > 0.1


@pytest.mark.parametrize(
    ("name", "options", "complaint"),
    [
        ("fit_line", ["--epochs", "0"], "must be at least 1, not 0"),
        ("mnist", ["--batch-size", "0"], "must be at least 1, not 0"),
        ("char_rnn", ["--steps", "-1"], "must be at least 1, not -1"),
        ("vae", ["--epochs", "two"], "argument --epochs: must be an integer, not 'two'"),
        ("mnist", ["--batch-size", "1.5"], "argument --batch-size: must be an integer, not '1.5'"),
        ("mnist", ["--seed", "-1"], "argument --seed: must be from 0 to 2**64 - 1, not -1"),
        ("mnist", ["--seed", str(2**64)], "argument --seed: must be from 0 to 2**64 - 1"),
        ("linear_regression_scratch", ["--seed", "x"], "argument --seed: must be an integer, not 'x'"),
        ("mnist", ["--lr", "-1"], "argument --lr: must be a number above 0, not '-1'"),
        ("vae", ["--lr", "nan"], "argument --lr: must be a number above 0, not 'nan'"),
        ("char_rnn", ["--lr", "fast"], "argument --lr: must be a number above 0, not 'fast'"),
        ("mnist", ["--resume", "a", "--lr", "0.1"], "settings of its checkpoint: leave out --lr"),
        ("mnist_cnn", ["--resume", "a", "--seed", "0", "--batch-size", "128"], "leave out --seed, --batch-size"),
        ("mnist", ["--resume", "a", "--dataset", "auto"], "leave out --dataset"),
        ("mnist", ["--checkpoint", "missing/a.safetensors"], "there is no folder missing"),
        ("mnist", ["--checkpoint", "."], "is a folder"),
    ],
)
def test_bad_options_are_found_before_the_work(capsys, name, options, complaint):
    with pytest.raises(SystemExit, match="2"):
        run(name, *options)
    assert complaint in capsys.readouterr().err


def test_a_device_of_the_environment_that_is_not_there_is_one_line():
    command = [sys.executable, EXAMPLES / "housing.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment() | {"AGRAD_DEVICE": "abacus"})
    assert done.returncode == 2
    assert "error: AGRAD_DEVICE: unknown device 'abacus'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("file", "complaint"), [("missing/a.png", "there is no folder missing"), ("a.xyz", "must end in one of")]
)
def test_a_picture_that_cannot_be_written_is_found_before_the_work(capsys, file, complaint):
    pytest.importorskip("matplotlib")
    with pytest.raises(SystemExit):
        run("fit_line", "--plot", file)
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(3))
def test_numpy_regression(seed):
    lines = run("numpy_regression", "--seed", seed)
    assert lines["log_cosh"].slope == pytest.approx(2.0, abs=0.15)
    assert lines["log_cosh"].intercept == pytest.approx(-1.0, abs=0.3)
    assert lines["squared"].intercept > -0.5


@pytest.mark.parametrize("seed", range(3))
def test_numpy_gaussian_process(seed):
    process = run("numpy_gaussian_process", "--seed", seed)
    assert 0.5 < process.kernel[0] < 2.5
    assert 0.05 < process.kernel[2] < 0.3
    assert process.losses[-1] < process.losses[0] - 10.0


def test_numpy_neural_network():
    network = run("numpy_neural_network", "--steps", "600")
    assert network.accuracy > 0.97


def test_the_largest_gradients_are_those_of_wrong_labels():
    assert run("vmap_wrong_labels").found >= 18


def test_newtons_method_leads_to_stationary_points():
    result = run("vmap_newton", "--side", "60")
    assert agrad.mean((result.distances < 1e-5).astype(float)).item() > 0.99
    assert set(result.basins.tolist()) == set(range(9))


def test_an_ensemble_disagrees_where_there_is_no_data():
    result = run("vmap_ensemble", "--steps", "1000")
    assert agrad.max(result.losses).item() < 0.03
    spread = agrad.std(result.answers, axis=0)
    assert spread[-1].item() > 4 * spread[30].item()


def test_pretrained_networks_hear_what_is_played():
    heard = run("pretrained")
    assert heard.cents < 20
    assert {name: agrad.max(found).item() > 0.5 for name, found in heard.speech.items()} == {
        "silence": False, "voice": True, "noise": False, "tone": False,
    }  # fmt: skip
