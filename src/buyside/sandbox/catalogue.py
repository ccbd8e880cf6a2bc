"""What a seller has to sell. It follows from the seller's name alone, so two sellers differ and each stays itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from buyside.sandbox import Doc
from buyside.sandbox.amounts import PLACES, plain
from buyside.sandbox.codec import short_hash
from buyside.sandbox.formats import FORMATS, Format

# What a newcomer can always spend: no minimum is above it, in any currency.
LARGEST_MINIMUM = Decimal(100)
RATES = {"USD": Decimal(1), "EUR": Decimal("0.92"), "JPY": Decimal(150)}
PUBLISHERS = (
    ("harbortimes.example", "The Harbor Times"),
    ("kitchenlight.example", "Kitchen Light"),
    ("trailandpeak.example", "Trail and Peak"),
    ("cityboard.example", "City Board"),
    ("secondhalf.example", "Second Half Sports"),
    ("greenpages.example", "Green Pages"),
    ("nightbus.example", "Night Bus Radio"),
    ("openwindow.example", "Open Window TV"),
    ("paperplane.example", "Paper Plane"),
    ("mainstreet.example", "Main Street Daily"),
    ("bluehour.example", "Blue Hour"),
    ("fieldnotes.example", "Field Notes"),
)


@dataclass(frozen=True)
class Template:
    id: str
    name: str
    description: str
    channel: str
    guaranteed: bool
    model: str
    price: str
    """USD, per unit of the model."""
    formats: tuple[str, ...]
    currencies: tuple[str, ...] = ("USD",)
    auction: str = ""
    """'' for a fixed price, 'exact' when the bid is what is paid, 'ceiling' when it is the most that is paid."""
    min_spend: int = 10
    """USD."""


_DISPLAY = ("display_300x250_image", "display_728x90_image", "display_300x250_html", "display_300x250_tag")
_VIDEO = ("video_standard_15s", "video_standard_30s", "video_vast")
_CORE = (
    Template("display_reach", "Display across the site", "Banners on article pages, all sections, for reach.",
             "display", False, "cpm", "4.50", _DISPLAY, ("USD", "EUR")),
    Template("olv_preroll", "Pre-roll video", "Video before editorial clips, sound on, for awareness.",
             "olv", True, "cpm", "14.00", _VIDEO, ("USD", "EUR"), min_spend=25),
    Template("ctv_premium", "Connected TV, prime time", "Full-screen streaming TV spots, evenings, for households.",
             "ctv", True, "cpm", "28.00", _VIDEO, ("USD", "EUR", "JPY"), min_spend=50),
    Template("social_feed", "Posts in the feed", "Sponsored social posts and carousels, paid by the click.",
             "social", False, "cpc", "0.65", ("social_1080x1080_image", "image_carousel", "native_standard"),
             ("USD", "JPY")),
    Template("audio_stream", "Streaming audio", "Spots between songs on music streams and web radio.",
             "streaming_audio", True, "cpm", "9.50", ("audio_standard_30s", "audio_daast"), ("USD", "JPY"),
             min_spend=20),
    Template("display_auction", "Display by auction", "Remaining banner space, to the highest bidder.",
             "display", False, "cpm", "1.20", _DISPLAY, ("USD", "EUR"), auction="exact"),
    Template("ctv_auction", "Connected TV by auction", "Remaining streaming TV spots; the bid is a ceiling.",
             "ctv", False, "cpm", "12.00", _VIDEO, auction="ceiling"),
    Template("newsletter", "Newsletter sponsorship", "One paragraph in the morning letter, written by the publisher.",
             "display", True, "cpm", "18.00", ("newsletter_text",)),
)  # fmt: skip
_EXTRA = (
    Template("home_takeover", "Home page takeover", "The large space above the fold of the front page.",
             "display", True, "cpm", "22.00", ("display_970x250_image",), ("USD", "EUR"), min_spend=100),
    Template("olv_completed", "Completed video views", "Outstream video, paid when it was seen to the end.",
             "olv", False, "cpcv", "0.04", _VIDEO, ("USD", "EUR")),
    Template("native_feed", "Native between stories", "Cards that read like the stories around them.",
             "display", False, "cpm", "6.00", ("native_standard",)),
    Template("podcast_host", "Read by the host", "Half a minute in the middle of a podcast episode.",
             "podcast", True, "cpm", "24.00", ("audio_standard_30s",), ("USD", "EUR"), min_spend=50),
)  # fmt: skip
_PROPOSALS = (
    ("reach", "Reach first", "Broad display, with video for attention.",
     (("display_reach", 50, "The cheapest contacts."), ("olv_preroll", 50, "Sound and motion."))),
    ("screens", "Every screen", "Television, video and audio together.",
     (("ctv_premium", 50, "The largest screen."), ("olv_preroll", 30, "The same film, online."),
      ("audio_stream", 20, "The reminder on the way."))),
)  # fmt: skip

# How many of a thousand contacts act: clicks per impression, and completed views per impression.
CLICK_RATE = {"social": Fraction(9, 1000), "display": Fraction(2, 1000)}
COMPLETION_RATE = {"ctv": Fraction(95, 100), "streaming_audio": Fraction(90, 100), "podcast": Fraction(90, 100)}


@dataclass(frozen=True)
class PriceOption:
    id: str
    model: str
    currency: str
    price: Decimal
    """The fixed price, or the floor of an auction, in major units."""
    auction: str
    min_spend: Decimal

    def doc(self) -> Doc:
        doc: Doc = {"pricing_option_id": self.id, "pricing_model": self.model, "currency": self.currency}
        if self.auction:
            guidance = {p: plain(_rounded(self.price * step, self.currency)) for p, step in _GUIDANCE.items()}
            doc |= {"floor_price": plain(self.price), "price_guidance": guidance}
            doc["max_bid"] = self.auction == "ceiling"
        else:
            doc["fixed_price"] = plain(self.price)
        return {**doc, "min_spend_per_package": plain(self.min_spend)}

    def paid(self, bid: Decimal | None) -> Decimal:
        """What a unit costs: the price, the bid, or (the bid being a ceiling) half-way between floor and bid."""
        if not self.auction or bid is None:
            return self.price
        return bid if self.auction == "exact" else (self.price + bid) / 2


_GUIDANCE = {"p25": Decimal("1.1"), "p50": Decimal("1.4"), "p75": Decimal("1.8"), "p90": Decimal("2.5")}


@dataclass(frozen=True)
class Product:
    id: str
    template: Template
    name: str
    publisher: str
    options: tuple[PriceOption, ...]
    formats: tuple[Format, ...]

    @property
    def made_by_publisher(self) -> bool:
        """Its creatives come from the publisher, so it can be bought without any."""
        return all(fmt.params.get("asset_source") == "seller_human_designed" for fmt in self.formats)

    def option(self, identity: object) -> PriceOption | None:
        return next((option for option in self.options if option.id == identity), None)

    def takes(self, fmt: Format) -> bool:
        return fmt in self.formats

    def doc(self) -> Doc:
        template = self.template
        metrics = ["impressions", "spend", "clicks", "ctr"]
        return {
            "product_id": self.id,
            "name": self.name,
            "description": template.description,
            "publisher_properties": [{"publisher_domain": self.publisher, "selection_type": "all"}],
            "channels": [template.channel],
            "format_ids": [fmt.ref for fmt in self.formats],
            "format_options": [fmt.option() for fmt in self.formats],
            "delivery_type": "guaranteed" if template.guaranteed else "non_guaranteed",
            "exclusivity": "none",
            "pricing_options": [option.doc() for option in self.options],
            "reporting_capabilities": {
                "available_reporting_frequencies": ["daily"],
                "expected_delay_minutes": 0,
                "timezone": "UTC",
                "supports_webhooks": False,
                "available_metrics": [*metrics, "completed_views"] if template.channel in COMPLETION_RATE else metrics,
                "date_range_support": "date_range",
            },
            "delivery_measurement": {"provider": "The simulated clock of this sandbox"},
            "ext": {"creatives_required": not self.made_by_publisher},
        }


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-PLACES[currency]))


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "seller"


class Catalogue:
    """Source of the shapes: AdCP 3.1, core/product.json and pricing-options/."""

    def __init__(self, seller: str) -> None:
        self.seller = seller
        order = sorted(_EXTRA, key=lambda template: short_hash(seller, template.id))
        self.products = tuple(self._product(template) for template in (*_CORE, *order[:2]))
        self._by_id = {product.id: product for product in self.products}

    def _product(self, template: Template) -> Product:
        pool = sorted(PUBLISHERS, key=lambda publisher: short_hash(self.seller, publisher[0]))[:4]
        domain, title = pool[int(short_hash(self.seller, template.id), 16) % len(pool)]
        # Between 90 and 110 per cent of the usual price.
        percent = 90 + int(short_hash("price", self.seller, template.id), 16) % 21
        price = Decimal(template.price) * percent / 100
        options = tuple(self._option(template, price, currency) for currency in template.currencies)
        return Product(
            id=f"{slug(self.seller)}_{template.id}",
            template=template,
            name=f"{title}: {template.name}",
            publisher=domain,
            options=options,
            formats=tuple(FORMATS[name] for name in template.formats),
        )

    def _option(self, template: Template, price: Decimal, currency: str) -> PriceOption:
        kind = "auction" if template.auction else "fixed"
        return PriceOption(
            id=f"{template.model}_{currency.lower()}_{kind}",
            model=template.model,
            currency=currency,
            price=_rounded(price * RATES[currency], currency),
            auction=template.auction,
            min_spend=min(_rounded(template.min_spend * RATES[currency], currency), LARGEST_MINIMUM),
        )

    def product(self, identity: object) -> Product | None:
        return self._by_id.get(str(identity))

    def domains(self) -> list[str]:
        return sorted({product.publisher for product in self.products})

    def channels(self) -> list[str]:
        return sorted({product.template.channel for product in self.products})

    def proposals(self) -> list[Doc]:
        """Without a date: when one expires depends on when it was made."""
        return [self._proposal(*parts) for parts in _PROPOSALS]

    def _proposal(self, identity: str, name: str, text: str, parts: Iterable[tuple[str, int, str]]) -> Doc:
        prefix = slug(self.seller)
        allocations = [
            {
                "product_id": f"{prefix}_{template}",
                "allocation_percentage": percent,
                "pricing_option_id": self._by_id[f"{prefix}_{template}"].options[0].id,
                "rationale": why,
                "sequence": number,
            }
            for number, (template, percent, why) in enumerate(parts, start=1)
        ]
        least = max(
            self._by_id[str(part["product_id"])].options[0].min_spend
            * 100
            / Decimal(str(part["allocation_percentage"]))
            for part in allocations
        )
        guidance = {"min": plain(least), "recommended": plain(least * 10), "max": 1000000, "currency": "USD"}
        return {
            "proposal_id": f"{prefix}_{identity}",
            "name": name,
            "description": text,
            "allocations": allocations,
            "total_budget_guidance": guidance,
        }
