"""Finds out who calls: a token, a certificate, a signature that a bridge relays, or nobody known.

    from a bridge (its token)   what it reports: signature, else token, else anonymous
    with a token                whom the token stands for
    from a bridge without it    anonymous: the bridge's own certificate is not its callers'
    with a certificate          its common name
    otherwise                   anonymous

A credential that is there and wrong is refused, whatever a policy would allow to anonymous callers.
"""

from __future__ import annotations

__all__ = ["Authentication"]

from collections.abc import Callable
from datetime import datetime
from urllib.parse import unquote

from rum.internal.v1.caller_pb2 import HttpCaller, SignedRequest
from rum_service.auth.callers import ADMIN, ANONYMOUS, Call, Caller, Operation, Principal
from rum_service.auth.credentials import Credentials
from rum_service.auth.operations import is_path_of
from rum_service.auth.sigv4 import verify
from rum_service.auth.tokens import token_hash
from rum_service.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    UnrecognizedClientException,
)

_FAULTS = {"InvalidSignatureException": InvalidSignatureException}


class Authentication:
    """To be used on one event loop."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        operator_token: str,
        bridge_token: str,
        certificate_access: frozenset[str],
        account_id: str,
        region: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._credentials = credentials
        self._operator = Principal(f"arn:aws:iam::{account_id}:root", frozenset({ADMIN}))
        self._operator_hash = token_hash(operator_token)
        self._bridge_hash = token_hash(bridge_token)
        self._certificate_access = certificate_access
        self._account_id = account_id
        self._region = region
        self._clock = clock

    async def caller(self, call: Call, asked: Operation) -> Caller:
        """Returns who calls, and from where.

        Args:
            asked: what is asked for: a signature for another operation is no good for it.

        Raises:
            RumError: a credential is wrong, with AWS's name for it.
        """
        if call.bearer_token and token_hash(call.bearer_token) == self._bridge_hash:
            return await self._relayed(call.relayed or HttpCaller(), asked)
        if call.bearer_token:
            principal = await self._bearer(call.bearer_token)
        elif call.relayed is not None:
            # From a bridge without its token: its certificate and address are not its callers'.
            return Caller(ANONYMOUS)
        elif call.certificate_name:
            arn = f"arn:aws:iam::{self._account_id}:user/{call.certificate_name}"
            principal = Principal(arn, self._certificate_access)
        else:
            principal = ANONYMOUS
        return Caller(principal, call.peer_ip)

    async def _relayed(self, http: HttpCaller, asked: Operation) -> Caller:
        principal = ANONYMOUS
        if http.HasField("signature_fault"):
            raise _FAULTS.get(http.signature_fault.exception, IncompleteSignatureException)(
                http.signature_fault.message
            )
        if http.HasField("signed_request"):
            principal = await self._signed(http.signed_request, asked)
        elif http.HasField("bearer_token"):
            principal = await self._bearer(http.bearer_token)
        return Caller(
            principal,
            source_ip=http.source_ip or None,
            origin=http.origin or None,
            referer=http.referer or None,
            user_agent=http.user_agent or None,
        )

    async def _bearer(self, token: str) -> Principal:
        if token_hash(token) == self._operator_hash:
            return self._operator
        principal = await self._credentials.principal_of_token(token)
        if principal is None:
            raise UnrecognizedClientException
        return principal

    async def _signed(self, signed: SignedRequest, asked: Operation) -> Principal:
        found = await self._credentials.key(signed.access_key_id)
        if found is None:
            raise UnrecognizedClientException
        principal, secret = found
        verify(signed, secret, now=self._clock(), region=self._region)
        if not _is_signed_for(signed, asked):
            raise InvalidSignatureException("The signature is that of another operation.")
        return principal


def _is_signed_for(signed: SignedRequest, asked: Operation) -> bool:
    # Only these two lines are ASCII for certain: a signed header may hold any byte.
    method, path, *_ = signed.canonical_request.split(b"\n", 2)
    # Encoded twice, as SigV4 wants the path of every service but S3.
    return is_path_of(asked, method.decode("latin-1"), unquote(unquote(path.decode("latin-1"))))
