"""Every error Greenwall raises on purpose.

::

    ConsoleError
    |-- UsageError          the caller of a shell verb: wrong options or file names
    |-- CommandError        the operator: a CL command that cannot be parsed, or that is refused
    |   `-- AuthorityError  the security officer: who asks may not do this
    |-- SignOnError         who wants to sign on, or the security officer: the profile does not let in
    |-- RequestEnded        not a fault: the operator ended a request by System Request
    |-- PolicyError         the operator: a rule or policy file that cannot be taken
    |-- StoreError          the administrator: the store cannot be opened, or is not ours, or is newer
    |-- WorkerError         the administrator: no worker, or it speaks otherwise than we do
    |-- ServeError          the administrator: the SSH server cannot listen, or its key is not fit
    |-- JournalError        the administrator: the journal is damaged or cannot be written
    |-- AlertError          the operator: an alert or a destination cannot be taken, or who runs the destination
    |-- SocksError          who runs the SOCKS server: it cannot be used, or refuses
    `-- KernelError         the host: something Greenwall needs of Linux is not there
        `-- CallerGone      not a fault: the caller of a supervised call ended or was interrupted

An error carries the id of its message and the values for the message's blanks; the words are in data/messages.
"""

from __future__ import annotations


class ConsoleError(Exception):
    """Root of the tree; raise a subclass.

    Attributes are the values handed over by keyword, besides ``message_id``; a message text names them in braces.
    """

    def __init__(self, message_id: str, /, **values: object) -> None:
        super().__init__(message_id, values)
        self.message_id = message_id
        """Key into data/messages, for example ``GWL0203``."""
        self.values = values
        """Values for the blanks of the message's texts."""

    def __str__(self) -> str:
        """Show the id and the bare values; `messages.describe` gives the text for people."""
        inside = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{self.message_id}({inside})"


class UsageError(ConsoleError):
    """A shell verb was called with options or files that make no sense; exit code 2."""


class RequestEnded(ConsoleError):  # noqa: N818 -- a state of a request, and no fault
    """The operator has ended the request; what it had begun to change is as it was."""

    def __init__(self) -> None:
        super().__init__("GWL0731")


class CommandError(ConsoleError):
    """A CL command cannot be parsed or is refused; nothing was changed."""


class AuthorityError(CommandError):
    """Who asks may not do this; every one of these leaves an AF entry, see `console.commands.authority`."""

    def __init__(self, message_id: str, /, *, kind: str, what: str, missing: str, **values: object) -> None:
        super().__init__(message_id, what=what, missing=missing, **values)
        self.kind = kind
        """Type of the AF entry."""


class SignOnError(ConsoleError):
    """Somebody may not sign on; says no more of why than a stranger may know."""


class PolicyError(ConsoleError):
    """A rule or a policy document cannot be taken; nothing was changed."""


class StoreError(ConsoleError):
    """The store cannot be opened, read or written."""


class WorkerError(ConsoleError):
    """The worker cannot be reached, started, or understood."""


class ServeError(ConsoleError):
    """The SSH server cannot be run, or refuses somebody."""


class JournalError(ConsoleError):
    """The journal cannot be written, or does not verify."""


class AlertError(ConsoleError):
    """An alert or a destination cannot be taken, or a destination cannot be reached."""


class SocksError(ConsoleError):
    """A SOCKS server cannot be used, or refuses; `console.socks.refusals.failure` makes these."""

    def __init__(self, message_id: str, /, *, reason: str, errno: int, blames_server: bool, **values: object) -> None:
        super().__init__(message_id, **values)
        self.reason = reason
        """A `console.socks.refusals.Reason`."""
        self.errno = errno
        """What the program's call fails with."""
        self.blames_server = blames_server
        """Whether the server itself failed, whatever was asked of it."""


class KernelError(ConsoleError):
    """The kernel refuses or lacks something that Greenwall needs."""


class CallerGone(KernelError):  # noqa: N818 -- an event to react to, not a fault
    """The caller of a supervised call ended, or a signal took it out of the call; there is nobody to answer."""
