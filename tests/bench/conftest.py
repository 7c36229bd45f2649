"""The benches run on the same local cloud as the cloud tests."""

from tests.cloud.conftest import aws, cloud
from tests.cloud.liveinsight.conftest import liveinsight, now, other, released
from tests.cloud.quest16.conftest import quest16

__all__ = ["aws", "cloud", "liveinsight", "now", "other", "quest16", "released"]
