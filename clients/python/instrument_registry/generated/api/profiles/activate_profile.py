from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.activate_body import ActivateBody
from ...models.change_answer import ChangeAnswer
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    profile_id: str,
    *,
    body: ActivateBody | Unset = UNSET,
    if_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["If-Match"] = if_match

    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/internal/subscription-profiles/{profile_id}/activate".format(
            profile_id=quote(str(profile_id), safe=""),
        ),
    }

    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ChangeAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = ChangeAnswer.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())

        return response_408

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 412:
        response_412 = Problem.from_dict(response.json())

        return response_412

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
) -> Response[ChangeAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    profile_id: str,
    *,
    client: AuthenticatedClient,
    body: ActivateBody | Unset = UNSET,
    if_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ChangeAnswer | Problem]:
    """Activate a profile

     Activates a profile that is inactive or has expired. A profile that has expired requires a later
    `expires_at`, or null.

    Args:
        profile_id (str): The id of a profile.
        if_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ActivateBody | Unset): The new expiry of an activated profile.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChangeAnswer | Problem]
    """

    kwargs = _get_kwargs(
        profile_id=profile_id,
        body=body,
        if_match=if_match,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    profile_id: str,
    *,
    client: AuthenticatedClient,
    body: ActivateBody | Unset = UNSET,
    if_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ChangeAnswer | Problem | None:
    """Activate a profile

     Activates a profile that is inactive or has expired. A profile that has expired requires a later
    `expires_at`, or null.

    Args:
        profile_id (str): The id of a profile.
        if_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ActivateBody | Unset): The new expiry of an activated profile.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChangeAnswer | Problem
    """

    return sync_detailed(
        profile_id=profile_id,
        client=client,
        body=body,
        if_match=if_match,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    profile_id: str,
    *,
    client: AuthenticatedClient,
    body: ActivateBody | Unset = UNSET,
    if_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ChangeAnswer | Problem]:
    """Activate a profile

     Activates a profile that is inactive or has expired. A profile that has expired requires a later
    `expires_at`, or null.

    Args:
        profile_id (str): The id of a profile.
        if_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ActivateBody | Unset): The new expiry of an activated profile.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChangeAnswer | Problem]
    """

    kwargs = _get_kwargs(
        profile_id=profile_id,
        body=body,
        if_match=if_match,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    profile_id: str,
    *,
    client: AuthenticatedClient,
    body: ActivateBody | Unset = UNSET,
    if_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ChangeAnswer | Problem | None:
    """Activate a profile

     Activates a profile that is inactive or has expired. A profile that has expired requires a later
    `expires_at`, or null.

    Args:
        profile_id (str): The id of a profile.
        if_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ActivateBody | Unset): The new expiry of an activated profile.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChangeAnswer | Problem
    """

    return (
        await asyncio_detailed(
            profile_id=profile_id,
            client=client,
            body=body,
            if_match=if_match,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
