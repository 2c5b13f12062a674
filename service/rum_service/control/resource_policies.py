"""Resource policies of app monitors: put, show, remove.

A revision is random, so that one guessed or kept from before a change never fits.
Source: PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy API pages.
"""

from __future__ import annotations

__all__ = ["ResourcePolicies"]

from collections.abc import Callable
from concurrent.futures import Executor

from rum.v1 import resource_policy_pb2 as pb
from rum_service.auth.policy import evaluation as policy
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.constraints import validate_control
from rum_service.errors import InvalidPolicyRevisionIdException, PolicyNotFoundException
from rum_service.storage.base import PolicyStore
from rum_service.storage.records import AppMonitorRecord
from rum_service.storage.threads import on_thread


class ResourcePolicies:
    """The use cases. All raise ResourceNotFoundException where there is no such app monitor."""

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
        """Puts a policy in place of the one there is.

        Undocumented: whether PolicyRevisionId can name the new revision too. We chose that it names
        the one to replace; without it, any is replaced.

        Raises:
            MalformedPolicyDocumentException, PolicySizeLimitExceededException: the document.
            InvalidPolicyRevisionIdException: it names a revision that is not the current one.
        """
        validate_control(request)
        policy.parse(request.policy_document)
        asked = request.policy_revision_id if request.HasField("policy_revision_id") else None
        revision = self._new_id()
        while True:
            record = await self._monitors.by_name(request.name)
            if await self._replace(record, asked, request.policy_document, revision):
                return pb.PutResourcePolicyResponse(
                    policy_document=request.policy_document, policy_revision_id=revision
                )

    async def get(self, request: pb.GetResourcePolicyRequest) -> pb.GetResourcePolicyResponse:
        """Shows the policy. Raises PolicyNotFoundException."""
        validate_control(request)
        record = _with_policy(await self._monitors.by_name(request.name))
        return pb.GetResourcePolicyResponse(
            policy_document=record.policy, policy_revision_id=record.policy_revision
        )

    async def delete(
        self, request: pb.DeleteResourcePolicyRequest
    ) -> pb.DeleteResourcePolicyResponse:
        """Removes the policy. Raises PolicyNotFoundException, InvalidPolicyRevisionIdException."""
        validate_control(request)
        asked = request.policy_revision_id if request.HasField("policy_revision_id") else None
        while True:
            record = _with_policy(await self._monitors.by_name(request.name))
            if await self._replace(record, asked, None, None):
                return pb.DeleteResourcePolicyResponse(policy_revision_id=record.policy_revision)

    async def _replace(
        self,
        record: AppMonitorRecord,
        asked: str | None,
        document: str | None,
        revision: str | None,
    ) -> bool:
        """Says whether it was replaced; where not, another change came in between."""
        if asked is not None and asked != record.policy_revision:
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
