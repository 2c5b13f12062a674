"""Identifies callers by token, by certificate, or by the signature that a bridge relays.

    authorization is off        trusted
    a bridge with its token     as it reports: signature, else token, else anonymous
    a report without it         rejected: anyone could claim any address
    a token                     the principal that the token stands for
    a client certificate        its common name
    otherwise                   anonymous

A wrong credential is rejected even where a policy would allow anonymous callers. A temporary key of
AWS is not a wrong credential: OpenRUM cannot verify it, so its caller is anonymous.
"""

from __future__ import annotations

__all__ = ["Authentication"]

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import unquote

from rum.internal.v1.caller_pb2 import HttpCaller, SignedRequest
from rum_endpoint.metadata import BRIDGE_TOKEN_REJECTED
from rum_service.auth.callers import ADMIN, ANONYMOUS, TRUSTED, UNVERIFIED, Call, Caller, Principal
from rum_service.auth.keyring import Keyring
from rum_service.auth.operations import Operation, is_signed_for
from rum_service.auth.sigv4 import verify
from rum_service.auth.tokens import token_hash
from rum_service.errors import (
    AccessDeniedException,
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)

_FAULTS = {"InvalidSignatureException": InvalidSignatureException}
_MAX_NAME = 128
_TRUSTED_CALLER = Caller(TRUSTED)


