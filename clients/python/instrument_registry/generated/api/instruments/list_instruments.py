from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.exchange import Exchange
from ...models.instrument_type import InstrumentType
from ...models.instruments_answer import InstrumentsAnswer
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    exchange: Exchange | Unset = UNSET,
    instrument_type: InstrumentType | Unset = UNSET,
    is_active: bool | Unset = True,
    limit: int | Unset = 100,
    offset: int | Unset = 0,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    params: dict[str, Any] = {}

    json_exchange: str | Unset = UNSET
    if not isinstance(exchange, Unset):
        json_exchange = exchange.value

    params["exchange"] = json_exchange

    json_instrument_type: str | Unset = UNSET
    if not isinstance(instrument_type, Unset):
        json_instrument_type = instrument_type.value

    params["instrument_type"] = json_instrument_type

    params["is_active"] = is_active

    params["limit"] = limit

    params["offset"] = offset

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/instruments",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> InstrumentsAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = InstrumentsAnswer.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

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
) -> Response[InstrumentsAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    exchange: Exchange | Unset = UNSET,
    instrument_type: InstrumentType | Unset = UNSET,
    is_active: bool | Unset = True,
    limit: int | Unset = 100,
    offset: int | Unset = 0,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[InstrumentsAnswer | Problem]:
    """List instruments

     Returns a page of the instruments that match every filter, sorted by exchange, then symbol.

    Args:
        exchange (Exchange | Unset): The exchange of an instrument: the part of its key before the
            colon.
        instrument_type (InstrumentType | Unset): The type of an instrument.
        is_active (bool | Unset):  Default: True.
        limit (int | Unset):  Default: 100.
        offset (int | Unset):  Default: 0.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InstrumentsAnswer | Problem]
    """

    kwargs = _get_kwargs(
        exchange=exchange,
        instrument_type=instrument_type,
        is_active=is_active,
        limit=limit,
        offset=offset,
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
    exchange: Exchange | Unset = UNSET,
    instrument_type: InstrumentType | Unset = UNSET,
    is_active: bool | Unset = True,
    limit: int | Unset = 100,
    offset: int | Unset = 0,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> InstrumentsAnswer | Problem | None:
    """List instruments

     Returns a page of the instruments that match every filter, sorted by exchange, then symbol.

    Args:
        exchange (Exchange | Unset): The exchange of an instrument: the part of its key before the
            colon.
        instrument_type (InstrumentType | Unset): The type of an instrument.
        is_active (bool | Unset):  Default: True.
        limit (int | Unset):  Default: 100.
        offset (int | Unset):  Default: 0.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InstrumentsAnswer | Problem
    """

    return sync_detailed(
        client=client,
        exchange=exchange,
        instrument_type=instrument_type,
        is_active=is_active,
        limit=limit,
        offset=offset,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    exchange: Exchange | Unset = UNSET,
    instrument_type: InstrumentType | Unset = UNSET,
    is_active: bool | Unset = True,
    limit: int | Unset = 100,
    offset: int | Unset = 0,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[InstrumentsAnswer | Problem]:
    """List instruments

     Returns a page of the instruments that match every filter, sorted by exchange, then symbol.

    Args:
        exchange (Exchange | Unset): The exchange of an instrument: the part of its key before the
            colon.
        instrument_type (InstrumentType | Unset): The type of an instrument.
        is_active (bool | Unset):  Default: True.
        limit (int | Unset):  Default: 100.
        offset (int | Unset):  Default: 0.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InstrumentsAnswer | Problem]
    """

    kwargs = _get_kwargs(
        exchange=exchange,
        instrument_type=instrument_type,
        is_active=is_active,
        limit=limit,
        offset=offset,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    exchange: Exchange | Unset = UNSET,
    instrument_type: InstrumentType | Unset = UNSET,
    is_active: bool | Unset = True,
    limit: int | Unset = 100,
    offset: int | Unset = 0,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> InstrumentsAnswer | Problem | None:
    """List instruments

     Returns a page of the instruments that match every filter, sorted by exchange, then symbol.

    Args:
        exchange (Exchange | Unset): The exchange of an instrument: the part of its key before the
            colon.
        instrument_type (InstrumentType | Unset): The type of an instrument.
        is_active (bool | Unset):  Default: True.
        limit (int | Unset):  Default: 100.
        offset (int | Unset):  Default: 0.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InstrumentsAnswer | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            exchange=exchange,
            instrument_type=instrument_type,
            is_active=is_active,
            limit=limit,
            offset=offset,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
