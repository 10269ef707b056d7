"""From the settings to what the room works with: limits and layout, cover page and header line by rule."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway import phone
from gateway.config import Settings
from gateway.document.values import Cover, CoverMode, HeaderLine, RenderSettings
from gateway.errors import Failure, GatewayError, permanent, temporary


class Wishes:
    """Cover page and header line, by the rule that let a document in; else by [document]."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rules = {rule.name: rule for rule in settings.senders}
        self._zone = ZoneInfo(settings.voipms.timezone)

    def cover(
        self, rule: str, *, from_name: str, from_number: str, numbers: Sequence[str], subject: str
    ) -> Cover:
        """The cover page. `from_number` as the account has it, `numbers` as E.164.

        A page that several recipients get does not tell one about the others; that is why `subject` is given
        and not read: in the mail it may hold their numbers. Raises `GatewayError` (temporary) when the
        administrator's files cannot be read.
        """
        document, wanted = self._settings.document, self._rules.get(rule)
        mode = wanted.cover if wanted is not None and wanted.cover is not None else document.cover
        if mode == "off":
            return Cover()
        fields = {
            "organisation": self._named(from_name),
            "from_number": self._spoken(from_number),
            "subject": subject,
            "date": self._now("%Y-%m-%d %H:%M %Z"),
        }
        if len(numbers) == 1:
            fields["to_number"] = phone.national(numbers[0])
        elif numbers:
            fields["to_name"] = f"{len(numbers)} recipients"
        made = cover_of(self._settings, mode, fields)
        return replace(made, number=numbers[0]) if len(numbers) == 1 else made

    def header(self, rule: str, *, from_name: str, from_number: str) -> HeaderLine | None:
        """The header line, or None where neither the rule nor [document] wants it."""
        wanted = self._rules.get(rule)
        chosen = wanted.header_line if wanted is not None else None
        if not (self._settings.document.header_line if chosen is None else chosen):
            return None
        return HeaderLine(
            sender=self._named(from_name),
            number=self._spoken(from_number),
            time=self._now("%Y-%m-%d %H:%M %Z"),
        )

    def _named(self, name: str) -> str:
        return name or self._settings.voipms.from_name or self._settings.gateway.name

    def _spoken(self, number: str) -> str:
        number = number or self._settings.voipms.from_number
        return phone.national("+1" + number) if len(number) == 10 else number

    def _now(self, form: str) -> str:
        return datetime.fromtimestamp(time.time(), self._zone).strftime(form)


def over_limit(pages: int, most: int | None) -> Failure | None:
    """Why a rule that lets `most` pages out refuses a fax; None if it does not."""
    if most is None or pages <= most:
        return None
    sentence = f"The fax has {pages} pages and you may send {most}. Send fewer pages."
    return permanent("5.3.4", sentence, code="too_many_pages")


def cover_of(settings: Settings, mode: CoverMode, fields: Mapping[str, str]) -> Cover:
    """A cover page with the administrator's template, logo and notice.

    Raises `GatewayError` (temporary) when the files cannot be read.
    """
    document = settings.document
    try:
        return Cover(
            mode=mode,
            template=document.cover_template.read_text("utf-8") if document.cover_template else "",
            logo=document.cover_logo.read_bytes() if document.cover_logo else b"",
            notice=document.cover_notice,
            fields=fields,
        )
    except (OSError, UnicodeDecodeError) as error:
        raise GatewayError(_UNREADABLE) from error


def render_settings_of(settings: Settings) -> RenderSettings:
    """The renderer's share of the settings."""
    document = settings.document
    return RenderSettings(
        paper=document.paper,
        resolution=document.resolution,
        tall=document.tall_pages,
        drop_blank=document.drop_blank,
        despeckle=document.despeckle,
        deskew=document.deskew,
        bad_part=document.bad_parts,
        office=document.office,
        max_pages=document.max_pages,
        timeout=document.timeout,
        cpu_seconds=document.cpu_seconds,
        memory_bytes=document.memory_mb << 20,
        output_bytes=document.output_mb << 20,
        text_page=document.text_page,
        workers=document.workers,
    )


_UNREADABLE = temporary(
    "4.3.0",
    "The gateway's cover page or logo cannot be read at the moment. It is tried again.",
    code="cover_unreadable",
)
