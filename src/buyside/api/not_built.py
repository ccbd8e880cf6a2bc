"""Every operation of the contract, so that one which is not built says so instead of "not found" (ruling 0.11).

An operation leaves this answer by getting a route; nothing has to be taken out of the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import Request, Response
from starlette.routing import BaseRoute, Match, Route

from buyside.api.requests import BASE, identify
from buyside.domain.errors import NotImplementedYet


@dataclass(frozen=True)
class ContractOperation:
    method: str
    path: str
    """Relative to the buyer base, parameters in braces."""
    id: str

    @property
    def shape(self) -> tuple[str, str]:
        """Method and path without the names of parameters."""
        return self.method, re.sub(r"\{[^}]*\}", "{}", self.path)


# Source: interchange.md section 3 and its OpenAPI document.
_TABLE = """
POST / mcpInitialize
GET /accounts listCustomerAccounts
POST /accounts/create-child createChildAccount
GET /accounts/current getCurrentAccount
DELETE /accounts/{customerId} deleteChildAccount
PATCH /accounts/{customerId}/domain updateCustomerDomain
GET /accounts/{customerId}/membership getMembershipSettings
PATCH /accounts/{customerId}/membership updateMembershipSettings
GET /activity/calls listActivityCalls
GET /activity/calls/{activityUid} getActivityCall
GET /advertisers listAdvertisers
POST /advertisers createAdvertiser
GET /advertisers/{accountId}/audiences listAudiences
POST /advertisers/{accountId}/audiences/sync syncAudiences
DELETE /advertisers/{advertiserId} deleteAdvertiser
GET /advertisers/{advertiserId} getAdvertiser
PUT /advertisers/{advertiserId} updateAdvertiser
GET /advertisers/{advertiserId}/accounts listAdvertiserAccounts
POST /advertisers/{advertiserId}/accounts assignAccount
GET /advertisers/{advertiserId}/accounts/available listAvailableAccounts
GET /advertisers/{advertiserId}/accounts/{accountId} getAdvertiserAccount
DELETE /advertisers/{advertiserId}/accounts/{linkId} unassignAccount
PUT /advertisers/{advertiserId}/accounts/{linkId}/reporting-bucket updateAccountReportingBucket
GET /advertisers/{advertiserId}/catalogs listCatalogs
POST /advertisers/{advertiserId}/catalogs/sync syncCatalogs
POST /advertisers/{advertiserId}/catalogs/{catalogId}/activation-plan/execute executeCatalogActivationPlan
POST /advertisers/{advertiserId}/catalogs/{catalogId}/activation-plan/preview previewCatalogActivationPlan
POST /advertisers/{advertiserId}/catalogs/{catalogId}/refresh refreshCatalog
PUT /advertisers/{advertiserId}/catalogs/{catalogId}/transform saveCatalogTransform
POST /advertisers/{advertiserId}/context-records uploadContextRecords
GET /advertisers/{advertiserId}/creative-collections listAdvertiserCreativeCollections
POST /advertisers/{advertiserId}/creative-collections createAdvertiserCreativeCollection
POST /advertisers/{advertiserId}/creative-intent getCreativeIntent
GET /advertisers/{advertiserId}/creative/model-credentials listCreativeModelCredentials
POST /advertisers/{advertiserId}/creative/model-credentials connectCreativeModelCredential
GET /advertisers/{advertiserId}/creatives listAdvertiserCreatives
POST /advertisers/{advertiserId}/creatives/create createAdvertiserCreative
POST /advertisers/{advertiserId}/creatives/save-to-library saveCreativesToLibrary
DELETE /advertisers/{advertiserId}/creatives/{creativeId} archiveCreative
POST /advertisers/{advertiserId}/creatives/{creativeId}/campaigns assignCreativeToCampaign
DELETE /advertisers/{advertiserId}/creatives/{creativeId}/campaigns/{campaignId} unassignCreativeFromCampaign
POST /advertisers/{advertiserId}/data-delivery-credentials/{name}/validate revalidateDataDeliveryCredential
GET /advertisers/{advertiserId}/event-sources listEventSources
POST /advertisers/{advertiserId}/event-sources/sync syncEventSources
GET /advertisers/{advertiserId}/events/summary getEventSummary
POST /advertisers/{advertiserId}/log-event logEvent
GET /advertisers/{advertiserId}/measurement-config getMeasurementConfig
PUT /advertisers/{advertiserId}/measurement-config updateMeasurementConfig
POST /advertisers/{advertiserId}/measurement-data/sync syncMeasurementData
GET /advertisers/{advertiserId}/measurement-freshness getMeasurementFreshness
GET /advertisers/{advertiserId}/measurement-records listMeasurementRecords
POST /advertisers/{advertiserId}/measurement-records uploadMeasurementRecords
GET /advertisers/{advertiserId}/measurement-sources listMeasurementSources
POST /advertisers/{advertiserId}/measurement-sources createMeasurementSource
GET /advertisers/{advertiserId}/measurement-sources/{sourceId} getMeasurementSource
PATCH /advertisers/{advertiserId}/measurement-sources/{sourceId} updateMeasurementSource
GET /advertisers/{advertiserId}/property-lists listPropertyLists
POST /advertisers/{advertiserId}/property-lists createPropertyList
DELETE /advertisers/{advertiserId}/property-lists/{listId} deletePropertyList
GET /advertisers/{advertiserId}/property-lists/{listId} getPropertyList
PUT /advertisers/{advertiserId}/property-lists/{listId} updatePropertyList
POST /advertisers/{advertiserId}/restore restoreAdvertiser
POST /advertisers/{advertiserId}/syndicate syndicate
GET /advertisers/{advertiserId}/syndication-status getSyndicationStatus
GET /advertisers/{advertiserId}/test-cohorts listTestCohorts
POST /advertisers/{advertiserId}/test-cohorts createTestCohort
DELETE /advertisers/{advertiserId}/test-cohorts/{cohortId} deleteTestCohort
GET /advertisers/{advertiserId}/test-cohorts/{cohortId} getTestCohort
PUT /advertisers/{advertiserId}/test-cohorts/{cohortId} updateTestCohort
GET /all-advertisers-home listAllAdvertisersHome
POST /api-call mcpApiCall
POST /ask-about-capability mcpAskAboutCapability
GET /asks listAsks
GET /audit-logs listBuyerAuditLogs
POST /auth/buyer-signup-intake submitBuyerSignupIntake
GET /billing/account getBillingAccount
GET /billing/fee-invoices listFeeInvoices
GET /billing/fee-invoices/{invoiceNumber} getFeeInvoice
GET /billing/info getBillingInfo
PUT /billing/info updateBillingInfo
GET /billing/invoice-activity getInvoiceActivity
GET /billing/iu-rate-card getIuRateCardOffer
POST /billing/iu-rate-card/accept acceptIuRateCardOffer
GET /billing/iu-rate-card/document.pdf downloadIuRateCardCommercialOfferDocument
GET /billing/iu-rate-card/v2 getIuRateCardOfferV2
GET /billing/media-entities listMediaBillingEntities
POST /billing/media-entities createMediaBillingEntity
GET /billing/media-entities/attachments listMediaBillingAttachments
POST /billing/media-entities/attachments createMediaBillingAttachment
DELETE /billing/media-entities/attachments/{attachmentId} deleteMediaBillingAttachment
GET /billing/media-entities/resolve resolveMediaBillingEntity
DELETE /billing/media-entities/{entityId} deleteMediaBillingEntity
PUT /billing/media-entities/{entityId} updateMediaBillingEntity
GET /billing/payment-methods listPaymentMethods
POST /billing/payment-methods/pay-now payNow
POST /billing/payment-methods/setup setupPaymentMethod
DELETE /billing/payment-methods/{id} removePaymentMethod
POST /brands/resolve resolveBuyerBrand
GET /browser-origins listBrowserOrigins
POST /browser-origins createBrowserOrigin
DELETE /browser-origins/{id} deleteBrowserOrigin
GET /campaigns listCampaigns
POST /campaigns createCampaign
DELETE /campaigns/{campaignId} deleteCampaign
GET /campaigns/{campaignId} getCampaign
PUT /campaigns/{campaignId} updateCampaign
POST /campaigns/{campaignId}/auto-select-products autoSelectProducts
GET /campaigns/{campaignId}/creative-collections listCreativeCollections
POST /campaigns/{campaignId}/creative-collections createCreativeCollection
GET /campaigns/{campaignId}/creative-collections/{collectionId} getCreativeCollection
PUT /campaigns/{campaignId}/creative-collections/{collectionId} updateCreativeCollection
POST /campaigns/{campaignId}/creative-collections/{collectionId}/attach attachCreativeCollectionToCampaign
DELETE /campaigns/{campaignId}/creative-collections/{collectionId}/members removeCreativeCollectionMembers
POST /campaigns/{campaignId}/creative-collections/{collectionId}/members addCreativeCollectionMembers
GET /campaigns/{campaignId}/creative-confirmation getCreativeConfirmation
POST /campaigns/{campaignId}/creative-confirmation attachCreativesToCampaign
GET /campaigns/{campaignId}/creative-references getCreativeReferences
GET /campaigns/{campaignId}/creative-sessions/{sessionId} getCreativeSession
POST /campaigns/{campaignId}/creative-sessions/{sessionId}/evaluate evaluateCreativeSession
POST /campaigns/{campaignId}/creative-sessions/{sessionId}/finalize finalizeCreativeSession
GET /campaigns/{campaignId}/creativeManifest listCreativeManifests
GET /campaigns/{campaignId}/creatives listCreatives
POST /campaigns/{campaignId}/creatives/bulk-update bulkUpdateCreatives
POST /campaigns/{campaignId}/creatives/create createCreativeManifest
POST /campaigns/{campaignId}/creatives/placements remapCreativePlacements
GET /campaigns/{campaignId}/creatives/templates listCreativeTemplates
DELETE /campaigns/{campaignId}/creatives/{creativeId} deleteCreativeManifest
GET /campaigns/{campaignId}/creatives/{creativeId} getCreativeManifest
PUT /campaigns/{campaignId}/creatives/{creativeId} updateCreativeManifest
POST /campaigns/{campaignId}/creatives/{creativeId}/duplicate duplicateCreative
POST /campaigns/{campaignId}/creatives/{creativeId}/placement remapCreativePlacement
POST /campaigns/{campaignId}/creatives/{creativeId}/preview previewCreative
GET /campaigns/{campaignId}/delivery getDirectedCampaignDelivery
POST /campaigns/{campaignId}/execute executeCampaign
GET /campaigns/{campaignId}/media-buy-status getMediaBuyAdcpStatus
POST /campaigns/{campaignId}/pause pauseCampaign
GET /campaigns/{campaignId}/products getCampaignProducts
GET /campaigns/{campaignId}/property-lists getCampaignPropertyLists
POST /campaigns/{campaignId}/property-lists attachPropertyListToCampaign
POST /campaigns/{campaignId}/reactivate reactivateCampaign
GET /capture-links/{token} exchangeCaptureLink
GET /creative-dashboard-url getCreativeDashboardUrl
PATCH /creative/model-credentials/{id} updateCreativeModelCredential
POST /creatives/stash stashBroughtCreatives
POST /discovery/discover-products discoverProducts
POST /discovery/{discoveryId}/apply-proposal applyProposal
GET /discovery/{discoveryId}/discover-products browseProducts
DELETE /discovery/{discoveryId}/products removeProducts
GET /discovery/{discoveryId}/products getProducts
POST /discovery/{discoveryId}/products addProducts
GET /discovery/{discoveryId}/products/{productId}/details getProductDetails
POST /market-readiness previewMarketReadiness
POST /media-buys/batch createMediaBuysBatch
GET /media-buys/{mediaBuyId} getMediaBuy
PATCH /media-buys/{mediaBuyId} updateMediaBuy
GET /media-buys/{mediaBuyId}/packages getMediaBuyPackages
POST /media-buys/{mediaBuyId}/pause pauseMediaBuy
POST /media-buys/{mediaBuyId}/reactivate reactivateMediaBuy
POST /moderation/check checkModeration
GET /notification-delivery-preferences getNotificationDeliveryPreferences
PUT /notification-delivery-preferences updateNotificationDeliveryPreference
GET /notification-preferences getNotificationPreferences
PUT /notification-preferences updateNotificationPreferences
GET /notifications listNotifications
POST /notifications/read-all readAllNotifications
POST /notifications/{notificationId}/acknowledge acknowledgeNotification
POST /notifications/{notificationId}/read readNotification
GET /optimization-suggestions listOptimizationSuggestions
GET /optimization-suggestions/{suggestionId} getOptimizationSuggestion
POST /optimization-suggestions/{suggestionId}/approve approveOptimizationSuggestion
POST /optimization-suggestions/{suggestionId}/reject rejectOptimizationSuggestion
POST /products/query getMarketplaceProducts
POST /property-lists/check checkPropertyList
GET /property-lists/reports/{reportId} getPropertyListCheckReport
GET /readiness getBuyerReadiness
PATCH /readiness/operator updateBuyerOperator
GET /release-updates listReleaseUpdates
POST /release-updates/seen markReleaseUpdatesSeen
GET /reporting/metrics getReportingMetrics
GET /storefront-connection-account-mappings listStorefrontConnectionAccountMappings
GET /storefront-connections listStorefrontConnections
DELETE /storefront-connections/{connectionId} removeStorefrontConnection
GET /storefront-connections/{connectionId}/accounts listStorefrontConnectionAccounts
POST /storefront-connections/{connectionId}/accounts/{accountId}/advertiser mapStorefrontConnectionAccountToAdvertiser
POST /storefront-connections/{connectionId}/accounts/{accountId}/directed-campaigns/subscribe subscribeDirectedCampaigns
DELETE /storefront-connections/{connectionId}/accounts/{accountId}/directed-campaigns/subscription \
unsubscribeDirectedCampaigns
GET /storefront-connections/{connectionId}/accounts/{accountId}/directed-campaigns/subscription \
getDirectedCampaignSubscription
GET /storefront-connections/{connectionId}/accounts/{accountId}/presences listStorefrontConnectionAccountPresences
PATCH /storefront-connections/{connectionId}/accounts/{accountId}/select selectStorefrontConnectionAccount
GET /storefronts listStorefronts
GET /storefronts/credentials listStorefrontCredentials
GET /storefronts/{storefrontId} getStorefront
GET /storefronts/{storefrontId}/capabilities getStorefrontCapabilities
POST /storefronts/{storefrontId}/connection connectStorefront
PATCH /storefronts/{storefrontId}/connection-policy updateStorefrontConnectionPolicy
GET /storefronts/{storefrontId}/publishers listBuyerStorefrontPublishers
POST /storefronts/{storefrontId}/sources/{sourceId}/adcp-connection connectAdcpStorefront
POST /storefronts/{storefrontId}/sources/{sourceId}/credentials registerSourceCredentials
GET /supply-requests listSupplyRequests
POST /supply-requests requestSupply
POST /supply-requests/remove removeSupplyRequest
GET /supply-requests/suggestions suggestSupplyRequests
GET /targeting/dimensions listTargetingDimensions
GET /targeting/dimensions/{system} listTargetingDimensionValues
GET /targeting/dimensions/{system}/resolve resolveTargetingDimension
GET /targeting/geo-metros listGeoMetros
GET /tasks/{taskId} getTask
DELETE /update-proposals/{id} cancelUpdateProposal
GET /update-proposals/{id} getUpdateProposal
GET /webhook-subscriptions listWebhookSubscriptions
POST /webhook-subscriptions createWebhookSubscription
DELETE /webhook-subscriptions/{id} deleteWebhookSubscription
"""
_MARK = "not built"
CONTRACT = tuple(ContractOperation(*line.split()) for line in _TABLE.strip().splitlines())


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)))


_PATTERNS = tuple((operation, _pattern(operation.path)) for operation in CONTRACT)


def _matching(path: str) -> Iterator[ContractOperation]:
    if path.startswith(BASE):
        rest = path[len(BASE) :] or "/"
        yield from (operation for operation, pattern in _PATTERNS if pattern.fullmatch(rest))


def at(method: str, path: str) -> ContractOperation | None:
    """The contract's operation at an address that no route answers."""
    return next((operation for operation in _matching(path) if operation.method == method), None)


