"""Every row on a local cloud: created, read back without a difference, changed, imported, deleted."""

from collections.abc import Iterator

import pytest

from localcloud.plugins.aws.table import every_row
from localcloud.plugins.protocol import provider_pb2 as pb
from localcloud.plugins.values import UNKNOWN, Object, Secret, decode, plain
from tests.contract.case import Case, States
from tests.contract.cases import CASES, lifecycle, tags
from tests.contract.plugin import Failed, Plugin

SOME, NONE = pb.DiffResponse.DIFF_SOME, pb.DiffResponse.DIFF_NONE

pytestmark = pytest.mark.thorough  # the ordinary run meets all of this through a stack


class Lives:
    """What exists now: inputs and states by case name."""

    def __init__(self) -> None:
        self.states: States = {}
        self.inputs: States = {}

    def keep(self, case: Case, resource_id: str, inputs: Object, state: Object) -> None:
        self.inputs[case.name] = inputs
        self.states[case.name] = {**plain(state), "id": resource_id}

    def of(self, case: Case) -> tuple[str, Object, Object]:
        state = dict(self.states[case.name])
        return state.pop("id"), state, self.inputs[case.name]


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    yield Lives()


def test_every_row_has_a_case() -> None:
    assert {case.token for case in CASES} == set(every_row())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_created_and_read_back_without_difference(aws: Plugin, lives: Lives, case: Case) -> None:
    news = case.inputs(lives.states)
    inputs, failures = aws.check(case.token, case.name, news)
    assert failures == []
    _, previewed = aws.create(case.token, case.name, inputs, preview=True)
    resource_id, state = aws.create(case.token, case.name, inputs)
    lives.keep(case, resource_id, inputs, state)
    assert resource_id
    assert UNKNOWN not in plain(state).values()
    assert set(every_row()[case.token].all_outputs()) - set(previewed) == set(), (
        "a preview knows which outputs will appear"
    )
    if case.tagged:
        assert tags(plain(state)) == {"system": "contract"}
    read_id, read_state, read_inputs = aws.read(case.token, case.name, resource_id, state, inputs)
    assert read_id == resource_id
    assert plain(read_state) == plain(state)
    assert plain(read_inputs) == plain(inputs)
    again, _ = aws.check(case.token, case.name, news, inputs)
    assert plain(again) == plain(inputs), "a second check must give the same, automatic names included"
    diff = aws.diff(case.token, case.name, resource_id, state, inputs, again)
    assert (diff.changes, dict(diff.detailedDiff)) == (NONE, {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_outputs_are_all_there(lives: Lives, case: Case) -> None:
    row = every_row()[case.token]
    assert set(row.all_outputs()) - set(lives.states[case.name]) == set()


@pytest.mark.parametrize("case", [one for one in CASES if one.replace], ids=lambda case: case.name)
def test_replacement_is_announced(aws: Plugin, lives: Lives, case: Case) -> None:
    resource_id, state, inputs = lives.of(case)
    wanted, failures = aws.check(
        case.token, case.name, {**case.inputs(lives.states), **(case.replace or {})}, plain(inputs)
    )
    assert failures == []
    diff = aws.diff(case.token, case.name, resource_id, state, inputs, wanted)
    assert diff.changes == SOME
    assert set(diff.replaces) & set(case.replace or {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_changed_in_place(aws: Plugin, lives: Lives, case: Case) -> None:
    change = case.change(lives.states) | ({"tags": {"more": "yes"}} if case.tagged and case.retagged else {})
    if not change:
        pytest.skip("every property of it replaces")
    resource_id, state, inputs = lives.of(case)
    wanted, failures = aws.check(case.token, case.name, {**case.inputs(lives.states), **change}, plain(inputs))
    assert failures == []
    diff = aws.diff(case.token, case.name, resource_id, state, inputs, wanted)
    assert (diff.changes, list(diff.replaces)) == (SOME, [])
    assert set(diff.diffs) - {"tagsAll"} <= set(change)
    new_state = aws.update(case.token, case.name, resource_id, state, inputs, wanted)
    lives.keep(case, resource_id, wanted, new_state)
    if case.tagged and case.retagged:
        assert tags(plain(new_state)) == {"system": "contract", "more": "yes"}
    _, read_state, _ = aws.read(case.token, case.name, resource_id, new_state, wanted)
    diff = aws.diff(case.token, case.name, resource_id, read_state, wanted, wanted)
    assert (diff.changes, dict(diff.detailedDiff)) == (NONE, {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_imported(aws: Plugin, lives: Lives, case: Case) -> None:
    resource_id, state, inputs = lives.of(case)
    found_id, found, found_inputs = aws.read(
        case.token, case.name, case.import_id({**state, "id": resource_id}), {}, {}
    )
    assert found_id == resource_id
    checked, failures = aws.check(case.token, case.name, found_inputs)
    assert failures == []
    # What the program declares matches what was imported: nothing to change but what only the program knows.
    wanted, _ = aws.check(case.token, case.name, {key: value for key, value in inputs.items() if key != "__defaults"})
    diff = aws.diff(case.token, case.name, found_id, found, checked, wanted)
    kept = {key for key, prop in every_row()[case.token].all_props().items() if prop.kept}
    assert set(diff.diffs) - kept == set(), dict(diff.detailedDiff)


def test_value_of_a_parameter_is_secret(aws: Plugin) -> None:
    inputs, _ = aws.check(
        "aws:ssm/parameter:Parameter", "p", {"name": "/contract/s", "type": "SecureString", "value": "hush"}
    )
    resource_id, state = aws.create("aws:ssm/parameter:Parameter", "p", inputs)
    assert inputs["value"] == Secret("hush")
    assert state["value"] == Secret("hush")
    read = aws.read("aws:ssm/parameter:Parameter", "p", resource_id, state, inputs)
    assert (read[1]["value"], read[2]["value"]) == (Secret("hush"), Secret("hush"))
    aws.delete("aws:ssm/parameter:Parameter", "p", resource_id, state, inputs)


def test_a_bucket_may_be_told_to_use_the_key_it_has_anyway(aws: Plugin) -> None:
    bucket, _ = aws.check("aws:s3/bucket:Bucket", "b", {"bucket": "contract-own-key"})
    bucket_id, bucket_state = aws.create("aws:s3/bucket:Bucket", "b", bucket)
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    rule = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    inputs, _ = aws.check(token, "e", {"bucket": bucket_id, "rules": [rule]})
    resource_id, state = aws.create(token, "e", inputs)
    diff = aws.diff(token, "e", resource_id, state, inputs, inputs)
    assert (resource_id, diff.changes) == (bucket_id, NONE)
    aws.delete(token, "e", resource_id, state, inputs)
    aws.delete("aws:s3/bucket:Bucket", "b", bucket_id, bucket_state, bucket)


def test_functions_ask_the_cloud(aws: Plugin, lives: Lives) -> None:
    vpc = lives.states["vpc"]["id"]
    assert aws.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"]
    assert aws.invoke("aws:index/getRegion:getRegion", {})["region"] == "us-east-1"
    assert (
        "us-east-1a"
        in aws.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"state": "available"})["names"]
    )
    assert aws.invoke("aws:ec2/getVpc:getVpc", {"id": vpc})["cidrBlock"] == "10.99.0.0/16"
    subnets = aws.invoke("aws:ec2/getSubnets:getSubnets", {"filters": [{"name": "vpc-id", "values": [vpc]}]})["ids"]
    assert set(subnets) == {lives.states[f"subnet-{zone}"]["id"] for zone in "ab"}
    github = aws.invoke("aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider", {"url": "https://contract.test"})
    assert github["arn"] == lives.states["github"]["arn"]
    certificate = aws.invoke("aws:acm/getCertificate:getCertificate", {"domain": "teammoa.local", "mostRecent": True})
    assert certificate["arn"].startswith("arn:aws:acm:us-east-1:")
    assert aws.invoke("aws:ec2/getInstance:getInstance", {"instanceId": lives.states["host"]["id"]})["privateIp"]
    named = {"filters": [{"name": "vpc-id", "values": [vpc]}]}
    assert aws.invoke("aws:ec2/getInstances:getInstances", named)["ids"] == [lives.states["host"]["id"]]
    parameter = aws.invoke("aws:ssm/getParameter:getParameter", {"name": "/contract/plain"})
    assert parameter["value"] == Secret("good bye")


@pytest.mark.parametrize("case", CASES[::-1], ids=lambda case: case.name)
def test_deleted(aws: Plugin, lives: Lives, case: Case) -> None:
    resource_id, state, inputs = lives.of(case)
    aws.delete(case.token, case.name, resource_id, state, inputs)
    assert aws.read(case.token, case.name, resource_id, state, inputs)[0] == ""
    aws.delete(case.token, case.name, resource_id, state, inputs)  # deleted by someone else: nothing to do


def test_refusal_names_the_action(aws: Plugin) -> None:
    token = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
    inputs, _ = aws.check(token, "lost", {"repository": "nowhere", "policy": lifecycle(5)})
    expected = f"^creating {token} 'lost': ecr:PutLifecyclePolicy failed: RepositoryNotFoundException: "
    with pytest.raises(Failed, match=expected) as failure:
        aws.create(token, "lost", inputs)
    assert failure.value.partial is None


def test_what_was_created_before_a_failure_is_kept(aws: Plugin) -> None:
    """A log group that exists with a refused retention keeps its id, so that the next run updates it."""
    token = "aws:cloudwatch/logGroup:LogGroup"
    inputs, _ = aws.check(token, "half", {"name": "/contract/half", "retentionInDays": 8})
    with pytest.raises(
        Failed, match="was created, but logs:PutRetentionPolicy failed: InvalidParameterException"
    ) as failure:
        aws.create(token, "half", inputs)
    assert failure.value.partial.id == "/contract/half"
    state, kept = decode(failure.value.partial.properties), decode(failure.value.partial.inputs)
    assert plain(kept) == plain(inputs)
    aws.delete(token, "half", "/contract/half", state, kept)
