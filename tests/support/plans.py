"""Retries without jitter, with waits that tests name."""

from collections.abc import Sequence

from gateway.pause import Patience
from gateway.retries import Cause, Plan

PATIENCE = Patience(probes=(60.0, 120.0), troubles=3, jitter=0.0)


def plan(waits: Sequence[float], **others: Sequence[float]) -> Plan:
    """`waits` after a busy line, none (final) for causes that are not named; 30 s for the provider."""
    named = {Cause.BUSY: waits, Cause.PROVIDER: (30.0,)}
    return Plan(waits=named | {Cause[name.upper()]: value for name, value in others.items()}, jitter=0.0)
