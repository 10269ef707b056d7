"""Who may fax, and what the answer is otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from gateway.config import from_dict
from gateway.errors import GatewayError, Kind, temporary
from gateway.mailin.gate import Gate
from gateway.mailin.header import Head
from gateway.mailin.policy import (
    Claim,
    Reason,
    Refusal,
    Rule,
    Rules,
    RulesProvider,
    judge,
    permit,
    rules_from_account,
    rules_from_config,
)

CODE = "K7Q29X"
HEAD = Head(subject=f"{CODE} Invoice", from_addresses=("alice@example.com",))
CLAIM = Claim(envelope_from="Alice@Example.com")
ALICE = Rule(name="alice", code=CODE)
RULES = Rules(
    [(ALICE, ["alice@example.com"], ["ally"]), (Rule(name="all", code_required=False), ["*@b.example"], [])]
)


def refusal(claim: Claim, head: Head, rules: Rules = RULES) -> Refusal:
    with pytest.raises(Refusal) as caught:
        judge(claim, head, rules)
    return caught.value


def test_sender_and_code() -> None:
    verdict = judge(CLAIM, HEAD, RULES)
    assert (verdict.rule, verdict.identity, verdict.subject) == (ALICE, "alice@example.com", "Invoice")
    assert verdict.code == CODE
    assert CODE not in repr(verdict)
    assert CODE not in repr(ALICE)


def test_a_user_who_logged_in_sends_as_an_address_of_the_rule_if_it_names_any() -> None:
    claim = Claim(envelope_from="alice@example.com", user="Ally")
    assert judge(claim, replace(HEAD, from_addresses=()), RULES).identity == "ally"
    assert judge(replace(claim, user="alice@example.com"), HEAD, RULES).rule is ALICE
    other = replace(claim, envelope_from="other@c.example")
    assert refusal(other, HEAD).reason is Reason.UNPROVED
    free = Rules([(ALICE, [], ["ally"])])
    assert judge(other, HEAD, free).rule is ALICE


@pytest.mark.parametrize(
    ("claim", "head", "reason"),
    [
        (Claim(envelope_from=""), HEAD, Reason.NULL_SENDER),
        (CLAIM, replace(HEAD, return_path=""), Reason.NULL_SENDER),
        (CLAIM, replace(HEAD, auto_submitted=True), Reason.AUTOMATIC),
        (CLAIM, replace(HEAD, from_addresses=("bob@example.com",)), Reason.UNPROVED),
        (CLAIM, replace(HEAD, from_addresses=()), Reason.UNPROVED),
        (CLAIM, replace(HEAD, from_addresses=("alice@example.com", "bob@example.com")), Reason.UNPROVED),
        (
            Claim(envelope_from="x@c.example"),
            replace(HEAD, from_addresses=("x@c.example",)),
            Reason.UNKNOWN_SENDER,
        ),
        (Claim(envelope_from="alice@example.com", user="stranger"), HEAD, Reason.UNKNOWN_SENDER),
        (CLAIM, replace(HEAD, subject="Invoice"), Reason.CODE),
        (CLAIM, replace(HEAD, subject="K7Q29Y Invoice"), Reason.CODE),
    ],
)
def test_refusals(claim: Claim, head: Head, reason: Reason) -> None:
    error = refusal(claim, head)
    assert error.reason is reason
    assert (error.failure.kind, error.failure.status) == (Kind.PERMANENT, "5.7.1")
    assert CODE not in str(error)


def test_a_wrong_code_and_a_missing_one_sound_the_same() -> None:
    wrong, missing = (replace(HEAD, subject=text) for text in ("K7Q29Y Invoice", "Invoice"))
    assert str(refusal(CLAIM, wrong)) == str(refusal(CLAIM, missing))


def test_a_rule_that_wants_a_code_and_has_none_admits_nobody() -> None:
    rules = Rules([(Rule(name="broken"), ["alice@example.com"], [])])
    assert refusal(CLAIM, HEAD, rules).reason is Reason.CODE


def test_an_optional_code_is_removed_all_the_same() -> None:
    rules = Rules([(replace(ALICE, code_required=False), ["alice@example.com"], [])])
    assert judge(CLAIM, HEAD, rules).subject == "Invoice"
    assert judge(CLAIM, replace(HEAD, subject="Invoice"), rules).code == CODE


def test_the_most_specific_pattern_wins() -> None:
    one, domain, everybody = (Rule(name=name) for name in ("one", "domain", "everybody"))
    rules = Rules([(everybody, ["*"], []), (domain, ["*@B.example"], []), (one, ["a@b.example"], [])])
    assert rules.of_address("A@b.example") is one
    assert rules.of_address("x@b.example") is domain
    assert rules.of_address("x@sub.b.example") is everybody
    assert rules.of_user("x") is None


def test_rules_from_the_configuration() -> None:
    sender = {
        "name": "alice",
        "addresses": ["alice@example.com"],
        "users": ["ally"],
        "code": CODE,
        "from_number": "5550001111",
        "from_name": "Alice",
        "max_pages": 3,
        "max_recipients": 2,
        "allow": ["+1212"],
        "on_unknown": "resend",
        "receipts": "failures",
    }
    rule = rules_from_config(from_dict({"sender": [sender]}).senders).of_user("ALLY")
    assert rule == Rule(
        name="alice",
        code=CODE,
        from_number="5550001111",
        from_name="Alice",
        max_pages=3,
        max_recipients=2,
        allow=("+1212",),
        resend_unknown=True,
        receipts="failures",
    )


@dataclass(frozen=True)
class Row:
    """A row of ``getEmailToFax``."""

    id: str = "7"
    enabled: bool = True
    email: str = "Alice@example.com"
    security_code: str = CODE
    security_code_enabled: bool = True
    from_: str = "5550001111"


def test_rules_from_the_account() -> None:
    rules = rules_from_account(
        [
            Row(),
            Row(id="8", email="off@example.com", enabled=False),
            Row(id="9", email="open@example.com", security_code_enabled=False),
            Row(id="10", email="empty@example.com", security_code=""),
            Row(id="11", email="*"),
        ]
    )
    assert rules.of_address("alice@example.com") == Rule(
        name="account:7", code=CODE, from_number="5550001111"
    )
    assert rules.of_address("off@example.com") is None
    assert rules.of_address("open@example.com") == Rule(
        name="account:9", code_required=False, from_number="5550001111"
    )
    assert rules.of_address("empty@example.com") == Rule(name="account:10", from_number="5550001111")
    assert rules.of_address("anybody@example.com") is None


def test_dial_policy() -> None:
    gateway = from_dict({"gateway": {"blocked_prefixes": ["+1900"]}}).gateway
    rule = replace(ALICE, allow=("+1212", "+1900"))
    permit(rule, ["+12125551234"], gateway)
    for number in ("+13035551234", "+19005551234", "+49301234567"):
        with pytest.raises(Refusal) as caught:
            permit(rule, ["+12125551234", number], gateway)
        assert (caught.value.reason, caught.value.failure.status) == (Reason.NUMBER, "5.7.1")


class Account:
    """An account whose list changes, or cannot be read."""

    def __init__(self) -> None:
        self.rows: list[Row] | None = None
        self.calls = 0

    async def fetch(self) -> list[Row]:
        self.calls += 1
        if self.rows is None:
            raise GatewayError(temporary("4.4.1", "The provider does not answer.", code="timeout"))
        return self.rows


async def test_the_last_good_list_stays_in_force() -> None:
    account = Account()
    rules = RulesProvider(from_dict({"sender_rules": {"source": "account"}}), fetch=account.fetch)
    await rules.refresh()
    with pytest.raises(GatewayError) as caught:
        rules.current()
    assert (caught.value.failure.kind, caught.value.failure.status) == (Kind.TEMPORARY, "4.3.0")
    with pytest.raises(GatewayError):
        rules.codes("account:7")
    account.rows = [Row()]
    await rules.refresh()
    assert rules.current().of_address("alice@example.com") is not None
    account.rows = None
    await rules.refresh()
    assert rules.current().of_address("alice@example.com") is not None
    account.rows = []
    await rules.refresh()
    assert rules.current().of_address("alice@example.com") is None


async def test_codes_of_the_past_still_must_not_reach_a_page() -> None:
    account = Account()
    rules = RulesProvider(from_dict({"sender_rules": {"source": "account"}}), fetch=account.fetch)
    for code in (CODE, "N3W0N3", CODE):
        account.rows = [Row(security_code=code)]
        await rules.refresh()
    account.rows = []
    await rules.refresh()
    assert rules.codes("account:7") == (CODE, "N3W0N3")
    assert rules.codes("account:8") == ()


async def test_fixed_rules_never_ask_the_account() -> None:
    account = Account()
    sender = {"name": "alice", "addresses": ["alice@example.com"], "code": CODE}
    rules = RulesProvider(from_dict({"sender": [sender]}), fetch=account.fetch)
    await rules.refresh()
    assert account.calls == 0
    assert rules.codes("alice") == (CODE,)


class Clock:
    """Time that stands until somebody moves it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def gate(clock: Clock, told: list[tuple[str, Mapping[str, str]]] | None = None) -> Gate:
    senders = [
        {"name": "alice", "addresses": ["alice@example.com"], "users": ["ally", "al"], "code": CODE},
        {"name": "bob", "addresses": ["*@example.org"], "code": "B0BB0B"},
    ]
    settings = from_dict({"sender": senders})
    rules = RulesProvider(settings, fetch=Account().fetch)
    if told is None:
        return Gate(settings, rules, clock=clock)
    return Gate(settings, rules, alarm=lambda rule, facts: told.append((rule, facts)), clock=clock)


