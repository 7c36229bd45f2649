# Whether the clock is synchronised, what the service says its offset is, and what asking its source again shows.
source='' port=123
if command -v chronyc >/dev/null && tracking=$(chronyc -n -c tracking 2>/dev/null); then
    echo service=chrony
    source=$(echo "$tracking" | cut -d , -f 2)
    echo "stated=$(echo "$tracking" | cut -d , -f 5)"
    [ "$(echo "$tracking" | cut -d , -f 14)" = Normal ] && echo synchronised=true || echo synchronised=false
    found=$(chronyc -n ntpdata "$source" 2>/dev/null | sed -n 's/^Remote port *: //p')
    port=${found:-123}
elif [ "$(timedatectl show --property NTP --value 2>/dev/null)" = yes ]; then
    echo service=timesyncd
    [ "$(timedatectl show --property NTPSynchronized --value)" = yes ] && echo synchronised=true || echo synchronised=false
    source=$(timedatectl show-timesync --property ServerAddress --value 2>/dev/null || true)
    echo "stated=$(timedatectl timesync-status 2>/dev/null | sed -n 's/^ *Offset: //p')"
else
    echo service=none
    echo synchronised=false
fi
[ -z "$source" ] || python3 - "$source" "$port" <<'ASK'
import socket, struct, sys, time
ERA = 2208988800  # from 1900 to 1970
try:
    family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asked:
        asked.settimeout(3)
        asked.connect((sys.argv[1], int(sys.argv[2])))
        sent = time.time()
        asked.send(b"\x23" + 47 * b"\0")
        answer = asked.recv(512)
        came = time.time()
    parts = struct.unpack("!12I", answer[:48])
    received, left = (parts[place] - ERA + parts[place + 1] / 2**32 for place in (8, 10))
    print(f"measured={((received - sent) + (left - came)) / 2:.6f}")
except (OSError, struct.error) as error:
    print("measured_not=" + str(error))
ASK
echo "source=$source"
