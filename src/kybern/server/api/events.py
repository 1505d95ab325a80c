"""Events over the API: what happened, in its order, as CloudEvents."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Router

from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.api._door import Needs, ProblemAnswer
from kybern.server.api._paging import MOST
from kybern.server.api._schema import as_file
from kybern.server.events.cloud import BATCH, cloud_event
from kybern.server.events.outbox import EventType
from kybern.server.events.pruning import pruned_until
from kybern.server.events.visible import visible_events

if TYPE_CHECKING:
    from kybern.server.events.models import Event

router: Final = Router(tags=["events"])

After = Annotated[int, Query(ge=0, le=(1 << 63) - 1)]


_BATCH_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "maxItems": MOST,
    "items": {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time"],
        "properties": {
            **{name: {"type": "string"} for name in ("specversion", "id", "source", "type", "time", "subject", "datacontenttype")},
            "data": {"type": "object"},
        },
    },
}


@router.get(
    "/events",
    auth=Needs(Permission.RECORDS_READ),
    summary="What happened",
    openapi_extra=as_file(BATCH, _BATCH_SCHEMA, HTTPStatus.GONE),
)
def events(
    request: HttpRequest,
    after: After = 0,
    types: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> HttpResponse:
    """List events after a number, the oldest first; an event's `id` is its number, so the last one's is the next `after`.

    `types` names some types by commas. Events are kept for 30 days: who asks for what came before gets 410 and starts over.
    """
    if after and after < pruned_until():
        detail = f"Events up to number {pruned_until()} are not kept any more. Read what stands, then go on from there."
        raise ProblemAnswer(HTTPStatus.GONE, "events-gone", detail, pruned=pruned_until())
    found = visible_events(actor(request)).filter(pk__gt=after).order_by("pk")
    if types is not None:
        found = found.filter(type__in=_types(types))
    batch: list[Event] = list(found[:limit])
    answer = JsonResponse([cloud_event(one) for one in batch], safe=False, content_type=BATCH)
    if len(batch) == limit:
        query = request.GET.copy()
        query["after"] = str(batch[-1].pk)
        answer["Link"] = f'<{request.path}?{query.urlencode()}>; rel="next"'
    return answer


def _types(said: str) -> list[str]:
    wanted = [name.strip() for name in said.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in set(EventType)]
    if unknown:
        detail = f"There is no type {unknown[0][:60]!r}. The types are {', '.join(EventType)}."
        raise ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-type", detail)
    return wanted