def methods(request: Request) -> list[str]:
    """What the address takes, for an answer that a method is not allowed; where nothing is built, what it will take."""
    built: set[str] = set()
    for route in request.app.router.routes:
        if isinstance(route, Route) and route.name != _MARK and route.matches(request.scope)[0] is not Match.NONE:
            built |= route.methods or set()
    return sorted(built or {operation.method for operation in _matching(request.url.path)})


def answer(operation: ContractOperation) -> NotImplementedYet:
    return NotImplementedYet(f"{operation.id} is not built yet.", details={"operation": operation.id})


def shadowed(built: Sequence[BaseRoute]) -> list[Route]:
    """Routes for unbuilt operations whose address a built route with a parameter would take for its own."""
    routes = [route for route in built if isinstance(route, Route)]
    shapes = {(method, re.sub(r"\{[^}]*\}", "{}", route.path)) for route in routes for method in route.methods or ()}
    taken = []
    for operation in CONTRACT:
        method, path = operation.shape
        mine = BASE + operation.path
        if (method, BASE + path) not in shapes and any(
            method in (route.methods or ()) and _covers(route.path, mine) for route in routes
        ):
            taken.append(_route(operation))
    return taken


def _covers(built: str, other: str) -> bool:
    return _pattern(built).fullmatch(other) is not None


def _route(operation: ContractOperation) -> Route:
    async def refuse(request: Request) -> Response:
        await identify(request)
        raise answer(operation)

    return Route(BASE + operation.path, refuse, methods=[operation.method], name=_MARK)
