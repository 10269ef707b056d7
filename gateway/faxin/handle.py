"""One step of a received fax: fetch it, route it, file it. Trouble is an outcome, not an exception."""

from __future__ import annotations

from gateway import phone
from gateway.config import Settings
from gateway.errors import GatewayError, Kind
from gateway.faxin import route
from gateway.faxin.acknowledge import Filer
from gateway.faxin.fetch import fetch
from gateway.lifecycle import ReceivedState
from gateway.model import ReceivedFax
from gateway.store import Store
from gateway.voipms import Client
from gateway.voipms.statuses import Phase
from gateway.worker.outcomes import Acknowledged, Later, Parked, ReceivedOutcome, Routed

_UNREADABLE_TRIES = 10
"""Steps after which an answer that holds no readable PDF is a person's matter."""


class Handler:
    """Takes received faxes one step further. Steps of different faxes may run side by side."""

    def __init__(self, *, client: Client, store: Store, settings: Settings) -> None:
        self._client = client
        self._store = store
        self._routes = settings.routes
        self._move_to = settings.receive.move_to
        self._filer = Filer(client, settings.receive.move_to)

    async def step(self, fax: ReceivedFax) -> ReceivedOutcome:
        """The step that the fax's state asks for.

        Trouble that may pass, and doubt (every call here may be repeated), is `Later`; a refusal parks the
        fax, for example because somebody deleted it at the provider.
        """
        try:
            match fax.state:
                case ReceivedState.SEEN:
                    return await fetch(fax, client=self._client, inbox=self._store.inbox)
                case ReceivedState.FETCHED:
                    return self._route(fax)
                case ReceivedState.MAILED:
                    return await self._acknowledge(fax)
                case _:
                    raise ValueError(f"a {fax.state} fax has no step to take")
        except GatewayError as error:
            failure = error.failure
            hopeless = failure.code == Phase.BODY.value and fax.attempts >= _UNREADABLE_TRIES
            if failure.kind is not Kind.PERMANENT and not hopeless:
                return Later(failure=failure)
            mailed = "It was mailed. " if fax.state is ReceivedState.MAILED else ""
            return Parked(reason=mailed + failure.sentence, code=failure.code or failure.status)

    def _route(self, fax: ReceivedFax) -> ReceivedOutcome:
        found = route.deliveries(fax.did, self._routes)
        if not found:
            shown = phone.national(f"+1{fax.did}") if len(fax.did) == 10 else fax.did or "an unknown number"
            reason = f'No route for {shown}: add it, or "*", to the numbers of a [[route]].'
            return Parked(reason=reason, code="no_route")
        return Routed(deliveries=found)

    async def _acknowledge(self, fax: ReceivedFax) -> Acknowledged:
        if self._move_to and fax.folder.casefold() != self._move_to.casefold():
            await self._filer.file(fax.provider_id)
        return Acknowledged(folder=self._move_to or fax.folder)
