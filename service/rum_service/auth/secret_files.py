"""Files that hold secrets, and encryption with a key in such a file.

To verify signatures, the service needs the secrets of access keys. It cannot store hashes, as it
does for tokens. The key that decrypts the secrets is in a file outside the database: the database
alone reveals no secrets.
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
    """Encrypts and decrypts with the key in a file, which `seal` creates if it is missing.

    Methods block, and read the file each time: cache what you need often.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def seal(self, secret: str) -> bytes:
        """Return the encrypted secret."""
        key = create_or_read(self._key_file, lambda: Fernet.generate_key().decode(), 0o600)
        return self._fernet(key).encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Return the decrypted secret.

        A missing file is an error here: creating one would hide that the old key is lost.

        Raises:
            OSError: the file cannot be read.
            ValueError: the file holds no key, or the key of another database.
        """
        try:
            return self._fernet(self._key_file.read_text().strip()).decrypt(sealed).decode()
        except InvalidToken:
            raise ValueError(f"{self._key_file} is not the key of this database") from None

    def _fernet(self, key: str) -> Fernet:
        try:
            return Fernet(key)
        except ValueError:
            raise ValueError(f"{self._key_file} does not contain a key") from None


def create_or_read(path: Path, new_content: Callable[[], str], mode: int) -> str:
    """Return a file's content. Create the file with `mode` if it does not exist.

    Processes and threads that create it at the same moment all return the same content.

    Raises:
        OSError: the file cannot be created or read, or is empty. Everybody knows an empty token.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    if not path.exists():
        _create(path, new_content() + "\n", mode)
    content = path.read_text().strip()
    if not content:
        raise OSError(errno.ENODATA, "is empty; delete it, and a new one is created", str(path))
    return content


def _create(path: Path, content: str, mode: int) -> None:
    # A unique name: a file left behind by a crash must not block the next start.
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            # The mode does not depend on the umask: with 077, a bridge in the group of the
            # service could not read its token.
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
