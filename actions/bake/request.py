"""What a build is asked to do, as its command's environment says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from actions.bake.agents import NONE
from actions.bake.server import Login, number
from actions.environment import text
from actions.errors import ReleaseError

APPLICATION, BASE = "application", "base"


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """One image's content and the server it is built on."""

    login: Login
    server: str  # its id
    recipe: str
    payload: str  # application or base
    python: str
    offline: bool  # wheels come along; otherwise the server asks the index
    index: str
    app: str  # module:object of the ASGI application
    port: int
    health_path: str
    health_seconds: float
    health_interval: float  # the longest between two looks; the first ones come faster
    node_exporter: bool
    log_agent: str
    log_url: str
    install_seconds: float
    stop_seconds: float
    answer_seconds: float

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "BuildRequest":
        """Raises `ReleaseError` naming the variable that is missing or wrong."""
        asked, seconds = partial(text, environment=environment), partial(number, environment=environment, kind=float)
        payload = environment.get("PAYLOAD") or APPLICATION
        if payload not in (APPLICATION, BASE):
            raise ReleaseError(f"PAYLOAD must be {APPLICATION} or {BASE}, got {payload}")
        return cls(
            login=Login.of(environment),
            server=asked("SERVER"),
            recipe=asked("RECIPE"),
            payload=payload,
            python=environment.get("PYTHON") or "python3.11",
            offline=environment.get("OFFLINE", "true") == "true",
            index=environment.get("INDEX_URL", ""),
            app=environment.get("APP") or "app.main:app",
            port=number("PORT", 8000, environment, int),
            health_path=environment.get("HEALTH_PATH") or "/health",
            health_seconds=seconds("HEALTH_SECONDS", 90.0),
            health_interval=seconds("HEALTH_INTERVAL", 5.0),
            node_exporter=bool(environment.get("NODE_EXPORTER")),
            log_agent=environment.get("LOG_AGENT") or NONE,
            log_url=environment.get("LOG_URL") or "http://localhost:3100/loki/api/v1/push",
            install_seconds=seconds("INSTALL_SECONDS", 1200.0),
            stop_seconds=seconds("STOP_SECONDS", 180.0),
            answer_seconds=seconds("ANSWER_SECONDS", 60.0),
        )

    @property
    def units(self) -> tuple[str, ...]:
        """The services that the image brings."""
        application = ("photo-api",) if self.payload == APPLICATION else ()
        exporter = ("node_exporter",) if self.node_exporter else ()
        return (*application, *exporter, *((self.log_agent,) if self.log_agent != NONE else ()))
