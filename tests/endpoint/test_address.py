"""Addresses that servers listen on."""

from __future__ import annotations

import select
import socket
from contextlib import ExitStack

import pytest

from rum_endpoint.address import Address, is_loopback
from rum_endpoint.start_error import StartError


@pytest.mark.parametrize(
    ("text", "address", "printed"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080), "127.0.0.1:8080"),
        ("localhost:0", Address("localhost", 0), "localhost:0"),
        ("[::1]:65535", Address("::1", 65535), "[::1]:65535"),
        ("::1:8080", Address("::1", 8080), "[::1]:8080"),
        ("rum.example.com:080", Address("rum.example.com", 80), "rum.example.com:80"),
    ],
)
def test_host_and_port_are_parsed(text: str, address: Address, printed: str) -> None:
    assert Address.parse(text) == address
    assert str(address) == printed


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "[]:8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
             "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1: 1", "127.0.0.1:²", "127.0.0.1:٣"],
)  # fmt: skip
def test_other_text_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="must be host:port, such as"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.example.com", False),
        ("rum.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_recognized(host: str, expected: bool) -> None:
    assert is_loopback(host) == Address(host, 1).is_loopback == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_binding_chooses_a_port_but_accepts_no_connection_yet(host: str) -> None:
    with Address(host, 0).bind("OPENRUM_HTTP") as bound:
        port = bound.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, port), timeout=10)
        bound.listen()
        socket.create_connection((host, port), timeout=10).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_connections_are_spread_over_the_sockets_that_share_an_address(host: str) -> None:
    with ExitStack() as stack:
        bound = [
            stack.enter_context(part) for part in Address(host, 0).bind_shared("OPENRUM_HTTP", 3)
        ]
        (port,) = {part.getsockname()[1] for part in bound}
        for part in bound:
            part.listen()
            part.setblocking(False)
        for _ in range(100):
            stack.enter_context(socket.create_connection((host, port), timeout=10))
        accepted = [_accept_all(part, stack) for part in bound]

    assert sum(accepted) == 100
    assert min(accepted) > 0


def _accept_all(listener: socket.socket, stack: ExitStack) -> int:
    accepted = 0
    while select.select([listener], [], [], 0)[0]:
        stack.enter_context(listener.accept()[0])
        accepted += 1
    return accepted


def test_a_shared_address_is_in_use_for_everybody_else() -> None:
    with ExitStack() as stack:
        bound = Address("127.0.0.1", 0).bind_shared("OPENRUM_HTTP", 2)
        for part in bound:
            stack.enter_context(part).listen()
        address = Address("127.0.0.1", bound[0].getsockname()[1])

        with pytest.raises(StartError, match="address already in use"):
            address.bind("OPENRUM_HTTP")
        with pytest.raises(StartError, match="address already in use"):
            address.bind_shared("OPENRUM_HTTP", 2)


def test_an_address_in_use_is_one_line_that_names_the_setting() -> None:
    with Address("127.0.0.1", 0).bind("OPENRUM_HTTP") as bound:
        bound.listen()
        address = Address("127.0.0.1", bound.getsockname()[1])
        with pytest.raises(StartError) as error:
            address.bind("OPENRUM_GRPC")

    assert str(error.value) == f"OPENRUM_GRPC: cannot listen on {address}: address already in use"


def test_an_address_of_another_machine_is_one_line_that_names_the_setting() -> None:
    with pytest.raises(StartError, match=r"^OPENRUM_HTTP: cannot listen on 192\.0\.2\.1:0: .+$"):
        Address("192.0.2.1", 0).bind("OPENRUM_HTTP")
