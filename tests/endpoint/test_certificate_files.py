"""Certificate files: checked before use, and read again when they change."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog
from cryptography.hazmat.primitives import serialization

from rum_endpoint.certificate_files import (
    CertificateFile,
    FollowedFiles,
    KeyPair,
    pair_files,
    read_ca,
    read_pair,
)
from rum_endpoint.start_error import StartError
from tests.support.certificates import Authority, Pair

_CERTIFICATE, _KEY = "OPENRUM_HTTP_CERTIFICATE_FILE", "OPENRUM_HTTP_KEY_FILE"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def pair(authority: Authority) -> Pair:
    return authority.sign("server")


def _files(pair: Pair) -> tuple[CertificateFile, CertificateFile]:
    files = pair_files("HTTP", pair.certificate, pair.key)
    assert files
    return files


def _error(files: tuple[CertificateFile, CertificateFile]) -> str:
    with pytest.raises(StartError, match=r"^[^\n]+$") as error:
        read_pair(*files)
    return str(error.value)


def test_a_pair_is_named_by_its_settings(pair: Pair) -> None:
    assert pair_files("HTTP", None, None) is None
    assert [file.setting for file in _files(pair)] == [_CERTIFICATE, _KEY]


def test_one_of_two_files_is_rejected(pair: Pair) -> None:
    for certificate, key in ((pair.certificate, None), (None, pair.key)):
        with pytest.raises(ValueError, match=f"{_CERTIFICATE} and {_KEY} must be set together"):
            pair_files("HTTP", certificate, key)


def test_a_pair_is_read(pair: Pair) -> None:
    expected = KeyPair(pair.certificate.read_bytes(), pair.key.read_bytes())

    assert read_pair(*_files(pair)) == expected


def test_a_missing_file_is_named(pair: Pair) -> None:
    pair.key.unlink()

    assert _error(_files(pair)) == f"{_KEY}: {pair.key}: No such file or directory"


def _text(pair: Pair, _: Authority) -> None:
    pair.certificate.write_text("not PEM\n")


def _key_of_another(pair: Pair, authority: Authority) -> None:
    pair.key.write_bytes(authority.sign("other").key.read_bytes())


def _encrypted_key(pair: Pair, _: Authority) -> None:
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )


_UNUSABLE = [_text, _key_of_another, _encrypted_key]


@pytest.mark.parametrize("spoil", _UNUSABLE, ids=lambda spoil: spoil.__name__.strip("_"))
def test_an_unusable_pair_is_rejected(authority: Authority, pair: Pair, spoil: object) -> None:
    assert callable(spoil)
    spoil(pair, authority)

    assert _error(_files(pair)) == (
        f"{_CERTIFICATE}: {pair.certificate} and {pair.key} are not a PEM certificate and its"
        " unencrypted key"
    )


def test_a_ca_is_read(authority: Authority) -> None:
    assert read_ca(CertificateFile("X", authority.file)) == authority.file.read_bytes()


@pytest.mark.parametrize("content", [b"", b"not PEM", b"\xff"])
def test_an_unusable_ca_is_rejected(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    with pytest.raises(StartError) as error:
        read_ca(CertificateFile("OPENRUM_CLIENT_CA_FILE", file))

    assert str(error.value) == f"OPENRUM_CLIENT_CA_FILE: {file} is not a PEM certificate"


def test_followed_files_are_read_again_only_when_they_change(
    authority: Authority, pair: Pair
) -> None:
    files = FollowedFiles(_files(pair), lambda: read_pair(*_files(pair)))
    first = files.read()
    original = read_pair(*_files(pair))
    with structlog.testing.capture_logs() as logged:
        unchanged = files.read_if_changed()
        pair.replace(authority.sign("second"))
        second = files.read_if_changed()
        still = files.read_if_changed()

    assert (first, unchanged) == (original, None)
    assert second == read_pair(*_files(pair)) != first
    assert still is None
    assert [entry["event"] for entry in logged] == ["certificate read again"]


def test_unusable_followed_files_are_logged_once_and_tried_again_after_the_next_change(
    authority: Authority, pair: Pair
) -> None:
    files = FollowedFiles(_files(pair), lambda: read_pair(*_files(pair)))
    pair.certificate.unlink()
    with structlog.testing.capture_logs() as logged:
        read = [files.read_if_changed() for _ in range(3)]
    pair.replace(authority.sign("second"))

    assert read == [None] * 3
    assert [entry["event"] for entry in logged] == ["certificate not read"]
    assert files.read_if_changed() == read_pair(*_files(pair))
