"""What the wire's types take, what they refuse, and how they show what they hold."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from buyside.domain import campaigns as domain_campaigns
from buyside.domain import media_buys as domain_buys
from buyside.domain.errors import FeatureNotEnabled, NotImplementedYet
from buyside.schemas import campaigns, media_buys
from buyside.schemas.advertisers import CreateAdvertiserBody, UpdateAdvertiserBody
from buyside.schemas.batches import CreateMediaBuysBatchBody
from buyside.schemas.campaigns import (
    AutoSelectProductsRequest,
    CreateCampaignBody,
    ExecuteCampaignBody,
    UpdateCampaignBody,
)
from buyside.schemas.creatives import CreateCreativeManifestMetadata
from buyside.schemas.discovery import DiscoverProductsBody
from buyside.schemas.edits import UpdateMediaBuyRequest
from buyside.schemas.goals import PerformanceConfig
from buyside.schemas.limits import SetLimitsBody
from buyside.schemas.products import AddProductsRequest
from buyside.schemas.queries import GetProductsBody
from buyside.schemas.reading import parse
from buyside.schemas.storefronts import BuyerStorefront, RegisterSourceCredentialsBody, RegisterStorefrontBody
from buyside.schemas.targeting import Constraints, TargetingOverlay
from buyside.schemas.unsupported import UNSUPPORTED, refuse_unsupported
from buyside.schemas.wire import (
    AdvertiserIdIn,
    Currency,
    End,
    Given,
    Instant,
    Json,
    Maybe,
    Number,
    PositiveAmount,
    Raw,
    Request,
    Response,
    Start,
)


class Asked(Request):
    amount: Given[PositiveAmount] = None
    start: Given[Start] = None
    end: Given[End] = None
    currency: Given[Currency] = None
    advertiser_id: Given[AdvertiserIdIn] = None
    flag: Given[bool] = None
    count: Given[int] = None
    text: Given[str] = None
    clearable: str | None = None


class Answered(Response):
    amount: Maybe[Number] = None
    always: str | None
    at: Instant
    raw: Maybe[Raw] = None
    json_value: Maybe[Json] = None


AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
EARLIEST, LATEST = AT.replace(year=1970, tzinfo=None), AT.replace(year=9990, tzinfo=None)
SPRING = {
    "advertiserId": 12,
    "name": "Spring",
    "flightDates": {"startDate": "2026-04-01", "endDate": "2026-04-30"},
    "budget": {"total": 1000},
}


def issues(model: type[BaseModel], value: object) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(value)
    return [(".".join(str(step) for step in each["loc"]), each["type"]) for each in refused.value.errors()]


class TestNull:
    def test_it_is_refused_where_it_means_nothing_and_taken_where_it_clears(self) -> None:
        assert issues(Asked, {"text": None, "amount": None}) == [
            ("amount", "null_not_allowed"),
            ("text", "null_not_allowed"),
        ]
        cleared = Asked.model_validate({"clearable": None})
        assert (cleared.clearable, cleared.model_fields_set) == (None, {"clearable"})

    def test_an_answer_leaves_out_what_may_be_missing_and_shows_null_where_it_must(self) -> None:
        assert Answered(always=None, at=AT).model_dump_json() == '{"always":null,"at":"2026-03-01T09:30:00Z"}'

    def test_the_schema_says_the_same(self) -> None:
        asked, answered = Asked.model_json_schema(), Answered.model_json_schema()
        assert asked["properties"]["text"] == {"type": "string"}
        assert {"type": "null"} in asked["properties"]["clearable"]["anyOf"]
        assert answered["properties"]["amount"] == {"type": "number"}
        assert answered["required"] == ["always", "at"]

    def test_performance_config_is_cleared_by_null_and_untouched_when_absent(self) -> None:
        assert "performance_config" in UpdateCampaignBody.model_validate({"performanceConfig": None}).model_fields_set
        assert UpdateCampaignBody.model_validate({}).model_fields_set == set()


class TestAmounts:
    @given(st.decimals(min_value="0.000001", max_value=10**8, places=6))
    def test_what_is_written_is_what_is_held_and_what_is_shown(self, amount: Decimal) -> None:
        body = Asked.model_validate(parse(f'{{"amount": {amount}}}'.encode()))
        assert body.amount == amount
        shown = Answered(amount=amount, always=None, at=AT).model_dump_json()
        assert json.loads(shown, parse_float=Decimal)["amount"] == amount
        assert ".0," not in shown

    @pytest.mark.parametrize("text", ["10", "10.0", "1e1", "10.00"])
    def test_a_whole_amount_is_shown_as_a_whole_number(self, text: str) -> None:
        amount = Asked.model_validate(parse(f'{{"amount": {text}}}'.encode())).amount
        assert Answered(amount=amount, always="", at=AT).model_dump_json().startswith('{"amount":10,')

    def test_no_binary_neighbour_is_shown(self) -> None:
        total = sum([Decimal("0.1")] * 3, Decimal(0))
        assert '"amount":0.3,' in Answered(amount=total, always="", at=AT).model_dump_json()

    @pytest.mark.parametrize("value", ["10", True, [], {}, 0, -1, 10**13 + 1, float("nan"), float("inf")])
    def test_anything_but_a_positive_number_within_reason_is_refused(self, value: object) -> None:
        assert issues(Asked, {"amount": value})[0][0] == "amount"


class TestTimes:
    @given(
        st.datetimes(EARLIEST, LATEST),
        st.integers(-14 * 60, 14 * 60),
    )
    def test_any_offset_is_normalised_to_utc(self, at: datetime, minutes: int) -> None:
        zoned = at.replace(tzinfo=timezone(timedelta(minutes=minutes)))
        body = Asked.model_validate({"start": zoned.isoformat()})
        assert body.start == zoned
        assert body.start is not None
        assert body.start.tzinfo is UTC

    @given(st.dates(date(1970, 1, 1), date(9999, 12, 31)))
    def test_a_bare_date_is_its_first_or_last_second(self, day: date) -> None:
        body = Asked.model_validate({"start": day.isoformat(), "end": day.isoformat()})
        assert body.start == datetime(day.year, day.month, day.day, tzinfo=UTC)
        assert body.end == datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)

    @pytest.mark.parametrize(
        "text",
        [
            "2026-03-01T09:30:00",
            "2026-W09-7",
            "20260301T093000Z",
            "2026-02-30",
            "2026-03-01T25:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "tomorrow",
            "",
            1_772_000_000,
            True,
            "2026-03-01T09:30:00Z\n",
        ],
    )
    def test_anything_else_is_refused(self, text: object) -> None:
        assert issues(Asked, {"start": text})[0][0] == "start"

    @pytest.mark.parametrize(
        "text", ["2026-03-01T09:30Z", "2026-03-01t09:30:00.000000000z", "2026-03-01 10:30:00+0100"]
    )
    def test_the_forms_that_people_type_are_taken(self, text: str) -> None:
        assert Asked.model_validate({"start": text}).start == AT

    @given(st.datetimes(EARLIEST, LATEST, timezones=st.just(timezone(timedelta(hours=-7)))))
    def test_an_answer_shows_utc_with_z(self, at: datetime) -> None:
        shown = json.loads(Answered(always="", at=at).model_dump_json())["at"]
        assert shown.endswith("Z")
        assert datetime.fromisoformat(shown) == at


class TestCoercion:
    @pytest.mark.parametrize(
        "body",
        [
            {"flag": "true"},
            {"flag": 1},
            {"count": "5"},
            {"count": 5.5},
            {"count": True},
            {"text": 5},
            {"currency": "EURO"},
        ],
    )
    def test_nothing_is_taken_for_what_it_is_not(self, body: dict[str, Any]) -> None:
        assert issues(Asked, body)[0][0] == next(iter(body))

    def test_an_advertiser_is_named_by_number_or_digits(self) -> None:
        for known in (12, "12", "0012"):
            assert Asked.model_validate({"advertiserId": known}).advertiser_id == 12
        strange: list[object] = ["12a", "-1", 0, "0", "", "٣", 1.5, "9" * 30, 2**53]
        for value in strange:
            assert issues(Asked, {"advertiserId": value})[0][0] == "advertiserId"

    def test_a_currency_is_three_letters_in_any_case(self) -> None:
        assert Asked.model_validate({"currency": "eur"}).currency == "EUR"

    def test_a_whole_number_may_be_written_as_a_decimal(self) -> None:
        assert Asked.model_validate(parse(b'{"count": 5.0}')).count == 5


class TestUnknownKeys:
    def test_they_are_tolerated_in_most_bodies(self) -> None:
        assert CreateCampaignBody.model_validate({**SPRING, "campaignType": "ROUTED", "x": 1}).name == "Spring"

    @pytest.mark.parametrize("model", [ExecuteCampaignBody, AutoSelectProductsRequest])
    def test_they_are_refused_in_closed_ones(self, model: type[BaseModel]) -> None:
        assert issues(model, {"x": 1}) == [("x", "extra_forbidden")]

    def test_a_batch_selection_is_closed(self) -> None:
        body = {
            "productQueryId": "q",
            "campaign": {"campaignId": "cmp_1"},
            "mode": "stage",
            "selections": [{"kind": "product", "productId": "sf1:3:abc", "x": 1}],
        }
        assert [kind for _, kind in issues(CreateMediaBuysBatchBody, body)] == ["extra_forbidden"]
        body["selections"] = [{"kind": "proposal", "proposalId": "sfp1:3:abc"}]
        assert CreateMediaBuysBatchBody.model_validate(body).campaign.campaign_id == "cmp_1"
        body["campaign"] = {}
        assert issues(CreateMediaBuysBatchBody, body) == [("campaign", "campaign_choice")]


class TestConstraints:
    def test_the_older_name_is_merged_and_both_are_kept(self) -> None:
        given = Constraints.model_validate({"countries": ["DE", "FR"], "geo_countries": ["FR", "US"]}).given()
        assert given == {"geo_countries": ["FR", "US", "DE"], "countries": ["DE", "FR"]}

    def test_everything_is_kept_as_it_was_given(self) -> None:
        text = (
            '{"geo_regions": ["US-CA"], "geo_metros": [{"system": "nielsen_dma", "values": ["501"]}],'
            '"geo_metros_exclude": [{"system": "custom", "values": ["x"], "note": 1.5}],'
            '"geo_postal_areas": [{"system": "us_zip", "values": ["94110"]}],'
            '"geo_postal_areas_exclude": [{"country": "DE", "system": "plz", "values": ["10115"]}],'
            '"language": ["de"], "device_platform": ["ios"], "device_type": ["ctv"], "device_type_exclude": ["mobile"],'
            '"channels": ["olv"], "geo_countries_exclude": ["AT"], "geo_regions_exclude": ["US-NY"]}'
        )
        assert Constraints.model_validate(parse(text.encode())).given() == json.loads(text)

    @pytest.mark.parametrize(
        ("constraints", "field"),
        [
            ({"countries": ["de"]}, "countries.0"),
            ({"geo_countries": ["DEU"]}, "geo_countries.0"),
            ({"geo_metros": [{"system": "other", "values": []}]}, "geo_metros.0.system"),
            ({"geo_postal_areas": [{"system": "zip", "values": ["1"]}]}, "geo_postal_areas.0"),
            ({"device_type": ["fridge"]}, "device_type.0"),
            ({"language": ["english"]}, "language.0"),
            ({"countries": ["DE"] * 251}, "countries"),
            ({"channels": None}, "channels"),
        ],
    )
    def test_what_no_seller_would_understand_is_refused(self, constraints: dict[str, Any], field: str) -> None:
        assert issues(Constraints, constraints)[0][0] == field

    def test_an_overlay_keeps_what_adcp_may_add(self) -> None:
        overlay = {"frequency_cap": {"max_impressions": 3, "window": {"interval": 1, "unit": "days"}}, "new": [1.5]}
        parsed = TargetingOverlay.model_validate(parse(json.dumps(overlay).encode()))
        assert parsed.given() == overlay


class TestCampaignBodies:
    def test_performance_needs_its_goals_and_products_their_session(self) -> None:
        assert issues(CreateCampaignBody, {**SPRING, "mode": "performance"}) == [("", "performance_config")]
        assert issues(CreateCampaignBody, {**SPRING, "productIds": ["p"]}) == [("", "discovery_missing")]
        with pytest.raises(FeatureNotEnabled):
            CreateCampaignBody.model_validate({**SPRING, "mode": "directed"})

    def test_an_update_takes_one_date_and_part_of_a_budget(self) -> None:
        body = UpdateCampaignBody.model_validate({"flightDates": {"endDate": "2026-05-01"}, "budget": {"dailyCap": 5}})
        assert body.given() == {"flightDates": {"endDate": "2026-05-01T23:59:59Z"}, "budget": {"dailyCap": 5}}

    @pytest.mark.parametrize(
        ("goal", "kind"),
        [
            ({"kind": "metric", "metric": "clicks", "target": {"kind": "cost_per", "value": 2}}, None),
            ({"kind": "metric", "metric": "likes"}, "literal_error"),
            ({"kind": "other"}, "union_tag_invalid"),
            ({"kind": "event", "eventSources": []}, "too_short"),
            ({"kind": "event", "eventSources": [{"eventSourceId": "e", "eventType": "custom"}]}, "custom_event"),
            (
                {
                    "kind": "event",
                    "eventSources": [{"eventSourceId": "e", "eventType": "purchase"}],
                    "target": {"kind": "per_ad_spend", "value": 4},
                },
                "value_field",
            ),
            (
                {
                    "kind": "event",
                    "eventSources": [{"eventSourceId": "e", "eventType": "lead"}],
                    "attributionWindow": {"clickThrough": "7d"},
                },
                None,
            ),
        ],
    )
    def test_goals(self, goal: dict[str, Any], kind: str | None) -> None:
        config = {"optimizationGoals": [goal]}
        if kind is None:
            assert PerformanceConfig.model_validate(config).optimization_goals[0].kind == goal["kind"]
        else:
            assert issues(PerformanceConfig, config)[0][1] == kind

    @pytest.mark.parametrize(
        ("wire", "domain"),
        [
            (campaigns.CampaignStatus, domain_campaigns.Status),
            (campaigns.CampaignMode, domain_campaigns.Mode),
            (campaigns.Pacing, domain_campaigns.Pacing),
            (media_buys.MediaBuyStatus, domain_buys.Status),
            (media_buys.PendingAt, domain_buys.PendingAt),
            (media_buys.MediaBuyPendingReason, domain_buys.PendingReason),
            (media_buys.BuyerMediaBuyErrorCode, domain_buys.ErrorCode),
            (media_buys.MediaBuyErrorOwner, domain_buys.ErrorOwner),
        ],
    )
    def test_the_wire_and_the_domain_use_the_same_words(self, wire: object, domain: Any) -> None:
        assert set(get_args(wire)) == {each.value for each in domain}


class TestDiscoveryBodies:
    @pytest.mark.parametrize(
        ("item", "kind"),
        [
            ({"scope": "request"}, "refine_ask"),
            ({"scope": "product", "id": "p"}, "refine_target"),
            ({"scope": "product", "id": "p", "action": "finalize"}, "refine_action"),
            ({"scope": "proposal", "id": "p", "action": "more_like_this"}, "refine_action"),
        ],
    )
    def test_a_refinement_says_what_and_how(self, item: dict[str, Any], kind: str) -> None:
        assert issues(DiscoverProductsBody, {"advertiserId": 1, "refine": [item]}) == [("refine.0", kind)]

    def test_an_older_name_of_the_bid_is_taken(self) -> None:
        body = AddProductsRequest.model_validate({"products": [{"productId": "p", "cpm": 4.5}]})
        assert body.products[0].bid_price == Decimal("4.5")

    def test_an_older_name_of_the_brand_is_taken(self) -> None:
        assert CreateAdvertiserBody.model_validate({"name": "A", "brandDomain": "a.example"}).brand == "a.example"


class TestStorefrontBodies:
    @pytest.mark.parametrize(
        ("auth", "kind"),
        [
            ({"type": "bearer"}, "auth_incomplete"),
            ({"type": "header", "token": "t"}, "auth_incomplete"),
            ({"type": "basic", "username": "u"}, "auth_incomplete"),
            ({"type": "basic", "username": "a:b", "password": ""}, "string_pattern_mismatch"),
            ({"type": "header", "token": "t", "header": "Host"}, "header_name"),
            ({"type": "bearer", "token": "a\nb"}, "string_pattern_mismatch"),
            ({"type": "none"}, None),
            ({"type": "header", "token": "t", "header": "X-Api-Key"}, None),
        ],
    )
    def test_a_credential_is_whole_and_fits_a_header(self, auth: dict[str, Any], kind: str | None) -> None:
        body = {"name": "S", "sources": [{"endpointUrl": "https://s.example/mcp", "protocol": "MCP", "auth": auth}]}
        if kind is None:
            assert RegisterStorefrontBody.model_validate(body).sources[0].auth is not None
        else:
            assert issues(RegisterStorefrontBody, body)[0][1] == kind

    @pytest.mark.parametrize("url", ["ftp://s.example", "https://", "s.example", "https://a b", "javascript:alert(1)"])
    def test_an_endpoint_is_a_web_address(self, url: str) -> None:
        body = {"name": "S", "sources": [{"endpointUrl": url, "protocol": "MCP"}]}
        assert issues(RegisterStorefrontBody, body)[0][0] == "sources.0.endpointUrl"

    def test_no_answer_has_a_place_for_a_secret(self) -> None:
        names = json.dumps(BuyerStorefront.model_json_schema()).lower()
        assert "token" not in names
        assert "password" not in names

    def test_a_limit_says_whom_it_binds(self) -> None:
        for limit, kind in (
            ({"scope": "key", "currency": "USD", "perDay": 5}, "limit_scope"),
            ({"scope": "account", "currency": "USD", "salesAgentId": "agent_1", "perDay": 5}, "limit_scope"),
            ({"scope": "account", "currency": "USD"}, "limit_empty"),
        ):
            assert issues(SetLimitsBody, {"limits": [limit]}) == [("limits.0", kind)]


BODIES: dict[str, type[BaseModel]] = {
    "createAdvertiser": CreateAdvertiserBody,
    "updateAdvertiser": UpdateAdvertiserBody,
    "registerSourceCredentials": RegisterSourceCredentialsBody,
    "createCampaign": CreateCampaignBody,
    "updateCampaign": UpdateCampaignBody,
    "updateMediaBuy": UpdateMediaBuyRequest,
    "createCreativeManifest": CreateCreativeManifestMetadata,
    "discoverProducts": DiscoverProductsBody,
    "addProducts": AddProductsRequest,
    "getMarketplaceProducts": GetProductsBody,
    "createMediaBuysBatch": CreateMediaBuysBatchBody,
}


class TestUnsupported:
    def test_no_field_is_both_declared_and_refused(self) -> None:
        for operation, table in UNSUPPORTED.items():
            for path in table:
                if not path.startswith("?"):
                    declared = BODIES[operation].model_json_schema()["properties"]
                    assert path.split(".")[0].removesuffix("[]") not in declared or "." in path, (operation, path)

    @pytest.mark.parametrize(
        ("operation", "body", "field"),
        [
            ("addProducts", {"products": [{"productId": "a"}, {"pixelId": "p"}]}, "products[1].pixelId"),
            ("updateCampaign", {"mediaBuys": [{"products": [{"pageId": "p"}]}]}, "mediaBuys[0].products[0].pageId"),
            ("getMarketplaceProducts", {"ext": {"interchange": {"screening": {}}}}, "ext.interchange.screening"),
            ("createAdvertiser", {"saveBrand": True}, "saveBrand"),
        ],
    )
    def test_the_field_is_named_with_its_place(self, operation: str, body: dict[str, Any], field: str) -> None:
        with pytest.raises(NotImplementedYet) as refused:
            refuse_unsupported(operation, body, {})
        assert refused.value.field == field

    @pytest.mark.parametrize("body", [None, [], "text", {}, {"catalogId": None}, {"mediaBuys": []}, {"products": {}}])
    def test_what_asks_for_nothing_passes(self, body: object) -> None:
        refuse_unsupported("updateCampaign", body, {})
        refuse_unsupported("addProducts", body, {})
        refuse_unsupported("an operation of its own", body, {"fields": ["x"]})
