"""Checks that a user of the server could make: what it answers over HTTP."""

from dataclasses import dataclass

import requests

ANSWER_SECONDS = 5.0
EXPORTER_METRICS = ("node_exporter_build_info", "node_cpu_seconds_total", "node_memory_MemTotal_bytes")
SHOWN = 80  # characters of a wrong answer


class NotYet(Exception):
    """A check does not hold; it may later."""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """One server's addresses."""

    address: str
    port: int
    exporter_port: int

    def page(self, path: str, port: int | None = None) -> requests.Response:
        url = f"http://{self.address}:{port or self.port}{path}"
        try:
            with requests.Session() as session:
                session.trust_env = False  # the server is asked itself, through no proxy
                answer = session.get(url, timeout=ANSWER_SECONDS)
        except requests.RequestException as error:
            reason = getattr(error.args[0], "reason", error) if error.args else error
            raise NotYet(f"{url} does not answer: {str(reason).rpartition(': ')[2]}") from error
        if answer.status_code != requests.codes.ok:
            raise NotYet(f"{url} answers HTTP {answer.status_code}: {answer.text[:SHOWN]!r}")
        return answer

    def health(self, path: str) -> str:
        return f"HTTP 200 {self.page(path).text[:SHOWN]}"

    def root(self) -> str:
        answer = self.page("/")
        if not answer.text.strip():
            raise NotYet("/ answers nothing")
        return f"HTTP 200 {answer.text[:SHOWN]}"

    def metrics(self, names: tuple[str, ...]) -> str:
        found = self.page("/metrics").text
        return f"{_samples(found, names, '/metrics')} samples"

    def exporter(self, version: str) -> str:
        found = self.page("/metrics", self.exporter_port).text
        count = _samples(found, EXPORTER_METRICS, "node_exporter")
        wanted = f'version="{version}"'
        if not any(line.startswith("node_exporter_build_info") and wanted in line for line in found.splitlines()):
            raise NotYet(f"node_exporter is not version {version}")
        return f"version {version}, {count} samples"


def _samples(found: str, names: tuple[str, ...], where: str) -> int:
    samples = [line for line in found.splitlines() if line and not line.startswith("#")]
    missing = [name for name in names if not any(_named(line, name) for line in samples)]
    if missing:
        raise NotYet(f"{where} has no {', '.join(missing)}")
    return len(samples)


def _named(sample: str, name: str) -> bool:
    return sample.startswith((f"{name}{{", f"{name} "))
