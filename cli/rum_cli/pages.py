"""Reads lists that the service returns in pages."""

from __future__ import annotations

__all__ = ["pages"]

from collections.abc import Callable, Iterator
from typing import TypeVar

from google.protobuf.message import Message

_Request = TypeVar("_Request", bound=Message)
_Page = TypeVar("_Page", bound=Message)

# The member of a request that names a page, and that of a response which names the next one. The
# first pair is that of AWS's operations, the second that of the operations for operators.
_TOKENS = (("next_token", "next_token"), ("page_token", "next_page_token"))


def pages(call: Callable[[_Request], _Page], request: _Request) -> Iterator[_Page]:
    """Yield all pages. A page can be empty.

    Args:
        request: for the first page. It is changed for the others.
    """
    fields = request.DESCRIPTOR.fields_by_name
    [(wanted, following)] = [pair for pair in _TOKENS if pair[0] in fields]
    while True:
        page = call(request)
        yield page
        token = getattr(page, following)
        if not token:
            return
        setattr(request, wanted, token)
