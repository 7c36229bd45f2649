"""Where generated things lie: all in `.local/`, which git ignores."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
BIN = LOCAL / "bin"
VENV = LOCAL / "venv"
PYTHON = VENV / "bin" / "python"
LOGS = LOCAL / "log"
STATE = LOCAL / "state"
CLOUD = LOCAL / "aws"
DOCKER = LOCAL / "docker"
ENV_FILE = LOCAL / "env.sh"
TOOLCHAIN = ROOT / "localcloud" / "toolchain"
