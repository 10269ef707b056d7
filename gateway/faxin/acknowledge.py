"""Files a mailed fax in its folder at the provider. Moving is all that ever happens to it there."""

from __future__ import annotations

from gateway.errors import GatewayError, temporary
from gateway.voipms import ApiError, Client

_FOLDER_GONE = frozenset({"invalid_folder_id", "missing_folder"})


class Filer:
    """Moves faxes to one folder, which it creates if need be. Asks for the folder's id once."""

    def __init__(self, client: Client, folder: str) -> None:
        self._client = client
        self._folder = folder
        self._id = ""

    async def file(self, fax_id: str) -> None:
        """Move a fax, by the provider's id; moving it twice is harmless.

        Raises:
            GatewayError: it was not moved, or nobody can say.
        """
        folder_id = self._id or await self._look_up()
        try:
            await self._client.move_fax_message(fax_id=fax_id, folder_id=folder_id)
        except ApiError as error:
            if error.provider_status not in _FOLDER_GONE:
                raise
            self._id = ""
            sentence = f'The folder "{self._folder}" is gone at VoIP.ms; it is made again.'
            raise GatewayError(temporary("4.3.0", sentence, code=error.provider_status or "")) from error
        self._id = folder_id

    async def _look_up(self) -> str:
        folder_id = await self._find()
        if not folder_id:
            try:
                await self._client.set_fax_folder(name=self._folder)
            except ApiError as error:
                if error.provider_status != "used_name":  # somebody was faster
                    raise
            folder_id = await self._find()
        if not folder_id:
            sentence = f'VoIP.ms does not list the folder "{self._folder}" yet.'
            raise GatewayError(temporary("4.3.0", sentence, code="no_folder"))
        return folder_id

    async def _find(self) -> str:
        wanted = self._folder.casefold()
        folders = await self._client.get_fax_folders()
        return next((folder.id for folder in folders if folder.name.casefold() == wanted), "")
