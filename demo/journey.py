"""The steps, each checked against what the two sellers themselves hold."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from demo.checks import Checks, Failed
from demo.rest import REST, Doc
from demo.screen import Step
from demo.server import Server

BRIEF = "Summer launch of a cold brew coffee: reach coffee drinkers on news sites, with video for attention"
NAME = "Cold brew summer"
CURRENCY = "USD"
TOTAL = Decimal(5000)
FLIGHT_DAYS = 28
DAY = 86_400
DAYS_AHEAD = 3
LIVE_SECONDS = 20

# What the creatives are made for: a format, and the kind of address that fills it.
CREATIVES = (
    ("Cold brew banner", "display_300x250_tag", "clickthrough", "https://coldbrew.example/summer"),
    ("Cold brew spot", "video_vast", "vast", "https://ads.coldbrew.example/summer.xml"),
)
# One product of each of these kinds is bought: (channel, at how many sellers, share of the total in per cent).
WANTED = (("display", 2, 35), ("olv", 1, 30))


class Journey:
    def __init__(self, server: Server) -> None:
        self.checks = Checks()
        self._customer = server.customer_id
        self._api = REST(f"{server.url}/api/v2/buyer", {"Authorization": f"Bearer {server.api_key}"})
        self._sellers: dict[str, REST] = {}
        self._products: list[Doc] = []
        self._advertiser = self._discovery = self._campaign = ""
        self._log: list[Doc] = []

    def steps(self) -> Iterator[Step]:
        yield "Meet the sellers", self._meet
        yield "Create an advertiser", self._advertise
        yield "Discover products from a brief", self._discover
        yield "Select products of both sellers", self._select
        yield "Create a campaign", self._create
        yield "Add creatives", self._add_creatives
        yield "Execute, which commits the money", self._execute
        yield "Wait until both media buys are live", self._go_live
        yield "Execute again, which buys nothing twice", self._execute_again
        yield f"Let {DAYS_AHEAD} days pass at the sellers", self._let_days_pass
        yield "Read the delivery", self._read_delivery
        yield "Pause", self._pause
        yield "Let a paused day pass", self._paused_day
        yield "Reactivate", self._reactivate
        yield "Read the decision log", self._read_log

    # ---- getting ready

    def _meet(self) -> str:
        account = self._api.get("/accounts/current")
        self.checks(account["id"] == self._customer, "the key opens the account that it was made for")
        for item in self._api.get("/storefronts")["items"]:
            (source,) = self._api.get(f"/storefronts/{item['id']}")["sources"]
            self._sellers[source["salesAgentId"]] = REST(source["endpointUrl"].rpartition("/")[0])
            self.checks(source["probeStatus"] == "reachable", f"{item['name']} can be reached")
        self.checks(len(self._sellers) == 2, "two sellers are connected")
        return f"{len(self._sellers)} sandbox sellers, reached over AdCP"

    def _advertise(self) -> str:
        made = self._api.post(
            "/advertisers",
            {"name": "Cold Brew Co", "brand": "coldbrew.example", "primaryCurrency": CURRENCY, "sandbox": True},
        )
        self._advertiser = made["id"]
        self.checks(made["status"] == "ACTIVE" and made["primaryCurrency"] == CURRENCY, "the advertiser is active")
        return f"{made['name']} ({made['id']})"

    def _discover(self) -> str:
        found = self._api.post(
            "/discovery/discover-products",
            {
                "advertiserId": int(self._advertiser),
                "brief": BRIEF,
                "channels": [channel for channel, _, _ in WANTED],
                "countries": ["US"],
                "budget": int(TOTAL),
                "flightDates": self._flight(),
            },
        )
        self._discovery = found["discoveryId"]
        self._products = [product for group in found["productGroups"] for product in group["products"]]
        offering = {product["salesAgentId"] for product in self._products}
        self.checks(offering == set(self._sellers), "both sellers offer something")
        return f"{len(self._products)} products of {len(offering)} sellers ({self._discovery})"

    def _flight(self) -> Doc:
        """From the sellers' today: the only clock that matters to them."""
        now = next(iter(self._sellers.values())).get("/_sandbox/clock")["now"]
        first = datetime.fromisoformat(now).date()
        last = first + timedelta(days=FLIGHT_DAYS)
        return {"startDate": f"{first}T00:00:00Z", "endDate": f"{last}T23:59:59Z"}

    # ---- choosing

    def _select(self) -> str:
        chosen = [
            {
                "productId": product["productId"],
                "salesAgentId": product["salesAgentId"],
                "pricingOptionId": option["pricingOptionId"],
                "budget": int(TOTAL * percent / 100),
            }
            for channel, sellers, percent in WANTED
            for product, option in _cheapest(self._products, channel)[:sellers]
        ]
        answer = self._api.post(f"/discovery/{self._discovery}/products", {"products": chosen})
        self.checks({each["salesAgentId"] for each in chosen} == set(self._sellers), "each seller is bought from")
        self.checks(answer["totalProducts"] == len(chosen), "all that was asked for is selected")
        self._products = [
            {**each, "budget": _of(answer["products"], "productId", each["productId"])["budget"]} for each in chosen
        ]
        return f"{len(chosen)} products for {_money(sum(each['budget'] for each in self._products))}"

    def _create(self) -> str:
        made = self._api.post(
            "/campaigns",
            {
                "advertiserId": int(self._advertiser),
                "name": NAME,
                "brief": BRIEF,
                "flightDates": self._flight(),
                "budget": {"total": int(TOTAL), "currency": CURRENCY},
                "discoveryId": self._discovery,
            },
            because="plan agreed with the client",
        )["campaign"]
        self._campaign = made["campaignId"]
        statuses = [buy["status"] for buy in made["mediaBuyRefs"]]
        self.checks(made["status"] == "DRAFT" and statuses == ["DRAFT", "DRAFT"], "nothing is bought yet")
        self.checks(made["allocatedBudget"] == TOTAL, f"{_money(TOTAL)} is allocated to media buys")
        self._nothing_held()
        return f"{self._campaign}: DRAFT, with a DRAFT media buy for each seller"

    def _nothing_held(self) -> None:
        for seller in self._sellers.values():
            self.checks(not seller.get("/_sandbox/state")["media_buys"], "no seller holds anything yet")

    def _add_creatives(self) -> str:
        required = self._get_campaign()["creativeFormats"]["required"]
        for name, fmt, kind, url in CREATIVES:
            wanted = _of(required, "id", fmt)
            body = {
                "name": name,
                "format_id": {"agent_url": wanted["agent_url"], "id": wanted["id"]},
                "url_asset": {"url": url, "url_type": kind},
            }
            made = self._api.post(f"/campaigns/{self._campaign}/creatives/create", body)
            self.checks(made["name"] == name, f"{name} is on the campaign")
        covered = {each["id"] for each in self._get_campaign()["creativeFormats"]["covered"]}
        self.checks(covered == {fmt for _, fmt, _, _ in CREATIVES}, "the creatives fit what the products take")
        return ", ".join(f"{name} ({fmt})" for name, fmt, _, _ in CREATIVES)

    # ---- buying

    def _execute(self) -> str:
        done = self._api.post(f"/campaigns/{self._campaign}/execute", because="approved by the client")
        self.checks(done["success"] is True and not done.get("errors"), "both sellers took their media buy")
        self.checks(done["mediaBuysExecuted"] == 2, "two media buys were sent")
        self.checks((done["previousStatus"], done["newStatus"]) == ("DRAFT", "ACTIVE"), "the campaign is ACTIVE")
        held = self._held()
        return f"{done['previousStatus']} to {done['newStatus']}; each seller holds one media buy: " + ", ".join(
            _money(Decimal(sum(package["budget"] for package in buy["packages"])) / 100) for buy in held.values()
        )

    def _held(self) -> dict[str, Doc]:
        """The one buy that each seller holds, checked to be ours and to cost what we asked."""
        found: dict[str, Doc] = {}
        for agent, seller in self._sellers.items():
            state = seller.get("/_sandbox/state")
            buys = state["media_buys"]
            self.checks(len(buys) == 1, f"{state['name']} holds exactly one media buy")
            asked = {each["productId"]: each["budget"] for each in self._products if each["salesAgentId"] == agent}
            booked = {package["product_id"]: Decimal(package["budget"]) / 100 for package in buys[0]["packages"]}
            self.checks(booked == asked, f"{state['name']} booked what was asked: {asked}, not {booked}")
            self.checks(buys[0]["currency"] == CURRENCY, f"{state['name']} booked in {CURRENCY}")
            found[agent] = buys[0]
        return found

    def _go_live(self) -> str:
        until = time.monotonic() + LIVE_SECONDS
        while True:
            status = self._api.get(f"/campaigns/{self._campaign}/media-buy-status")
            states = [buy["internal_status"] for buy in status["media_buys"]]
            if states == ["ACTIVE", "ACTIVE"]:
                break
            if time.monotonic() > until:
                raise Failed(f"After {LIVE_SECONDS} s the media buys are {states}, not all ACTIVE: {status}")
            time.sleep(0.5)
        self.checks(all(buy["status_refresh_source"] == "direct_agent" for buy in status["media_buys"]), "asked live")
        self._at_sellers("active")
        return f"{status['operational_status']}, read at {status['agents_queried']} sellers"

    def _at_sellers(self, status: str) -> None:
        for agent, buy in self._held().items():
            self.checks(buy["status"] == status, f"{agent} says {status} of its media buy, not {buy['status']}")

    def _execute_again(self) -> str:
        done = self._api.post(f"/campaigns/{self._campaign}/execute")
        self.checks(done["success"] is True and done["mediaBuysExecuted"] == 0, "there was nothing left to send")
        self._held()
        return f"{done['reason']}; each seller still holds one"

    # ---- running

    def _let_days_pass(self) -> str:
        for seller in self._sellers.values():
            now = seller.post("/_sandbox/clock", {"advance_seconds": DAYS_AHEAD * DAY})["now"]
        return f"it is {now[:10]} there"

    def _read_delivery(self) -> str:
        before = self._spent()
        read = sum((package["delivery"]["spend"] for package in self._packages()), Decimal(0))
        after = self._spent()
        shown = sum((package["delivery"]["impressions"] for package in self._packages()), 0)
        self.checks(before <= read <= after, f"what we read ({read}) is what the sellers say ({before} to {after})")
        self.checks(0 < read < TOTAL, "some of the budget was spent, and not more than it")
        self.checks(shown > 0, "there are impressions")
        return f"{shown:,} impressions for {_money(read)}"

    def _packages(self) -> list[Doc]:
        refs = self._get_campaign()["mediaBuyRefs"]
        pages = [self._api.get(f"/media-buys/{ref['mediaBuyId']}/packages") for ref in refs]
        return [package for page in pages for package in page["packages"]]

    def _spent(self) -> Decimal:
        """What both sellers say that they spent; their states count in cents."""
        return Decimal(sum(package["spent"] for buy in self._held().values() for package in buy["packages"])) / 100

    def _pause(self) -> str:
        done = self._api.post(f"/campaigns/{self._campaign}/pause", because="checking the landing page")
        self._cascaded(done, "PAUSED")
        self._at_sellers("paused")
        return f"{done['newStatus']}; both sellers say paused"

    def _cascaded(self, done: Doc, status: str) -> None:
        self.checks(done["newStatus"] == status and done["failureCount"] == 0, f"the campaign is {status}")
        self.checks(done["totalMediaBuys"] == done["successCount"] == 2, "and so are both media buys")

    def _paused_day(self) -> str:
        before = self._spent()
        for seller in self._sellers.values():
            seller.post("/_sandbox/clock", {"advance_seconds": DAY})
        after = self._spent()
        self.checks(before == after, f"a paused campaign spends nothing, {before} stays {before}, not {after}")
        return f"spent before and after: {_money(after)}"

    def _reactivate(self) -> str:
        done = self._api.post(f"/campaigns/{self._campaign}/reactivate", because="the landing page is fine")
        self._cascaded(done, "ACTIVE")
        self._at_sellers("active")
        return f"{done['newStatus']}; both sellers say active"

    def _read_log(self) -> str:
        answer = self._api.get("/decisions", campaignId=self._campaign)
        self._log = sorted(answer["decisions"], key=lambda entry: str(entry["timestamp"]))
        actions = [entry["action"] for entry in self._log]
        for action in ("campaign.created", "campaign.executed", "campaign.paused", "campaign.reactivated"):
            self.checks(actions.count(action) == 1, f"the log has one entry {action}")
        reasons = {entry["action"]: entry.get("reason") for entry in self._log}
        self.checks(reasons["campaign.paused"] == "checking the landing page", "the log says why it was paused")
        return f"{len(self._log)} entries"

    def _get_campaign(self) -> Doc:
        campaign: Doc = self._api.get(f"/campaigns/{self._campaign}")["campaign"]
        return campaign

    # ---- what happened

    def media_buys(self) -> tuple[Sequence[str], list[Sequence[str]]]:
        head = ("seller", "product", "media buy", "status", "budget", "impressions", "clicks", "spend")
        rows: list[Sequence[str]] = []
        for buy in self._get_campaign()["mediaBuys"]:
            for package in buy["packages"]:
                product, got = _of(buy["products"], "productId", package["productIds"][0]), package["delivery"]
                rows.append(
                    (
                        product["salesAgentName"],
                        product["productName"],
                        buy["mediaBuyId"],
                        buy["status"],
                        f"{package['budget']:,.2f}",
                        f"{got['impressions']:,}",
                        "" if got["clicks"] is None else f"{got['clicks']:,}",
                        f"{got['spend']:,.2f}",
                    )
                )
        return head, rows

    def decisions(self) -> tuple[Sequence[str], list[Sequence[str]]]:
        rows = [
            (entry["timestamp"][11:19], entry["action"], _short(entry["text"]), entry.get("reason", ""))
            for entry in self._log
        ]
        return ("at (UTC)", "what", "in words", "why"), list(rows)


