"""Quest 16 as a whole under strict mocks: what builds, what deploys, what promotes, and who may do what."""

import json
from typing import Any

import pytest
import yaml

from actions import request
from stacks.config_reader import ConfigError, stack_section
from stacks.quest16 import declare
from stacks.quest16_settings import Quest16Settings, read
from tests.unit.engine_double import ACCOUNT, Engine, Registered
from tests.unit.liveinsight_config import config

REPOSITORY = "https://github.com/your-org/monorepo"
SOURCE: dict[str, Any] = {"source": {"repository": REPOSITORY, "branch": "release/1.x"}}
PROMOTES: dict[str, Any] = {"promotes": {"bucket": "artifacts-of-staging"}}
SITE = {"name": "site", "target": "site"}
API = {"name": "api", "target": "container"}
PROJECT = "aws:codebuild/project:Project"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def declared(**values: Any) -> Engine:
    given = config(**{"github": None, **values})
    settings = read("test", stack_section(given, (), "infra-release", "quest16.test", Quest16Settings))
    return Engine(stack="quest16.test").run(lambda: declare(settings))


@pytest.fixture(scope="module")
def builds() -> Engine:
    return declared(**SOURCE)


@pytest.fixture(scope="module")
def both() -> Engine:
    return declared(**SOURCE, packages=[SITE, API])


@pytest.fixture(scope="module")
def promotes() -> Engine:
    return declared(**PROMOTES)


def environment(engine: Engine) -> dict[str, str]:
    """What a build's commands find set."""
    return {one["name"]: one["value"] for one in engine.one(PROJECT).inputs["environment"]["environmentVariables"]}


def statements(engine: Engine, role: str) -> dict[str, dict[str, Any]]:
    """The statements of a role's one policy, by name."""
    (made,) = [made for made in engine.of("aws:iam/rolePolicy:RolePolicy") if made.inputs["name"] == role]
    listed = json.loads(made.inputs["policy"])["Statement"]
    assert len({one["Sid"] for one in listed}) == len(listed)
    return {one["Sid"]: one for one in listed}


def named(engine: Engine, type_: str) -> set[str]:
    return {made.inputs["name"] for made in engine.of(type_)}


def components(engine: Engine) -> set[str]:
    return {made.type for made in engine.made if made.type.startswith("infra-release:")}


def test_components_are_parents_and_every_resource_has_the_stacks_own_provider(both: Engine) -> None:
    assert components(both) == {
        "infra-release:artifacts:Artifacts",
        "infra-release:balancer:Balancer",
        "infra-release:bucket:PrivateBucket",
        "infra-release:network:Network",
        "infra-release:pipeline:Pipeline",
        "infra-release:pipeline:PipelineWatch",
        "infra-release:records:Records",
        "infra-release:registry:Registry",
        "infra-release:service:EcsService",
        "infra-release:site:Site",
    }
    for made in both.made:
        if made.type.startswith("aws:"):
            assert "pulumi:providers:aws::aws" in made.provider, made


def test_nothing_is_declared_of_what_a_stack_does_not_do(builds: Engine, promotes: Engine) -> None:
    assert not builds.of("aws:codepipeline/pipeline:Pipeline") and not builds.of("aws:ecs/service:Service")
    assert not promotes.of("aws:codebuild/webhook:Webhook")
    assert {"buildspec", "releasedKey"} & set(promotes.exports) == set()


def test_a_push_to_exactly_that_branch_is_built(builds: Engine) -> None:
    project = builds.one(PROJECT).inputs
    assert (project["name"], project["sourceVersion"]) == ("Quest16-build", "release/1.x")
    assert (project["source"]["type"], project["source"]["location"]) == ("GITHUB", REPOSITORY)
    (group,) = builds.one("aws:codebuild/webhook:Webhook").inputs["filterGroups"]
    assert group["filters"] == [
        {"type": "EVENT", "pattern": "PUSH"},
        {"type": "HEAD_REF", "pattern": r"^refs/heads/release/1\.x$"},
    ]


