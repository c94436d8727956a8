from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.instrument_answer import InstrumentAnswer
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    instrument_key: str,
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
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/instruments/{instrument_key}".format(
            instrument_key=quote(str(instrument_key), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> InstrumentAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = InstrumentAnswer.from_dict(response.json())

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
) -> Response[InstrumentAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    instrument_key: str,
    *,
    client: AuthenticatedClient,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[InstrumentAnswer | Problem]:
    """Get an instrument

     Returns the instrument with this key or alias, the broker whose file each field comes from, and the
    fields on which brokers contradict each other.

    Args:
        instrument_key (str): The key of an instrument: `EXCHANGE:SYMBOL`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InstrumentAnswer | Problem]
    """

    kwargs = _get_kwargs(
        instrument_key=instrument_key,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    instrument_key: str,
    *,
    client: AuthenticatedClient,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> InstrumentAnswer | Problem | None:
    """Get an instrument

     Returns the instrument with this key or alias, the broker whose file each field comes from, and the
    fields on which brokers contradict each other.

    Args:
        instrument_key (str): The key of an instrument: `EXCHANGE:SYMBOL`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InstrumentAnswer | Problem
    """

    return sync_detailed(
        instrument_key=instrument_key,
        client=client,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    instrument_key: str,
    *,
    client: AuthenticatedClient,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[InstrumentAnswer | Problem]:
    """Get an instrument

     Returns the instrument with this key or alias, the broker whose file each field comes from, and the
    fields on which brokers contradict each other.

    Args:
        instrument_key (str): The key of an instrument: `EXCHANGE:SYMBOL`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InstrumentAnswer | Problem]
    """

    kwargs = _get_kwargs(
        instrument_key=instrument_key,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    instrument_key: str,
    *,
    client: AuthenticatedClient,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> InstrumentAnswer | Problem | None:
    """Get an instrument

     Returns the instrument with this key or alias, the broker whose file each field comes from, and the
    fields on which brokers contradict each other.

    Args:
        instrument_key (str): The key of an instrument: `EXCHANGE:SYMBOL`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InstrumentAnswer | Problem
    """

    return (
        await asyncio_detailed(
            instrument_key=instrument_key,
            client=client,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
