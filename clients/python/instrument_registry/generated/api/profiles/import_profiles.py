from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.import_answer import ImportAnswer
from ...models.import_body import ImportBody
from ...models.problem import Problem
from ...models.subscription_type import SubscriptionType
from ...types import UNSET, File, Response, Unset


def _get_kwargs(
    user_id: str,
    *,
    body: ImportBody | File | Unset = UNSET,
    profile_name: str | Unset = "Watchlist",
    subscription_type: SubscriptionType | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    params: dict[str, Any] = {}

    params["profile_name"] = profile_name

    json_subscription_type: str | Unset = UNSET
    if not isinstance(subscription_type, Unset):
        json_subscription_type = subscription_type.value

    params["subscription_type"] = json_subscription_type

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/internal/subscription-profiles/users/{user_id}/import".format(
            user_id=quote(str(user_id), safe=""),
        ),
        "params": params,
    }

    if isinstance(body, ImportBody):
        _kwargs["json"] = body.to_dict()

        headers["Content-Type"] = "application/json"
    if isinstance(body, File):
        _kwargs["content"] = body.payload
        headers["Content-Type"] = "text/csv"
    if isinstance(body, File):
        _kwargs["content"] = body.payload
        headers["Content-Type"] = "text/plain"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ImportAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = ImportAnswer.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())

        return response_408

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())

        return response_415

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if response.status_code == 504:
        response_504 = Problem.from_dict(response.json())

        return response_504

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ImportAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: ImportBody | File | Unset = UNSET,
    profile_name: str | Unset = "Watchlist",
    subscription_type: SubscriptionType | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ImportAnswer | Problem]:
    """Import profiles

     Creates a profile for each entry of a file. An entry that fails does not affect the others.

    Args:
        user_id (str): The id of a user of profiles.
        profile_name (str | Unset):  Default: 'Watchlist'.
        subscription_type (SubscriptionType | Unset): The use of the instruments.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ImportBody): The profiles to import.
        body (File): A CSV file: one key per line, or a header and one row per instrument.
        body (File): A CSV file: one key per line, or a header and one row per instrument.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ImportAnswer | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        body=body,
        profile_name=profile_name,
        subscription_type=subscription_type,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: ImportBody | File | Unset = UNSET,
    profile_name: str | Unset = "Watchlist",
    subscription_type: SubscriptionType | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ImportAnswer | Problem | None:
    """Import profiles

     Creates a profile for each entry of a file. An entry that fails does not affect the others.

    Args:
        user_id (str): The id of a user of profiles.
        profile_name (str | Unset):  Default: 'Watchlist'.
        subscription_type (SubscriptionType | Unset): The use of the instruments.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ImportBody): The profiles to import.
        body (File): A CSV file: one key per line, or a header and one row per instrument.
        body (File): A CSV file: one key per line, or a header and one row per instrument.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ImportAnswer | Problem
    """

    return sync_detailed(
        user_id=user_id,
        client=client,
        body=body,
        profile_name=profile_name,
        subscription_type=subscription_type,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: ImportBody | File | Unset = UNSET,
    profile_name: str | Unset = "Watchlist",
    subscription_type: SubscriptionType | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ImportAnswer | Problem]:
    """Import profiles

     Creates a profile for each entry of a file. An entry that fails does not affect the others.

    Args:
        user_id (str): The id of a user of profiles.
        profile_name (str | Unset):  Default: 'Watchlist'.
        subscription_type (SubscriptionType | Unset): The use of the instruments.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ImportBody): The profiles to import.
        body (File): A CSV file: one key per line, or a header and one row per instrument.
        body (File): A CSV file: one key per line, or a header and one row per instrument.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ImportAnswer | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        body=body,
        profile_name=profile_name,
        subscription_type=subscription_type,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: ImportBody | File | Unset = UNSET,
    profile_name: str | Unset = "Watchlist",
    subscription_type: SubscriptionType | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ImportAnswer | Problem | None:
    """Import profiles

     Creates a profile for each entry of a file. An entry that fails does not affect the others.

    Args:
        user_id (str): The id of a user of profiles.
        profile_name (str | Unset):  Default: 'Watchlist'.
        subscription_type (SubscriptionType | Unset): The use of the instruments.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ImportBody): The profiles to import.
        body (File): A CSV file: one key per line, or a header and one row per instrument.
        body (File): A CSV file: one key per line, or a header and one row per instrument.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ImportAnswer | Problem
    """

    return (
        await asyncio_detailed(
            user_id=user_id,
            client=client,
            body=body,
            profile_name=profile_name,
            subscription_type=subscription_type,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
