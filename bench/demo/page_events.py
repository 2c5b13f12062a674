"""The events of one page, with the details that aws-rum-web gives them.

Source: the event schemas of aws-rum-web.
"""

from __future__ import annotations

__all__ = [
    "add_error",
    "add_http_request",
    "add_interactions",
    "add_load",
    "add_resources",
    "add_route_change",
    "add_vitals",
]

import math

from bench.demo.session import Session
from bench.demo.shop import APIS, FILES, SHOP, PageError


def add_route_change(session: Session, duration: float) -> None:
    """Add the navigation to a page that a script shows. Durations are in milliseconds."""
    session.add(
        "performance_navigation_event",
        {
            "version": "1.0.0",
            "initiatorType": "route_change",
            "navigationType": "navigate",
            "startTime": round(session.rng.random() * 1e5, 1),
            "duration": round(duration, 1),
        },
        duration / 1000,
    )


def add_load(session: Session, ttfb: float, fcp: float, load: float) -> None:
    """Add the navigation to a page that the browser loads, and the first vitals."""
    times = {
        "fetchStart": ttfb * 0.05,
        "domainLookupStart": ttfb * 0.05,
        "dns": ttfb * 0.1,
        "connectStart": ttfb * 0.15,
        "connect": ttfb * 0.2,
        "secureConnectionStart": ttfb * 0.2,
        "tlsTime": ttfb * 0.15,
        "requestStart": ttfb * 0.4,
        "timeToFirstByte": ttfb * 0.6,
        "responseStart": ttfb,
        "responseTime": ttfb * 0.2,
        "domInteractive": fcp,
        "domContentLoadedEventStart": fcp * 1.02,
        "domContentLoaded": fcp * 0.01,
        "domComplete": load * 0.97,
        "domProcessingTime": load * 0.5,
        "loadEventStart": load * 0.97,
        "loadEventTime": load * 0.03,
        "duration": load,
    }
    session.add(
        "performance_navigation_event",
        {
            "version": "1.0.0",
            "initiatorType": "navigation",
            "navigationType": "navigate",
            "startTime": 0,
            "nextHopProtocol": "h2",
            "transferSize": session.rng.randrange(2_000, 90_000),
            **{name: round(value, 1) for name, value in times.items()},
        },
        load / 1000,
    )
    _add_vital(session, "first_contentful_paint_event", fcp, {"timeToFirstByte": ttfb}, fcp / 1000)
    _add_vital(
        session, "time_to_first_byte_event", ttfb, {"requestDuration": ttfb * 0.6}, ttfb / 1000
    )


def add_resources(session: Session, count: int, ttfb: float, slow: float) -> None:
    """Add the files of a page, which is slower by the factor `slow`."""
    for number in range(count):
        initiator, file_type, extension = FILES[number % len(FILES)]
        start = ttfb + number * 31
        session.add(
            "performance_resource_event",
            {
                "version": "1.0.0",
                "initiatorType": initiator,
                "startTime": round(start, 1),
                "duration": round(session.rng.lognormvariate(4.2, 0.9) * slow, 1),
                "fileType": file_type,
                "transferSize": session.rng.randrange(300, 200_000),
                "targetUrl": f"https://cdn.shop.example/a/{file_type}-{number}.{extension}",
            },
            start / 1000,
        )


def add_http_request(session: Session, failing: float) -> None:
    """Add a request to the API. `failing` is the share of those that get status 503."""
    rng = session.rng
    method, url = APIS(rng)
    chance = rng.random()
    statuses = ((failing, 503), (0.004, 500), (0.016, 404), (0.003, 429), (0.004, 0))
    status = 200
    for share, failure in statuses:
        if chance < share:
            status = failure
            break
        chance -= share
    details: dict[str, object] = {
        "version": "1.0.0",
        "request": {"method": method, "url": url.format(rng.getrandbits(20))},
    }
    if status:
        details["response"] = {"status": status, "statusText": ""}
    else:
        details["error"] = {
            "version": "1.0.0",
            "type": "TypeError",
            "message": "Failed to fetch",
        }
    after_s = 0.5 + rng.random()
    session.add("http_event", details, after_s)
    session.add("xray_trace_event", _trace(session, details, after_s), after_s)