def test_the_buildspec_is_the_stacks_own_unless_the_repository_keeps_one(builds: Engine) -> None:
    inline = builds.one(PROJECT).inputs["source"]["buildspec"]
    assert inline == builds.exports["buildspec"]
    assert list(yaml.safe_load(inline)["phases"]) == ["install", "pre_build", "build"]
    kept = declared(source={**SOURCE["source"], "buildspecFile": "buildspec.yml"})
    assert kept.one(PROJECT).inputs["source"]["buildspec"] == "buildspec.yml"


def test_a_connection_is_used_and_may_be_used(builds: Engine) -> None:
    arn = f"arn:aws:codeconnections:us-east-1:{ACCOUNT}:connection/1"
    connected = declared(source={"repository": REPOSITORY, "connectionArn": arn})
    assert connected.one(PROJECT).inputs["source"]["auth"] == {"type": "CODECONNECTIONS", "resource": arn}
    assert statements(connected, "Quest16-build")["ReachRepository"]["Resource"] == [arn]
    assert "ReachRepository" not in statements(builds, "Quest16-build")


def test_a_build_finds_its_targets_and_leaves_what_production_takes(builds: Engine) -> None:
    found = environment(builds)
    assert json.loads(found["TARGETS"]) == {
        "site": {
            "kind": "site",
            "bucket": "quest16-site-files",
            "distribution": "quest16-site-distribution",
            "url": "https://quest16-site-distribution.cloudfront.example",
        }
    }
    assert found["PUBLISH_KEY"] == builds.exports["releasedKey"] == "released/release.zip"
    assert found["RELEASE_TOOL"].startswith("quest16-artifacts-files/tools/release-")
    assert (found["DEPLOYS_TABLE"], found["WORK_BUCKET"]) == ("Quest16-deploys", "quest16-artifacts-files")
    project = builds.one(PROJECT).inputs
    assert project["artifacts"]["namespaceType"] == "BUILD_ID"
    assert project["cache"] == {"type": "S3", "location": "quest16-artifacts-files/cache"}
    assert project["logsConfig"]["cloudwatchLogs"]["groupName"] == "/aws/codebuild/Quest16-build"


def test_only_a_build_that_makes_images_is_privileged(builds: Engine, both: Engine) -> None:
    assert builds.one(PROJECT).inputs["environment"]["privilegedMode"] is False
    assert both.one(PROJECT).inputs["environment"]["privilegedMode"] is True


