"""A seller's shop window: the storefront, its sources (sales agents), and what a probe learned about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from buyside.domain.ids import AccountId, AgentId, CredentialId, StorefrontId


class Protocol(StrEnum):
    MCP = "MCP"
    A2A = "A2A"


class AuthKind(StrEnum):
    NONE = "none"
    BEARER = "bearer"
    HEADER = "header"
    BASIC = "basic"


class ProbeStatus(StrEnum):
    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"
    NOT_APPLICABLE = "not_applicable"
    UNAVAILABLE = "unavailable"


class Visibility(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True)
class Auth:
    """How a seller wants to be greeted. Its text form never shows the secret."""

    kind: AuthKind = AuthKind.NONE
    token: str = ""
    header: str = ""
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Auth({self.kind.value})"


@dataclass(frozen=True)
class Shape:
    """Which arguments a tool takes, from its inputSchema, as a tree.

    `keys` maps an accepted key to the shape below it (None: anything). A key that is absent is dropped from what
    we send when `closed`; an open shape takes whatever comes.
    """

    keys: Mapping[str, Shape | None] = field(default_factory=dict)
    closed: bool = False


@dataclass(frozen=True)
class SellerProfile:
    """What a probe learned about one sales agent (adcp.md 5.3): enough to speak to it the way it can hear."""

    transport: Protocol
    endpoint: str
    protocol_version: str
    """Of the transport, not of AdCP: MCP "2025-06-18", A2A "1.0" or "0.3"."""
    versions: tuple[str, ...] = ()
    """AdCP releases it declares ("3.0", "3.1"); empty when it declares none."""
    tools: Mapping[str, Shape] = field(default_factory=dict)
    replay_ttl: int | None = None
    """Seconds for which a write may be repeated under its key; None: each write is sent once (ruling 0.3)."""
    requires_account_id: bool = False
    """The seller wants its own account id rather than brand and operator (`require_operator_auth`)."""
    billing: tuple[str, ...] = ()
    sandbox: bool = False
    """It declares sandbox accounts."""
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    """Its get_adcp_capabilities answer, nulls taken out, unknown fields kept."""
    quirks: tuple[str, ...] = ()
    """Sentences for the user: what is unusual about this seller and what we do about it."""

    @property
    def only_sandbox(self) -> bool:
        """It says that it is nothing but a sandbox: it is bought from with sandbox money (ruling 0.7)."""
        extension = self.capabilities.get("ext")
        return isinstance(extension, Mapping) and extension.get("sandbox_only") is True

    def takes(self, tool: str, *path: str) -> bool:
        """Whether the tool exists and would accept the argument at `path` (list levels are transparent)."""
        shape: Shape | None = self.tools.get(tool)
        if shape is None:
            return False
        for key in path:
            if shape is None:
                return True
            if key not in shape.keys:
                return not shape.closed
            shape = shape.keys[key]
        return True


@dataclass(frozen=True)
class Seller:
    """All that is needed to call one sales agent for one account: address, credential, profile."""

    id: AgentId
    name: str
    storefront_id: StorefrontId
    storefront_name: str
    endpoint: str
    protocol: Protocol
    auth: Auth = Auth()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    profile: SellerProfile | None = None
    own_sandbox: bool = False
    """One of the sandbox sellers that this server started: the only loopback endpoints that pass the address guard
    without the setting, and the only ones that may be bought from with sandbox money by default."""
    account_identifier: str | None = None
    """This account as the seller numbers it, where a credential says so."""
    billing: str | None = None
    """Who is invoiced here, where the source overrides the setting: operator, agent."""
    operator_domain: str | None = None
    """Who operates here, where the source overrides the setting."""


@dataclass(frozen=True)
class Source:
    """One sales agent of a storefront, as stored."""

    agent_id: AgentId
    storefront_id: StorefrontId
    source_id: str
    endpoint: str
    protocol: Protocol
    own_sandbox: bool
    probe_status: ProbeStatus
    probe_message: str | None
    probed_at: datetime | None
    profile: SellerProfile | None
    name: str | None = None
    billing: str | None = None
    operator_domain: str | None = None


@dataclass(frozen=True)
class Storefront:
    id: StorefrontId
    owner: AccountId | None
    """The account that registered it; None for one that the operator made public to the installation."""
    platform_id: str
    name: str
    visibility: Visibility
    created_at: datetime
    updated_at: datetime
    sources: tuple[Source, ...] = ()


class CredentialType(StrEnum):
    CLIENT = "CLIENT"
    """An account of ours at the seller, by the identifier that the seller gave it."""
    STOREFRONT = "STOREFRONT"
    """What the registration of the source carried: it opens the door and names no account."""


@dataclass(frozen=True)
class Credential:
    """A credential of this account at a source, without its secret: that travels only inside a Seller."""

    id: CredentialId
    storefront_id: StorefrontId
    source_id: str
    account_identifier: str
    account_type: CredentialType
    status: str
    registered_by: str | None
    created_at: datetime
    updated_at: datetime
