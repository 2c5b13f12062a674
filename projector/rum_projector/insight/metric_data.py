"""GetMetricData: reads requests that name a metric as CloudWatch does."""

from __future__ import annotations

__all__ = ["get_metric_data"]

from collections.abc import Mapping

from rum.v1 import insight_service_pb2 as pb
from rum_projector.insight.call import Call
from rum_projector.insight.selection import selection_of
from rum_projector.queries import metrics
from rum_projector.queries.metrics import METRICS, Metric
from rum_projector.queries.samples import Periods
from rum_service.errors import ValidationException
from rum_service.events.custom_metrics import AWS_NAMESPACE
from rum_service.events.measures import Kind

_MAX_PERIODS = 2000
_MAX_PERIOD_S = 86_400
_MAX_DIMENSIONS = 30
_MAX_DIMENSION = 600
_MAX_NAME = 255

_COLUMNS = {
    "BrowserName": "browser",
    "CountryCode": "country",
    "DeviceType": "device",
    "OSName": "os",
    "PageId": "page",
}
_EVENT_TYPES = {
    Kind.HTTP: "com.amazon.rum.http_event",
    Kind.RESOURCE: "com.amazon.rum.performance_resource_event",
}


def get_metric_data(call: Call, request: pb.GetMetricDataRequest) -> pb.GetMetricDataResponse:
    """Return a metric over time."""
    periods = _periods(call, request)
    dimensions = _dimensions(request)
    if request.namespace in ("", AWS_NAMESPACE):
        metric = METRICS.get(request.metric_name)
        if metric is None:
            raise ValidationException(f"metricName must be one of {', '.join(METRICS)}.")
        unit = metric.unit
        columns = _columns(dimensions, metric, request.app_monitor)
        found = metrics.data(call.query, metric, periods, columns, request.statistic)
    else:
        unit = "None"
        if max(len(request.namespace), len(request.metric_name)) > _MAX_NAME:
            raise ValidationException(
                f"namespace and metricName must have at most {_MAX_NAME} characters."
            )
        found = metrics.custom(
            call.query,
            periods,
            request.namespace,
            request.metric_name,
            dimensions=dimensions,
            statistic=request.statistic,
        )
    if found is None:
        raise ValidationException(
            "statistic must be Sum, Average, Minimum, Maximum, SampleCount or a percentile such as"
            " p75. Metrics per page view have Sum, Average and SampleCount only."
        )
    return pb.GetMetricDataResponse(
        timestamps=[start for start, _ in found], values=[value for _, value in found], unit=unit
    )


def _periods(call: Call, request: pb.GetMetricDataRequest) -> Periods:
    period_s = request.period_seconds
    if not 60 <= period_s <= _MAX_PERIOD_S or period_s % 60:
        raise ValidationException(
            f"periodSeconds must be a multiple of 60, at most {_MAX_PERIOD_S}."
        )
    selection = selection_of(call.monitor, request.after, request.before, ())
    if selection.length_ms > _MAX_PERIODS * period_s * 1000:
        raise ValidationException(f"There must be at most {_MAX_PERIODS} periods.")
    return Periods(call.monitor, selection.after_ms, selection.before_ms, period_s * 1000)


def _dimensions(request: pb.GetMetricDataRequest) -> dict[str, str]:
    if len(request.dimension) > _MAX_DIMENSIONS:
        raise ValidationException(f"dimension must have at most {_MAX_DIMENSIONS} items.")
    found: dict[str, str] = {}
    for number, text in enumerate(request.dimension):
        name, equals, value = text.partition("=")
        if not name or not equals or len(text) > _MAX_DIMENSION:
            raise ValidationException(f"dimension[{number}] must be a name, = and a value.")
        if name in found:
            raise ValidationException(f"dimension[{number}] has a name that is there already.")
        found[name] = value
    return found


def _columns(
    dimensions: Mapping[str, str], metric: Metric, app_monitor: str
) -> list[tuple[str, str | int]]:
    """Return the columns with the values that they must have. Raises ValidationException."""
    found: list[tuple[str, str | int]] = []
    for name, value in dimensions.items():
        if name in _COLUMNS:
            found.append((_COLUMNS[name], value))
        elif name == "event_details.response.status" and metric.kind is Kind.HTTP:
            if not value.isascii() or not value.isdecimal() or len(value) > 3:
                raise ValidationException(f"{name} must be an HTTP status.")
            found.append(("status", int(value)))
        elif name in ("event_details.file.type", "FileType") and metric.kind is Kind.RESOURCE:
            found.append(("name", value))
        elif not _is_constant(name, value, metric, app_monitor):
            raise ValidationException(
                "dimension must have names of dimensions of the metric. All metrics have"
                f" {', '.join(_COLUMNS)} and application_name."
            )
    return found


def _is_constant(name: str, value: str, metric: Metric, app_monitor: str) -> bool:
    """Return whether the dimension has this value in all events of the metric."""
    if name == "application_name":
        return value == app_monitor
    return name == "event_type" and _EVENT_TYPES.get(metric.kind or Kind.OTHER) == value
