"""The log: one function for each thing that happens, so that every line has one shape and one place.

Functions are named after what happened, in the past tense, and take what may be written about it. Numbers are
masked and registered secrets removed on the way out; never pass a subject, a code, a file's name or page
content, not even inside a sentence: about an item, `reason` and `status` are words of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.journal.fault import whereabouts
from gateway.journal.outage import Outages
from gateway.journal.output import logger, setup
from gateway.journal.redact import forget_secrets, mask, register_secret

__all__ = ["forget_outages", "forget_secrets", "mask", "quiet", "register_secret", "setup"]

_outages = Outages()
forget_outages = _outages.clear
quiet = _outages.quiet


# The daemon


def started(*, version: str, listeners: Sequence[str] = (), mailboxes: Sequence[str] = ()) -> None:
    """The daemon is ready for work."""
    logger.info("started", version=version, listeners=listeners or None, mailboxes=mailboxes or None)


def draining(*, reason: str) -> None:
    """The daemon takes nothing new and finishes what is in flight."""
    logger.info("draining", reason=reason)


def stopped(*, forced: bool = False) -> None:
    """The daemon has ended; forced: a second signal cut the drain short."""
    logger.info("stopped", forced=forced)


def configured(*, problem: str) -> None:
    """The configuration is usable; this is a warning about it."""
    logger.warning("configured", problem=problem)


def crashed_item(*, stage: str, item_id: str, error: BaseException) -> None:
    """A bug: a stage raised what it should have turned into an outcome. The item is tried again or parked."""
    logger.error("crashed_item", stage=stage, item_id=item_id, exception=whereabouts(error))


def service_ended(*, service: str, error: BaseException | None = None) -> None:
    """A bug: a service ended by itself, and the daemon ends with it."""
    logger.critical("service_ended", service=service, exc_info=error)


# Mail in


def accepted(*, queue_id: str, sender: str, numbers: Sequence[str], size: int, via: str = "smtp") -> None:
    """A mail is committed to the queue; size in bytes."""
    logger.info("accepted", queue_id=queue_id, sender=sender, numbers=numbers, size=size, via=via)


def repeated(*, queue_id: str, sender: str) -> None:
    """A mail came again and was answered with its first queue id."""
    logger.info("repeated", queue_id=queue_id, sender=sender)


def refused_mail(*, peer: str, sender: str, reason: str, status: str = "") -> None:
    """A mail was refused at the door; `reason` is a word for it, `status` its enhanced status code."""
    logger.info("refused_mail", peer=peer, sender=sender, reason=reason, status=status or None)


def code_wrong(*, peer: str, identity: str, tries: int) -> None:
    """The security code was wrong or missing."""
    logger.warning("code_wrong", peer=peer, identity=identity, tries=tries)


def login_failed(*, peer: str, user: str) -> None:
    """SMTP AUTH with a wrong name or password."""
    logger.warning("login_failed", peer=peer, user=user)


def locked_out(*, peer: str, identity: str, seconds: float) -> None:
    """Too many wrong codes or passwords: nothing is taken from that identity and peer for a while."""
    logger.warning("locked_out", peer=peer, identity=identity, seconds=round(seconds))


def mailbox_trouble(*, mailbox: str, reason: str) -> None:
    """A polled mailbox cannot be reached; said once per outage and reason."""
    _outages.trouble("mailbox_trouble", f"mailbox {mailbox}", reason, {"mailbox": mailbox})


def mailbox_recovered(*, mailbox: str) -> None:
    """It can again; silent when there was no trouble."""
    _outages.recovered("mailbox_recovered", f"mailbox {mailbox}", {"mailbox": mailbox})


def rules_trouble(*, reason: str) -> None:
    """The account's list of senders cannot be read; the last one stays in force. Said once per outage."""
    _outages.trouble("rules_trouble", "rules", reason, {})


def rules_recovered() -> None:
    """It can again; silent when there was no trouble."""
    _outages.recovered("rules_recovered", "rules", {})


# Documents


def sandboxed(*, layers: Sequence[str]) -> None:
    """What shuts the renderer's children in; a kernel or a unit may withhold a layer."""
    (logger.info if len(layers) > 1 else logger.warning)("sandboxed", layers=layers)


def rendered(*, queue_id: str, pages: int, size: int, seconds: float) -> None:
    """A submission became fax pages; size in bytes."""
    logger.info("rendered", queue_id=queue_id, pages=pages, size=size, seconds=round(seconds, 2))


def refused_document(*, queue_id: str, status: str) -> None:
    """A submission cannot become fax pages; the sender is told why."""
    logger.info("refused_document", queue_id=queue_id, status=status)


def documents_trouble(*, reason: str) -> None:
    """Documents wait for something of our own: the disk, the cover page's template. Said once per reason."""
    _outages.trouble("documents_trouble", "documents", reason, {})


def documents_recovered() -> None:
    """They go on; silent when there was no trouble."""
    _outages.recovered("documents_recovered", "documents", {})


def renderer_died(*, queue_id: str, deaths: int, reason: str) -> None:
    """The renderer of a submission was killed or crashed; after three deaths the item is parked."""
    logger.warning("renderer_died", queue_id=queue_id, deaths=deaths, reason=reason)


# Fax out


def submitted(*, fax_id: str, number: str, attempt: int, pages: int) -> None:
    """The intent to call sendFaxMessage is committed; the call follows."""
    logger.info("submitted", fax_id=fax_id, number=number, attempt=attempt, pages=pages)


