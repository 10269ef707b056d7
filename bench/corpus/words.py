"""English by lot: sentences, names, amounts and dates that a dictionary and a reader of print would know."""

from __future__ import annotations

import random

_WORDS = """
account action address advice agency agreement amount answer applicant appointment area article assembly
balance bank before benefit between board branch bridge budget building business buyer cabinet calendar
capital careful carrier center certain chairman change charge charter children choice church citizen city
claim clinic closed college column common company complete condition consent contact contract copper copy
council country county course court cover credit current customer damage deadline dealer decision delivery
demand department deposit design director discount district doctor document domestic double during early
education effect electric employee engine entrance equipment estate estimate evening evidence example
exchange expense express factory family farmer federal figure filing final finance floor follow foreign
forest form formal former forward freight friend garden general glass goods ground growth guarantee harbor
health hearing heating holiday hospital hotel house include income increase industry inquiry insurance
interest invoice island issue journal journey judge justice kitchen labor language large lawyer leader
learning letter level liability library license limit linear listed local machine mailing manager manner
margin market master material matter meeting member memory message method middle million mineral minister
minute model modern moment money monthly morning mother motion mountain museum music nation nature network
never night north notice number nurse object observe office officer operate opinion orange order organ
original outside owner package paper parcel parent parking partner party patient payment people percent
period permit person physical picture place planet platform player pleasure pocket policy position postage
powder power practice premium present pressure price primary printing private problem process produce
product profit program project promise property protect provide public purchase purpose quality quarter
question railway reading reason receipt record reduce refer refund region regular release remain remark
remove rental repair replace report request require reserve resident resource response result return revenue
review river roof royal safety salary sample schedule school science season second section secure select
seller senior separate series service session settle several shelter shipment signal signed silver simple
single small social society source south special stamp standard station statement storage street student
subject supply support surface survey system table target tenant theory through ticket timber title together
total tower trade traffic training transfer transport travel treasury trouble trust uniform union united
university update urgent useful utility valley value vehicle vendor version village visit volume voucher
wages warehouse warranty water weather wednesday weekly weight welfare western whether window winter within
without witness wooden worker written yearly yellow
""".split()  # noqa: SIM905 - easier on the eye
_SURNAMES = "Abbott Baker Calder Dalton Ellison Foster Granger Keller Lambert Marlow".split()  # noqa: SIM905
_MONTHS = "January February March April May June July August September October November".split()  # noqa: SIM905  # noqa: SIM905


class Writer:
    """Writes by lot; two with the same seed write the same."""

    def __init__(self, seed: object) -> None:
        self._lot = random.Random(repr(seed))  # noqa: S311 - no secret

    def words(self, count: int) -> str:
        """So many words."""
        return " ".join(self._lot.choices(_WORDS, k=count))

    def sentence(self) -> str:
        """One sentence of 7 to 16 words."""
        return self.words(self._lot.randint(7, 16)).capitalize() + "."

    def paragraph(self, words: int) -> str:
        """Sentences with at least so many words in all."""
        sentences: list[str] = []
        while sum(sentence.count(" ") + 1 for sentence in sentences) < words:
            sentences.append(self.sentence())
        return " ".join(sentences)

    def title(self, words: int = 3) -> str:
        """A heading."""
        return self.words(words).title()

    def name(self) -> str:
        """Somebody."""
        return f"{self._lot.choice('ABCDEFGHJKLMNPRSTW')}. {self._lot.choice(_SURNAMES)}"

    def amount(self) -> str:
        """A sum of money."""
        return f"{self._lot.randint(10, 9999):,}.{self._lot.randint(0, 99):02}"

    def date(self) -> str:
        """A day."""
        return f"{self._lot.choice(_MONTHS)} {self._lot.randint(10, 28)}, {self._lot.randint(2019, 2026)}"

    def number(self, digits: int) -> str:
        """A number that is no amount."""
        return str(self._lot.randint(10 ** (digits - 1), 10**digits - 1))
