"""Every table. What is filtered or sorted by is a column; the rest of a value is one JSON text beside it (ADR 0003).

Almost every query names its account, and SQLite, which keeps no statistics, would rather enter an index by the account
alone than by a column that finds more closely. So an index that is looked things up in begins with the account too.

Money is BIGINT minor units with its currency; moments are `Instant`; secrets are ciphertext (`vault.py`).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from buyside.domain import advertisers, audiences, campaigns, frequency, media_buys, operations
from buyside.domain.accounts import LimitScope, Role
from buyside.domain.notifications import Severity
from buyside.store.database import Instant

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


# A number that the contract lets be as large as 2^53. SQLite counts up by itself in a column of type INTEGER only.
Number = BigInteger().with_variant(Integer(), "sqlite")


def _one_of(column: str, values: type) -> CheckConstraint:
    words = ", ".join(f"'{word}'" for word in values)  # type: ignore[attr-defined]
    return CheckConstraint(f"{column} IN ({words})", name=column)


def _account() -> Column[int]:
    return Column("account_id", ForeignKey("account.id"), nullable=False)


account = Table(
    "account",
    metadata,
    Column("id", Number, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("company", String(255), nullable=False),
    Column("domain", String(255)),
    Column("created_at", Instant, nullable=False),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Number, primary_key=True),
    _account(),
    Column("name", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    _one_of("role", Role),
)

spending_limit = Table(
    "spending_limit",
    metadata,
    Column("id", Number, primary_key=True),
    _account(),
    Column("scope", String(16), nullable=False),
    Column("key_id", ForeignKey("api_key.id")),
    Column("agent_id", String(64)),
    Column("currency", String(3), nullable=False),
    Column("largest_buy", BigInteger),
    Column("per_day", BigInteger),
    _one_of("scope", LimitScope),
    Index("ix_spending_limit_account", "account_id"),
)

seal = Table(
    "seal",
    metadata,
    Column("id", Number, primary_key=True),
    Column("check_value", LargeBinary, nullable=False),
)

advertiser = Table(
    "advertiser",
    metadata,
    Column("id", Number, primary_key=True),
    _account(),
    Column("name", String(255), nullable=False),
    Column("name_folded", String(512), nullable=False),
    Column("status", String(16), nullable=False),
    Column("sandbox", Boolean, nullable=False),
    Column("currency_locked", Boolean, nullable=False),
    Column("spec", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("status", advertisers.Status),
    Index("ix_advertiser_account", "account_id", "status", "id"),
)

storefront = Table(
    "storefront",
    metadata,
    Column("id", Number, primary_key=True),
    Column("account_id", ForeignKey("account.id")),
    Column("platform_id", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("name_folded", String(512), nullable=False),
    Column("visibility", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Index("ix_storefront_account", "account_id", "id"),
)

source = Table(
    "source",
    metadata,
    Column("agent_id", String(64), primary_key=True),
    Column("storefront_id", ForeignKey("storefront.id"), nullable=False),
    Column("source_id", String(255), nullable=False),
    Column("name", String(255)),
    Column("endpoint", Text, nullable=False),
    Column("protocol", String(8), nullable=False),
    Column("own_sandbox", Boolean, nullable=False),
    Column("headers", LargeBinary),
    Column("billing", String(16)),
    Column("operator_domain", String(255)),
    Column("probe_status", String(16), nullable=False),
    Column("probe_message", Text),
    Column("probed_at", Instant),
    Column("profile", Text),
    UniqueConstraint("storefront_id", "source_id"),
)

credential = Table(
    "credential",
    metadata,
    Column("id", Number, primary_key=True),
    _account(),
    Column("storefront_id", ForeignKey("storefront.id"), nullable=False),
    Column("source_id", String(255), nullable=False),
    Column("account_identifier", String(255), nullable=False),
    Column("account_type", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("auth", LargeBinary, nullable=False),
    Column("registered_by", String(255)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("account_id", "storefront_id", "source_id", "account_identifier"),
)

seller_account = Table(
    "seller_account",
    metadata,
    Column("account_id", ForeignKey("account.id"), primary_key=True),
    Column("agent_id", String(64), primary_key=True),
    Column("natural_key", String(512), primary_key=True),
    Column("seller_account_id", String(255)),
    Column("status", String(32), nullable=False),
    Column("message", Text),
    Column("checked_at", Instant, nullable=False),
)

discovery = Table(
    "discovery",
    metadata,
    Column("id", String(64), primary_key=True),
    _account(),
    Column("advertiser_id", ForeignKey("advertiser.id"), nullable=False),
    Column("campaign_id", String(64)),
    Column("request", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_discovery_account", "account_id", "id"),
    Index("ix_discovery_age", "updated_at"),
)

discovery_agent = Table(
    "discovery_agent",
    metadata,
    Column("discovery_id", ForeignKey("discovery.id"), primary_key=True),
    Column("agent_id", String(64), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("result", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("products", Text, nullable=False),
)

selection = Table(
    "selection",
    metadata,
    Column("discovery_id", ForeignKey("discovery.id"), primary_key=True),
    Column("agent_id", String(64), primary_key=True),
    Column("product_id", String(255), primary_key=True),
    Column("selection_id", String(255), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("selected_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", String(64), primary_key=True),
    _account(),
    Column("advertiser_id", ForeignKey("advertiser.id"), nullable=False),
    Column("name_folded", String(512), nullable=False),
    Column("status", String(16), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("committed", Boolean, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("spec", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("status", campaigns.Status),
    Index("ix_campaign_ending", "status", "ends_at"),
    Index("ix_campaign_recent", "account_id", "created_at", "id"),
    Index("ix_campaign_status", "account_id", "status", "created_at", "id"),
    Index("ix_campaign_advertiser", "account_id", "advertiser_id", "created_at", "id"),
)

campaign_tally = Table(
    "campaign_tally",
    metadata,
    Column("account_id", ForeignKey("account.id"), primary_key=True),
    Column("status", String(16), primary_key=True),
    Column("count", Integer, nullable=False),
)

media_buy = Table(
    "media_buy",
    metadata,
    Column("id", String(64), primary_key=True),
    _account(),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("agent_id", String(64), nullable=False),
    Column("storefront_id", Number, nullable=False),
    Column("status", String(24), nullable=False),
    Column("version", Integer, nullable=False),
    Column("check_at", Instant),
    # Before the body, which may fill pages of its own: who reads only these does not turn them.
    Column("allocated", BigInteger, nullable=False),
    Column("outline", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    _one_of("status", media_buys.Status),
    Index("ix_media_buy_campaign", "campaign_id", "created_at", "id"),
    Index("ix_media_buy_account", "account_id", "status"),
    Index("ix_media_buy_agent", "account_id", "agent_id"),
    Index("ix_media_buy_check", "check_at"),
    Index("ix_media_buy_storefront", "storefront_id", "status"),
)

operation = Table(
    "operation",
    metadata,
    Column("id", String(64), primary_key=True),
    _account(),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("agent_id", String(64), nullable=False),
    Column("campaign_id", String(64)),
    Column("media_buy_id", String(64)),
    Column("key_id", Number),
    Column("day", String(10), nullable=False),
    Column("currency", String(3)),
    Column("amount", BigInteger),
    Column("tool", String(64), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("replayable", Boolean, nullable=False),
    Column("replay_ttl", Integer),
    Column("dropped", Text, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("lease_until", Instant),
    Column("next_at", Instant),
    Column("first_sent_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("message", Text),
    _one_of("kind", operations.Kind),
    _one_of("state", operations.State),
    Index("ix_operation_due", "state", "next_at"),
    Index("ix_operation_day", "account_id", "day", "kind"),
    Index("ix_operation_buy", "account_id", "media_buy_id"),
)

creative = Table(
    "creative",
    metadata,
    Column("id", String(64), primary_key=True),
    _account(),
    Column("advertiser_id", ForeignKey("advertiser.id"), nullable=False),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("name_folded", String(512), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("archived_at", Instant),
    Index("ix_creative_campaign", "campaign_id", "created_at", "id"),
)

stop = Table(
    "stop",
    metadata,
    Column("id", String(64), primary_key=True),
    _account(),
    Column("advertiser_id", Number),
    Column("storefront_id", Number),
    Column("standing", Boolean, nullable=False),
    Column("due_at", Instant),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_stop_standing", "account_id", "standing"),
    Index("ix_stop_recent", "account_id", "created_at", "id"),
    Index("ix_stop_due", "due_at"),
)

decision = Table(
    "decision",
    metadata,
    Column("id", String(64), primary_key=True),
    _account(),
    Column("at", Instant, nullable=False),
    Column("entry_type", String(16), nullable=False),
    Column("action", String(64), nullable=False),
    Column("surface", String(16), nullable=False),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("advertiser_id", Number),
    Column("campaign_id", String(64)),
    Column("media_buy_id", String(64)),
    Column("key_id", Number),
    Column("reverts", String(64)),
    Column("body", Text, nullable=False),
    UniqueConstraint("account_id", "reverts", name="uq_decision_reverts"),
    Index("ix_decision_recent", "account_id", "at", "id"),
    Index("ix_decision_campaign", "account_id", "campaign_id", "at", "id"),
    Index("ix_decision_subject", "account_id", "subject_type", "subject_id", "at", "id"),
)

delivery_day = Table(
    "delivery_day",
    metadata,
    Column("account_id", ForeignKey("account.id"), primary_key=True),
    Column("media_buy_id", ForeignKey("media_buy.id"), primary_key=True),
    Column("package_ref", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("currency", String(3), nullable=False),
    Column("impressions", BigInteger, nullable=False),
    Column("spend_micros", BigInteger, nullable=False),
    Column("clicks", BigInteger),
    Column("views", BigInteger),
    Column("completed_views", BigInteger),
    Column("conversions", BigInteger),
    Column("leads", BigInteger),
    Column("conversion_value_micros", BigInteger),
    Column("final", Boolean, nullable=False),
    Column("inferred", Boolean, nullable=False),
    Column("first_read_at", Instant, nullable=False),
    Column("read_at", Instant, nullable=False),
    Index("ix_delivery_day_account", "account_id", "day"),
)

frequency_cap = Table(
    "frequency_cap",
    metadata,
    Column("id", Number, primary_key=True),
    _account(),
    Column("level", String(16), nullable=False),
    Column("target", String(64), nullable=False),
    Column("max_impressions", BigInteger, nullable=False),
    Column("window_interval", BigInteger, nullable=False),
    Column("window_unit", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("archived_at", Instant),
    _one_of("level", frequency.Level),
    Index("ix_frequency_cap_target", "account_id", "level", "target", "id"),
)

audience = Table(
    "audience",
    metadata,
    Column("account_id", ForeignKey("account.id"), primary_key=True),
    Column("advertiser_id", ForeignKey("advertiser.id"), primary_key=True),
    Column("id", String(255), primary_key=True),
    Column("name", String(255)),
    Column("status", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    _one_of("status", audiences.Status),
)

catalog = Table(
    "catalog",
    metadata,
    Column("id", Number, primary_key=True),
    _account(),
    Column("advertiser_id", ForeignKey("advertiser.id"), nullable=False),
    Column("external_id", String(255), nullable=False),
    Column("name", String(255)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("archived_at", Instant),
    Index("ix_catalog_advertiser", "account_id", "advertiser_id", "id"),
)

data_delivery_credential = Table(
    "data_delivery_credential",
    metadata,
    Column("id", Number, primary_key=True),
    _account(),
    Column("advertiser_id", ForeignKey("advertiser.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("destination_type", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("archived_at", Instant),
    Index("ix_data_delivery_credential_name", "account_id", "advertiser_id", "name"),
)

notification = Table(
    "notification",
    metadata,
    Column("id", String(64), primary_key=True),
    _account(),
    Column("type", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("topic", String(255), nullable=False),
    Column("state", String(255), nullable=False),
    Column("message", Text, nullable=False),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("advertiser_id", Number),
    Column("campaign_id", String(64)),
    Column("media_buy_id", String(64)),
    Column("created_at", Instant, nullable=False),
    Column("read_at", Instant),
    Column("acknowledged_at", Instant),
    _one_of("severity", Severity),
    Index("ix_notification_recent", "account_id", "created_at", "id"),
    Index("ix_notification_topic", "account_id", "topic", "created_at", "id"),
)

report_file = Table(
    "report_file",
    metadata,
    Column("id", String(64), primary_key=True),
    _account(),
    Column("name", String(255), nullable=False),
    Column("content", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_report_file_account", "account_id", "expires_at"),
)
