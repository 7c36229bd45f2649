# What of its build a server made from the image still holds: one line for each. Set by server.py: VALUES (base64 of
# lines that no file may contain, empty: none).
begin_change
record=/var/lib/photo-api-image/sealed
[ -f "$record" ] || echo "found=no record of a sealing in $record"
touch "$work/record"
[ ! -f "$record" ] || cp "$record" "$work/record"
knows() { grep -qx "$1=$2" "$work/record"; }
sum() { sha256sum | cut -d ' ' -f 1; }

[ -s /etc/machine-id ] || echo 'found=no machine id of its own'
! knows machine_id "$(sum </etc/machine-id)" || echo "found=the build server's machine id"
for key in /etc/ssh/ssh_host_*.pub; do
    [ -f "$key" ] || continue
    ! knows host_key "$(cut -d ' ' -f 2 "$key" | sum)" || echo "found=the build server's host key $key"
done
getent passwd | cut -d : -f 6 | sort -u | while read -r home; do
    [ ! -f "$home/.ssh/authorized_keys" ] || grep -o 'AAAA[^ ]*' "$home/.ssh/authorized_keys" | while read -r key; do
        ! knows login_key "$(echo "$key" | sum)" || echo "found=the build's login key in $home/.ssh/authorized_keys"
    done
    for file in "$home"/.ssh/id_* "$home"/.*_history; do
        [ ! -e "$file" ] || [ "$home" = / ] || echo "found=$file"
    done
done
[ ! -e "$STAGE" ] || echo "found=$STAGE"
find / -xdev -name '.env.build' ! -type d ! -lname '/run/*' 2>/dev/null | sed 's/^/found=/'
own=$(cat /etc/machine-id)
for logs in /var/log/journal/*; do
    [ ! -d "$logs" ] || [ "$(basename "$logs")" = "$own" ] || echo "found=logs of another machine in $logs"
done
if [ -n "$VALUES" ]; then
    (umask 077 && printf '%s' "$VALUES" | base64 -d >"$work/values")
    find / -xdev -type f -size +0 -print0 2>/dev/null | xargs -0 -r grep -laF -f "$work/values" 2>/dev/null |
        sed 's/^/found=a secret in /' || true
fi
echo "time=$(sed -n 's/^time=//p' "$work/record")"
