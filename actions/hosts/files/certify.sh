# The program that keeps the certificate and its timer; and a certificate now, where the right one is not shown yet.
# Set by single.py: PROGRAM (base64) KEPT (what a certificate is for).
begin_change
changed=
mkdir -p -m 700 certificate
printf '%s' "$PROGRAM" | base64 -d | put 700 certificate/keep
keep_timer "$PROJECT-certificate" "Certificate of $PROJECT" "$APP_DIR/certificate/keep" \
    'OnCalendar=*-*-* 03,15:00:00' 'RandomizedDelaySec=1h'
ready=$(cat certificate/ready 2>/dev/null || true)
if [ "$ready" = "$KEPT" ] && openssl x509 -in tls/site.pem -noout -checkend 86400 >/dev/null; then
    exit 0
fi
exec 9>&- # the program waits for the lock itself
"$APP_DIR/certificate/keep"
printf '%s' "$KEPT" >"$APP_DIR/certificate/ready"
