# current/ is verified: the ledger says so, and images that nobody returns to make room. Set by machine.py: LEDGER (base64).
begin_change
[ -d current ] || fail 'nothing is installed on it'
printf '%s' "$LEDGER" | base64 -d >ledger.json.new
chmod 644 ledger.json.new
mv -T ledger.json.new ledger.json
: >current/verified
image=$(setting current IMAGE)
kept="$image $(setting previous IMAGE) $(setting next IMAGE)"
repository=${image%%@*}
if [ -n "$repository" ]; then
    docker image ls --digests --format '{{.Repository}}@{{.Digest}}' "$repository" | while read -r found; do
        case " $kept " in
        *" $found "*) ;;
        *) docker image rm "$found" >/dev/null 2>&1 || true ;; # in use by a container: it stays
        esac
    done
fi
