"""The limit of open files is raised, and divided among connections."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from rum_endpoint.descriptors import descriptor_limit


def test_the_limit_of_open_files_is_raised() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, limits[1]))

        assert descriptor_limit(200) == 300
        assert descriptor_limit(400) == 400
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 400
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize(
    ("files", "shares"),
    [(1024, "150 617"), (6000, "1000 4096"), (100, "1 1")],
    ids=["few", "enough", "too-few"],
)
def test_connections_share_the_files_that_may_be_opened(files: int, shares: str) -> None:
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))\n"
        "from rum_endpoint.descriptors import share_of_descriptors as share\n"
        "print(share(1000, others=4096), share(4096, others=1000))"
    )
    output = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert output.strip() == shares
