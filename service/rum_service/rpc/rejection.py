"""Ends calls that raise: each error as a rich status, logged once."""

from __future__ import annotations

__all__ = ["rejecting"]

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import grpc
import grpc.aio
import structlog
from grpc_status import rpc_status

from rum_endpoint.metadata import REQUEST_ID_KEY
from rum_service.errors import InternalServerException, RumError, ThrottlingException
from rum_service.rpc.call_context import Behavior, Context
from rum_service.rpc.status import to_status
from rum_service.storage.damage import advice_for

logger = structlog.get_logger()


def rejecting(method: str, behavior: Behavior, request_id: Callable[[Context], str]) -> Behavior:
    """Return `behavior` with its errors as rich statuses.

    Args:
        method: `/rum.v1.DataPlaneService/PutRumEvents`, for the log.
        request_id: returns a call's request ID.
    """

    async def answer(request: Any, context: Context) -> Any:
        try:
            return await behavior(request, context)
        except ThrottlingException as error:
            # Counted, and not logged: under overload there are thousands in a second.
            rejection: RumError = _without_frames(error)
        except RumError as error:
            # Messages name members and constraints, never request contents.
            logger.info(
                "call rejected",
                method=method,
                request_id=request_id(context),
                error=type(error).__name__,
                reason=str(error),
            )
            rejection = _without_frames(error)
        except (grpc.aio.AbortError, grpc.aio.BaseError):
            raise
        except Exception as error:
            advice = advice_for(error)
            logger.exception("call failed", method=method, request_id=request_id(context), **advice)
            rejection = InternalServerException(retry_after_seconds=1)
        # Outside of the handlers, which keep the exception and so its frames.
        await _abort(context, rejection, request_id(context))
        return None

    return answer


def _without_frames(error: RumError) -> RumError:
    """Return the error without what keeps the frames of the call, and so its message, in memory.

    gRPC waits for the client before an aborted call ends.
    """
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


async def _abort(context: Context, error: RumError, request_id: str) -> None:
    if isinstance(error, ThrottlingException):
        status = _throttling(
            error.message, error.service_code, error.quota_code, error.retry_after_seconds
        )
    else:
        status = rpc_status.to_status(to_status(error))
    metadata = (*status.trailing_metadata, (REQUEST_ID_KEY, request_id))
    await context.abort(status.code, status.details, metadata)


@lru_cache(256)
def _throttling(*members: Any) -> grpc.Status:
    """Return a ThrottlingException's status with these members."""
    status: grpc.Status = rpc_status.to_status(to_status(ThrottlingException(*members)))
    return status
