"""Where fax numbers can be ordered: a small, fixed piece of North America."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A rate centre."""

    location: int
    region: str
    """Two letters of the province or state."""
    area_code: int
    name: str
    stock: int
    """Numbers that can be ordered."""


PROVINCES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        code: (60 + number, name)
        for number, (code, name) in enumerate(
            (
                ("AB", "Alberta"),
                ("BC", "British Columbia"),
                ("MB", "Manitoba"),
                ("NB", "New Brunswick"),
                ("NL", "Newfoundland and Labrador"),
                ("NS", "Nova Scotia"),
                ("NT", "Northwest Territories"),
                ("NU", "Nunavut"),
                ("ON", "Ontario"),
                ("PE", "Prince Edward Island"),
                ("QC", "Quebec"),
                ("SK", "Saskatchewan"),
                ("YT", "Yukon"),
            )
        )
    }
)
"""Letters → id and name."""

_STATE_NAMES = """
AL Alabama, AK Alaska, AZ Arizona, AR Arkansas, CA California, CO Colorado, CT Connecticut, DE Delaware,
DC District of Columbia, FL Florida, GA Georgia, HI Hawaii, ID Idaho, IL Illinois, IN Indiana, IA Iowa,
KS Kansas, KY Kentucky, LA Louisiana, ME Maine, MD Maryland, MA Massachusetts, MI Michigan, MN Minnesota,
MS Mississippi,
MO Missouri, MT Montana, NE Nebraska, NV Nevada, NH New Hampshire, NJ New Jersey, NM New Mexico, NY New York,
NC North Carolina, ND North Dakota, OH Ohio, OK Oklahoma, OR Oregon, PA Pennsylvania, RI Rhode Island,
SC South Carolina, SD South Dakota, TN Tennessee, TX Texas, UT Utah, VT Vermont, VA Virginia, WA Washington,
WV West Virginia, WI Wisconsin, WY Wyoming
"""

STATES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        state.split()[0]: (number, state.strip()[3:])
        for number, state in enumerate(_STATE_NAMES.split(","), start=1)
    }
)
"""Letters → id and name."""

CANADA: tuple[Place, ...] = (
    Place(location=20294, region="AB", area_code=587, name="EDMONTON", stock=12),
    Place(location=20295, region="AB", area_code=587, name="CALGARY", stock=0),
    Place(location=20411, region="BC", area_code=236, name="VANCOUVER", stock=5),
    Place(location=20733, region="ON", area_code=226, name="ACTON", stock=3),
    Place(location=20790, region="ON", area_code=647, name="TORONTO", stock=40),
    Place(location=21002, region="QC", area_code=514, name="MONTREAL", stock=9),
)

USA: tuple[Place, ...] = (
    Place(location=1196, region="AL", area_code=205, name="ALABASTER", stock=4),
    Place(location=1210, region="AL", area_code=205, name="BIRMINGHAM", stock=8),
    Place(location=2077, region="CA", area_code=650, name="HALF MOON BAY", stock=6),
    Place(location=5120, region="NY", area_code=845, name="COLD SPRING", stock=0),
    Place(location=5171, region="NY", area_code=212, name="NEW YORK", stock=2),
)

AREA_CODES = frozenset(place.area_code for place in (*CANADA, *USA))


def place(location: int) -> Place | None:
    """The rate centre with that location id."""
    return next((place for place in (*CANADA, *USA) if place.location == location), None)
