"""Builds access control: secrets, keys, authentication and authorization."""

from __future__ import annotations

__all__ = ["Access", "build_access"]

from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from rum_endpoint.start_error import StartError
from rum_service.auth.authentication import Authentication
from rum_service.auth.authorization import Authorization
from rum_service.auth.keyring import Keyring
from rum_service.auth.secret_files import SecretBox, create_or_read
from rum_service.auth.tokens import new_access_key, new_token
from rum_service.composition.base import Base
from rum_service.control.credentials import Credentials

_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Access:
    """The parts that hold secrets, and the parts that use them."""

    keyring: Keyring
    credentials: Credentials
    authentication: Authentication
    authorization: Authorization
    bridge_token: str


def build_access(base: Base) -> Access:
    """Create the parts. Raises StartError if a token file cannot be created or read."""
    settings, store = base.settings, base.store
    box = SecretBox(settings.secrets_key_file)
    keyring = Keyring(
        store.credentials,
        base.lookups,
        box,
        account_id=settings.account_id,
        clock=base.clock,
        monotonic=monotonic,
    )
    credentials = Credentials(
        store.credentials,
        base.lookups,
        base.app_monitors,
        keyring,
        box,
        clock=base.clock,
        new_access_key=new_access_key,
        new_token=new_token,
    )
    bridge_token = _token("OPENRUM_BRIDGE_TOKEN_FILE", settings.bridge_token_file, 0o640)
    authentication = Authentication(
        keyring,
        required=settings.auth == "required",
        operator_token=_token("OPENRUM_OPERATOR_TOKEN_FILE", settings.operator_token_file, 0o600),
        bridge_token=bridge_token,
        certificate_access=frozenset(settings.certificate_access),
        reject_aws_keys=settings.aws_keys == "reject",
        account_id=settings.account_id,
        region=settings.region or None,
        clock=base.clock,
    )
    authorization = Authorization(
        check_origin=settings.check_origin,
        region=settings.region or _DEFAULT_REGION,
        account_id=settings.account_id,
    )
    return Access(keyring, credentials, authentication, authorization, bridge_token)


def _token(setting: str, file: Path, mode: int) -> str:
    try:
        return create_or_read(file, new_token, mode)
    except OSError as error:
        raise StartError(f"{setting}: {error.filename}: {error.strerror}") from error
