"""`openrum up`, from the outside."""

from __future__ import annotations

import subprocess

from tests.running import OpenRum


def test_the_printed_curl_line_answers_200_and_the_event_is_read_back(openrum: OpenRum) -> None:
    curl = next(line for line in openrum.output if line.startswith("curl "))
    answer = subprocess.run(curl, shell=True, capture_output=True, text=True, check=True).stdout

    assert answer.startswith("HTTP/1.1 200 OK")
