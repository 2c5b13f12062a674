"""Resource policies of app monitors: put, get, delete.

Revision IDs are random: a client cannot guess the current one, and an old one never matches again.
Source: PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy API pages.
"""

from __future__ import annotations

__all__ = ["ResourcePolicies"]

from collections.abc import Callable
from concurrent.futures import Executor

from rum.v1 import resource_policy_pb2 as pb
from rum_service.auth import policy
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.attempts import until_done
from rum_service.control.constraints import validate_control
from rum_service.errors import InvalidPolicyRevisionIdException, PolicyNotFoundException
from rum_service.storage.base import PolicyStore
from rum_service.storage.records import AppMonitorRecord
from rum_service.storage.threads import on_thread


class ResourcePolicies:
    """The use cases. All raise ResourceNotFoundException if the app monitor does not exist."""

    def __init__(
        self,
        monitors: AppMonitors,
        store: PolicyStore,
        executor: Executor,
        *,
        new_id: Callable[[], str],
    ) -> None:
        self._monitors = monitors
        self._store = store
        self._executor = executor
        self._new_id = new_id

    async def put(self, request: pb.PutResourcePolicyRequest) -> pb.PutResourcePolicyResponse:
        """Create the policy, or replace it.

        Undocumented: whether PolicyRevisionId names the revision to replace or the new one. We
        chose the revision to replace. Without it, any revision is replaced.

        Raises:
            MalformedPolicyDocumentException, PolicySizeLimitExceededException: the document is
                invalid or too long.
            InvalidPolicyRevisionIdException: the policy has another revision.
            ConflictException: other changes always came first.
        """
        validate_control(request)
        policy.parse(request.policy_document)
        expected = request.policy_revision_id if request.HasField("policy_revision_id") else None
        revision = self._new_id()

        async def attempt() -> pb.PutResourcePolicyResponse | None:
            record = await self._monitors.by_name(request.name)
            if not await self._replace(record, expected, request.policy_document, revision):
                return None
            return pb.PutResourcePolicyResponse(
                policy_document=request.policy_document, policy_revision_id=revision
            )

        return await until_done(attempt, request.name)

    async def get(self, request: pb.GetResourcePolicyRequest) -> pb.GetResourcePolicyResponse:
        """Return the policy. Raises PolicyNotFoundException."""
        validate_control(request)
        record = _with_policy(await self._monitors.by_name(request.name))
        return pb.GetResourcePolicyResponse(
            policy_document=record.policy, policy_revision_id=record.policy_revision
        )

    async def delete(
        self, request: pb.DeleteResourcePolicyRequest
    ) -> pb.DeleteResourcePolicyResponse:
        """Delete the policy.

        Raises:
            PolicyNotFoundException: the app monitor has no policy.
            InvalidPolicyRevisionIdException: the policy has another revision.
            ConflictException: other changes always came first.
        """
        validate_control(request)
        expected = request.policy_revision_id if request.HasField("policy_revision_id") else None

        async def attempt() -> pb.DeleteResourcePolicyResponse | None:
            record = _with_policy(await self._monitors.by_name(request.name))
            if not await self._replace(record, expected, None, None):
                return None
            return pb.DeleteResourcePolicyResponse(policy_revision_id=record.policy_revision)

        return await until_done(attempt, request.name)

    async def _replace(
        self,
        record: AppMonitorRecord,
        expected: str | None,
        document: str | None,
        revision: str | None,
    ) -> bool:
        """Return whether the policy was replaced; if not, it changed after `record` was read."""
        if expected is not None and expected != record.policy_revision:
            raise InvalidPolicyRevisionIdException(
                "PolicyRevisionId is not the latest revision of the policy."
            )
        replaced = await on_thread(
            self._executor,
            self._store.replace,
            record.key,
            expected=record.policy_revision,
            policy=document,
            revision=revision,
        )
        self._monitors.forget()
        return replaced


def _with_policy(record: AppMonitorRecord) -> AppMonitorRecord:
    if record.policy is None:
        raise PolicyNotFoundException("The app monitor has no resource policy.")
    return record
