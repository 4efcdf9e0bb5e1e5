"""Records of the CRM and what stands on their timelines."""

from deploy.local.rep import Json, Rep


async def new_contact(api: Rep, address: str) -> Json:
    """A contact with this address."""
    answer = await api.http.post(
        f"{api.app_url}/v1/contacts",
        headers={"Authorization": f"Bearer {api.token}"},
        json={"name": address.partition("@")[0].title(), "addresses": [address]},
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def logged(api: Rep, contact: Json) -> list[Json]:
    """The mails on the contact's timeline, oldest first."""
    rows = (await api.get(f"/v1/contacts/{contact['id']}/timeline", type="email"))["items"]
    return list(reversed(rows))
