"""Metric definitions for a destination: create, list, delete, update.

Source: BatchCreateRumMetricDefinitions, BatchGetRumMetricDefinitions,
BatchDeleteRumMetricDefinitions and UpdateRumMetricDefinition API pages.
"""

from __future__ import annotations

__all__ = ["MetricDefinitions"]

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import Executor

from google.protobuf.json_format import MessageToDict, Parse

from rum.v1 import metrics_pb2 as pb
from rum_service.control.constraints import validate_control
from rum_service.control.metric_destinations import MetricDestinations, no_destination
from rum_service.control.metric_rules import check_definition
from rum_service.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from rum_service.page_tokens import decode_token, encode_token
from rum_service.storage.base import DefinitionTakenError, MetricStore, QuotaReachedError
from rum_service.storage.records import MetricDefinitionRecord
from rum_service.storage.threads import on_thread

_DEFAULT_PAGE = 50
_MAX_DEFINITIONS = 2000
_TYPE = "MetricDefinition"


class MetricDefinitions:
    """The use cases. All raise ResourceNotFoundException if the destination does not exist."""

    def __init__(
        self,
        destinations: MetricDestinations,
        store: MetricStore,
        executor: Executor,
        *,
        new_id: Callable[[], str],
    ) -> None:
        self._destinations = destinations
        self._store = store
        self._executor = executor
        self._new_id = new_id

    async def create(
        self, request: pb.BatchCreateRumMetricDefinitionsRequest
    ) -> pb.BatchCreateRumMetricDefinitionsResponse:
        """Create definitions. The response lists those that are not valid as errors.

        AWS's model calls the operation idempotent: a definition that exists, member for member,
        keeps its ID, and the response has that ID.

        Raises:
            ServiceQuotaExceededException: the destination would have more than 2,000 definitions;
                nothing was created.
        """
        validate_control(request)
        response = pb.BatchCreateRumMetricDefinitionsResponse()
        valid: list[MetricDefinitionRecord] = []
        for definition in request.metric_definitions:
            try:
                check_definition(definition)
            except ValidationException as error:
                response.errors.add(
                    metric_definition=definition,
                    error_code=type(error).__name__,
                    error_message=error.message,
                )
            else:
                valid.append(_record(self._new_id(), definition))
        destination = await self._destinations.find(request)
        try:
            ids = await on_thread(
                self._executor,
                self._store.create_definitions,
                destination.key,
                valid,
                limit=_MAX_DEFINITIONS,
            )
        except QuotaReachedError:
            raise ServiceQuotaExceededException(
                f"A destination has at most {_MAX_DEFINITIONS} metric definitions."
            ) from None
        if ids is None:
            raise no_destination(request)
        response.metric_definitions.extend(
            _definition(identifier, record.document)
            for identifier, record in zip(ids, valid, strict=True)
        )
        return response

    async def get(
        self, request: pb.BatchGetRumMetricDefinitionsRequest
    ) -> pb.BatchGetRumMetricDefinitionsResponse:
        """Return a page of definitions, oldest first."""
        validate_control(request)
        token = request.next_token
        after = decode_token("nextToken", token, int)[0] if token else 0
        destination = await self._destinations.find(request)
        size = request.max_results or _DEFAULT_PAGE
        found = await on_thread(
            self._executor,
            self._store.list_definitions,
            destination.key,
            after=after,
            limit=size + 1,
        )
        response = pb.BatchGetRumMetricDefinitionsResponse(
            metric_definitions=[_definition(record.id, record.document) for record in found[:size]]
        )
        if len(found) > size:
            response.next_token = encode_token(found[size - 1].sequence)
        return response

    async def delete(
        self, request: pb.BatchDeleteRumMetricDefinitionsRequest
    ) -> pb.BatchDeleteRumMetricDefinitionsResponse:
        """Delete definitions. The response lists unknown IDs as errors."""
        validate_control(request)
        destination = await self._destinations.find(request)
        ids = list(dict.fromkeys(request.metric_definition_ids))
        deleted = await on_thread(
            self._executor, self._store.delete_definitions, destination.key, ids
        )
        return pb.BatchDeleteRumMetricDefinitionsResponse(
            metric_definition_ids=[identifier for identifier in ids if identifier in deleted],
            errors=[
                pb.BatchDeleteRumMetricDefinitionsError(
                    metric_definition_id=identifier,
                    error_code=ResourceNotFoundException.__name__,
                    error_message="The destination has no metric definition with this ID.",
                )
                for identifier in ids
                if identifier not in deleted
            ],
        )

    async def update(self, request: pb.UpdateRumMetricDefinitionRequest) -> None:
        """Replace a definition. Raises ConflictException or ResourceNotFoundException."""
        validate_control(request)
        check_definition(request.metric_definition)
        destination = await self._destinations.find(request)
        record = _record(request.metric_definition_id, request.metric_definition)
        try:
            updated = await on_thread(
                self._executor, self._store.update_definition, destination.key, record
            )
        except DefinitionTakenError:
            raise ConflictException(
                "The destination has this metric definition under another ID.",
                request.metric_definition_id,
                _TYPE,
            ) from None
        if not updated:
            raise ResourceNotFoundException(
                "The destination has no metric definition with this ID.",
                request.metric_definition_id,
                _TYPE,
            )


def _record(identifier: str, definition: pb.MetricDefinitionRequest) -> MetricDefinitionRecord:
    document = json.dumps(MessageToDict(definition), sort_keys=True)
    digest = hashlib.blake2b(document.encode(), digest_size=16).digest()
    return MetricDefinitionRecord(identifier, document, digest)


def _definition(identifier: str, document: str) -> pb.MetricDefinition:
    definition = Parse(document, pb.MetricDefinition(), ignore_unknown_fields=True)
    definition.metric_definition_id = identifier
    return definition
