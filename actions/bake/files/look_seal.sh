# How far the sealing is: it runs, it is done and the server goes down, or it ended early and said why.
if [ -e /run/photo-api-seal.done ]; then
    echo seal=done
else
    case $(systemctl show --property ActiveState --value photo-api-seal.service) in
    active | activating) echo seal=runs ;;
    *) echo seal=ended ;;
    esac
fi
said=$(tail -n 1 /run/photo-api-seal.said 2>/dev/null || true)
echo "said=${said#fail: }"
