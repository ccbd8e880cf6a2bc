"""Money as an integer count of the currency's smallest unit; prices per thousand or per click as Decimal rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import total_ordering

from buyside.domain.errors import Invalid

# ISO 4217 currencies in use, by the number of decimals of their smallest unit.
_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
        "CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG "
        "HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU "
        "MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR "
        "SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED "
        "VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
DECIMALS = {code: places for places, codes in _DECIMALS.items() for code in codes.split()}
RATE_DECIMALS = 6


def is_currency(code: str) -> bool:
    return code in DECIMALS


def decimals(currency: str) -> int:
    """Raises: Invalid for a code that ISO 4217 does not list."""
    try:
        return DECIMALS[currency]
    except KeyError:
        raise Invalid(f"{currency!r} is not an ISO 4217 currency in use.", field="currency") from None


@total_ordering
@dataclass(frozen=True)
class Money:
    """An amount in minor units: Money(1050, "EUR") is 10.50 EUR. Currencies never mix."""

    minor: int
    currency: str

    @classmethod
    def of(cls, major: Decimal | int | str, currency: str, *, field: str | None = None) -> Money:
        """From major units, exactly. Raises: Invalid when it has more decimals than the currency (ruling 0.1)."""
        places = decimals(currency)
        scaled = Decimal(major).scaleb(places)
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise Invalid(f"An amount in {currency} has at most {places} decimals.", field=field)
        return cls(int(scaled), currency)

    @classmethod
    def read(cls, text: str) -> Money:
        """What `str` wrote: "1,000.00 USD"."""
        amount, currency = text.split()
        return cls.of(amount.replace(",", ""), currency)

    @classmethod
    def rounded(cls, major: Decimal, currency: str) -> Money:
        """From major units, half up: for amounts that others computed, such as a seller's delivered spend."""
        scaled = major.scaleb(decimals(currency)).to_integral_value(ROUND_HALF_UP)
        return cls(int(scaled), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @property
    def major(self) -> Decimal:
        return Decimal(self.minor).scaleb(-decimals(self.currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.major:,.{decimals(self.currency)}f} {self.currency}"

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.minor

    def share(self, part: Decimal, whole: Decimal) -> Money:
        """`part` of `whole` of this amount, rounded half up."""
        exact = Fraction(self.minor) * Fraction(part) / Fraction(whole)
        numerator = Decimal(exact.numerator) / Decimal(exact.denominator)
        return Money(int(numerator.to_integral_value(ROUND_HALF_UP)), self.currency)

    def split(self, weights: Sequence[Decimal | int]) -> list[Money]:
        """Parts in proportion to `weights` that sum to this amount exactly; leftovers go to the largest remainders."""
        if any(w < 0 for w in weights):
            raise ValueError("a weight is never negative")
        total = sum((Fraction(w) for w in weights), Fraction(0))
        if total == 0:
            raise ValueError("nothing to weigh by")
        exact = [Fraction(self.minor) * Fraction(w) / total for w in weights]
        floors = [int(Decimal(e.numerator // e.denominator).to_integral_value(ROUND_FLOOR)) for e in exact]
        order = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
        for i in order[: self.minor - sum(floors)]:
            floors[i] += 1
        return [Money(minor, self.currency) for minor in floors]


def total(amounts: Sequence[Money], currency: str) -> Money:
    return sum(amounts, Money.zero(currency))
