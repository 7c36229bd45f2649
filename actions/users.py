"""How an action asks the way a user asks: through the balancer, by its URL, with no proxy of the runner's."""

import os
import ssl
import warnings
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InsecureRequestWarning

BALANCER_DOMAINS = (".elb.amazonaws.com", ".elb.amazonaws.com.cn")


def session(url: str) -> requests.Session:
    """For requests to this URL; its certificate is checked unless nobody could have issued one.

    It takes no cookie: each request is a new user, whom a sticky balancer sends to any of its hosts.
    """
    made = requests.Session()
    made.trust_env = False
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.verify = _bundle() or True
    if not certifiable(url):
        made.verify = False
        warnings.filterwarnings("ignore", category=InsecureRequestWarning)
    return made


def websocket_options(url: str) -> dict[str, Any]:
    """The same for a WebSocket."""
    if not certifiable(url):
        return {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    return {"ca_certs": bundle} if (bundle := _bundle()) else {}


def certifiable(url: str) -> bool:
    """Whether a certificate names the URL's host: not a name of the balancer's own domain, and no address but our own.

    Balancers of the local cloud have loopback addresses, for which its authority signs.
    """
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return not host.endswith(BALANCER_DOMAINS)


def _bundle() -> str:
    """The authorities that the runner trusts, where they are not the usual ones."""
    return os.environ.get("REQUESTS_CA_BUNDLE", "")
