from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.dismiss_answer import DismissAnswer
from ...models.file_broker import FileBroker
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    broker_id: FileBroker,
    *,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    _kwargs: dict[str, Any] = {
        "method": "delete",
        "url": "/api/v1/internal/instrument-registry/brokers/{broker_id}/rejections".format(
            broker_id=quote(str(broker_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> DismissAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = DismissAnswer.from_dict(response.json())

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
) -> Response[DismissAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    broker_id: FileBroker,
    *,
    client: AuthenticatedClient,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[DismissAnswer | Problem]:
    """Dismiss the rejected files of a broker

     Deletes the rejections of the broker, so that they no longer degrade `/ready`, the status and the
    metrics. The catalog does not change: the last accepted file stays in service. Other replicas follow
    within seconds.

    Args:
        broker_id (FileBroker): A broker whose files the service reads.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[DismissAnswer | Problem]
    """

    kwargs = _get_kwargs(
        broker_id=broker_id,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    broker_id: FileBroker,
    *,
    client: AuthenticatedClient,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> DismissAnswer | Problem | None:
    """Dismiss the rejected files of a broker

     Deletes the rejections of the broker, so that they no longer degrade `/ready`, the status and the
    metrics. The catalog does not change: the last accepted file stays in service. Other replicas follow
    within seconds.

    Args:
        broker_id (FileBroker): A broker whose files the service reads.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        DismissAnswer | Problem
    """

    return sync_detailed(
        broker_id=broker_id,
        client=client,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    broker_id: FileBroker,
    *,
    client: AuthenticatedClient,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[DismissAnswer | Problem]:
    """Dismiss the rejected files of a broker

     Deletes the rejections of the broker, so that they no longer degrade `/ready`, the status and the
    metrics. The catalog does not change: the last accepted file stays in service. Other replicas follow
    within seconds.

    Args:
        broker_id (FileBroker): A broker whose files the service reads.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[DismissAnswer | Problem]
    """

    kwargs = _get_kwargs(
        broker_id=broker_id,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    broker_id: FileBroker,
    *,
    client: AuthenticatedClient,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> DismissAnswer | Problem | None:
    """Dismiss the rejected files of a broker

     Deletes the rejections of the broker, so that they no longer degrade `/ready`, the status and the
    metrics. The catalog does not change: the last accepted file stays in service. Other replicas follow
    within seconds.

    Args:
        broker_id (FileBroker): A broker whose files the service reads.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        DismissAnswer | Problem
    """

    return (
        await asyncio_detailed(
            broker_id=broker_id,
            client=client,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
