"""Tags of app monitors: add, remove, list.

Source: TagResource, UntagResource and ListTagsForResource API pages.
"""

from __future__ import annotations

__all__ = ["Tags"]

from collections.abc import Callable

from rum.v1.app_monitor_pb2 import AppMonitor
from rum.v1.control_plane_service_pb2 import GetAppMonitorRequest
from rum.v1.tags_pb2 import (
    ListTagsForResourceRequest,
    ListTagsForResourceResponse,
    TagResourceRequest,
    UntagResourceRequest,
)
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.constraints import validate_control
from rum_service.control.resource_arn import name_in_arn
from rum_service.errors import (
    ConflictException,
    InternalServerException,
    ValidationException,
)

_MAX_TAGS = 50


class Tags:
    """The use cases. All raise ResourceNotFoundException if no app monitor has the ARN."""

    def __init__(self, monitors: AppMonitors, *, account_id: str) -> None:
        self._monitors = monitors
        self._account_id = account_id

    async def tag(self, request: TagResourceRequest) -> None:
        """Add tags, or replace their values. LastModified does not change.

        Undocumented: the exception for a 51st tag. We chose ValidationException, the exception of
        TagResource for an invalid argument.
        """
        validate_control(request)

        def add(monitor: AppMonitor) -> None:
            monitor.tags.update(request.tags)
            if len(monitor.tags) > _MAX_TAGS:
                raise ValidationException(f"An app monitor has at most {_MAX_TAGS} tags.")

        await self._change(request.resource_arn, add)

    async def untag(self, request: UntagResourceRequest) -> None:
        """Remove tags. Keys that the app monitor does not have are ignored."""
        validate_control(request)

        def remove(monitor: AppMonitor) -> None:
            for key in request.tag_keys:
                monitor.tags.pop(key, None)

        await self._change(request.resource_arn, remove)

    async def list(self, request: ListTagsForResourceRequest) -> ListTagsForResourceResponse:
        """Return an app monitor's tags."""
        validate_control(request)
        name = self._name(request.resource_arn)
        monitor = await self._monitors.get(GetAppMonitorRequest(name=name))
        return ListTagsForResourceResponse(resource_arn=request.resource_arn, tags=monitor.tags)

    async def _change(self, arn: str, apply: Callable[[AppMonitor], None]) -> None:
        try:
            await self._monitors.change(self._name(arn), apply)
        except ConflictException:
            # The model has no conflict for tags. SDKs retry this.
            raise InternalServerException(retry_after_seconds=1) from None

    def _name(self, arn: str) -> str:
        return name_in_arn(arn, account_id=self._account_id)
