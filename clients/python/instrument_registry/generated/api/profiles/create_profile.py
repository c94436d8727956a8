from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.change_answer import ChangeAnswer
from ...models.problem import Problem
from ...models.profile_body import ProfileBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: ProfileBody,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/internal/subscription-profiles",
    }

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

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())

        return response_408

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

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
    *,
    client: AuthenticatedClient,
    body: ProfileBody,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ChangeAnswer | Problem]:
    """Create a profile

     Creates an active profile. The strategy in effect resolves conflicts with the limits and with other
    profiles of the user. The scope of an `Idempotency-Key` is the user. A request that fails with a
    conflict (409) does not use its key: a repeat is decided again and records its conflicts again.

    Args:
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ProfileBody): A new profile.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChangeAnswer | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: ProfileBody,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ChangeAnswer | Problem | None:
    """Create a profile

     Creates an active profile. The strategy in effect resolves conflicts with the limits and with other
    profiles of the user. The scope of an `Idempotency-Key` is the user. A request that fails with a
    conflict (409) does not use its key: a repeat is decided again and records its conflicts again.

    Args:
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ProfileBody): A new profile.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChangeAnswer | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: ProfileBody,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ChangeAnswer | Problem]:
    """Create a profile

     Creates an active profile. The strategy in effect resolves conflicts with the limits and with other
    profiles of the user. The scope of an `Idempotency-Key` is the user. A request that fails with a
    conflict (409) does not use its key: a repeat is decided again and records its conflicts again.

    Args:
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ProfileBody): A new profile.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChangeAnswer | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: ProfileBody,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ChangeAnswer | Problem | None:
    """Create a profile

     Creates an active profile. The strategy in effect resolves conflicts with the limits and with other
    profiles of the user. The scope of an `Idempotency-Key` is the user. A request that fails with a
    conflict (409) does not use its key: a repeat is decided again and records its conflicts again.

    Args:
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (ProfileBody): A new profile.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChangeAnswer | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