def refused(gate: Gate, claim: Claim, head: Head, peer: str = "192.0.2.1") -> Refusal:
    with pytest.raises(Refusal) as caught:
        gate.judge(claim, head, peer=peer)
    return caught.value


def test_five_wrong_codes_lock_the_identity_for_a_growing_time() -> None:
    clock = Clock()
    door = gate(clock)
    wrong = replace(HEAD, subject="guess1")
    for minutes in (1, 4):
        assert [refused(door, CLAIM, wrong).reason for _ in range(5)] == [Reason.CODE] * 5
        locked = refused(door, CLAIM, HEAD, peer="198.51.100.9")
        assert (locked.reason, locked.failure.kind, locked.failure.status) == (
            Reason.LOCKED,
            Kind.TEMPORARY,
            "4.7.1",
        )
        assert f"in {minutes} minute" in locked.failure.sentence
        clock.now += minutes * 60.0
    assert door.judge(CLAIM, HEAD, peer="192.0.2.1").identity == "alice@example.com"


def locks(door: Gate, clock: Clock, claim: Claim, times: int) -> list[float]:
    """Seconds of one lock after the other, each as soon as the one before has ended."""
    found = []
    for _ in range(times):
        for _ in range(5):
            refused(door, claim, replace(HEAD, subject="guess1"), peer=f"192.0.2.{len(found)}")
        found.append(refused(door, claim, HEAD).failure.retry_after or 0.0)
        clock.now += found[-1]
    return found


