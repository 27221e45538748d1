"""array_api_extra, opt_einsum and einops."""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace

from tests.cases import distinct, positive, real
from tests.ecosystem.rows import Row, fixed, refuses, works

# array_api_extra


def extra(name: str, args: list[Any], note: str = "", **settings: Any) -> Row:
    return works(f"array_api_extra.{name}", args, note, **settings)


def written(method: Any, x: Any, y: Any) -> Any:
    """Write to a part of a copy of a leaf, and where a mask says to what was computed, which needs no copy."""
    from array_api_extra import at

    return method(at(x)[1:4], y, copy=True), method(at(x * 1.0, x > 1.0), 2.0)


def sine(x: Any) -> Any:
    return array_namespace(x).sin(x)


def product(x: Any, y: Any) -> Any:
    return x * y


def quotient(x: Any, y: Any) -> Any:
    return x / y


EXTRA = [
    *[
        extra(f"at.{way}", [positive(6), positive(3)], call=written)
        for way in ("set", "add", "subtract", "multiply", "divide", "power", "min", "max")
    ],
    extra("apply_where", [positive(6), positive(6)], call=lambda f, x, y: f(x > 1, (x, y), product, quotient)),
    extra("apply_where", [positive(6)], "filled", call=lambda f, x: f(x > 1, x, sine, fill_value=0.0)),
    extra("lazy_apply", [real(5)], call=lambda f, x: f(sine, x, xp=array_namespace(x))),
    extra("atleast_nd", [real(5)], ndim=3),
    extra("create_diagonal", [real(5)], offset=1),
    extra("pad", [real(2, 3), 2]),
    extra("cov", [real(3, 5)]),
    extra("kron", [real(2, 3), real(2, 2)]),
    extra("partition", [distinct(7), 3]),
    extra("union1d", [distinct(5), positive(3)]),
    extra("setdiff1d", [distinct(5), fixed(positive(3))]),
    *[extra(name, [real(5)]) for name in ("nan_to_num", "sinc", "deg2rad", "rad2deg")],
    *[extra(name, [real(2, 5)]) for name in ("nanmax", "nanmin", "nanmean", "nansum")],
    extra("angle", [lambda random: random.uniform(0.5, 1.5, 4) + 1j * random.uniform(0.5, 1.5, 4)]),
    refuses("array_api_extra.lazy_apply", [real(5)], "as_numpy", call=lambda f, x: f(sine, x, as_numpy=True)),
]

# opt_einsum

A, B, C, SQUARE, BATCH = real(3, 4), real(4, 5), real(5, 2), real(3, 3), real(2, 3, 4)

EXPRESSIONS = [
    ("ij,jk->ik", A, B), ("ij,jk,kl->il", A, B, C), ("ij,jk,kl", A, B, C), ("ij,jk,ik->", A, B, real(3, 5)),
    ("bij,jk->bik", BATCH, B), ("bij,bij->b", BATCH, BATCH), ("...ij,jk->...ik", BATCH, B), ("ij,ij->ij", A, A),
    ("i,j->ij", real(3), real(4)), ("ii->", SQUARE), ("ii->i", SQUARE), ("ij->ji", A), ("ij->", A),
]  # fmt: skip

EINSUM = [
    *[works("opt_einsum.contract", list(expression), expression[0]) for expression in EXPRESSIONS],
    works("opt_einsum.contract", [A, B], "interleaved", call=lambda f, a, b: f(a, [0, 1], b, [1, 2], [0, 2])),
    works("opt_einsum.contract", ["ij,jk,kl->il", A, B, C], "optimal path", optimize="optimal"),
    works("opt_einsum.contract_expression", [A, B], call=lambda f, a, b: f("ij,jk->ik", (3, 4), (4, 5))(a, b)),
]

# einops


def packed(pack: Any, x: Any, y: Any) -> Any:
    return pack([x, y], "b *")[0]


EINOPS = [
    works("einops.rearrange", [BATCH, "b i j -> (b j) i"]),
    *[
        works("einops.reduce", [distinct(2, 3, 4), "b i j -> i", how], how)
        for how in ("sum", "mean", "max", "min", "prod")
    ],
    works("einops.repeat", [BATCH, "b i j -> b i j k"], k=2),
    works("einops.einsum", [BATCH, B, "b i j, j k -> b i k"]),
    works("einops.pack", [BATCH, real(2, 4)], call=packed),
    works("einops.unpack", [real(2, 12), [(4,), (2, 4)], "b *"]),
    works("einops.rearrange", [A, real(3, 4)], "of a list", call=lambda f, a, b: f([a, b], "n i j -> i n j")),
    works("einops.array_api.rearrange", [BATCH, "b i j -> (b j) i"]),
    works("einops.array_api.reduce", [BATCH, "b i j -> i", "mean"]),
    works("einops.array_api.repeat", [BATCH, "b i j -> b i j k"], k=2),
    works("einops.array_api.pack", [BATCH, real(2, 4)], call=packed),
    works("einops.array_api.unpack", [real(2, 12), [(4,), (2, 4)], "b *"]),
]

ROWS = [*EXTRA, *EINSUM, *EINOPS]
