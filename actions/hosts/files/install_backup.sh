# The backup program and its timer; what is as it should be is left alone.
# Set by data.py: PROGRAM (base64) SCHEDULE (systemd's OnCalendar).
put() { # put MODE FILE: standard input becomes the file, when it differs
    cat >"$work/file"
    cmp -s "$work/file" "$2" && return 0
    install -m "$1" "$work/file" "$2.new"
    mv -T "$2.new" "$2"
    changed=true
}

begin_change
systemd-analyze calendar "$SCHEDULE" >/dev/null 2>&1 || fail "$SCHEDULE is no time as systemd's OnCalendar knows it"
changed=
mkdir -p -m 700 backup
printf '%s' "$PROGRAM" | base64 -d | put 700 backup/backup
put 644 "/etc/systemd/system/$PROJECT-backup.service" <<UNIT
[Unit]
Description=Backup of $PROJECT into S3
After=docker.service network-online.target
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=$APP_DIR/backup/backup
UNIT
put 644 "/etc/systemd/system/$PROJECT-backup.timer" <<UNIT
[Unit]
Description=When $PROJECT is backed up

[Timer]
OnCalendar=$SCHEDULE
Persistent=true

[Install]
WantedBy=timers.target
UNIT
if [ -n "$changed" ]; then
    quietly 'systemd does not take the timer' systemctl daemon-reload
    quietly 'the timer does not start' systemctl restart "$PROJECT-backup.timer"
fi
quietly 'the timer cannot be enabled' systemctl enable --now "$PROJECT-backup.timer"
printf 'next=%s\n' "$(systemctl show --property NextElapseUSecRealtime --value "$PROJECT-backup.timer")"
