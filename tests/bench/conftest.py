"""The benches run on the same local cloud as the cloud tests."""

from tests.cloud.conftest import aws, cloud
from tests.cloud.liveinsight.conftest import liveinsight, now, other, released

__all__ = ["aws", "cloud", "liveinsight", "now", "other", "released"]
