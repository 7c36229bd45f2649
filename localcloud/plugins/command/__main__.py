"""`python -m localcloud.plugins.command ENGINE_ADDRESS`: the plugin's process."""

from localcloud.plugins.command.provider import CommandProvider
from localcloud.plugins.server import serve


def main() -> None:
    serve(CommandProvider)


if __name__ == "__main__":
    main()
