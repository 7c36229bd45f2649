# A backup of the bucket into a database. Prints what it did as JSON.
# Set by data.py: BUCKET PREFIX KEY (empty: the newest) DATABASE OVER (true: what is in it goes).
begin_change
found=$(container database)
[ -n "$found" ] || fail 'there is no database to restore into'

sql() {
    docker exec -i "$found" sh -c 'client=$(command -v mysql || command -v mariadb)
        MYSQL_PWD=$MYSQL_ROOT_PASSWORD exec "$client" --user=root --batch --skip-column-names "$@"' sql "$@"
}

count_tables() {
    sql --execute "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '$DATABASE'" 2>"$work/output" ||
        fail "the database does not answer: $(last_words)"
}

if [ -z "$KEY" ]; then
    KEY=$(aws s3api list-objects-v2 --region "$REGION" --bucket "$BUCKET" --prefix "$PREFIX" --output json \
        --query "sort_by(Contents[?ends_with(Key, '.sql.gz')] || \`[]\`, &LastModified)[-1].Key" 2>"$work/output") ||
        fail "s3://$BUCKET/$PREFIX cannot be listed: $(last_words)"
    KEY=$(printf '%s' "$KEY" | tr -d '"')
    [ "$KEY" != null ] || fail "s3://$BUCKET/$PREFIX holds no backup"
fi
tables=$(count_tables)
if [ "$tables" -gt 0 ] && [ "$OVER" != true ]; then
    fail "$DATABASE holds $tables tables: name an empty database, or say that what is in it shall go"
fi

quietly "s3://$BUCKET/$KEY cannot be read" aws s3 cp --region "$REGION" --only-show-errors "s3://$BUCKET/$KEY" "$work/dump"
sum=$(aws s3api head-object --region "$REGION" --bucket "$BUCKET" --key "$KEY" --output text --query Metadata.sha256)
[ "$sum" = "$(sha256sum "$work/dump" | cut -d ' ' -f 1)" ] || fail "s3://$BUCKET/$KEY is not what was written into it"
gzip --test "$work/dump" || fail "s3://$BUCKET/$KEY is damaged"
zcat "$work/dump" | tail -n 3 | grep -q '^-- Dump completed' || fail "s3://$BUCKET/$KEY is not complete"

[ "$tables" = 0 ] || quietly "$DATABASE cannot be emptied" sql --execute "DROP DATABASE \`$DATABASE\`"
quietly "$DATABASE cannot be made" sql --execute "CREATE DATABASE IF NOT EXISTS \`$DATABASE\` CHARACTER SET utf8mb4"
zcat "$work/dump" | sql "$DATABASE" >"$work/output" 2>&1 || fail "$KEY was not restored whole: $(last_words)"
printf '{"key": "%s", "bucket": "%s", "database": "%s", "tables": %s}\n' "$KEY" "$BUCKET" "$DATABASE" "$(count_tables)"