def _cheapest(products: Sequence[Doc], channel: str) -> list[tuple[Doc, Doc]]:
    """Of each seller the product of the channel with the lowest fixed price, with that price; cheapest first."""
    best: dict[str, tuple[Doc, Doc]] = {}
    for product in products:
        for option in product["pricingOptions"]:
            if channel in product["channels"] and option["isFixed"] and option["currency"] == CURRENCY:
                known = best.get(product["salesAgentId"])
                if known is None or option["rate"] < known[1]["rate"]:
                    best[product["salesAgentId"]] = product, option
    found = sorted(best.values(), key=lambda pair: Decimal(pair[1]["rate"]))
    if not found:
        raise Failed(f"No seller offers {channel} at a fixed price in {CURRENCY}.")
    return found


def _of(items: Sequence[Doc], key: str, value: str) -> Doc:
    found = next((item for item in items if item[key] == value), None)
    if found is None:
        raise Failed(f"There is nothing with {key} {value} among {[item.get(key) for item in items]}.")
    return found


def _short(text: str) -> str:
    """Without the campaign's name, which every entry has."""
    return text.removeprefix(f"{NAME}: ").removeprefix(f"{NAME} at ")


def _money(amount: Decimal | int) -> str:
    return f"{CURRENCY} {amount:,.2f}"
