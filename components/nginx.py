"""The nginx of a host, as a text: everything to the web container, WebSockets for as long as they last. Pure."""

SITES = "/etc/nginx/conf.d"  # nginx reads every *.conf of it
DOCKERS_RESOLVER = "127.0.0.11"
OWN_HEALTH = "/nginx-health"  # nginx's own answer, whatever the application says

# The document's, on every answer. HSTS only where the user came by HTTPS, which is what it is about.
SECURITY_HEADERS = """\
add_header Strict-Transport-Security $hsts always;
add_header X-Frame-Options "SAMEORIGIN" always;
add_header X-Content-Type-Options "nosniff" always;
add_header X-XSS-Protection "1; mode=block" always;"""

# A balancer before us ends TLS and says so; without one we are asked directly.
MAPS = """\
map $http_x_forwarded_proto $forwarded_proto {
    default $http_x_forwarded_proto;
    ""      $scheme;
}
map $forwarded_proto $hsts {
    https   "max-age=31536000; includeSubDomains";
    default "";
}"""

FORWARD = """\
proxy_set_header Host $host;
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Forwarded-Proto $forwarded_proto;"""


def nginx_conf(*, port: int, health_path: str, upstream: str = "web") -> str:
    """The site of a host behind a balancer.

    The upstream stands in a variable, so that its address is looked up again after a release has replaced the
    container: nginx itself is never restarted.
    """
    to_web = f"set $upstream {upstream};\nproxy_pass http://$upstream:{port};\n{FORWARD}"
    websocket = (
        "proxy_http_version 1.1;\n"
        "proxy_set_header Upgrade $http_upgrade;\n"
        'proxy_set_header Connection "upgrade";\n'
        "proxy_connect_timeout 60s;\nproxy_send_timeout 7d;\nproxy_read_timeout 7d;\nproxy_buffering off;"
    )
    ordinary = "proxy_connect_timeout 60s;\nproxy_send_timeout 60s;\nproxy_read_timeout 60s;"
    kept = f'expires {{}};\nadd_header Cache-Control "{{}}";\n{SECURITY_HEADERS}'
    locations = [
        _block(f"location = {OWN_HEALTH}", 'access_log off;\ndefault_type text/plain;\nreturn 200 "Nginx OK\\n";'),
        _block(f"location {health_path}", f"access_log off;\n{to_web}"),
        _block("location /ws/", f"{to_web}\n{websocket}"),
        _block("location /static/", f"{to_web}\n{kept.format('30d', 'public, immutable')}"),
        _block("location /media/", f"{to_web}\n{kept.format('7d', 'public')}"),
        _block("location /", f"{to_web}\n{ordinary}"),
    ]
    server = (
        f"listen {port};\nserver_name _;\nserver_tokens off;\nresolver {DOCKERS_RESOLVER} valid=1s ipv6=off;\n"
        f"{SECURITY_HEADERS}\n\n" + "\n".join(locations)
    )
    return f"{MAPS}\n\n{_block('server', server)}\n"


def _block(head: str, body: str) -> str:
    lines = (f"    {line}" if line else "" for line in body.splitlines())
    return "\n".join([f"{head} {{", *lines, "}"])
