# Installed on the data host and run by its timer: one checked backup into the bucket. Prints what it made as JSON.
# Set by data.py: BUCKET PREFIX.
work=$(mktemp -d /var/tmp/backup.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p -m 700 "$APP_DIR/backup"
exec 8>"$APP_DIR/backup/.lock"
flock --wait 600 8 || fail 'another backup has been going on for more than 600 s'
found=$(container database)
[ -n "$found" ] || fail 'there is no database to back up'
database=$(docker exec "$found" printenv MYSQL_DATABASE) || fail 'the database does not run'

# The password stays within the container; a pipe tells only of its end, so a failure leaves a file.
{
    docker exec "$found" sh -c 'dump=$(command -v mysqldump || command -v mariadb-dump)
        MYSQL_PWD=$MYSQL_ROOT_PASSWORD exec "$dump" --user=root --single-transaction --quick --routines --triggers \
            --events --no-tablespaces --default-character-set=utf8mb4 "$MYSQL_DATABASE"' 2>"$work/output" ||
        : >"$work/failed"
} | gzip >"$work/dump" || fail 'the dump could not be written'
[ ! -e "$work/failed" ] || fail "the dump failed: $(last_words)"
gzip --test "$work/dump" || fail 'the dump is damaged'
zcat "$work/dump" | tail -n 3 | grep -q '^-- Dump completed' || fail 'the dump is not complete'

key=$PREFIX$database-$(date -u +%Y%m%dT%H%M%SZ).sql.gz
bytes=$(wc -c <"$work/dump")
sum=$(sha256sum "$work/dump" | cut -d ' ' -f 1)
quietly "s3://$BUCKET/$key cannot be written" aws s3 cp --region "$REGION" --only-show-errors --sse AES256 \
    --metadata "sha256=$sum" "$work/dump" "s3://$BUCKET/$key"
kept=$(aws s3api head-object --region "$REGION" --bucket "$BUCKET" --key "$key" --output text \
    --query '[ContentLength, Metadata.sha256, ServerSideEncryption]' 2>"$work/output") || fail "$(last_words)"
# shellcheck disable=SC2086  # three words
set -- $kept
{ [ "$1" = "$bytes" ] && [ "$2" = "$sum" ]; } || fail "s3://$BUCKET/$key is not what was sent"
[ "$3" != None ] || fail "s3://$BUCKET/$key is not encrypted"

printf '{"key": "%s", "bucket": "%s", "bytes": %s, "sha256": "%s", "encryption": "%s", "made_at": "%s"}\n' \
    "$key" "$BUCKET" "$bytes" "$sum" "$3" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$APP_DIR/backup/last.json.new"
mv -T "$APP_DIR/backup/last.json.new" "$APP_DIR/backup/last.json"
cat "$APP_DIR/backup/last.json"
