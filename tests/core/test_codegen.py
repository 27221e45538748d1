"""The texts that ops are made of, and what tracebacks show of them."""

import linecache
import traceback
from pathlib import Path

import pytest

import agrad
from agrad.core.primitive import ArrayLike, primitive

GOLDEN = Path(__file__).parent / "golden" / "multiply.txt"


def text_of(function):
    return "".join(linecache.getlines(function.__code__.co_filename))


def texts():
    """Return the texts of a call of multiply, of what records it, and of what runs its rule for x1."""
    plan = agrad.multiply.definition.plan(0b11)
    x = agrad.ones(2, requires_grad=True)
    rule = agrad.multiply(x, x)._node.edges[0][1]
    parts = {
        "a call": agrad.multiply,
        "what records it, where both arguments need gradients": plan.record,
        "what runs the rule of x1": rule,
    }
    return "\n\n".join(f"# {what}\n{text_of(function)}" for what, function in parts.items())


def test_the_texts_of_multiply():
    assert texts() == GOLDEN.read_text(encoding="utf-8"), "write it anew: python -m tests.core.test_codegen"


def test_a_traceback_shows_the_line_of_the_op():
    with pytest.raises(ValueError, match="multiply") as error:
        agrad.multiply(agrad.ones(2), agrad.ones(3))
    shown = "".join(traceback.format_exception(error.value))
    assert 'File "<agrad multiply>", line' in shown
    assert "_device.xp.multiply(_data_x1, _data_x2)" in shown


def test_a_traceback_shows_the_line_of_the_rule():
    @primitive
    def fails(xp, x: ArrayLike, /):
        return x + 0

    fails.vjp(x=lambda g: g[99])
    with pytest.raises(IndexError) as error:
        fails(agrad.ones(2, requires_grad=True)).sum().backward()
    shown = "".join(traceback.format_exception(error.value))
    assert 'File "<agrad fails: the rule of x>", line' in shown
    assert "try: return rule(g" in shown


def test_an_op_and_its_operator_have_texts_of_their_own():
    x = agrad.ones(2)
    assert agrad.add(x, x).tolist() == (x + x).tolist()  # the texts are made at the first calls
    assert text_of(agrad.add) != text_of(agrad.Tensor.__add__)
    assert "return op(*prepare((x1, x2)))" in text_of(agrad.add)
    assert "return again(x1, x2)" in text_of(agrad.Tensor.__add__)


def test_ops_with_the_same_arguments_share_no_code():
    assert agrad.sin(0.0) != agrad.cos(0.0)
    assert agrad.sin.__code__ is not agrad.cos.__code__
    assert agrad.sin.__code__.co_filename == "<agrad sin>"


def test_an_op_is_compiled_at_its_first_call():
    @primitive
    def doubled(xp, x: ArrayLike = 3.0, /, *, times: int = 1):
        return x * 2**times

    before = doubled.__code__
    assert doubled(agrad.asarray(1.0), times=2).item() == 4.0
    assert doubled.__code__ is not before
    assert doubled(agrad.asarray(1.0)).item() == 2.0, "the defaults are set with the code"


if __name__ == "__main__":
    GOLDEN.write_text(texts(), encoding="utf-8")
