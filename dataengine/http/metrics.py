"""What web processes count for Prometheus. What the catalog knows is asked when somebody looks (``api/metrics.py``)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter("tablekeep_requests", "Requests that were answered.", ["method", "view", "status"])
SECONDS = Histogram(
    "tablekeep_request_seconds",
    "Seconds from a request to the beginning of its answer.",
    ["view"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
)
SOCKETS = Gauge("tablekeep_sockets", "WebSockets that follow an import.", multiprocess_mode="livesum")