class Authentication:
    """Identifies callers. For use on one event loop.

    Args:
        required: whether every caller is authorized.
        certificate_access: the access of callers with a client certificate.
        reject_aws_keys: whether temporary keys of AWS are rejected as any other unknown key.
        region: the only region that signatures may name; None accepts any.
        clock: Unix seconds.
    """

    def __init__(
        self,
        keyring: Keyring,
        *,
        required: bool,
        operator_token: str,
        bridge_token: str,
        certificate_access: frozenset[str],
        reject_aws_keys: bool,
        account_id: str,
        region: str | None,
        clock: Callable[[], float],
    ) -> None:
        self._keyring = keyring
        self.is_required = required
        self._operator = Principal(f"arn:aws:iam::{account_id}:root", frozenset({ADMIN}))
        self._operator_hash = token_hash(operator_token)
        self._bridge_hash = token_hash(bridge_token)
        self._proven = ""
        self._certificate_access = certificate_access
        self._reject_aws_keys = reject_aws_keys
        self._account_id = account_id
        self._region = region
        self._clock = clock

    def trusted(self, call: Call) -> Caller | None:
        """Return the caller if authorization is off for the call, else None. Does not block."""
        relayed = call.relayed
        if self.is_required or (relayed and relayed.authorization_required):
            return None
        if relayed is None and call.peer_ip is None:
            return _TRUSTED_CALLER
        return Caller(TRUSTED, call.peer_ip, relayed)

    def check_bridge(self, call: Call) -> None:
        """Return if a bridge makes the call, or if authorization is off for it.

        Raises:
            AccessDeniedException: the call does not carry the token of the bridge.
        """
        if self.trusted(call) is None and not self._is_bridge(call):
            raise AccessDeniedException(BRIDGE_TOKEN_REJECTED)

    async def is_known(self, call: Call) -> bool:
        """Return whether the metadata of a call alone proves who makes it: a bridge, or a caller.

        Raises:
            RumError: a credential is wrong, where authorization is on for the call.
        """
        if self._is_bridge(call):
            return True
        if self.trusted(call):
            token = call.bearer_token
            return token is not None and token_hash(token) == self._operator_hash
        if call.relayed is not None:
            raise AccessDeniedException(BRIDGE_TOKEN_REJECTED)
        return await self._direct(call) is not ANONYMOUS

    def is_of_operator(self, call: Call) -> bool:
        """Return whether a bridge makes the call, or someone who has the operator token."""
        token = call.bearer_token
        if token is None:
            return False
        return self._is_bridge(call) or token_hash(token) == self._operator_hash

    async def check_known(self, call: Call) -> bool:
        """Return the same as `is_known`, for calls that are never open to anonymous callers.

        Raises:
            RumError: also if an anonymous caller makes the call, where authorization is on for it.
        """
        known = await self.is_known(call)
        if not known and self.trusted(call) is None:
            raise MissingAuthenticationTokenException
        return known

    def name_of(self, call: Call, caller: Caller) -> str:
        """Return a readable name for the caller, for records of operations."""
        token = call.bearer_token
        if token is not None and token_hash(token) == self._operator_hash:
            return "operator token"
        if caller.principal.arn is not None:
            return caller.principal.arn.partition(":user/")[2][:_MAX_NAME]
        return f"anonymous from {call.peer_ip or 'a Unix socket'}"

    async def caller(self, call: Call, operation: Operation, path: str) -> Caller:
        """Return the caller, and where the request came from.

        Args:
            operation: the operation, and `path`, from its `path_of`: a signature for another
                operation or path is not valid here.

        Raises:
            RumError: a credential is wrong, with AWS's name for it.
        """
        if trusted := self.trusted(call):
            return trusted
        if self._is_bridge(call):
            http = call.relayed or HttpCaller()
            return Caller(await self._relayed(http, operation, path), http=http)
        if call.relayed is not None:
            raise AccessDeniedException(BRIDGE_TOKEN_REJECTED)
        return Caller(await self._direct(call), call.peer_ip)

    def _is_bridge(self, call: Call) -> bool:
        token = call.bearer_token
        if token is None:
            return False
        # The same object is in each of the many puts of a call. The hash takes 1 µs.
        if token is self._proven:
            return True
        is_bridge = token_hash(token) == self._bridge_hash
        if is_bridge:
            self._proven = token
        return is_bridge

    async def _direct(self, call: Call) -> Principal:
        if call.bearer_token:
            if token_hash(call.bearer_token) == self._operator_hash:
                return self._operator
            return await self._keyring.principal_of_token(call.bearer_token)
        if call.certificate_name:
            arn = f"arn:aws:iam::{self._account_id}:user/{call.certificate_name}"
            return Principal(arn, self._certificate_access)
        return ANONYMOUS

    async def _relayed(self, http: HttpCaller, operation: Operation, path: str) -> Principal:
        if http.HasField("signature_fault"):
            raise _FAULTS.get(http.signature_fault.exception, IncompleteSignatureException)(
                http.signature_fault.message
            )
        if http.HasField("signed_request"):
            return await self._signed(http.signed_request, operation, path)
        if http.HasField("bearer_token"):
            if token_hash(http.bearer_token) == self._operator_hash:
                # It must stay on the operator's machine. A page or a proxy could leak it.
                raise AccessDeniedException("The operator token is not accepted over HTTP.")
            return await self._keyring.principal_of_token(http.bearer_token)
        return ANONYMOUS

    async def _signed(self, signed: SignedRequest, operation: Operation, path: str) -> Principal:
        key = await self._keyring.key(signed.access_key_id)
        if key is None:
            if self._reject_aws_keys or not _is_temporary_key_of_aws(signed):
                raise UnrecognizedClientException
            return UNVERIFIED
        now = datetime.fromtimestamp(self._clock(), UTC)
        method, signed_path = verify(
            signed, key.secret, session_token=key.session_token, now=now, region=self._region
        )
        # Encoded twice, as SigV4 wants the path of every service but S3.
        decoded = unquote(unquote(signed_path.decode("latin-1")))
        http_method = method.decode("latin-1")
        if not is_signed_for(operation, path, http_method=http_method, signed_path=decoded):
            raise InvalidSignatureException("The signature is that of another operation.")
        # The signature comes first: only the key's owner learns that it has expired.
        self._keyring.check_not_expired(key)
        return key.principal


def _is_temporary_key_of_aws(signed: SignedRequest) -> bool:
    """Return whether the access key has the form that AWS STS uses, also for web pages."""
    return signed.access_key_id.startswith("ASIA") and bool(signed.session_token)
