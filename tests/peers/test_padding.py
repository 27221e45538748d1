"""Padding beside PyTorch's."""

import pytest

from tests.peers.compare import compare_functions, compare_modules

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

WIDTHS = [(1, 2), (3, 0, 0, 3), (2, -1), (-1, 2, 1, -2), (1, 1, 2, 0, 1, 1)]


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular", "constant"])
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_functions(widths, mode):
    compare_functions("pad", (2, 3, 4, 5, 4)[-2 - len(widths) // 2 :], pad=widths, mode=mode)


def test_a_constant():
    compare_functions("pad", (2, 3, 4), pad=(1, 0, 0, 2, 1, 1), value=0.5)


MODULES = [
    *[(f"{name}Pad{axes}d", (1,)) for name in ("Reflection", "Replication", "Circular", "Zero") for axes in (1, 2, 3)],
    *[(f"ConstantPad{axes}d", (2, 0.5)) for axes in (1, 2, 3)],
    ("ReflectionPad2d", ((1, 0, 3, 2),)),
    ("ReplicationPad3d", ((1, 0, 3, 2, 0, 4),)),
    ("CircularPad1d", ((4, 0),)),
    ("ZeroPad2d", ((1, -1, 0, 2),)),
    ("ConstantPad1d", ((1, 3), -1.0)),
]


@pytest.mark.parametrize(("name", "args"), MODULES, ids=str)
@pytest.mark.parametrize("batch", [(2,), ()])
def test_modules(name, args, batch):
    shape = (*batch, 3, *(4, 5, 4)[: int(name[-2])])
    compare_modules(lambda library: getattr(library.nn, name)(*args), shape)
