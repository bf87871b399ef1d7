"""Sessions of the console over SSH that are open now."""

from pydantic import AwareDatetime
from sqlmodel import Field, SQLModel

from console.model.columns import COUNTER
from console.model.journal import PORT_MAX


class SshSessionBase(SQLModel):
    """The fields of a session."""

    id: int | None = Field(default=None, primary_key=True, sa_type=COUNTER)
    """In order of arrival."""
    job: str = Field(min_length=1, max_length=96)
    """Qualified job name, number/USER/SSH."""
    user: str = Field(min_length=1, max_length=64)
    """User profile."""
    pid: int = Field(ge=0)
    """Process id of the console."""
    remote_address: str = Field(max_length=46)
    remote_port: int = Field(ge=0, le=PORT_MAX)
    method: str = Field(max_length=40)
    """How the user signed on."""
    host: str = Field(max_length=255)
    """Where the server runs: a database may serve several systems."""
    server_pid: int = Field(ge=0)
    started: AwareDatetime
    last_input: AwareDatetime
    """When the client has sent something last, to some seconds."""
    end_requested_by: str = Field(default="", max_length=64)
    """User profile that wants the session ended; empty while nobody does."""


class SshSession(SshSessionBase, table=True):
    """One session that is open, as far as its server has said."""

    __tablename__ = "ssh_session"
