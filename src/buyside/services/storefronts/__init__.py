"""Storefronts: sellers registered, probed, changed, shown. One module a verb; the verbs are gathered here."""

from buyside.services.storefronts.asking import shown as shown_address
from buyside.services.storefronts.credentials import add_credential, list_credentials, remove_credential
from buyside.services.storefronts.reading import (
    Filter,
    Performance,
    Publisher,
    Publishers,
    SourceView,
    StorefrontView,
    capabilities,
    get,
    page,
    publishers,
)
from buyside.services.storefronts.registering import NewSource, NewStorefront, register
from buyside.services.storefronts.sandboxes import SandboxSeller, ensure_sandbox, retire_sandbox, sandbox_sellers
from buyside.services.storefronts.updating import Changes, SourceChange, delete, probe, update

__all__ = [
    "Changes",
    "Filter",
    "NewSource",
    "NewStorefront",
    "Performance",
    "Publisher",
    "Publishers",
    "SandboxSeller",
    "SourceChange",
    "SourceView",
    "StorefrontView",
    "add_credential",
    "capabilities",
    "delete",
    "ensure_sandbox",
    "get",
    "list_credentials",
    "page",
    "probe",
    "publishers",
    "register",
    "remove_credential",
    "retire_sandbox",
    "sandbox_sellers",
    "shown_address",
    "update",
]
