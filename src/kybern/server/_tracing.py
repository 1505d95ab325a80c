"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT says where they go and the extra `telemetry` is installed.

Attributes are those of the semantic conventions for HTTP and databases. Values that people wrote are in none of them: no query strings, no
statements with their parameters, no bodies.
"""

from __future__ import annotations

import logging
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from django.db.backends.signals import connection_created
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest
    from opentelemetry.trace import Span

ENDPOINT: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LOG: Final = logging.getLogger("kybern.tracing")
_TRACER: Final = trace.get_tracer("kybern.server")
_WRITE: Final = re.compile(
    r"\s*(INSERT)\s+(?:OR\s+\w+\s+)?INTO\s+[\"`]?(\w+)|\s*(UPDATE)\s+[\"`]?(\w+)|\s*(DELETE)\s+FROM\s+[\"`]?(\w+)", re.IGNORECASE
)
_SYSTEMS: Final = {"postgresql": "postgresql", "sqlite": "sqlite"}
_BROKEN: Final = 500


def set_up() -> bool:
    """Begin to send traces if that is asked for; tell whether they are sent. To be called in each process that answers."""
    if not any(os.environ.get(name) for name in ENDPOINT) or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        _LOG.warning("traces are asked for, and the package %s is missing: install kybern[telemetry]", error.name)
        return False
    from kybern import __version__

    name = os.environ.get("OTEL_SERVICE_NAME", "kybern")
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    watch_writes()
    return True


def watch_writes() -> None:
    """Make a span of each statement that writes, on every connection from now on."""
    connection_created.connect(_watch, dispatch_uid="kybern.tracing")


def _watch(connection: Any, **_: Any) -> None:
    if _statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_statement)


def _statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001 - Django calls it so
    found = _WRITE.match(sql)
    if found is None:
        return execute(sql, params, many, context)
    operation, table = [part for part in found.groups() if part][:2]
    with write_span(operation.upper(), table, context["connection"].vendor):
        return execute(sql, params, many, context)


@contextmanager
def write_span(operation: str, table: str, vendor: str) -> Iterator[None]:
    """Make a span of something that writes to the database."""
    attributes = {
        "db.system.name": _SYSTEMS.get(vendor, vendor),
        "db.operation.name": operation,
        "db.collection.name": table,
        "db.query.summary": f"{operation} {table}",
    }
    with _TRACER.start_as_current_span(f"{operation} {table}", kind=SpanKind.CLIENT, attributes=attributes) as span:
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", type(error).__qualname__)
            raise


@contextmanager
def request_span(request: HttpRequest) -> Iterator[Span]:
    """Make a span of a request, within the caller's trace if it sent one."""
    method = request.method or "_OTHER"
    attributes = {
        "http.request.method": method,
        "url.scheme": request.scheme or "http",
        "url.path": request.path,
        "network.protocol.name": "http",
    }
    parent = propagate.extract(request.headers)
    with _TRACER.start_as_current_span(method, parent, kind=SpanKind.SERVER, attributes=attributes) as span:
        yield span


def end_request(span: Span, method: str, route: str, status: int) -> None:
    """Say how a request was answered."""
    if not span.is_recording():
        return
    span.update_name(f"{method} {route}")
    span.set_attributes({"http.route": route, "http.response.status_code": status})
    if status >= _BROKEN:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))
