"""The first tables."""

import sqlalchemy as sa
from alembic import op

from buyside.store import database

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("company", sa.String(length=255), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=True),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
    )
    op.create_table(
        "seal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("check_value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal")),
    )
    op.create_table(
        "advertiser",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_folded", sa.String(length=512), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("currency_locked", sa.Boolean(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.CheckConstraint("status IN ('ACTIVE', 'ARCHIVED')", name=op.f("ck_advertiser_status")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_advertiser_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advertiser")),
    )
    with op.batch_alter_table("advertiser", schema=None) as batch_op:
        batch_op.create_index("ix_advertiser_account", ["account_id", "status", "id"], unique=False)

    op.create_table(
        "api_key",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("revoked_at", database.Instant(), nullable=True),
        sa.CheckConstraint("role IN ('MEMBER', 'ADMIN')", name=op.f("ck_api_key_role")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_api_key_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_key_digest")),
    )
    op.create_table(
        "campaign_tally",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_campaign_tally_account_id")),
        sa.PrimaryKeyConstraint("account_id", "status", name=op.f("pk_campaign_tally")),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", database.Instant(), nullable=False),
        sa.Column("entry_type", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("surface", sa.String(length=16), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("advertiser_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("campaign_id", sa.String(length=64), nullable=True),
        sa.Column("media_buy_id", sa.String(length=64), nullable=True),
        sa.Column("key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reverts", sa.String(length=64), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_decision_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("account_id", "reverts", name="uq_decision_reverts"),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index("ix_decision_campaign", ["account_id", "campaign_id", "at", "id"], unique=False)
        batch_op.create_index("ix_decision_recent", ["account_id", "at", "id"], unique=False)
        batch_op.create_index(
            "ix_decision_subject", ["account_id", "subject_type", "subject_id", "at", "id"], unique=False
        )

    op.create_table(
        "stop",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("advertiser_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("storefront_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("due_at", database.Instant(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_stop_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop")),
    )
    with op.batch_alter_table("stop", schema=None) as batch_op:
        batch_op.create_index("ix_stop_due", ["due_at"], unique=False)
        batch_op.create_index("ix_stop_recent", ["account_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_stop_standing", ["account_id", "standing"], unique=False)

    op.create_table(
        "operation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("campaign_id", sa.String(length=64), nullable=True),
        sa.Column("media_buy_id", sa.String(length=64), nullable=True),
        sa.Column("key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("replayable", sa.Boolean(), nullable=False),
        sa.Column("replay_ttl", sa.Integer(), nullable=True),
        sa.Column("dropped", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("lease_until", database.Instant(), nullable=True),
        sa.Column("next_at", database.Instant(), nullable=True),
        sa.Column("first_sent_at", database.Instant(), nullable=True),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('account', 'create', 'change', 'creatives')", name=op.f("ck_operation_kind")),
        sa.CheckConstraint(
            "state IN ('planned', 'sent', 'unknown', 'done', 'refused', 'absent')", name=op.f("ck_operation_state")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_operation_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
    )
    with op.batch_alter_table("operation", schema=None) as batch_op:
        batch_op.create_index("ix_operation_buy", ["account_id", "media_buy_id"], unique=False)
        batch_op.create_index("ix_operation_day", ["account_id", "day", "kind"], unique=False)
        batch_op.create_index("ix_operation_due", ["state", "next_at"], unique=False)

    op.create_table(
        "seller_account",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("natural_key", sa.String(length=512), nullable=False),
        sa.Column("seller_account_id", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("checked_at", database.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_seller_account_account_id")),
        sa.PrimaryKeyConstraint("account_id", "agent_id", "natural_key", name=op.f("pk_seller_account")),
    )
    op.create_table(
        "storefront",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("platform_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_folded", sa.String(length=512), nullable=False),
        sa.Column("visibility", sa.String(length=16), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.Column("deleted_at", database.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_storefront_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storefront")),
    )
    with op.batch_alter_table("storefront", schema=None) as batch_op:
        batch_op.create_index("ix_storefront_account", ["account_id", "id"], unique=False)

    op.create_table(
        "campaign",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("advertiser_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name_folded", sa.String(length=512), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("committed", sa.Boolean(), nullable=False),
        sa.Column("ends_at", database.Instant(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.CheckConstraint(
            "status IN ('DRAFT', 'ACTIVE', 'PAUSED', 'COMPLETED', 'CANCELED', 'ARCHIVED')",
            name=op.f("ck_campaign_status"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_campaign_account_id")),
        sa.ForeignKeyConstraint(["advertiser_id"], ["advertiser.id"], name=op.f("fk_campaign_advertiser_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.create_index(
            "ix_campaign_advertiser", ["account_id", "advertiser_id", "created_at", "id"], unique=False
        )
        batch_op.create_index("ix_campaign_ending", ["status", "ends_at"], unique=False)
        batch_op.create_index("ix_campaign_recent", ["account_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_campaign_status", ["account_id", "status", "created_at", "id"], unique=False)

    op.create_table(
        "credential",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("storefront_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_id", sa.String(length=255), nullable=False),
        sa.Column("account_identifier", sa.String(length=255), nullable=False),
        sa.Column("account_type", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("auth", sa.LargeBinary(), nullable=False),
        sa.Column("registered_by", sa.String(length=255), nullable=True),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_credential_account_id")),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefront.id"], name=op.f("fk_credential_storefront_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint(
            "account_id", "storefront_id", "source_id", "account_identifier", name=op.f("uq_credential_account_id")
        ),
    )
    op.create_table(
        "discovery",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("advertiser_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.String(length=64), nullable=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_discovery_account_id")),
        sa.ForeignKeyConstraint(["advertiser_id"], ["advertiser.id"], name=op.f("fk_discovery_advertiser_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discovery")),
    )
    with op.batch_alter_table("discovery", schema=None) as batch_op:
        batch_op.create_index("ix_discovery_account", ["account_id", "id"], unique=False)
        batch_op.create_index("ix_discovery_age", ["updated_at"], unique=False)

    op.create_table(
        "source",
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("storefront_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("protocol", sa.String(length=8), nullable=False),
        sa.Column("own_sandbox", sa.Boolean(), nullable=False),
        sa.Column("headers", sa.LargeBinary(), nullable=True),
        sa.Column("billing", sa.String(length=16), nullable=True),
        sa.Column("operator_domain", sa.String(length=255), nullable=True),
        sa.Column("probe_status", sa.String(length=16), nullable=False),
        sa.Column("probe_message", sa.Text(), nullable=True),
        sa.Column("probed_at", database.Instant(), nullable=True),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["storefront_id"], ["storefront.id"], name=op.f("fk_source_storefront_id")),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_source")),
        sa.UniqueConstraint("storefront_id", "source_id", name=op.f("uq_source_storefront_id")),
    )
    op.create_table(
        "spending_limit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("agent_id", sa.String(length=64), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("largest_buy", sa.BigInteger(), nullable=True),
        sa.Column("per_day", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("scope IN ('account', 'key', 'seller')", name=op.f("ck_spending_limit_scope")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_spending_limit_account_id")),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], name=op.f("fk_spending_limit_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spending_limit")),
    )
    with op.batch_alter_table("spending_limit", schema=None) as batch_op:
        batch_op.create_index("ix_spending_limit_account", ["account_id"], unique=False)

    op.create_table(
        "creative",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("advertiser_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_folded", sa.String(length=512), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.Column("archived_at", database.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_creative_account_id")),
        sa.ForeignKeyConstraint(["advertiser_id"], ["advertiser.id"], name=op.f("fk_creative_advertiser_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_creative_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_creative")),
    )
    with op.batch_alter_table("creative", schema=None) as batch_op:
        batch_op.create_index("ix_creative_campaign", ["campaign_id", "created_at", "id"], unique=False)

    op.create_table(
        "discovery_agent",
        sa.Column("discovery_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("products", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["discovery_id"], ["discovery.id"], name=op.f("fk_discovery_agent_discovery_id")),
        sa.PrimaryKeyConstraint("discovery_id", "agent_id", name=op.f("pk_discovery_agent")),
    )
    op.create_table(
        "media_buy",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("storefront_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("check_at", database.Instant(), nullable=True),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("outline", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.CheckConstraint(
            "status IN ('DRAFT', 'PENDING_APPROVAL', 'INPUT_REQUIRED', 'ACTIVE', 'PAUSED', 'COMPLETED', 'CANCELED', 'FAILED', 'REJECTED', 'ARCHIVED')",
            name=op.f("ck_media_buy_status"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_media_buy_account_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_media_buy_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_buy")),
    )
    with op.batch_alter_table("media_buy", schema=None) as batch_op:
        batch_op.create_index("ix_media_buy_account", ["account_id", "status"], unique=False)
        batch_op.create_index("ix_media_buy_agent", ["account_id", "agent_id"], unique=False)
        batch_op.create_index("ix_media_buy_campaign", ["campaign_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_media_buy_check", ["check_at"], unique=False)
        batch_op.create_index("ix_media_buy_storefront", ["storefront_id", "status"], unique=False)

    op.create_table(
        "selection",
        sa.Column("discovery_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("product_id", sa.String(length=255), nullable=False),
        sa.Column("selection_id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("selected_at", database.Instant(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["discovery_id"], ["discovery.id"], name=op.f("fk_selection_discovery_id")),
        sa.PrimaryKeyConstraint("discovery_id", "agent_id", "product_id", "selection_id", name=op.f("pk_selection")),
    )

    op.create_table(
        "delivery_day",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("media_buy_id", sa.String(length=64), nullable=False),
        sa.Column("package_ref", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("impressions", sa.BigInteger(), nullable=False),
        sa.Column("spend_micros", sa.BigInteger(), nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=True),
        sa.Column("views", sa.BigInteger(), nullable=True),
        sa.Column("completed_views", sa.BigInteger(), nullable=True),
        sa.Column("conversions", sa.BigInteger(), nullable=True),
        sa.Column("leads", sa.BigInteger(), nullable=True),
        sa.Column("conversion_value_micros", sa.BigInteger(), nullable=True),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("inferred", sa.Boolean(), nullable=False),
        sa.Column("first_read_at", database.Instant(), nullable=False),
        sa.Column("read_at", database.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_delivery_day_account_id")),
        sa.ForeignKeyConstraint(["media_buy_id"], ["media_buy.id"], name=op.f("fk_delivery_day_media_buy_id")),
        sa.PrimaryKeyConstraint("account_id", "media_buy_id", "package_ref", "day", name=op.f("pk_delivery_day")),
    )
    with op.batch_alter_table("delivery_day", schema=None) as batch_op:
        batch_op.create_index("ix_delivery_day_account", ["account_id", "day"], unique=False)

    op.create_table(
        "frequency_cap",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("max_impressions", sa.BigInteger(), nullable=False),
        sa.Column("window_interval", sa.BigInteger(), nullable=False),
        sa.Column("window_unit", sa.String(length=16), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.Column("archived_at", database.Instant(), nullable=True),
        sa.CheckConstraint("level IN ('ADVERTISER', 'CAMPAIGN', 'CREATIVE')", name=op.f("ck_frequency_cap_level")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_frequency_cap_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frequency_cap")),
    )
    with op.batch_alter_table("frequency_cap", schema=None) as batch_op:
        batch_op.create_index("ix_frequency_cap_target", ["account_id", "level", "target", "id"], unique=False)

    op.create_table(
        "audience",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("advertiser_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.Column("deleted_at", database.Instant(), nullable=True),
        sa.CheckConstraint("status IN ('PROCESSING', 'ERROR', 'READY', 'TOO_SMALL')", name=op.f("ck_audience_status")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_audience_account_id")),
        sa.ForeignKeyConstraint(["advertiser_id"], ["advertiser.id"], name=op.f("fk_audience_advertiser_id")),
        sa.PrimaryKeyConstraint("account_id", "advertiser_id", "id", name=op.f("pk_audience")),
    )
    op.create_table(
        "catalog",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("advertiser_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.Column("archived_at", database.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_catalog_account_id")),
        sa.ForeignKeyConstraint(["advertiser_id"], ["advertiser.id"], name=op.f("fk_catalog_advertiser_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog")),
    )
    with op.batch_alter_table("catalog", schema=None) as batch_op:
        batch_op.create_index("ix_catalog_advertiser", ["account_id", "advertiser_id", "id"], unique=False)

    op.create_table(
        "data_delivery_credential",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("advertiser_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("destination_type", sa.String(length=16), nullable=False),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("updated_at", database.Instant(), nullable=False),
        sa.Column("archived_at", database.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_data_delivery_credential_account_id")),
        sa.ForeignKeyConstraint(
            ["advertiser_id"], ["advertiser.id"], name=op.f("fk_data_delivery_credential_advertiser_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_delivery_credential")),
    )
    with op.batch_alter_table("data_delivery_credential", schema=None) as batch_op:
        batch_op.create_index("ix_data_delivery_credential_name", ["account_id", "advertiser_id", "name"], unique=False)

    op.create_table(
        "notification",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("advertiser_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("campaign_id", sa.String(length=64), nullable=True),
        sa.Column("media_buy_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", database.Instant(), nullable=False),
        sa.Column("read_at", database.Instant(), nullable=True),
        sa.Column("acknowledged_at", database.Instant(), nullable=True),
        sa.CheckConstraint(
            "severity IN ('success', 'error', 'warning', 'info')", name=op.f("ck_notification_severity")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_notification_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
    )
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.create_index("ix_notification_recent", ["account_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_notification_topic", ["account_id", "topic", "created_at", "id"], unique=False)

    op.create_table(
        "report_file",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("expires_at", database.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_report_file_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_file")),
    )
    with op.batch_alter_table("report_file", schema=None) as batch_op:
        batch_op.create_index("ix_report_file_account", ["account_id", "expires_at"], unique=False)