def test_a_build_may_touch_its_own_things_only(builds: Engine) -> None:
    found = statements(builds, "Quest16-build")
    for name, statement in found.items():
        assert statement["Resource"] != ["*"] or name == "Measure", name
    site = "arn:aws:s3:::quest16-site-files"
    assert found["DeploySite0"]["Resource"] == [site, f"{site}/*"]
    distribution = f"arn:aws:cloudfront::{ACCOUNT}:distribution/quest16-site-distribution"
    assert found["Invalidate0"]["Resource"] == [distribution]
    assert found["Measure"]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "infra-release/pipeline"}}
    artifacts = "arn:aws:s3:::quest16-artifacts-files"
    assert f"{artifacts}/tools/*" not in found["KeepArtifacts"]["Resource"], "a build must not change what releases it"
    assert found["RecordDeploy"]["Resource"] == [f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/Quest16-deploys"]


def test_the_roles_are_for_the_services_of_this_account(builds: Engine, promotes: Engine) -> None:
    services = {"Quest16-build": "codebuild", "Quest16-deploy": "codebuild", "Quest16-promotion": "codepipeline"}
    for made in [*builds.of("aws:iam/role:Role"), *promotes.of("aws:iam/role:Role")]:
        (trust,) = json.loads(made.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"Service": f"{services[made.inputs['name']]}.amazonaws.com"}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_a_site_is_private_and_only_its_distribution_reads_it(builds: Engine) -> None:
    private = builds.of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert len(private) == 2 and all(
        made.inputs[key] is True
        for made in private
        for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    )
    (policy,) = json.loads(builds.one("aws:s3/bucketPolicy:BucketPolicy").inputs["policy"])["Statement"]
    assert policy["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert "quest16-site-distribution" in policy["Condition"]["StringEquals"]["AWS:SourceArn"]
    (origin,) = builds.one("aws:cloudfront/distribution:Distribution").inputs["origins"]
    assert origin["domainName"] == "quest16-site-files.s3.us-east-1.amazonaws.com"


def test_a_site_under_a_name_has_its_certificate(builds: Engine) -> None:
    arn = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
    engine = declared(**SOURCE, site={"domain": "www.example.com", "certificateArn": arn})
    distribution = engine.one("aws:cloudfront/distribution:Distribution").inputs
    assert distribution["aliases"] == ["www.example.com"]
    assert distribution["viewerCertificate"]["acmCertificateArn"] == arn
    assert engine.exports["url"] == "https://www.example.com"
    plain = builds.one("aws:cloudfront/distribution:Distribution").inputs
    assert plain["viewerCertificate"] == {"cloudfrontDefaultCertificate": True} and "aliases" not in plain


def test_the_container_is_an_empty_service_whose_release_the_build_runs(both: Engine) -> None:
    service = both.one("aws:ecs/service:Service")
    assert service.inputs["desiredCount"] == 0 and set(service.ignored) == {"taskDefinition", "desiredCount"}
    found = environment(both)
    assert json.loads(found["IMAGE_REPOSITORIES"]) == {"api": "registry.example/quest16-api"}
    target = json.loads(found["TARGETS"])["api"]
    assert target["kind"] == "container"
    asked = request.from_environment({**target["environment"], "IMAGE": "registry.example/quest16-api:c0ffee"})
    assert (asked.cluster, asked.service, asked.desired_count) == ("Quest16-cluster", "Quest16-service", 2)
    assert asked.url == "http://balancer.example/health/" and asked.timeout_seconds == 900
    assert both.exports["apiUrl"] == "http://balancer.example"


def test_revisions_that_builds_released_go_with_the_stack(both: Engine, builds: Engine) -> None:
    command = both.one("command:local:Command").inputs
    assert (command["create"], command["delete"]) == ("true", "python -m actions.retire_ecs")
    assert request.from_environment(command["environment"]).family == "Quest16"
    assert not builds.of("command:local:Command")


def test_the_build_may_release_the_container_and_ask_what_it_may(both: Engine) -> None:
    found = statements(both, "Quest16-build")
    assert found["PushImage"]["Resource"] == [f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/quest16-api"]
    assert found["CheckOwnPermissions"]["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/Quest16-build"]
    assert "MoveService" in found and "RecordRelease" in found


def test_production_takes_stagings_object_after_an_approval(promotes: Engine) -> None:
    stages = promotes.one("aws:codepipeline/pipeline:Pipeline").inputs["stages"]
    assert [stage["name"] for stage in stages] == ["Source", "Approval", "Deploy"]
    source, approval, deploy = (stage["actions"][0] for stage in stages)
    assert source["configuration"]["S3Bucket"] == "artifacts-of-staging"
    assert source["configuration"]["S3ObjectKey"] == "released/release.zip"
    assert (approval["category"], approval["provider"]) == ("Approval", "Manual")
    assert approval["configuration"]["NotificationArn"] == promotes.exports["topic"]
    assert deploy["configuration"] == {"ProjectName": "Quest16-deploy"}
    assert source["outputArtifacts"] == deploy["inputArtifacts"] == ["release"]


def test_production_builds_nothing_and_reads_nothing_of_staging_but_the_release(promotes: Engine) -> None:
    project = promotes.one(PROJECT).inputs
    commands = [
        line
        for phase in yaml.safe_load(project["source"]["buildspec"])["phases"].values()
        for line in phase["commands"]
    ]
    assert not [line for line in commands if "npm" in line or "lerna" in line]
    assert (project["source"]["type"], project["environment"]["privilegedMode"]) == ("CODEPIPELINE", False)
    assert "PUBLISH_KEY" not in environment(promotes)
    found = statements(promotes, "Quest16-promotion")
    assert found["TakeRelease"]["Resource"] == ["arn:aws:s3:::artifacts-of-staging/released/release.zip"]
    assert found["Deploy"]["Resource"] == [f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/Quest16-deploy"]


def rule(engine: Engine, name: str) -> dict[str, Any]:
    pattern: dict[str, Any] = json.loads(engine.one("aws:cloudwatch/eventRule:EventRule", name).inputs["eventPattern"])
    return pattern


def test_whoever_listens_hears_how_builds_end(builds: Engine, promotes: Engine) -> None:
    pattern = rule(builds, "quest16-builds")["detail"]
    assert pattern["project-name"] == ["Quest16-build"]
    assert set(pattern["build-status"]) == {"SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED"}
    target = builds.one("aws:cloudwatch/eventTarget:EventTarget").inputs
    assert target["arn"] == builds.exports["topic"] and "<status>" in target["inputTransformer"]["inputTemplate"]
    assert rule(promotes, "quest16-promotions")["detail"]["pipeline"] == ["Quest16-promotion"]
    policy = json.loads(builds.one("aws:sns/topicPolicy:TopicPolicy").inputs["policy"])["Statement"]
    conditions = {one["Principal"]["Service"]: one.get("Condition") for one in policy}
    assert conditions == {
        "events.amazonaws.com": None,  # which supports none on a topic
        "cloudwatch.amazonaws.com": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }


def test_people_and_addresses_are_subscribed() -> None:
    listeners = {"emails": ["ann@example.com"], "endpoints": ["https://example.com/hook"]}
    engine = declared(**SOURCE, notifications=listeners)
    found = {
        (made.inputs["protocol"], made.inputs["endpoint"])
        for made in engine.of("aws:sns/topicSubscription:TopicSubscription")
    }
    assert found == {("email", "ann@example.com"), ("https", "https://example.com/hook")}


def test_the_pipelines_own_figures_are_watched(builds: Engine) -> None:
    assert named(builds, ALARM) == {f"Quest16-pipeline-{one}" for one in ("duration", "success-rate", "time-to-fix")}
    for made in builds.of(ALARM):
        assert made.inputs["alarmActions"] == made.inputs["okActions"] == [builds.exports["topic"]]
    body = json.loads(builds.one("aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"])
    titles = {widget["properties"]["title"] for widget in body["widgets"]}
    assert titles == {"Builds", "Duration (s)", "Success rate (%)", "Time to fix (s)"}


def protected(engine: Engine) -> tuple[set[bool], set[bool]]:
    buckets = {made.inputs["forceDestroy"] for made in engine.of("aws:s3/bucket:Bucket")}
    tables = {made.inputs["deletionProtectionEnabled"] for made in engine.of("aws:dynamodb/table:Table")}
    return buckets, tables


def test_a_protected_stack_keeps_its_buckets_and_tables(builds: Engine) -> None:
    assert protected(builds) == ({True}, {False})
    assert protected(declared(**PROMOTES, deletionProtection=True)) == ({False}, {True})


def test_two_containers_and_a_container_in_production_are_refused() -> None:
    with pytest.raises(ConfigError, match="has more than one container: api, web; a stack has one service"):
        declared(**SOURCE, packages=[API, {"name": "web", "target": "container"}])
    with pytest.raises(ConfigError, match="has the container api, but production takes sites only so far"):
        declared(**PROMOTES, packages=[API])


def waits_for(engine: Engine, made: Registered, type_: str) -> bool:
    return any(f"{type_}::" in urn for urn in made.dependencies)


def test_a_project_waits_for_its_rights_and_the_program_that_releases(builds: Engine, promotes: Engine) -> None:
    for engine in (builds, promotes):
        project = engine.one(PROJECT)
        for type_ in ("aws:iam/rolePolicy:RolePolicy", "aws:s3/bucketObjectv2:BucketObjectv2"):
            assert waits_for(engine, project, type_), type_
