"""The ways this application can be bad, chosen by MODE when its image is built.

health-500     serves pages, and its health check fails: the database does not answer
health-lies    healthy for whoever asks on the host, ill for whoever comes through the balancer
health-flaps   healthy for four seconds, ill for four seconds, and so on
migrate-fails  `manage.py migrate` fails halfway, everything else is good
crash          exits with 1 at its start
never-listens  lives without ever opening its port
"""

MODES = ("good", "crash", "health-500", "never-listens", "health-lies", "health-flaps", "migrate-fails")
FLAP_SECONDS = 4


def ill(mode: str, *, seconds: float, forwarded_for: str) -> str:
    """Why the health check fails now; empty while it does not.

    How the balancer is told from the host: the balancer adds an X-Forwarded-For with the user's address, to which the
    host's own nginx adds the balancer's, so there are two. A check made on the host, or by the balancer itself, which
    adds nothing to its own checks, brings one (nginx wrote it) or none (it asked this process).
    """
    if mode == "health-500":
        return "the database does not answer"
    if mode == "health-lies" and "," in forwarded_for:
        return "only health checks are well served"
    if mode == "health-flaps" and int(seconds / FLAP_SECONDS) % 2:
        return "the database comes and goes"
    return ""
