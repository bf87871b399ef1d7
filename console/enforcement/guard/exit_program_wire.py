"""What a guard and the process of an exit program say to each other: frozen values, one JSON text a datagram.

The conversation, over a pair of sockets that nobody else has (SOCK_SEQPACKET)::

    guard                                exit program
           <----------------------------  Ready, once
    Question (n) ------------------------>
           <----------------------------  Reply (n)

The guard hangs up when it wants the process to end, and kills it when it does not.
"""

from __future__ import annotations

import msgspec

from console.exit_request import ExitRequest

LONGEST_MESSAGE = 65_536
"""Octets. A question is far shorter, a path in it has at most 4,096; `LONGEST_PROBLEM` keeps a reply below."""

LONGEST_PROBLEM = 200
"""Characters."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The exit program was loaded, or cannot be."""

    problem: str
    """Why it cannot be; empty otherwise."""


class Question(msgspec.Struct, frozen=True, tag="question"):
    """A call that asks."""

    number: int
    """Running number: an answer to another question is none."""
    request: ExitRequest


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """What came of asking the function."""

    number: int
    answer: str
    """One of the three answers; empty where it gave none of them."""
    problem: str
    """What it did instead; empty otherwise."""


Message = Ready | Question | Reply

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """Return a message as a datagram."""
    return _encoder.encode(message)


def decode(octets: bytes) -> Message:
    """Read a datagram.

    Raises:
        ValueError: It is no message.
    """
    try:
        return _decoder.decode(octets)
    except RecursionError as error:
        raise ValueError("nested without end") from error
