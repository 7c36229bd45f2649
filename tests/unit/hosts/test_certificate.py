"""The program that keeps a certificate, run here: `docker`, `curl` and `aws` on PATH only say what they were told."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from actions.hosts.host import Host, HostError
from actions.hosts.machine import ComposeMachine, Project
from tests.unit.hosts.test_scripts import Here

PROGRAMS = {
    # What certbot would have left behind; `docker ps` finds nginx, which is told to reload.
    "docker": """
echo "docker $*" >>"$SAID"
case "$1" in
    run)
        [ ! -e "$HOME/refused" ] || { cat "$HOME/refused" >&2; exit 1; }
        for word in "$@"; do case $word in *:/etc/letsencrypt) kept=${word%%:*} ;; esac; done
        mkdir -p "$kept/live/site"
        cp "$HOME/key" "$kept/live/site/privkey.pem"
        cp "$HOME/chain" "$kept/live/site/fullchain.pem" ;;
    ps) echo the-nginx ;;
esac
""",
    "curl": "echo i-1",
    "aws": 'echo "aws $*" >>"$SAID"',
}
ASKED = {
    "DOMAIN": "team.example.com",
    "EMAIL": "team@example.com",
    "SERVER": "https://acme.example/dir",
    "IMAGE": "certbot:1",
    "ROOM_MB": "1",
    "METRICS": "M",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("bin", "run", "app"):
        (tmp_path / name).mkdir()
    for name, text in PROGRAMS.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{text}")
        program.chmod(0o755)
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    given = ["-days", "40", "-subj", "/CN=a", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "chain")]
    subprocess.run([*new, *given], check=True, capture_output=True)
    return tmp_path


@pytest.fixture
def machine(home: Path) -> ComposeMachine:
    environment = {
        **os.environ,
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
        "RUNTIME_DIRECTORY": str(home / "run"),
        "HOME": str(home),
        "SAID": str(home / "said"),
    }
    host = Host(name="web-1", instance="i-1", address="")
    project = Project(name="app", directory=str(home / "app"), region="r", single=True)
    return ComposeMachine(host, Here(environment), project)


def test_what_is_issued_is_shown_and_its_days_are_told(home: Path, machine: ComposeMachine) -> None:
    machine.run("certificate", 60, **ASKED)
    shown = home / "app" / "tls" / "site.pem"
    assert shown.read_text() == (home / "key").read_text() + (home / "chain").read_text()
    assert shown.stat().st_mode & 0o777 == 0o600
    said = (home / "said").read_text()
    assert "certonly --non-interactive --agree-tos" in said and "--server https://acme.example/dir" in said
    assert "--webroot --webroot-path /challenges --cert-name site --domain team.example.com" in said
    assert "exec the-nginx nginx -s reload" in said
    assert re.search("--metric-name CertificateDays --dimensions InstanceId=i-1 --value (39|40)$", said, re.MULTILINE)


def test_nginx_is_left_alone_when_nothing_was_renewed(home: Path, machine: ComposeMachine) -> None:
    machine.run("certificate", 60, **ASKED)
    (home / "said").unlink()
    machine.run("certificate", 60, **ASKED)
    assert "reload" not in (home / "said").read_text()


def test_another_authority_is_asked_anew(home: Path, machine: ComposeMachine) -> None:
    for server in ("https://acme.example/dir", "https://other.example/dir"):
        machine.run("certificate", 60, **{**ASKED, "SERVER": server})
    assert len(list((home / "app" / "certificate").iterdir())) == 2


def test_a_refusal_is_told_in_the_authoritys_words_and_changes_nothing(home: Path, machine: ComposeMachine) -> None:
    machine.run("certificate", 60, **ASKED)
    before = (home / "app" / "tls" / "site.pem").read_text()
    (home / "refused").write_text("Certbot failed\n  Detail: no such name\nHint: …\nAsk for help\n")
    with pytest.raises(HostError) as raised:
        machine.run("certificate", 60, **ASKED)
    assert str(raised.value) == (
        "web-1: https://acme.example/dir issues no certificate for team.example.com: no such name"
    )
    assert (home / "app" / "tls" / "site.pem").read_text() == before
