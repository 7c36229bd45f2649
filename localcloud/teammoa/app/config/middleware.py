"""Every answer says which version gave it."""

from collections.abc import Awaitable, Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import async_only_middleware


@async_only_middleware
def version_header(
    get_response: Callable[[HttpRequest], Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    """Add X-Version."""

    async def answer(request: HttpRequest) -> HttpResponse:
        response = await get_response(request)
        response["X-Version"] = settings.VERSION
        return response

    return answer
