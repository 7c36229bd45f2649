"""The sample service: `/`, `/health` and `/metrics`."""

import os
import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

NEEDS = ("DATABASE_URL", "JWT_SECRET", "STORAGE_KEY")  # of a real photo-api; this one only says which are set
REQUESTS = Counter("http_requests_total", "Requests served.", ["method", "path", "status"])
SECONDS = Histogram("http_request_duration_seconds", "How long an answer took.", ["path"])


async def count(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Every answer is counted, those to unknown paths under one name."""
    began = time.monotonic()
    response = await answer(request)
    path = request.url.path if request.url.path in PAGES else "other"
    REQUESTS.labels(request.method, path, str(response.status_code)).inc()
    SECONDS.labels(path).observe(time.monotonic() - began)
    return response


async def index() -> dict[str, str]:
    return {"service": "photo-api", "version": os.environ.get("VERSION", "dev")}


async def health() -> dict[str, object]:
    return {"status": "ok", "configured": [name for name in NEEDS if os.environ.get(name)]}


async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


PAGES = {"/": index, "/health": health, "/metrics": metrics}
app = FastAPI(title="photo-api", docs_url=None, redoc_url=None, openapi_url=None)
app.middleware("http")(count)
for page, answer_with in PAGES.items():
    app.add_api_route(page, answer_with, methods=["GET"])