def test_a_name_that_anybody_can_write_is_not_locked_for_long() -> None:
    clock = Clock()
    door = gate(clock)
    assert locks(door, clock, CLAIM, 4) == [60.0, 240.0, 900.0, 900.0]
    assert locks(door, clock, replace(CLAIM, vouched=True), 5) == [60.0, 240.0, 960.0, 3840.0, 15360.0]
    assert locks(door, clock, replace(CLAIM, user="ally"), 4) == [60.0, 240.0, 960.0, 3840.0]


def test_strangers_do_not_lock_a_proved_name() -> None:
    door = gate(Clock())
    for _ in range(5):
        refused(door, CLAIM, replace(HEAD, subject="guess1"))
    assert refused(door, CLAIM, HEAD).reason is Reason.LOCKED
    assert door.judge(replace(CLAIM, vouched=True), HEAD, peer="192.0.2.1")
    assert door.judge(replace(CLAIM, user="alice@example.com"), HEAD, peer="192.0.2.1")


def test_a_mail_in_a_name_that_anybody_can_write_holds_few_guesses() -> None:
    head = replace(HEAD, subject=f"K7Q29A K7Q29B K7Q29C K7Q29D {CODE}")
    assert refusal(CLAIM, head).reason is Reason.CODE
    assert judge(replace(CLAIM, vouched=True), head, RULES)
    assert judge(CLAIM, replace(HEAD, subject=f"Please verify number amount before {CODE}"), RULES)


@pytest.mark.parametrize(("code", "reason"), [(CODE, Reason.CODE), (None, Reason.UNPROVED)])
def test_an_optional_code_can_be_asked_for(code: str | None, reason: Reason) -> None:
    rules = Rules([(replace(ALICE, code=code, code_required=False), ["alice@example.com"], [])])
    claim = replace(CLAIM, code_needed=True)
    assert judge(CLAIM, replace(HEAD, subject="x"), rules)
    assert refusal(claim, replace(HEAD, subject="x"), rules).reason is reason
    if code:
        assert judge(claim, HEAD, rules).code == CODE


def test_somebody_is_told_when_a_lock_is_set() -> None:
    told: list[tuple[str, Mapping[str, str]]] = []
    door = gate(Clock(), told)
    for number in range(6):
        assert len(told) == (number == 5)
        refused(door, CLAIM, replace(HEAD, subject=f"guess{number}"))
    [(rule, facts)] = told
    assert (rule, facts["sender"]) == ("alice", "alice@example.com")
    assert facts["reason"] == "Too many wrong security codes from 192.0.2.1, locked for 1 minute."


def test_a_peer_that_logs_in_is_locked_whatever_its_name() -> None:
    door = gate(Clock())
    wrong = replace(HEAD, subject="guess1")
    names = [Claim(envelope_from="alice@example.com", user=user) for user in ("ally", "al")]
    for claim in (*names, *names, names[0]):
        refused(door, claim, wrong)
    assert refused(door, names[1], HEAD).reason is Reason.LOCKED
    assert door.judge(names[1], HEAD, peer="198.51.100.9")


def test_a_mail_server_is_not_locked_for_one_of_its_people() -> None:
    door = gate(Clock())
    for _ in range(5):
        refused(door, CLAIM, replace(HEAD, subject="guess1"))
    bob = Claim(envelope_from="bob@example.org")
    head = Head(subject="B0BB0B x", from_addresses=("bob@example.org",))
    assert door.judge(bob, head, peer="192.0.2.1").rule.name == "bob"


def test_a_mail_server_is_locked_when_all_its_people_guess() -> None:
    door = gate(Clock())
    for number in range(50):
        address = f"user{number}@example.org"
        refused(door, Claim(envelope_from=address), Head(subject="x", from_addresses=(address,)))
    assert refused(door, CLAIM, HEAD).reason is Reason.LOCKED


def test_a_right_code_clears_the_record() -> None:
    door = gate(Clock())
    for _ in range(3):
        for _ in range(4):
            assert refused(door, CLAIM, replace(HEAD, subject="guess1")).reason is Reason.CODE
        door.judge(CLAIM, HEAD, peer="192.0.2.1")
