"""Files of lines survive their writers."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mma_core import lines

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def content(path: Path) -> list[object]:
    return [json.loads(line) for line in lines.read(path) if line]


@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), min_size=1, max_size=4), st.data())
def test_a_killed_writer_leaves_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a" / "file.jsonl"
    lines.append(path, values)
    assert content(path) == values
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    left = content(path)
    assert left == values[: len(left)]
    assert len(left) >= whole[:cut].count(b"\n")
    lines.append(path, ["next"])
    assert content(path) == [*left, "next"]
