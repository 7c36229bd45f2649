"""How an action asks the way a user asks: through the balancer, by its URL, with no proxy of the runner's."""

import ipaddress
import os
import warnings
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InsecureRequestWarning

BALANCER_DOMAINS = (".elb.amazonaws.com", ".elb.amazonaws.com.cn")


def session(url: str) -> requests.Session:
    """For requests to this URL; its certificate is checked where the URL names a domain of one's own."""
    made = requests.Session()
    made.trust_env = False
    if certificate_checked(url):
        made.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    else:
        made.verify = False
        warnings.filterwarnings("ignore", category=InsecureRequestWarning)
    return made


def certificate_checked(url: str) -> bool:
    """No certificate is issued for a balancer's own name or address, so there it cannot be checked."""
    name = urlsplit(url).hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return not name.endswith(BALANCER_DOMAINS)
    return False
