"""The aws stand-in through the real engine: preview, up, an unchanged preview, import, destroy."""

import json
import subprocess
from pathlib import Path

PROGRAM = """
import pulumi
import pulumi_aws as aws

provider = aws.Provider(
    "aws", region="us-east-1", default_tags=aws.ProviderDefaultTagsArgs(tags={"system": "engine"})
)
opts = pulumi.ResourceOptions(provider=provider)
group = aws.cloudwatch.LogGroup("log", name="/engine/log", retention_in_days=7, tags={"a": "1"}, opts=opts)
secret = aws.ssm.Parameter("secret", type="SecureString", value=pulumi.Output.secret("hush-hush"), opts=opts)
caller = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=provider))
pulumi.export("account", caller.account_id)
pulumi.export("arn", group.arn)
pulumi.export("parameter", secret.name)
"""


def test_preview_up_import_and_destroy(
    cloud: dict[str, str], stack_environment: dict[str, str], tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: engine\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAM)

    def pulumi(*words: str) -> str:
        ran = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=project,
            env={**stack_environment, **cloud},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    pulumi("stack", "init", "one")
    preview = pulumi("preview", "--diff")
    assert 'system: "engine"' in preview, "default tags are seen in a preview"
    assert "[unknown]" in preview
    pulumi("up", "--yes", "--skip-preview")
    outputs = json.loads(pulumi("stack", "output", "--json"))
    assert outputs["arn"].endswith(":log-group:/engine/log")
    assert outputs["parameter"].startswith("secret-")
    pulumi("preview", "--refresh", "--expect-no-changes")
    for file in tmp_path.rglob("*.json"):
        assert "hush-hush" not in file.read_text()

    pulumi("stack", "init", "two")
    imported = pulumi(
        "import",
        "aws:cloudwatch/logGroup:LogGroup",
        "log",
        "/engine/log",
        "--yes",
        "--generate-code=false",
        "--protect=false",
    )
    assert "1 imported" in imported
    assert "warning: One or more imported inputs" not in imported
    pulumi("destroy", "--stack", "one", "--yes", "--skip-preview")
