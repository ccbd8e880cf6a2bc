"""Identifiers, one type each, so that a checker tells a campaign from a media buy."""

from typing import NewType

AccountId = NewType("AccountId", int)
AdvertiserId = NewType("AdvertiserId", int)
StorefrontId = NewType("StorefrontId", int)
CredentialId = NewType("CredentialId", int)
KeyId = NewType("KeyId", int)
AgentId = NewType("AgentId", str)
"""`agent_` + the source row's own key: unique in the installation, unlike a sourceId (interchange.md 0.8)."""
CampaignId = NewType("CampaignId", str)
MediaBuyId = NewType("MediaBuyId", str)
OperationId = NewType("OperationId", str)
DiscoveryId = NewType("DiscoveryId", str)
CreativeId = NewType("CreativeId", str)
DecisionId = NewType("DecisionId", str)
StopId = NewType("StopId", str)
NotificationId = NewType("NotificationId", str)
