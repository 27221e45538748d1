"""The lists of known failures: each entry stands below its reason, and docs/conformance.md counts them."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LISTS = sorted(HERE.glob("*.txt"))
PAGE = HERE.parents[1] / "docs" / "conformance.md"


def groups(path):
    """Return the reason and the entries of each paragraph behind the first, which is the title."""
    _, *paragraphs = path.read_text(encoding="utf-8").strip().split("\n\n")
    for paragraph in paragraphs:
        lines = paragraph.split("\n")
        reason = " ".join(line[2:] for line in lines if line.startswith("# "))
        yield reason, [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_every_known_failure_has_a_reason(path):
    names = []
    for reason, entries in groups(path):
        assert reason.endswith("."), f"a sentence says why: {reason!r}"
        assert entries, f"nothing fails because {reason!r}"
        assert entries == sorted(entries)
        names += entries
    assert len(names) == len(set(names))
    assert all(
        re.match(r"array_api_tests/test_\w+\.py::test_\w+|array_api_tests/test_\w+\.py::Test\w+::test_", n)
        for n in names
    )


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_page_counts_and_includes_the_list(path):
    page = PAGE.read_text(encoding="utf-8")
    row = next(line for line in page.split("\n") if line.startswith(f'| `"{path.stem}"`'))
    counts = [int(cell) for cell in row.split("|") if cell.strip().isdecimal()]
    assert counts[-1] == sum(len(entries) for _, entries in groups(path))
    assert f"../tests/conformance/{path.name}" in page
