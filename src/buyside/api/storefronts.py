"""Sellers over REST. Registering, changing, probing and deleting them are extensions of ours."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Response

from buyside.api.envelope import nothing, reply
from buyside.api.paging import StorefrontPage
from buyside.api.requests import Signed, SourcePath, StorefrontPath, router
from buyside.domain.errors import NotImplementedYet
from buyside.domain.ids import CredentialId
from buyside.domain.storefronts import Auth, AuthKind, Protocol, Visibility
from buyside.schemas import storefronts as wire
from buyside.schemas.showing import storefronts as show
from buyside.schemas.wire import LARGEST_INT
from buyside.services import storefronts
from buyside.services.storefronts import Changes, Filter, NewSource, NewStorefront, SourceChange

routes = router("Storefronts")

Text = Annotated[str | None, Query(min_length=1, max_length=255)]
DomainQuery = Annotated[str | None, Query(alias="publisherDomain", min_length=1, max_length=255)]
StatusQuery = Annotated[wire.StorefrontStatusFilter | None, Query(description="transacting: can be bought from now.")]
CredentialPath = Annotated[CredentialId, Path(alias="credentialId", ge=1, le=LARGEST_INT)]
AUTH_KINDS = {"bearer": AuthKind.BEARER, "apikey": AuthKind.BEARER, "api_key": AuthKind.BEARER, "basic": AuthKind.BASIC}


@routes.get("/storefronts", operation_id="listStorefronts", response_model=wire.BuyerStorefrontList)
async def list_storefronts(
    work: Signed,
    part: StorefrontPage,
    name: Text = None,
    status: StatusQuery = None,
    channel: Text = None,
    region: Text = None,
    visibility: wire.VisibilityName | None = None,
    publisher_domain: DomainQuery = None,
) -> Response:
    """List storefronts: the account's own and the public ones; `visibility` narrows."""
    only = Visibility(visibility) if visibility else None
    wanted = Filter(name, only, status, channel, region, publisher_domain)
    shops, total = await storefronts.page(work, wanted, limit=part.take, offset=part.skip)
    items = [show.summary(shop) for shop in shops]
    more, then = part.has_more(len(items), total), part.next_offset(len(items), total)
    answer = wire.BuyerStorefrontList(items=items, total=total, has_more=more, next_offset=then)
    return reply(answer, meta=part.meta(len(items), total))


@routes.post("/storefronts", operation_id="registerStorefront", status_code=201, response_model=wire.BuyerStorefront)
async def register_storefront(work: Signed, body: wire.RegisterStorefrontBody) -> Response:
    """Register a seller: its sales agents are asked what they are, and what was found is stored and shown.

    An agent that does not answer is stored as unreachable. An address in a private range is refused unless
    BUYSIDE_ALLOW_PRIVATE_ENDPOINTS is set. Needs an ADMIN key.
    """
    new = NewStorefront(body.name, [_new_source(each) for each in body.sources], body.platform_id)
    return reply(show.storefront(await storefronts.register(work, new)), 201)


@routes.get(
    "/storefronts/credentials", operation_id="listStorefrontCredentials", response_model=wire.BuyerCredentialList
)
async def list_credentials(work: Signed) -> Response:
    """List the account's own accounts at sellers. Secrets are never shown."""
    return reply(show.credentials(await storefronts.list_credentials(work)))


@routes.delete(
    "/storefronts/credentials/{credentialId}",
    operation_id="removeSourceCredentials",
    status_code=204,
    response_class=Response,
)
async def remove_credential(work: Signed, credential_id: CredentialPath) -> Response:
    """Destroy a credential. Buys that live there may become unmanageable. Needs an ADMIN key."""
    await storefronts.remove_credential(work, credential_id)
    return nothing()


@routes.get("/storefronts/{storefrontId}", operation_id="getStorefront", response_model=wire.BuyerStorefront)
async def get_storefront(work: Signed, storefront_id: StorefrontPath) -> Response:
    """Show one storefront: its sales agents, how they answered, and what is unusual about each."""
    return reply(show.storefront(await storefronts.get(work, storefront_id)))


