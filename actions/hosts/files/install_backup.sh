# The backup program and its timer; what is as it should be is left alone.
# Set by data.py: PROGRAM (base64) SCHEDULE (systemd's OnCalendar).
begin_change
systemd-analyze calendar "$SCHEDULE" >/dev/null 2>&1 || fail "$SCHEDULE is no time as systemd's OnCalendar knows it"
changed=
mkdir -p -m 700 backup
printf '%s' "$PROGRAM" | base64 -d | put 700 backup/backup
keep_timer "$PROJECT-backup" "Backup of $PROJECT into S3" "$APP_DIR/backup/backup" "OnCalendar=$SCHEDULE"
printf 'next=%s\n' "$(systemctl show --property NextElapseUSecRealtime --value "$PROJECT-backup.timer")"
