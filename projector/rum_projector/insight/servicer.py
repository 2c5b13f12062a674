"""InsightService on the projector's socket: runs answers on threads, and translates errors.

The service has authorized each call. Its metadata has the key of the app monitor.
"""

from __future__ import annotations

__all__ = ["InsightServicer"]

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
import grpc.aio
import structlog

from rum.v1 import insight_service_pb2 as pb
from rum.v1.insight_service_pb2_grpc import InsightServiceServicer
from rum_endpoint.metadata import ACCOUNT_ID_KEY, APP_MONITOR_KEY
from rum_projector.engines.base import Engine, EngineError, QueryTimeoutError
from rum_projector.insight import groups, metric_data, numbers, unusual, visits
from rum_projector.insight.call import Call
from rum_projector.insight.documents import Documents
from rum_projector.projection import Freshness
from rum_projector.schema import VERSION
from rum_service.errors import ResourceNotFoundException, ValidationException
from rum_service.storage.base import Store

logger = structlog.get_logger()

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Answer: TypeAlias = "Callable[[Call, _Request], _Response]"

_MAX_QUERY_S = 5.0


class InsightServicer(InsightServiceServicer):
    """The servicer.

    Args:
        executor: runs the answers. The number of its threads limits how many run at once.
        freshness: returns how current the projection is. It is called on these threads.
        clock: Unix seconds.
        max_query_s: how long the statements of one call may take together.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        executor: Executor,
        *,
        freshness: Callable[[], Freshness],
        clock: Callable[[], float],
        max_query_s: float = _MAX_QUERY_S,
    ) -> None:
        self._engine = engine
        self._store = store
        self._executor = executor
        self._freshness = freshness
        self._clock = clock
        self._max_query_s = max_query_s

    async def GetOverview(
        self, request: pb.GetOverviewRequest, context: _Context
    ) -> pb.GetOverviewResponse:
        return await self._answer(numbers.get_overview, request, context)

    async def ListChanges(
        self, request: pb.ListChangesRequest, context: _Context
    ) -> pb.ListChangesResponse:
        return await self._answer(unusual.list_changes, request, context)

    async def ListSegments(
        self, request: pb.ListSegmentsRequest, context: _Context
    ) -> pb.ListSegmentsResponse:
        return await self._answer(numbers.list_segments, request, context)

    async def ListErrorGroups(
        self, request: pb.ListErrorGroupsRequest, context: _Context
    ) -> pb.ListErrorGroupsResponse:
        return await self._answer(groups.list_error_groups, request, context)

    async def GetErrorGroup(
        self, request: pb.GetErrorGroupRequest, context: _Context
    ) -> pb.GetErrorGroupResponse:
        return await self._answer(groups.get_error_group, request, context)

    async def ListHttpTargets(
        self, request: pb.ListHttpTargetsRequest, context: _Context
    ) -> pb.ListHttpTargetsResponse:
        return await self._answer(groups.list_http_targets, request, context)

    async def ListSessions(
        self, request: pb.ListSessionsRequest, context: _Context
    ) -> pb.ListSessionsResponse:
        return await self._answer(visits.list_sessions, request, context)

    async def GetSession(
        self, request: pb.GetSessionRequest, context: _Context
    ) -> pb.GetSessionResponse:
        return await self._answer(visits.get_session, request, context)

    async def ListReplayEvents(
        self, request: pb.ListReplayEventsRequest, context: _Context
    ) -> pb.ListReplayEventsResponse:
        return await self._answer(visits.list_replay_events, request, context)

    async def TailEvents(
        self, request: pb.TailEventsRequest, context: _Context
    ) -> pb.TailEventsResponse:
        return await self._answer(visits.tail_events, request, context)

    async def GetPageDetails(
        self, request: pb.GetPageDetailsRequest, context: _Context
    ) -> pb.GetPageDetailsResponse:
        return await self._answer(numbers.get_page_details, request, context)

    async def GetMetricData(
        self, request: pb.GetMetricDataRequest, context: _Context
    ) -> pb.GetMetricDataResponse:
        return await self._answer(metric_data.get_metric_data, request, context)

    async def ListCurrentValues(
        self, request: pb.ListCurrentValuesRequest, context: _Context
    ) -> pb.ListCurrentValuesResponse:
        return await self._answer(numbers.list_current_values, request, context)

    async def GetProjectionState(
        self, request: pb.GetProjectionStateRequest, context: _Context
    ) -> pb.GetProjectionStateResponse:
        return await self._answer(self._state, request, context)

    def _state(self, call: Call, _: pb.GetProjectionStateRequest) -> pb.GetProjectionStateResponse:
        return pb.GetProjectionStateResponse(
            events=call.freshness.events,
            updated_ms=call.freshness.updated_ms,
            version=VERSION,
            bytes=self._engine.size_bytes(),
        )

    async def _answer(
        self, answer: _Answer[_Request, _Response], request: _Request, context: _Context
    ) -> _Response:
        """Return what `answer` returns, with the freshness. End the call for its exceptions."""
        metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        loop = asyncio.get_running_loop()
        stop = threading.Event()
        try:
            return await loop.run_in_executor(
                self._executor, self._answered, answer, request, metadata, stop
            )
        except asyncio.CancelledError:
            # The client has gone. asyncio cancels an answer that waits for a thread, but not one
            # that runs.
            stop.set()
            raise
        except ValidationException as error:
            await _abort(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except ResourceNotFoundException as error:
            await _abort(context, grpc.StatusCode.NOT_FOUND, str(error))
        except QueryTimeoutError:
            message = (
                f"The query took longer than {self._max_query_s:g} s. Choose a shorter time range."
            )
            await _abort(context, grpc.StatusCode.DEADLINE_EXCEEDED, message)
        except EngineError as error:
            logger.error("query failed", method=type(request).__name__, reason=str(error))
            await _abort(context, grpc.StatusCode.INTERNAL, "The query failed.")
        except Exception:
            logger.exception("query failed", method=type(request).__name__)
            await _abort(context, grpc.StatusCode.INTERNAL, "The query failed.")

    def _answered(
        self,
        answer: _Answer[_Request, _Response],
        request: Any,
        metadata: dict[str, str],
        stop: threading.Event,
    ) -> Any:
        # Read before the query, so that it does not promise more than the answer contains.
        freshness = self._freshness()
        monitor = int(metadata.get(APP_MONITOR_KEY, "0"))
        removed_before_ms = self._store.retention.removed_before(monitor) or 0 if monitor else 0
        alone = _needs_memory(request)
        with self._engine.snapshot(timeout_s=self._max_query_s, alone=alone, stop=stop) as query:
            call = Call(
                query=query,
                documents=Documents(
                    self._store.log,
                    monitor_name=getattr(request, "app_monitor", ""),
                    account_id=metadata.get(ACCOUNT_ID_KEY, ""),
                    stop=stop,
                ),
                monitor=monitor,
                now_ms=round(self._clock() * 1000),
                store=self._store,
                freshness=freshness,
                removed_before_ms=removed_before_ms,
            )
            response: Any = answer(call, request)
        response.freshness.CopyFrom(
            pb.Freshness(
                projected_sequence=freshness.projected_sequence,
                log_sequence=freshness.log_sequence,
                lag_ms=freshness.lag_ms,
                rebuilding=freshness.rebuilding,
                removed_before_ms=removed_before_ms,
                damaged_batches=self._store.damaged.met,
            )
        )
        return response


def _needs_memory(request: Any) -> bool:
    """Return whether an answer has percentiles of all resources, or of parts of durations.

    Percentiles keep all values in memory, and more than half of all events are resources.
    """
    if isinstance(request, (pb.GetOverviewRequest, pb.ListSegmentsRequest)):
        return not request.distribution or "resource" in request.distribution
    return isinstance(request, (pb.GetPageDetailsRequest, pb.GetMetricDataRequest))


async def _abort(context: _Context, code: grpc.StatusCode, message: str) -> NoReturn:
    await context.abort(code, message)
    raise AssertionError("abort raises")
