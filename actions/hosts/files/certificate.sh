# Installed on a host without a balancer, run by its timer and by a release: a certificate for DOMAIN where there is none
# or it ends within a month. Set by single.py: DOMAIN EMAIL SERVER IMAGE ROOM_MB METRICS.
begin_change
kept=certificate/$(printf '%s %s' "$SERVER" "$DOMAIN" | sha256sum | cut -c -12)
mkdir -p -m 700 tls "$kept"
mkdir -p -m 755 challenges
fetch "$IMAGE"
# The authority's own server is trusted as this host trusts others: a private one by the host's list.
if ! docker run --rm --network host --entrypoint certbot \
    --volume "$APP_DIR/$kept:/etc/letsencrypt" --volume "$APP_DIR/challenges:/challenges" \
    --volume /etc/ssl/certs/ca-certificates.crt:/authorities.crt:ro --env REQUESTS_CA_BUNDLE=/authorities.crt \
    "$IMAGE" certonly --non-interactive --agree-tos --no-eff-email --email "$EMAIL" --server "$SERVER" \
    --webroot --webroot-path /challenges --cert-name site --domain "$DOMAIN" --keep-until-expiring \
    >"$work/output" 2>&1; then
    found=$(sed -n 's/^ *\(Detail\|Error\): *//p' "$work/output" | head -n 1 | cut -c -500)
    fail "$SERVER issues no certificate for $DOMAIN: ${found:-$(last_words)}"
fi
cat "$kept/live/site/privkey.pem" "$kept/live/site/fullchain.pem" >"$work/site.pem"
if ! cmp -s "$work/site.pem" tls/site.pem; then
    install -m 600 "$work/site.pem" tls/site.pem.new
    mv -T tls/site.pem.new tls/site.pem
    nginx=$(container nginx)
    [ -z "$nginx" ] || quietly 'nginx did not take the certificate' docker exec "$nginx" nginx -s reload
fi

# The authority writes to nobody any more when a certificate ends: an alarm counts the days that are left.
ends=$(date -d "$(openssl x509 -in tls/site.pem -noout -enddate | cut -d = -f 2)" +%s)
metadata=http://169.254.169.254/latest
token=$(curl -fsS -m 5 -X PUT "$metadata/api/token" -H 'X-aws-ec2-metadata-token-ttl-seconds: 60') &&
    host=$(curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/instance-id") &&
    aws cloudwatch put-metric-data --region "$REGION" --namespace "$METRICS" --metric-name CertificateDays \
        --dimensions "InstanceId=$host" --value $(((ends - $(date +%s)) / 86400)) ||
    echo 'nobody hears how long the certificate lasts' >&2
