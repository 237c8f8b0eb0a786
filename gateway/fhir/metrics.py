"""Counts and times for Prometheus: by route template, method and status, and by nothing that names anybody."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Iterable

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
# around the budgets of DESIGN section 11: 5 ms and 20 ms for a trace through HTTP
_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The counters of one application; its own registry, so that two applications in one process do not meet."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self._requests = Counter("gateway_requests", "Requests answered", labels, registry=self._registry)
        self._seconds = Histogram(
            "gateway_request_seconds", "Time to answer", ("route",), registry=self._registry, buckets=_SECONDS
        )

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer to ``route`` (its template)."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def page(self, lines: Iterable[tuple[str, float]] = ()) -> bytes:
        """Return everything counted, over all workers where there are several, and further gauges by name."""
        registry = self._registry
        if os.environ.get(_MULTIPROCESS):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # untyped in prometheus-client
        more = "".join(f"# TYPE {name} gauge\n{name} {value}\n" for name, value in lines)
        return generate_latest(registry) + more.encode()
