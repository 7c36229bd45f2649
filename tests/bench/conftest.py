"""The benches run on the same local cloud as the cloud tests."""

from tests.cloud.conftest import aws, cloud, liveinsight, released

__all__ = ["aws", "cloud", "liveinsight", "released"]
