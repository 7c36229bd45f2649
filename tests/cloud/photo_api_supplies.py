"""A mirror with small Python programs in place of the agents: nothing has to be built for a test.

The application is `localcloud.photo_api.supply.plant(DIRECTORY)`.
"""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

EXPORTER = "prometheus/node_exporter/releases/download/v1.9.1/node_exporter-1.9.1.linux-amd64.tar.gz"
AGENT = "grafana/loki/releases/download/v3.5.7/promtail-linux-amd64.zip"
PROGRAM = """#!/usr/bin/python3
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write({body!r})
http.server.ThreadingHTTPServer(("", {port}), Handler).serve_forever()
"""
METRICS = b'node_exporter_build_info{version="1.9.1"} 1\nnode_cpu_seconds_total 1\nnode_memory_MemTotal_bytes 1\n'


def publish(mirror: Path) -> None:
    """node_exporter 1.9.1 and promtail 3.5.7 as releases of GitHub, with their lists of checksums."""
    exporter, agent = io.BytesIO(), io.BytesIO()
    program = PROGRAM.format(body=METRICS, port=9100).encode()
    with tarfile.open(fileobj=exporter, mode="w:gz") as tar:
        member = tarfile.TarInfo("node_exporter-1.9.1.linux-amd64/node_exporter")
        member.size = len(program)
        tar.addfile(member, io.BytesIO(program))
    with zipfile.ZipFile(agent, "w") as zipped:
        zipped.writestr("promtail-linux-amd64", PROGRAM.format(body=b"Ready", port=9080))
    for path, content, sums in (
        (EXPORTER, exporter.getvalue(), "sha256sums.txt"),
        (AGENT, agent.getvalue(), "SHA256SUMS"),
    ):
        file = mirror / path
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        (file.parent / sums).write_text(f"{hashlib.sha256(content).hexdigest()}  {file.name}\n")
