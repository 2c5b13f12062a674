"""Commands that send batches send as many in a call as the service takes."""

from __future__ import annotations

import pytest

from rum_cli.calls import in_calls

_MIB = 1 << 20


@pytest.mark.parametrize(
    ("sizes", "calls"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([1] * 1001, [500, 500, 1], id="many"),
        pytest.param([_MIB, _MIB, 1], [2, 1], id="long together"),
        pytest.param([_MIB + 1, _MIB], [1, 1], id="too long together"),
        pytest.param([1, 3 * _MIB, 1, 1], [1, 1, 2], id="too long alone"),
    ],
)
def test_a_call_has_few_and_short_batches(sizes: list[int], calls: list[int]) -> None:
    groups = [*in_calls(sizes, lambda size: size)]

    assert [len(group) for group in groups] == calls
    assert [size for group in groups for size in group] == sizes
