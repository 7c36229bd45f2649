"""Which command of a stack's state keeps its data."""

import pytest

from ops.data import APPLY, data_environment
from ops.errors import OpsError

RELEASE = {"type": "command:local:Command", "inputs": {"create": "python -m actions.release_rolling"}}
DATA = {"type": "command:local:Command", "inputs": {"create": APPLY, "environment": {"HOST": "{}", "TIMEOUT": 3}}}


def test_the_environment_of_the_data_host() -> None:
    state = {"deployment": {"resources": [{"type": "aws:s3/bucket:Bucket"}, RELEASE, DATA]}}
    assert data_environment(state, "teammoa.prod") == {"HOST": "{}", "TIMEOUT": "3"}


@pytest.mark.parametrize("state", [{}, {"deployment": None}, {"deployment": {"resources": [RELEASE]}}])
def test_a_stack_without_a_data_host(state: object) -> None:
    with pytest.raises(OpsError, match=r"teammoa\.prod has no data host"):
        data_environment(state, "teammoa.prod")
