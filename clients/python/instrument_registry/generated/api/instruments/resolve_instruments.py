from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.exchange import Exchange
from ...models.instrument_type import InstrumentType
from ...models.problem import Problem
from ...models.resolve_answer import ResolveAnswer
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    symbol: str | Unset = UNSET,
    isin: str | Unset = UNSET,
    exchange: Exchange | Unset = UNSET,
    instrument_type: InstrumentType | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    params: dict[str, Any] = {}

    params["symbol"] = symbol

    params["isin"] = isin

    json_exchange: str | Unset = UNSET
    if not isinstance(exchange, Unset):
        json_exchange = exchange.value

    params["exchange"] = json_exchange

    json_instrument_type: str | Unset = UNSET
    if not isinstance(instrument_type, Unset):
        json_instrument_type = instrument_type.value

    params["instrument_type"] = json_instrument_type

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/instruments/resolve",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | ResolveAnswer | None:
    if response.status_code == 200:
        response_200 = ResolveAnswer.from_dict(response.json())

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
) -> Response[Problem | ResolveAnswer]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    symbol: str | Unset = UNSET,
    isin: str | Unset = UNSET,
    exchange: Exchange | Unset = UNSET,
    instrument_type: InstrumentType | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Problem | ResolveAnswer]:
    """Find instruments by symbol or ISIN

     Returns every instrument with a symbol, an ISIN, or both, the most likely one first. At least one of
    `symbol` and `isin` is required. If nothing matches, the response contains the reason and suggested
    keys.

    Args:
        symbol (str | Unset):
        isin (str | Unset):
        exchange (Exchange | Unset): The exchange of an instrument: the part of its key before the
            colon.
        instrument_type (InstrumentType | Unset): The type of an instrument.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ResolveAnswer]
    """

    kwargs = _get_kwargs(
        symbol=symbol,
        isin=isin,
        exchange=exchange,
        instrument_type=instrument_type,
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
    symbol: str | Unset = UNSET,
    isin: str | Unset = UNSET,
    exchange: Exchange | Unset = UNSET,
    instrument_type: InstrumentType | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Problem | ResolveAnswer | None:
    """Find instruments by symbol or ISIN

     Returns every instrument with a symbol, an ISIN, or both, the most likely one first. At least one of
    `symbol` and `isin` is required. If nothing matches, the response contains the reason and suggested
    keys.

    Args:
        symbol (str | Unset):
        isin (str | Unset):
        exchange (Exchange | Unset): The exchange of an instrument: the part of its key before the
            colon.
        instrument_type (InstrumentType | Unset): The type of an instrument.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ResolveAnswer
    """

    return sync_detailed(
        client=client,
        symbol=symbol,
        isin=isin,
        exchange=exchange,
        instrument_type=instrument_type,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    symbol: str | Unset = UNSET,
    isin: str | Unset = UNSET,
    exchange: Exchange | Unset = UNSET,
    instrument_type: InstrumentType | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Problem | ResolveAnswer]:
    """Find instruments by symbol or ISIN

     Returns every instrument with a symbol, an ISIN, or both, the most likely one first. At least one of
    `symbol` and `isin` is required. If nothing matches, the response contains the reason and suggested
    keys.

    Args:
        symbol (str | Unset):
        isin (str | Unset):
        exchange (Exchange | Unset): The exchange of an instrument: the part of its key before the
            colon.
        instrument_type (InstrumentType | Unset): The type of an instrument.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ResolveAnswer]
    """

    kwargs = _get_kwargs(
        symbol=symbol,
        isin=isin,
        exchange=exchange,
        instrument_type=instrument_type,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    symbol: str | Unset = UNSET,
    isin: str | Unset = UNSET,
    exchange: Exchange | Unset = UNSET,
    instrument_type: InstrumentType | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Problem | ResolveAnswer | None:
    """Find instruments by symbol or ISIN

     Returns every instrument with a symbol, an ISIN, or both, the most likely one first. At least one of
    `symbol` and `isin` is required. If nothing matches, the response contains the reason and suggested
    keys.

    Args:
        symbol (str | Unset):
        isin (str | Unset):
        exchange (Exchange | Unset): The exchange of an instrument: the part of its key before the
            colon.
        instrument_type (InstrumentType | Unset): The type of an instrument.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ResolveAnswer
    """

    return (
        await asyncio_detailed(
            client=client,
            symbol=symbol,
            isin=isin,
            exchange=exchange,
            instrument_type=instrument_type,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
