"""The pages."""

import asyncio
import hashlib
import json
import socket
import time

from config.modes import ill
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_POST
from redis import RedisError

from board.models import Row

LONGEST_SLOW = 600.0  # seconds; the longest deregistration delay in use
LIST_LIMIT = 1000
STARTED = time.monotonic()


def card(**more: object) -> dict[str, object]:
    """What every answer says of its sender."""
    return {"version": settings.VERSION, "instance": socket.gethostname(), **more}


def home(request: HttpRequest) -> HttpResponse:
    """A page that gives every visitor a session."""
    request.session.setdefault("count", 0)
    return JsonResponse(card(status="ok"))


def health(request: HttpRequest) -> HttpResponse:
    """200 while the database and the cache answer."""
    found = {"database": _database(), "redis": _cache()}
    seconds = time.monotonic() - STARTED
    if reason := ill(settings.MODE, seconds=seconds, forwarded_for=request.headers.get("X-Forwarded-For", "")):
        found["database"] = reason
    well = set(found.values()) == {"ok"}
    return JsonResponse(card(status="healthy" if well else "unhealthy", **found), status=200 if well else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        return f"does not answer ({type(error).__name__})"
    return "ok"


def _cache() -> str:
    try:
        cache.get("health")
    except RedisError as error:
        return f"does not answer ({type(error).__name__})"
    return "ok"


def session(request: HttpRequest) -> HttpResponse:
    """How often this visitor has been here, whichever host was asked."""
    count = request.session.get("count", 0) + 1
    request.session["count"] = count
    return JsonResponse(card(count=count))


async def slow(request: HttpRequest) -> HttpResponse:
    """An answer that takes its time; a thousand of them hold up nobody."""
    try:
        seconds = float(request.GET.get("seconds", "1"))
    except ValueError:
        return JsonResponse(card(error="seconds is not a number"), status=400)
    if not 0 <= seconds <= LONGEST_SLOW:
        return JsonResponse(card(error=f"seconds is not between 0 and {LONGEST_SLOW:.0f}"), status=400)
    await asyncio.sleep(seconds)
    return JsonResponse(card(slept=seconds))


@require_http_methods(["GET", "POST"])
def rows(request: HttpRequest) -> HttpResponse:
    """GET lists the newest rows and counts all; POST adds one, its `text` as a form field or as JSON."""
    if request.method == "POST":
        text = _text(request)
        if not text:
            return JsonResponse(card(error="text is missing"), status=400)
        row = Row.objects.create(text=text[:200])
        return JsonResponse(card(id=row.pk, text=row.text), status=201)
    newest = Row.objects.order_by("-pk")[:LIST_LIMIT]
    listed = [{"id": row.pk, "text": row.text} for row in newest]
    return JsonResponse(card(count=Row.objects.count(), rows=listed))


def _text(request: HttpRequest) -> str:
    if request.content_type != "application/json":
        return str(request.POST.get("text", ""))
    try:
        body = json.loads(request.body)
    except ValueError:
        return ""
    return str(body.get("text", "")) if isinstance(body, dict) else ""


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """How much arrived, and what it was."""
    return JsonResponse(card(bytes=len(request.body), sha256=hashlib.sha256(request.body).hexdigest()))
