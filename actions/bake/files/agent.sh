# What the log agent says of itself. Set by server.py: URL.
python3 - "$URL" <<'LOOK'
import sys, urllib.error, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
        print("answer=HTTP", answer.status)
except urllib.error.HTTPError as error:
    print("answer=HTTP", error.code, error.read(200).decode(errors="replace").strip().splitlines()[:1])
except OSError as error:
    print("answer=none:", getattr(error, "reason", error))
LOOK
