"""What the guard answers when a job asks a name server: messages of DNS, without a socket.

| asked for | answered |
| --- | --- |
| A of a host name | the address that stands for it (`name_table`) |
| PTR of such an address | its name |
| localhost and what ends with it | 127.0.0.1 and ::1 (RFC 6761, section 6.3) |
| A of what is no host name, PTR of any other address | NXDOMAIN |
| anything else about a host name: AAAA, MX, SRV, HTTPS | NOERROR, and nothing |
| other classes, other operations | NOTIMP |
| A, when no address is left | SERVFAIL |

Nothing is ever asked of anybody else. A name that is not there has an address like any other; that it is not there is
what the SOCKS server says when the program connects.

The wire format is dnspython's. This module is the only one to import it, and is imported only where names are resolved
so: it takes a tenth of a second.

Pure. Source: RFC 1035, section 4; RFC 6891 (EDNS).
"""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from console.enforcement.guard.name_table import NameTable, name_of_labels
from console.enforcement.guard.search_list import SearchMemory
from console.enforcement.layouts import address_text
from console.policy.request import MAPPED

_TTL_S = 60
"""A name keeps its address for the job's life; what outlives the job should not be believed for long."""
_HEADER_SIZE = 12
_RESPONSE = 0x80
"""Of the third octet of a message: it is an answer (RFC 1035, section 4.1.1, QR)."""
_OPERATION = 0x78
"""Of the same octet: which operation, 0 for a query."""
_RECURSION_DESIRED = 0x01
_REVERSE = (b"in-addr", b"arpa")
_ARPA = b"arpa"
_LOCAL = b"localhost"
_LOCAL_ADDRESSES = {dns.rdatatype.A: "127.0.0.1", dns.rdatatype.AAAA: "::1"}
_CLASSES = frozenset({dns.rdataclass.IN, dns.rdataclass.ANY})
_ADDRESS_TYPES = frozenset({dns.rdatatype.A, dns.rdatatype.ANY})


class NameAnswers:
    """Answers the questions of one job.

    Threads: one at a time.
    """

    def __init__(self, table: NameTable, search: SearchMemory) -> None:
        self._table = table
        self._search = search
        self.ran_out = False
        """Whether a name got no address because none was left."""

    def answer(self, octets: bytes) -> bytes:
        """Return the answer to a message; empty where there is none: it is too short to be one, or an answer itself.

        No answer is longer than 512 octets but for the question that it repeats, so it fits whatever it goes by.
        """
        if len(octets) < _HEADER_SIZE or octets[2] & _RESPONSE:
            return b""
        if octets[2] & _OPERATION:
            return _bare(octets, dns.rcode.NOTIMP)
        try:
            query = dns.message.from_wire(octets, ignore_trailing=True)
            if len(query.question) != 1:
                return _bare(octets, dns.rcode.FORMERR)
            response = dns.message.make_response(query, recursion_available=True)
            self._fill(response, query.question[0])
            return response.to_wire()
        except (dns.exception.DNSException, ValueError):  # dnspython raises both about what is no message
            return _bare(octets, dns.rcode.FORMERR)

    def _fill(self, response: dns.message.Message, asked: dns.rrset.RRset) -> None:
        if asked.rdclass not in _CLASSES:
            response.set_rcode(dns.rcode.NOTIMP)
            return
        labels = tuple(label.lower() for label in asked.name.labels if label)
        if labels[-1:] == (_LOCAL,):
            if asked.rdtype in _LOCAL_ADDRESSES:
                _add(response, asked, asked.rdtype, _LOCAL_ADDRESSES[asked.rdtype])
        elif labels[-2:] == _REVERSE and asked.rdtype == dns.rdatatype.PTR:
            name = self._table.name_of(_reversed_address(labels[:-2]))
            if name:
                _add(response, asked, dns.rdatatype.PTR, name + ".")
            else:
                response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            self._fill_host(response, asked, labels)

    def _fill_host(self, response: dns.message.Message, asked: dns.rrset.RRset, labels: tuple[bytes, ...]) -> None:
        name = name_of_labels(labels)
        if name is None or labels[-1] == _ARPA or self._search.is_attempt(name):
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif asked.rdtype in _ADDRESS_TYPES:
            address = self._table.address_of(name)
            if address is None:
                self.ran_out = True
                response.set_rcode(dns.rcode.SERVFAIL)
            else:
                _add(response, asked, dns.rdatatype.A, address_text(address))


def _add(response: dns.message.Message, asked: dns.rrset.RRset, kind: dns.rdatatype.RdataType, text: str) -> None:
    response.answer.append(dns.rrset.from_text(asked.name, _TTL_S, dns.rdataclass.IN, kind, text))


def _reversed_address(labels: tuple[bytes, ...]) -> int:
    """Return the IPv4 address that the labels of a reverse name stand for, in the 128-bit space; 0 for none."""
    if len(labels) != 4 or not all(label.isdigit() and len(label) <= 3 for label in labels):
        return 0
    octets = [int(label) for label in reversed(labels)]
    return MAPPED + int.from_bytes(octets, "big") if max(octets) <= 255 else 0


def _bare(octets: bytes, code: dns.rcode.Rcode) -> bytes:
    """Return an answer that says only what is wrong.

    Layout: ID 2, flags 2, four counts of 2 each, big-endian.
    """
    flags = _RESPONSE | octets[2] & (_OPERATION | _RECURSION_DESIRED)
    return octets[:2] + bytes([flags, 0x80 | code]) + bytes(8)
