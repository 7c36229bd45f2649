"""Start a stand-in by name, or say in one sentence why it cannot be."""

import importlib
import sys


def start(name: str) -> None:
    """Serve the stand-in `name` until the engine ends it."""
    try:
        main = importlib.import_module(f"localcloud.plugins.{name}.__main__").main
    except ModuleNotFoundError as error:
        sys.exit(
            f"pulumi-resource-{name}: {sys.executable} lacks the module {error.name}; "
            "put the project's virtual environment first on PATH (source .local/env.sh)"
        )
    main()
