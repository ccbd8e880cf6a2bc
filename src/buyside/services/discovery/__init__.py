"""Discovery: sellers asked all at once, their offers kept in a session, products picked from it."""

from buyside.services.discovery.browsing import browse, details, products
from buyside.services.discovery.scene import Ask
from buyside.services.discovery.searching import discover
from buyside.services.discovery.selecting import AppliedProposal, Selected, add, apply_proposal, remove, selected

__all__ = [
    "AppliedProposal",
    "Ask",
    "Selected",
    "add",
    "apply_proposal",
    "browse",
    "details",
    "discover",
    "products",
    "remove",
    "selected",
]
