"""Settings of the store (SQLite, or a PostgreSQL that several nodes share) and of what it forgets."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr

from gateway.config.types import OptionalName, Section, wrong

SCHEMES = ("postgresql", "postgres")


def _store_url(value: SecretStr) -> SecretStr:
    """Never quotes the value: it may hold a password."""
    url = value.get_secret_value()
    if not url:
        return value
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise wrong("not a URL") from None
    if parts.scheme not in SCHEMES:
        raise wrong("must begin with postgresql://; leave it empty for SQLite in state_dir")
    if not parts.path.strip("/"):
        raise wrong("names no database; for example postgresql://fax@db.example.com/fax")
    return value


class Storage(Section):
    """``[store]``: where the queue is kept."""

    url: Annotated[SecretStr, AfterValidator(_store_url)] = Field(
        default=SecretStr(""),
        description="postgresql://user:password@host/database; empty: SQLite in gateway.state_dir.",
    )
    node: OptionalName = Field(
        default="",
        description="Name of this node among those that share a PostgreSQL; empty: the name of the host.",
    )

    @property
    def shared(self) -> bool:
        """Whether several nodes may use the store."""
        return bool(self.url.get_secret_value())

    @property
    def password(self) -> str:
        """The password in the URL, or ""."""
        return unquote(urlsplit(self.url.get_secret_value()).password or "")

    @property
    def shown(self) -> str:
        """The URL without its password, for people."""
        parts = urlsplit(self.url.get_secret_value())
        host = parts.netloc.rpartition("@")[2]
        user = f"{parts.username}@" if parts.username else ""
        return f"{parts.scheme}://{user}{host}{parts.path}"


class Retention(Section):
    """``[retention]``: how long content is kept."""

    content_days: float = Field(
        default=30,
        ge=0,
        le=36500,
        description="Days from the end of a fax until its mail, its pages or its PDF are removed.",
    )
