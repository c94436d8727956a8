from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.broker import Broker
from ...models.limits_answer import LimitsAnswer
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    broker_id: Broker,
    *,
    tier: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    params: dict[str, Any] = {}

    params["tier"] = tier

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/brokers/{broker_id}/limits".format(
            broker_id=quote(str(broker_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> LimitsAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = LimitsAnswer.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

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
) -> Response[LimitsAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    broker_id: Broker,
    *,
    client: AuthenticatedClient,
    tier: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[LimitsAnswer | Problem]:
    """Get the limits of a broker

     Returns the limits of an account in effect. Each figure has its source, the day on which the source
    was checked, the values of other sources, and whether the file of limits in the settings overrides
    it.

    Args:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`,
            `fivepaisa` and `breeze` are not read.
        tier (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[LimitsAnswer | Problem]
    """

    kwargs = _get_kwargs(
        broker_id=broker_id,
        tier=tier,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    broker_id: Broker,
    *,
    client: AuthenticatedClient,
    tier: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> LimitsAnswer | Problem | None:
    """Get the limits of a broker

     Returns the limits of an account in effect. Each figure has its source, the day on which the source
    was checked, the values of other sources, and whether the file of limits in the settings overrides
    it.

    Args:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`,
            `fivepaisa` and `breeze` are not read.
        tier (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        LimitsAnswer | Problem
    """

    return sync_detailed(
        broker_id=broker_id,
        client=client,
        tier=tier,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    broker_id: Broker,
    *,
    client: AuthenticatedClient,
    tier: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[LimitsAnswer | Problem]:
    """Get the limits of a broker

     Returns the limits of an account in effect. Each figure has its source, the day on which the source
    was checked, the values of other sources, and whether the file of limits in the settings overrides
    it.

    Args:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`,
            `fivepaisa` and `breeze` are not read.
        tier (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[LimitsAnswer | Problem]
    """

    kwargs = _get_kwargs(
        broker_id=broker_id,
        tier=tier,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    broker_id: Broker,
    *,
    client: AuthenticatedClient,
    tier: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> LimitsAnswer | Problem | None:
    """Get the limits of a broker

     Returns the limits of an account in effect. Each figure has its source, the day on which the source
    was checked, the values of other sources, and whether the file of limits in the settings overrides
    it.

    Args:
        broker_id (Broker): A broker. Plans can be made for all of them; files of `kotak`,
            `fivepaisa` and `breeze` are not read.
        tier (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        LimitsAnswer | Problem
    """

    return (
        await asyncio_detailed(
            broker_id=broker_id,
            client=client,
            tier=tier,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
