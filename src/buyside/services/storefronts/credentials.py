from __future__ import annotations

from buyside.domain.accounts import Right
from buyside.domain.decisions import Subject
from buyside.domain.errors import NotFound
from buyside.domain.ids import CredentialId, StorefrontId
from buyside.domain.storefronts import Auth, Credential, CredentialType, Storefront
from buyside.services import profiles
from buyside.services.work import Work


async def list_credentials(work: Work) -> list[tuple[Credential, Storefront]]:
    """This account's accounts at sellers, without their secrets, each with its storefront."""
    work.require(Right.READ)
    async with work.reading() as tx:
        found = [each for each in await tx.storefronts.credentials() if each.account_type is CredentialType.CLIENT]
        shops = {shop.id: shop for shop in await tx.storefronts.by_ids([each.storefront_id for each in found])}
    return [(each, shops[each.storefront_id]) for each in found if each.storefront_id in shops]


async def add_credential(
    work: Work, storefront_id: StorefrontId, source_id: str, account_identifier: str, auth: Auth
) -> Credential:
    """Name an account of ours at the seller, and what opens it. The secret is encrypted and never shown.

    Raises: NotFound, Conflict when the source has a credential for that account.
    """
    work.require(Right.CREDENTIALS)
    now = work.now()
    async with work.writing() as tx:
        shop = await tx.storefronts.get(storefront_id)
        source = next((each for each in shop.sources if each.source_id == source_id), None)
        if source is None:
            raise NotFound(f"Storefront {storefront_id} has no source {source_id}.")
        new = Credential(
            CredentialId(0),
            storefront_id,
            source_id,
            account_identifier,
            CredentialType.CLIENT,
            "ACTIVE",
            work.caller.name,
            now,
            now,
        )
        made = await tx.storefronts.add_credential(new, auth)
        await tx.record(
            "credential.registered",
            f"Registered account {account_identifier} at {source.name or shop.name}.",
            Subject("storefront", str(storefront_id)),
            after={"sourceId": source_id, "accountIdentifier": account_identifier, "auth": auth.kind.value},
        )
    if source.profile is None:
        # It may have refused to say what it is until somebody identified himself.
        async with work.reading() as tx:
            seller = await tx.storefronts.seller(source.agent_id)
        await profiles.probe(work, seller)
    return made


async def remove_credential(work: Work, credential_id: CredentialId) -> None:
    """Destroy the secret. Buys that live there are from now on managed with what the registration carried, if anything.

    Raises: NotFound.
    """
    work.require(Right.CREDENTIALS)
    async with work.writing() as tx:
        gone = await tx.storefronts.remove_credential(credential_id)
        await tx.record(
            "credential.removed",
            f"Removed the credential of account {gone.account_identifier}.",
            Subject("storefront", str(gone.storefront_id)),
            before={"sourceId": gone.source_id, "accountIdentifier": gone.account_identifier},
            after={},
        )
