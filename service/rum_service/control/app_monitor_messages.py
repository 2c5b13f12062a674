"""Translates app monitors between requests, records and responses. Pure."""

from __future__ import annotations

__all__ = [
    "app_monitor_message",
    "apply_request",
    "check_configuration",
    "check_domains",
    "new_app_monitor",
    "summary",
]

from collections.abc import Collection, Mapping

from google.protobuf.json_format import Parse

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.app_monitor_pb2 import AppMonitor, AppMonitorConfiguration, AppMonitorSummary
from rum_service.errors import ValidationException
from rum_service.storage.records import AppMonitorRecord


def new_app_monitor(request: pb.CreateAppMonitorRequest, monitor_id: str, now: str) -> AppMonitor:
    """Return the app monitor that a valid request creates.

    Args:
        now: the time in ISO 8601.

    Raises:
        ValidationException: members of the request do not fit together.
    """
    platform = request.platform or "Web"
    check_domains(request, required=platform == "Web")
    check_configuration(request)
    monitor = AppMonitor(
        name=request.name,
        id=monitor_id,
        created=now,
        last_modified=now,
        tags=request.tags,
        platform=platform,
    )
    monitor.data_storage.cw_log.cw_log_enabled = False
    # Documented defaults for an omitted AppMonitorConfiguration and CustomEvents.
    monitor.app_monitor_configuration.session_sample_rate = 0.1
    monitor.custom_events.status = "DISABLED"
    apply_request(request, monitor)
    return monitor


def check_domains(
    request: pb.CreateAppMonitorRequest | pb.UpdateAppMonitorRequest, *, required: bool
) -> None:
    """Check the members about domains. Raises ValidationException."""
    if request.HasField("domain") and request.domain_list:
        raise ValidationException("Domain and DomainList exclude each other.")
    if required and not request.HasField("domain") and not request.domain_list:
        raise ValidationException("Domain or DomainList is required.")


def check_configuration(
    request: pb.CreateAppMonitorRequest | pb.UpdateAppMonitorRequest,
) -> None:
    """Check the documented rules for pages and source maps. Raises ValidationException."""
    configuration = request.app_monitor_configuration
    if configuration.included_pages and configuration.excluded_pages:
        raise ValidationException(
            "AppMonitorConfiguration.IncludedPages and ExcludedPages exclude each other."
        )
    source_maps = request.deobfuscation_configuration.java_script_source_maps
    if source_maps.status == "ENABLED" and not source_maps.HasField("s3_uri"):
        raise ValidationException(
            "DeobfuscationConfiguration.JavaScriptSourceMaps.S3Uri is required if Status is"
            " ENABLED."
        )


def apply_request(
    request: pb.CreateAppMonitorRequest | pb.UpdateAppMonitorRequest, monitor: AppMonitor
) -> None:
    """Replace the members of the app monitor that the request has.

    Members of AppMonitorConfiguration that the request does not have are kept, too.
    """
    if request.HasField("domain") or request.domain_list:
        monitor.ClearField("domain")
        monitor.ClearField("domain_list")
        if request.HasField("domain"):
            monitor.domain = request.domain
        monitor.domain_list.extend(request.domain_list)
    _update_configuration(
        monitor.app_monitor_configuration,
        request.app_monitor_configuration,
        request.emptied_lists if isinstance(request, pb.UpdateAppMonitorRequest) else (),
    )
    if request.HasField("custom_events"):
        monitor.custom_events.CopyFrom(request.custom_events)
    if request.HasField("deobfuscation_configuration"):
        monitor.deobfuscation_configuration.CopyFrom(request.deobfuscation_configuration)
    if request.HasField("cw_log_enabled"):
        log_copy = monitor.data_storage.cw_log
        log_copy.cw_log_enabled = request.cw_log_enabled
        log_copy.ClearField("cw_log_group")
        if request.cw_log_enabled:
            log_copy.cw_log_group = f"/aws/vendedlogs/RUMService_{monitor.name}{monitor.id[:8]}"


def _update_configuration(
    stored: AppMonitorConfiguration,
    requested: AppMonitorConfiguration,
    emptied_lists: Collection[str],
) -> None:
    replaced = {field.name for field, _ in requested.ListFields() if field.is_repeated}
    if "included_pages" in replaced:
        replaced.add("excluded_pages")
    elif "excluded_pages" in replaced:
        replaced.add("included_pages")
    for field in stored.DESCRIPTOR.fields:
        if field.name in replaced or field.json_name in emptied_lists:
            del getattr(stored, field.name)[:]
    stored.MergeFrom(requested)


def app_monitor_message(record: AppMonitorRecord, dropped: Mapping[int, int]) -> AppMonitor:
    """Return an app monitor with its state.

    Args:
        dropped: the number of dropped events by the keys of records.
    """
    monitor = Parse(record.document, AppMonitor(), ignore_unknown_fields=True)
    monitor.state = "ACTIVE" if record.has_events else "CREATED"
    monitor.dropped_events = dropped.get(record.key, 0)
    return monitor


def summary(monitor: AppMonitor) -> AppMonitorSummary:
    """Return the members of an app monitor that lists have."""
    names = [field.name for field in AppMonitorSummary.DESCRIPTOR.fields]
    return AppMonitorSummary(**{name: getattr(monitor, name) for name in names})
