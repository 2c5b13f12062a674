"""Keeps secrets that must be read again: encrypted, with a key in a file that is not the database.

The secret of an access key is needed to verify signatures, so it cannot be hashed as tokens are.
Who has the database alone has no secret.
"""

from __future__ import annotations

__all__ = ["SecretBox", "create_or_read"]

import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken


class SecretBox:
    """Encrypts and decrypts with the key of one file, which the first secret makes. Blocks.

    The file is read each time: callers keep what they need often.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def seal(self, secret: str) -> bytes:
        """Returns the secret, encrypted."""
        made = create_or_read(self._key_file, lambda: Fernet.generate_key().decode(), 0o600)
        return self._with(made).encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Returns what was sealed.

        Raises OSError where the file cannot be read, ValueError where it holds another key. A new
        file is never made: it would hide that the old one is lost.
        """
        try:
            return self._with(self._key_file.read_text().strip()).decrypt(sealed).decode()
        except InvalidToken:
            raise ValueError(f"{self._key_file} is not the key of this database") from None

    def _with(self, key: str) -> Fernet:
        try:
            return Fernet(key)
        except ValueError:
            raise ValueError(f"{self._key_file} holds no key") from None


def create_or_read(path: Path, make: Callable[[], str], mode: int) -> str:
    """Returns the content of a file; makes it, closed to others, where there is none.

    Those who make it at once, processes or threads, end with one content. Raises OSError, also
    where the file is empty: an empty token would be anybody's.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make(path, make() + "\n", mode)
    content = path.read_text().strip()
    if not content:
        raise OSError(errno.ENODATA, "is empty; remove it, and it is made anew", str(path))
    return content


def _make(path: Path, content: str, mode: int) -> None:
    # A name that nobody else has: what a crash leaves behind must not be in the way of a restart.
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
