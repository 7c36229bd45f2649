"""The nginx of a host, as a text: everything to the web container, WebSockets for as long as they last. Pure."""

SITES = "/etc/nginx/conf.d"  # nginx reads every *.conf of it
TLS, TLS_ON_HOST = "/etc/nginx/tls", "tls"  # the key and its certificate in one file; below the project's directory
CHALLENGES, CHALLENGES_ON_HOST = "/var/www/challenges", "challenges"  # what an authority looks for, see certificate.sh
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
# Asked by users themselves, nginx believes nothing that they say about where they come from.
FORWARD_OWN = """\
proxy_set_header Host $host;
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto https;"""

TO_HTTPS = f"""\
listen 80 default_server;
server_name _;
server_tokens off;

location /.well-known/acme-challenge/ {{
    root {CHALLENGES};
    default_type text/plain;
}}
location / {{
    return 301 https://$host$request_uri;
}}"""
HTTPS = f"""\
listen 443 ssl http2 default_server;
server_name _;
server_tokens off;
ssl_certificate {TLS}/site.pem;
ssl_certificate_key {TLS}/site.pem;
ssl_protocols TLSv1.2 TLSv1.3;
ssl_session_cache shared:tls:10m;
ssl_session_timeout 1d;
ssl_session_tickets off;"""


def nginx_conf(*, port: int, health_path: str) -> str:
    """The site of a host behind a balancer."""
    server = f"listen {port};\nserver_name _;\nserver_tokens off;\n" + _site("web", port, health_path, FORWARD)
    return f"{MAPS}\n\n{_block('server', server)}\n"


def single_nginx_conf(*, port: int, health_path: str, certificate: str) -> str:
    """The site of a host that the internet asks itself; which of two containers serves, `live.conf` beside it says.

    `certificate` is a comment, by which another name or authority is a release.
    """
    # Who came to an address, or to a name whose certificate is not there yet, is not held to HTTPS for a year.
    hsts = (
        'map $scheme $hsts {\n    default "' + ("max-age=31536000; includeSubDomains" if certificate else "") + '";\n}'
    )
    server = f"{HTTPS}\n" + _site("$live_web", port, health_path, FORWARD_OWN)
    head = f"# Certificate: {certificate or 'its own, signed by nobody'}\n{hsts}"
    return f"{head}\n\n{_block('server', TO_HTTPS)}\n{_block('server', server)}\n"


def _site(upstream: str, port: int, health_path: str, forward: str) -> str:
    """The document's locations.

    The upstream stands in a variable, so that its address is looked up again after a release has replaced the
    container: nginx itself is never restarted.
    """
    to_web = f"set $upstream {upstream};\nproxy_pass http://$upstream:{port};\n{forward}"
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
    return f"resolver {DOCKERS_RESOLVER} valid=1s ipv6=off;\n{SECURITY_HEADERS}\n\n" + "\n".join(locations)


def _block(head: str, body: str) -> str:
    lines = (f"    {line}" if line else "" for line in body.splitlines())
    return "\n".join([f"{head} {{", *lines, "}"])
