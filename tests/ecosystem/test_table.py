"""The table in the documentation says what the rows say, and the rows are as many as they should be."""

from __future__ import annotations

import pytest

from tests.ecosystem.libraries import PAGE, ROWS, table


def test_the_table_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == table(), "write it anew: python -m tests.ecosystem.libraries"


def test_rows_have_different_names() -> None:
    names = [(row.status, str(row)) for row in ROWS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("library", "least"), [("scipy", 140), ("sklearn", 49), ("array_api_extra", 23), ("opt_einsum", 11), ("einops", 6)]
)
def test_enough_of_each_library_works(library: str, least: int) -> None:
    assert len({row.told for row in ROWS if (row.library, row.status) == (library, "works")}) >= least
