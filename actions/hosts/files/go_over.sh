# nginx goes over to the release in current/; requests that the other one has begun are ended by it, and then it goes.
# Set by machine.py: DRAIN_SECONDS.
begin_change
[ -d current ] || fail 'nothing is installed on it'
colour=$(cat current/colour)
[ "$(live)" = "$colour" ] || go_live "$colour"
reload_nginx current
proxy=$(container nginx)
left=$DRAIN_SECONDS
# nginx's workers of before the reload stay until their last connection is closed; the first look gives it time to begin.
while [ "$left" -gt 0 ] && sleep 1 && docker top "$proxy" | grep -q 'worker process is shutting down'; do
    left=$((left - 1))
done
quietly 'docker compose rm' compose current rm --stop --force "$(other "$colour")"
