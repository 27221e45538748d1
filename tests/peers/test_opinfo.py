"""Every sample of PyTorch's operator database, for every operator that agrad has: values, gradients, second order."""

from collections import Counter

import pytest

from tests.peers.opinfo import ORDERS, Twins, operators, problem_of, row_of, samples_of
from tests.peers.opinfo_table import LEFT_OUT, TABLE

torch = pytest.importorskip("torch")
NOTICES = "torch.(cholesky|qr|searchsorted)|Using (torch.cross|padding='same')|dropout2d|reduction"
pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # NumPy's, of infinities and NaN that are compared here
    pytest.mark.filterwarnings(f"ignore:{NOTICES}:UserWarning"),  # PyTorch's, of its own functions and their speed
]


@pytest.mark.parametrize("name", TABLE)
def test_samples(name):
    row, held, problems = row_of(name), set(), []
    for i, (op, dtype, sample) in enumerate(samples_of(name)):
        twins = Twins(sample)
        problem = problem_of(row, op, dtype, twins)
        if problem is None:
            continue
        order, message = problem
        reasons = [but for but in row.but if ORDERS.index(order) >= ORDERS.index(but.since) and twins.are(but)]
        held.update(but.reason for but in reasons)
        if not reasons:
            problems.append(f"{i}: {op.full_name}, {dtype}, {order} of {sample.summary()}\n    {message}")
    assert not problems, f"{len(problems)} samples differ:\n" + "\n".join(problems[:20])
    assert held == {but.reason for but in row.but}, "a reason for a difference no longer holds"


@pytest.mark.skipif(torch.__version__.partition("+")[0] != "2.13.0", reason="the table is of PyTorch 2.13.0")
def test_every_operator_is_in_the_table_or_left_out():
    assert operators().keys() == TABLE.keys() | LEFT_OUT.keys()
    assert not TABLE.keys() & LEFT_OUT.keys()


def test_how_many_samples_are_compared():
    compared = Counter()
    for name in TABLE:
        left_out = [but for but in row_of(name).but if but.since == ORDERS[0]]
        for _, dtype, sample in samples_of(name):
            compared[dtype] += not any(Twins(sample).are(but) for but in left_out)
    assert sum(compared.values()) >= 20_000, compared
