"""What resolvers make of a name before they ask for it: the search list of resolv.conf(5).

A resolver that is told ``host`` asks for ``host.DOMAIN`` first, one domain after the other, and a resolver that is told
``www.example.com`` does so too where `ndots` is 3 or more, as it is in containers. Somebody who knows which names there
are answers that there is no ``www.example.com.DOMAIN``, and the resolver comes round to what it was told. Here nobody
knows, because the one who knows is the SOCKS server; if every name had an address, the server would be asked for the
wrong one. So a name that has dots and was only tried with a domain is none, as far as that can be told by looking at
it: whoever typed it in full has tried it with a domain before.

A name without a dot belongs to the first domain of the list, where a resolver looks first.

Pure. Source: resolv.conf(5), search and ndots.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import NamedTuple

_MOST_KEPT = 4096
_MOST_DOTS = 15
"""What the resolver cuts ndots down to."""


class SearchList(NamedTuple):
    """The part of resolv.conf(5) that changes names."""

    domains: tuple[str, ...] = ()
    """In lower case, without a dot at either end."""
    dots: int = 1
    """A name with so many dots is asked for as it is first (ndots)."""


def parse_search_list(text: str) -> SearchList:
    """Read a resolv.conf(5); of lines that say the same the last one counts, and what is no line of it says nothing."""
    found = SearchList()
    for line in text.splitlines():
        word, *values = line.split() or [""]
        if word in ("search", "domain") and values:
            domains = (each.strip(".").lower() for each in (values if word == "search" else values[:1]))
            found = found._replace(domains=tuple(each for each in domains if each))
        elif word == "options":
            for number in _numbers(values):
                found = found._replace(dots=min(number, _MOST_DOTS))
    return found


def _numbers(options: list[str]) -> Iterator[int]:
    for option in options:
        name, _, value = option.partition(":")
        if name == "ndots" and value.isascii() and value.isdecimal():
            yield int(value[:4])


class SearchMemory:
    """Tells names that were asked for from names that were tried with a domain.

    Threads: any.
    """

    def __init__(self, search_list: SearchList) -> None:
        self._list = search_list
        self._meant: dict[str, None] = {}
        """Names that were tried with a domain, and so were meant; the oldest is forgotten first."""
        self._mutex = threading.Lock()

    def is_attempt(self, name: str) -> bool:
        """Say whether a name is another one, tried with a domain; that one is then known to be meant."""
        with self._mutex:
            if name in self._meant:
                return False
            for domain in self._list.domains:
                meant = name.removesuffix("." + domain)
                if meant != name:
                    dots = meant.count(".")
                    if not dots or dots >= self._list.dots:
                        return False
                    if len(self._meant) >= _MOST_KEPT:
                        del self._meant[next(iter(self._meant))]
                    self._meant[meant] = None
                    return True
        return False
