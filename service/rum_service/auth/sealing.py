"""Keeps secrets that must be read again: encrypted, with a key in a file that is not the database.

The secret of an access key is needed to verify signatures, so it cannot be hashed as tokens are.
Who has the database alone has no secret.
"""

from __future__ import annotations

__all__ = ["SealedBox", "private_file"]

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken


class SealedBox:
    """Encrypts and decrypts with the key of one file, which the first secret makes. Blocks."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._fernet: Fernet | None = None

    def seal(self, secret: str) -> bytes:
        """Returns the secret, encrypted."""
        return self._opened().encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Returns what was sealed. Raises ValueError where it was with another key."""
        try:
            return self._opened().decrypt(sealed).decode()
        except InvalidToken:
            raise ValueError(f"{self._key_file} is not the key of this database") from None

    def _opened(self) -> Fernet:
        if self._fernet is None:
            made = private_file(self._key_file, lambda: Fernet.generate_key().decode(), 0o600)
            self._fernet = Fernet(made)
        return self._fernet


def private_file(path: Path, make: Callable[[], str], mode: int) -> str:
    """Returns the content of a file; makes it, closed to others, where there is none.

    Two processes that make it at once end with one content.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    if not path.exists():
        descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with os.fdopen(descriptor, "w") as file:
            file.write(make() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