def _trace(session: Session, sent: dict[str, object], after_s: float) -> dict[str, object]:
    """Return the trace of a request, as aws-rum-web records it with enableXRay."""
    end = session.now_s + after_s
    times = {"start_time": round(end - session.rng.lognormvariate(-1.8, 0.7), 3), "end_time": end}
    http = {name: sent[name] for name in ("request", "response") if name in sent}
    subsegment = {"id": f"{session.rng.getrandbits(64):016x}", **times, "http": http}
    return {
        "version": "1.0.0",
        "name": session.monitor.name,
        "origin": "AWS::RUM::AppMonitor",
        **times,
        "subsegments": [{**subsegment, "name": session.monitor.domain, "namespace": "remote"}],
    }


def add_error(session: Session, error: PageError, page: str) -> None:
    """Add an error that the page throws."""
    rng = session.rng
    message = error.message.format(rng.getrandbits(16))
    cdn = f"https://cdn.{session.monitor.domain}/a/"
    url = cdn + error.file if error.file else f"https://{session.monitor.domain}{page}"
    line, column = 1, 1_000 + sum(error.function.encode()) * 37
    frames = [
        f"    at {error.function} ({url}:{line}:{column})",
        f"    at dispatch ({cdn}vendor.11c0.js:1:20411)",
        f"    at HTMLButtonElement.handle ({cdn}vendor.11c0.js:1:18211)",
    ]
    session.add(
        "js_error_event",
        {
            "version": "1.0.0",
            "type": error.type,
            "message": message,
            "filename": url,
            "lineno": line,
            "colno": column,
            "stack": "\n".join([f"{error.type}: {message}", *frames]),
        },
        1 + rng.random(),
    )


def add_interactions(session: Session, stay_s: float) -> None:
    """Add what the user clicks and buys during a stay."""
    rng = session.rng
    for _ in range(rng.randrange(0, 4)):
        clicked = {"event": "click", "element": "A", "elementId": f"nav-{rng.randrange(30)}"}
        session.add("dom_event", {"version": "1.1.0", **clicked}, stay_s * rng.random())
    if session.monitor is SHOP and rng.random() < 0.08:
        item = {"sku": f"SKU-{rng.randrange(9000)}", "quantity": rng.randrange(1, 4)}
        price = round(rng.random() * 200, 2)
        session.add_typed("shop.add_to_cart", {**item, "price": price}, stay_s * 0.6)


def add_vitals(session: Session, ttfb: float, lcp: float, stay_s: float) -> None:
    """Add the vitals that are known when the user leaves the page."""
    rng = session.rng
    rest = lcp - ttfb
    _add_vital(
        session,
        "largest_contentful_paint_event",
        lcp,
        {
            "element": "#main>img",
            "url": "https://cdn.shop.example/a/hero.webp",
            "timeToFirstByte": ttfb,
            "resourceLoadDelay": rest * 0.2,
            "resourceLoadTime": rest * 0.4,
            "elementRenderDelay": rest * 0.4,
        },
        lcp / 1000,
    )
    shift = 0.0 if rng.random() < 0.55 else rng.lognormvariate(-3.2, 1.2)
    target: dict[str, str | float] = {
        "largestShiftTarget": "#banner",
        "largestShiftValue": shift * 0.7,
    }
    _add_vital(session, "cumulative_layout_shift_event", shift, target, stay_s, digits=5)
    if rng.random() < 0.7:
        delay = 8.0 * math.ceil(rng.lognormvariate(4.2, 0.8) * session.device.slowness / 8)
        _add_vital(
            session,
            "interaction_to_next_paint_event",
            delay,
            {
                "interactionTarget": "#buy",
                "interactionType": "pointer",
                "inputDelay": delay * 0.2,
                "processingDuration": delay * 0.5,
                "presentationDelay": delay * 0.3,
            },
            stay_s,
        )
        _add_vital(
            session, "first_input_delay_event", delay * 0.1, {"eventType": "click"}, stay_s / 2
        )


def _add_vital(
    session: Session,
    kind: str,
    value: float,
    attribution: dict[str, str | float],
    after_s: float,
    digits: int = 1,
) -> None:
    rounded = {
        name: part if isinstance(part, str) else round(part, digits)
        for name, part in attribution.items()
    }
    details = {"version": "1.0.0", "value": round(value, digits), "attribution": rounded}
    session.add(kind, details, after_s)
