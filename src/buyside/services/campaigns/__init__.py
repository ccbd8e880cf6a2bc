"""Campaigns: edited, staged, executed, paused and read. One module a verb; the verbs are gathered here."""

from buyside.services.campaigns.editing import NewCampaign, create, delete, update
from buyside.services.campaigns.execution import Executed, execute
from buyside.services.campaigns.pausing import Cascade, pause, reactivate
from buyside.services.campaigns.reading import CampaignView, get, page, products, property_lists
from buyside.services.campaigns.selecting import auto_select
from buyside.services.campaigns.staging import stage
from buyside.services.campaigns.status import status

__all__ = [
    "CampaignView",
    "Cascade",
    "Executed",
    "NewCampaign",
    "auto_select",
    "create",
    "delete",
    "execute",
    "get",
    "page",
    "pause",
    "products",
    "property_lists",
    "reactivate",
    "stage",
    "status",
    "update",
]