@routes.put("/storefronts/{storefrontId}", operation_id="updateStorefront", response_model=wire.BuyerStorefront)
async def update_storefront(work: Signed, storefront_id: StorefrontPath, body: wire.UpdateStorefrontBody) -> Response:
    """Change names, endpoints and credentials; agents that are reached in another way are asked anew.

    Buys that are live there are from then on managed at the new endpoint. Needs an ADMIN key.
    """
    wanted = Changes(body.name, [_source_change(each) for each in body.sources or ()])
    return reply(show.storefront(await storefronts.update(work, storefront_id, wanted)))


@routes.post("/storefronts/{storefrontId}/probe", operation_id="probeStorefront", response_model=wire.BuyerStorefront)
async def probe_storefront(work: Signed, storefront_id: StorefrontPath) -> Response:
    """Ask the storefront's agents anew what they are. Needs an ADMIN key."""
    return reply(show.storefront(await storefronts.probe(work, storefront_id)))


@routes.delete("/storefronts/{storefrontId}", operation_id="deleteStorefront", status_code=204, response_class=Response)
async def delete_storefront(work: Signed, storefront_id: StorefrontPath) -> Response:
    """Delete a storefront and destroy its credentials. Refused while a buy there lives. Needs an ADMIN key."""
    await storefronts.delete(work, storefront_id)
    return nothing()


@routes.get(
    "/storefronts/{storefrontId}/capabilities",
    operation_id="getStorefrontCapabilities",
    response_model=wire.BuyerStorefrontCapabilitiesResponse,
)
async def get_capabilities(work: Signed, storefront_id: StorefrontPath) -> Response:
    """Show what each agent can do, asked of it within the last day."""
    return reply(show.capabilities(await storefronts.capabilities(work, storefront_id)))


@routes.get(
    "/storefronts/{storefrontId}/publishers",
    operation_id="listBuyerStorefrontPublishers",
    response_model=wire.StorefrontPublishersResponse,
)
async def list_publishers(
    work: Signed,
    storefront_id: StorefrontPath,
    part: StorefrontPage,
    verification: Literal["verified", "declared"] | None = None,
    q: Text = None,
) -> Response:
    """List publishers that the agents declare or have offered. None is verified by this server."""
    only = None if verification is None else verification == "verified"
    found = await storefronts.publishers(work, storefront_id, verified=only, text=q, limit=part.take, offset=part.skip)
    return reply(show.publishers(found))


@routes.post(
    "/storefronts/{storefrontId}/sources/{sourceId}/credentials",
    operation_id="registerSourceCredentials",
    status_code=201,
    response_model=wire.BuyerCredentialRegistrationResponse,
)
async def register_credentials(
    work: Signed, storefront_id: StorefrontPath, source_id: SourcePath, body: wire.RegisterSourceCredentialsBody
) -> Response:
    """Name the account's account at a seller, with what opens it. It is encrypted. Needs an ADMIN key."""
    auth = _credential_auth(body.auth)
    made = await storefronts.add_credential(work, storefront_id, source_id, body.account_identifier, auth)
    return reply(show.credential(made), 201)


def _auth(given: wire.SourceAuth | None) -> Auth | None:
    if given is None:
        return None
    kind = AuthKind(given.type)
    return Auth(kind, given.token or "", given.header or "", given.username or "", given.password or "")


def _credential_auth(given: wire.CredentialAuth | None) -> Auth:
    """Raises: NotImplementedYet for OAuth and JWT, naming them."""
    if given is None or given.type is None:
        raise NotImplementedYet("Credentials without auth (OAuth) are not supported yet.", field="auth")
    if given.type == "jwt":
        raise NotImplementedYet("Credentials of type jwt are not supported yet.", field="auth.type")
    return Auth(AUTH_KINDS[given.type], given.token or "", "", given.username or "", given.password or "")


def _new_source(given: wire.SourceInput) -> NewSource:
    return NewSource(
        given.endpoint_url,
        Protocol(given.protocol),
        _auth(given.auth) or Auth(),
        given.headers or {},
        given.source_id,
        given.name,
        given.billing,
        given.operator_domain,
    )


def _source_change(given: wire.SourceChange) -> SourceChange:
    return SourceChange(
        given.source_id,
        given.endpoint_url,
        Protocol(given.protocol) if given.protocol else None,
        _auth(given.auth),
        given.headers,
        given.name,
        given.billing,
        given.operator_domain,
    )
