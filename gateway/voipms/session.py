"""Calls by name: rate limit, one exchange, and its verdict. `gateway.voipms.client` puts types on top."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from gateway.voipms import wire
from gateway.voipms.limiter import Limiter
from gateway.voipms.methods import describe
from gateway.voipms.payload import PayloadSource
from gateway.voipms.settings import Credentials, Settings
from gateway.voipms.statuses import CALL_LIMIT, CALL_LIMIT_PAUSE, ApiError, Phase, classify
from gateway.voipms.transport import Exchange, Guard, Transport

_RESERVED = frozenset({"api_username", "api_password", "method"})


class Session:
    """A connection-less session with the API: credentials, patience and the rate limit."""

    def __init__(
        self, settings: Settings, credentials: Credentials, *, verify: ssl.SSLContext | None = None
    ) -> None:
        self.settings = settings
        self.zone = ZoneInfo(settings.timezone)
        self._credentials = credentials
        self._transport = Transport(settings, verify=verify)
        self._limiter = Limiter(settings.calls_per_minute)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._transport.aclose()

    def stop(self) -> None:
        """Begin no more calls: those who wait for a turn, or ask for one, get a `StoppingError`."""
        self._limiter.stop()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self.settings.url!r}, username={self._credentials.username!r})"

    def local_date(self, moment: datetime) -> date:
        """The account's calendar day at `moment` (aware): the API's windows are whole days of its zone."""
        return moment.astimezone(self.zone).date()

    def answers(self) -> int:
        """How many whole answers there were so far."""
        return self._transport.answers

    def told_time(self) -> float | None:
        """Epoch seconds by the provider's clock; None if it has not answered yet."""
        return self._transport.told_time()

    async def take_turn(self) -> None:
        """Wait for a turn at the rate limit and keep it for one call that is told so (``turn_taken``).

        A pause that begins in between does not hold that call. Raises `StoppingError` after `stop`.
        """
        await self._limiter.take()

    async def call(self, method: str, params: Mapping[str, str]) -> dict[str, Any]:
        """Call any function and return its JSON answer as it is, whatever its ``status`` says.

        Raises:
            ApiError: there is no such answer: transport trouble, HTTP other than 200, no JSON object.
            ValueError: `params` sets a field that the session sets itself.
        """
        if reserved := _RESERVED & params.keys():
            raise ValueError(f"{', '.join(sorted(reserved))}: set by the client itself")
        await self.take_turn()
        exchange = await self._post(method, params)
        return self._parse(method, exchange, exact=False)

    async def ask(
        self,
        method: str,
        params: Mapping[str, str],
        *,
        file: PayloadSource | None = None,
        guard: Guard | None = None,
        turn_taken: bool = False,
    ) -> dict[str, Any]:
        """Call a function and return the fields of its answer, numbers as text; ``{}`` for "there are none".

        Raises:
            ApiError: the call failed, or nobody can say.
            Exception: what `guard` or opening `file` raised before the first byte had left.
        """
        if not turn_taken:
            await self.take_turn()
        exchange = await self._post(method, params, file=file, guard=guard)
        answer = self._parse(method, exchange, exact=True)
        status = wire.status_of(answer)
        if status == "success":
            return answer
        if status in describe(method).empty:
            return {}
        raise self._error(method, Phase.STATUS, status)

    def unreadable(self, method: str, problem: wire.WireError) -> ApiError:
        """The error for an answer whose JSON is fine and whose content is not."""
        return self._error(method, Phase.BODY, reason=str(problem))

    async def _post(
        self,
        method: str,
        params: Mapping[str, str],
        *,
        file: PayloadSource | None = None,
        guard: Guard | None = None,
    ) -> Exchange:
        fields = {
            "api_username": self._credentials.username,
            "api_password": self._credentials.password,
            "method": method,
            **params,
        }
        return await self._transport.post(fields, file=file, guard=guard)

    def _parse(self, method: str, exchange: Exchange, *, exact: bool) -> dict[str, Any]:
        if exchange.phase is not Phase.STATUS:
            raise self._error(
                method, exchange.phase, http_status=exchange.http_status, reason=exchange.reason
            ) from exchange.cause
        try:
            answer = wire.parse(exchange.body, exact=exact)
        except wire.WireError as problem:
            raise self.unreadable(method, problem) from None
        if wire.status_of(answer) == CALL_LIMIT:
            self._limiter.pause(CALL_LIMIT_PAUSE)
        return answer

    def _error(
        self,
        method: str,
        phase: Phase,
        status: str | None = None,
        *,
        http_status: int | None = None,
        reason: str = "",
    ) -> ApiError:
        day_end = wire.seconds_to_next_day(datetime.now(UTC), self.zone)
        failure = classify(method, phase, status, http_status=http_status, reason=reason, day_end=day_end)
        return ApiError(failure, method=method, provider_status=status)