def outcome(*, fax_id: str, attempt: int, kind: str, status: str = "") -> None:
    """What the call brought: ``accepted`` or a failure's kind, and the provider's status."""
    logger.info("outcome", fax_id=fax_id, attempt=attempt, kind=kind, status=status or None)


def waiting(*, fax_id: str, number: str, reason: str) -> None:
    """Not sent yet; tried again later."""
    logger.info("waiting", fax_id=fax_id, number=number, reason=reason)


def delivered(*, fax_id: str, number: str, pages: int, seconds: float | None = None) -> None:
    """All pages arrived; `seconds` on the line."""
    logger.info("delivered", fax_id=fax_id, number=number, pages=pages, seconds=seconds)


def partial(*, fax_id: str, number: str, pages: int, expected: int) -> None:
    """Fewer pages arrived than were sent."""
    logger.warning("partial", fax_id=fax_id, number=number, pages=pages, expected=expected)


def failed(*, fax_id: str, number: str, reason: str) -> None:
    """Final: it was not sent."""
    logger.warning("failed", fax_id=fax_id, number=number, reason=reason)


def held(*, fax_id: str, number: str, reason: str) -> None:
    """Nobody can tell whether it was sent; a person must decide."""
    logger.warning("held", fax_id=fax_id, number=number, reason=reason)


def unconfirmed(*, fax_id: str, number: str) -> None:
    """Final: held, and nobody decided."""
    logger.warning("unconfirmed", fax_id=fax_id, number=number)


def cancelled(*, fax_id: str, number: str) -> None:
    """Final: withdrawn by a person before it was sent."""
    logger.info("cancelled", fax_id=fax_id, number=number)


def provider_trouble(*, reason: str) -> None:
    """The provider cannot be used, or refuses the account; said once per outage and reason."""
    _outages.trouble("provider_trouble", "provider", reason, {})


def provider_recovered() -> None:
    """It can again; silent when there was no trouble."""
    _outages.recovered("provider_recovered", "provider", {})


def queue_paused(*, reason: str) -> None:
    """Nothing is sent until what this code names is over; said once."""
    _outages.trouble("queue_paused", "queue", reason, {})


def queue_resumed() -> None:
    """Faxes go out again; silent when they did all the time."""
    _outages.recovered("queue_resumed", "queue", {})


# Fax in


def received(*, fax_id: str, did: str, caller: str, pages: int) -> None:
    """A received fax was found at the provider."""
    logger.info("received", fax_id=fax_id, did=did, caller=caller, pages=pages)


def fetched(*, fax_id: str, size: int) -> None:
    """Our own copy of a received fax is stored; size in bytes."""
    logger.info("fetched", fax_id=fax_id, size=size)


def parked(*, item_id: str, reason: str) -> None:
    """An item is set aside for a person so that it does not stop the others; `reason` is a word of ours."""
    logger.error("parked", item_id=item_id, reason=reason)


# Mail out


def mailed(*, item_id: str, what: str, recipient: str) -> None:
    """The next mail server took a mail of ours: a receipt, a refusal or a received fax."""
    logger.info("mailed", item_id=item_id, what=what, recipient=recipient)


def mail_failed(*, item_id: str, recipient: str, reason: str, final: bool) -> None:
    """The next mail server refused a mail of ours, for now or (`final`) for good."""
    (logger.error if final else logger.warning)(
        "mail_failed", item_id=item_id, recipient=recipient, reason=reason, final=final
    )


def relay_trouble(*, relay: str, reason: str) -> None:
    """Our mail server cannot be reached; `reason` is a code. Said once per outage and reason."""
    _outages.trouble("relay_trouble", "relay", reason, {"relay": relay})


def relay_recovered(*, relay: str) -> None:
    """It can again; silent when there was no trouble."""
    _outages.recovered("relay_recovered", "relay", {"relay": relay})


# The store


def store_trouble(*, reason: str) -> None:
    """Something cannot be committed: disk full, read-only, locked; said once per outage and reason."""
    _outages.trouble("store_trouble", "store", reason, {})


def store_recovered() -> None:
    """It can again; silent when there was no trouble."""
    _outages.recovered("store_recovered", "store", {})


def clock_stepped(*, seconds: float) -> None:
    """The wall clock was set forward, or back (negative); what waits was carried along."""
    logger.warning("clock_stepped", seconds=round(seconds))


def clock_trouble(*, reason: str) -> None:
    """Our clock is ahead of the provider's, or behind, by more than `fax.clock_skew_minutes`. Said once."""
    _outages.trouble("clock_trouble", "clock", reason, {})


def clock_recovered() -> None:
    """They agree again; silent when they did all the time."""
    _outages.recovered("clock_recovered", "clock", {})


def duty(*, name: str, held: bool) -> None:
    """What only one of several nodes does has become this one's, or is not any more."""
    logger.info("on_duty" if held else "off_duty", duty=name)


def node_lost(*, node: str) -> None:
    """Another node is silent; its work is taken up."""
    logger.warning("node_lost", node=node)


def purged(*, submissions: int, received: int) -> None:
    """The content of faxes that were over long enough was removed."""
    logger.info("purged", submissions=submissions, received=received)


def rows_unreadable(*, folder: str, count: int) -> None:
    """The provider lists faxes that make no sense (without an id, say); said once until it changes."""
    service = f"folder {folder}"
    if count:
        _outages.trouble("rows_unreadable", service, str(count), {"folder": folder})
    else:
        _outages.recovered("rows_readable", service, {"folder": folder})
