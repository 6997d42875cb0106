"""Which addresses a stranger may have weights fetched from: the fetching is done from the organiser's own network."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
"""ASCII only: what else there is (escapes, full-width letters) is turned into other names on the way to the network."""

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""The last part of a host that is an IPv4 address in one of its spellings: 127.0.0.1, 127.1, 0x7f000001, 2130706433."""

_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that is handed out of IPv6; what carries IPv4 addresses inside lies elsewhere, but for 6to4."""


def public_address(url: str) -> SplitResult | None:
    """Return the parts of an https address whose host may be asked, None for any other.

    Not asked are hosts that lie in a private network, on this machine or on the link, as far as the text tells: a name
    that leads to one is for whoever opens the connection to see.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or not host or parts.username is not None or not _public(host):
        return None
    return parts


def _public(host: str) -> bool:
    if ":" in host:
        return _public_v6(host)
    if not _HOST.fullmatch(host):
        return False
    last = host.rstrip(".").rpartition(".")[2]
    if _NUMBER.fullmatch(last):
        try:
            address = ipaddress.IPv4Address(host)
        except ValueError:
            return False
        return address.is_global and not address.is_multicast
    return last != "localhost"


def _public_v6(host: str) -> bool:
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return False
    # 6to4 addresses lie among the global ones and carry an IPv4 address that may be any.
    return address in _UNICAST and address.is_global and not address.sixtofour and address.scope_id is None
