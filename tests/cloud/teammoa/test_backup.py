"""A backup is made, lies encrypted in its bucket, and brings the same rows into an empty database."""

import re
import shlex

import requests

from tests.cloud.teammoa.conftest import STACK
from tests.cloud.teammoa.fleet import Fleet

READ = "exec mariadb -N -u root -p\"$MYSQL_ROOT_PASSWORD\" -e 'SELECT text FROM {database}.board_row ORDER BY id'"


def test_a_backup_restores_the_same_rows(released: Fleet) -> None:
    for text in ("first", "second", "셋째"):
        made = requests.post(f"{released.url}/rows/", json={"text": text}, timeout=10, verify=released.authorities)
        assert made.status_code == 201, made.text
    done = released.project.run("python", "-m", "ops.backup", STACK)
    bucket, s3 = released.project.output("backupBucket"), released.aws.client("s3")
    newest = max(s3.list_objects_v2(Bucket=bucket)["Contents"], key=lambda entry: entry["LastModified"])
    head = s3.head_object(Bucket=bucket, Key=newest["Key"])
    assert head["ServerSideEncryption"] in ("AES256", "aws:kms"), head
    assert newest["Key"].rsplit("/", 1)[-1] in done.stdout, done.stdout
    body = s3.get_object(Bucket=bucket, Key=newest["Key"])["Body"].read()
    assert not re.search(rb"first|INSERT", body)  # compressed, so that no row is read in passing
    released.project.run("python", "-m", "ops.restore", STACK, "--database", "restored")
    assert rows(released, "restored") == rows(released, "teammoa_db") != []
    again = released.project.run("python", "-m", "ops.restore", STACK, "--database", "restored", check=False)
    assert again.returncode != 0 and "name an empty database" in again.stdout, again.stdout


def rows(fleet: Fleet, database: str) -> list[str]:
    script = shlex.quote(READ.format(database=database))
    return fleet.on(fleet.data_host, f"docker exec teammoa-data-database-1 sh -c {script}").splitlines()
