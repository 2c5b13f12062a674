"""Builds the path of puts to the log."""

from __future__ import annotations

__all__ = ["Storing", "build_storing"]

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from rum_endpoint.end_process import end_process
from rum_service.composition.access import Access
from rum_service.composition.base import Base
from rum_service.control.retention_sweep import RetentionSweep
from rum_service.ingest.accounting import Accounting
from rum_service.ingest.drops import Drops
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.limits import MonitorLimits
from rum_service.ingest.log_maintenance import LogMaintenance
from rum_service.ingest.preparation import Preparation
from rum_service.ingest.put import Ingest
from rum_service.ingest.quotas import StorageQuotas
from rum_service.ingest.replays import Replays
from rum_service.settings import ServiceSettings

if TYPE_CHECKING:
    from rum_service.ingest.countries import Countries

_MAX_GROUP_BYTES = 4 << 20


@dataclass(frozen=True)
class Storing:
    """The use case of puts and its parts."""

    group_commit: GroupCommit
    log_maintenance: LogMaintenance
    accounting: Accounting
    quotas: StorageQuotas
    retention: RetentionSweep
    countries: Countries | None
    """None: countries are not looked up."""
    preparation: Preparation
    ingest: Ingest


def build_storing(base: Base, access: Access) -> Storing:
    """Create the parts. Raises StartError if a database of countries cannot be used."""
    settings, store = base.settings, base.store
    accounting = Accounting(base.monitors)
    group_commit = GroupCommit(
        store.log.append,
        count=accounting.end,
        check=store.log.check_writable,
        on_end=_end_process,
        max_waiting_bytes=settings.max_waiting_bytes,
        max_group_bytes=_MAX_GROUP_BYTES,
    )
    quotas = StorageQuotas(store.usage, base.readers, default=settings.stored_bytes_quota)
    retention = RetentionSweep(
        store.retention,
        base.readers,
        default_days=settings.retention_days,
        clock=base.clock,
        is_busy=lambda: group_commit.is_busy,
    )
    countries = _countries(settings)
    preparation = Preparation(
        base.monitors,
        access.authentication,
        access.authorization,
        accounting,
        limits=_limits(settings),
        quotas=quotas,
        drops=_drops(settings),
        max_events=settings.max_events,
        clock=base.clock,
        country_of=countries.of if countries else None,
    )
    ingest = Ingest(preparation, base.monitors, group_commit, accounting)
    return Storing(
        group_commit,
        LogMaintenance(store.log.maintain),
        accounting,
        quotas,
        retention,
        countries,
        preparation,
        ingest,
    )


def _end_process(error: BaseException) -> None:
    # A process that answers but stores nothing would look healthy.
    end_process(f"the thread that stores batches ended: {type(error).__name__}")


def _countries(settings: ServiceSettings) -> Countries | None:
    if settings.geoip is None:
        return None
    # Imported here: few services need it.
    from rum_service.ingest.countries import Countries

    return Countries(settings.geoip)


def _limits(settings: ServiceSettings) -> MonitorLimits:
    rates = {
        "requests": settings.monitor_requests_per_s,
        "events": settings.monitor_events_per_s,
        "bytes": settings.monitor_bytes_per_s,
    }
    return MonitorLimits(rates, clock=monotonic)


def _drops(settings: ServiceSettings) -> Drops:
    replays = Replays(
        stored=settings.replays,
        bytes_per_day=settings.replay_bytes_per_day,
        clock=monotonic,
    )
    return Drops(replays)
