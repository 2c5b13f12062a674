"""Sends the request of a printed curl line, on machines without curl too."""

from __future__ import annotations

import argparse
import http.client
import shlex
from urllib.parse import urlsplit

__all__ = ["send"]


def send(line: str) -> tuple[int, str]:
    """Send the request that a line `curl -i URL -H HEADER -d BODY` describes.

    Returns:
        Status and text of the response.

    Raises:
        SystemExit: The line has an option that is not supported here.
    """
    parser = argparse.ArgumentParser(prog="curl", allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("-i", action="store_true", required=True)
    parser.add_argument("-H", action="append", default=[], dest="headers")
    parser.add_argument("-d", required=True, dest="body")
    program, *arguments = shlex.split(line)
    assert program == "curl"
    options = parser.parse_args(arguments)
    url = urlsplit(options.url)
    headers = {
        name: value.strip() for name, _, value in (h.partition(":") for h in options.headers)
    }
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    try:
        connection.request("POST", url.path, options.body.encode(), headers)
        with connection.getresponse() as response:
            return response.status, response.read().decode()
    finally:
        connection.close()
