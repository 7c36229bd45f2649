"""`python -m localcloud.plugins.aws ENGINE_ADDRESS`: the plugin's process."""

from localcloud.plugins.aws.provider import AwsProvider
from localcloud.plugins.server import serve


def main() -> None:
    serve(AwsProvider)


if __name__ == "__main__":
    main()
