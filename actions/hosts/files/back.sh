# The directory before the switch is current/ again and brought up; a verified current/ is what there is to go back to.
begin_change
if [ -e current/verified ] || [ ! -d current ]; then
    drop next
elif [ -d previous ]; then
    drop next
    mv -T current failed
    mv -T previous current
    drop failed
else
    quietly 'docker compose down' compose current down --remove-orphans
    drop next
    drop current
    rm -f nginx/live.conf
fi
[ ! -d current ] || bring_up current
# What was to take over is not wanted any more; when users are with it already, `go_over` brings them back first.
if [ "$WAY" = single ] && [ -d current ] && [ "$(live)" = "$(cat current/colour)" ]; then
    quietly 'docker compose rm' compose current rm --stop --force "$(other "$(live)")"
fi
