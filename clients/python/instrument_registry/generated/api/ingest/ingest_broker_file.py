import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.file_broker import FileBroker
from ...models.ingest_answer import IngestAnswer
from ...models.ingest_body import IngestBody
from ...models.ingest_mode import IngestMode
from ...models.problem import Problem
from ...types import UNSET, File, Response, Unset


def _get_kwargs(
    broker_id: FileBroker,
    *,
    body: IngestBody | File | Unset = UNSET,
    file_date: datetime.date | Unset = UNSET,
    force: bool | Unset = False,
    file_name: str | Unset = UNSET,
    mode: IngestMode | Unset = UNSET,
    priority: str | Unset = UNSET,
    exchanges: str | Unset = UNSET,
    segments: str | Unset = UNSET,
    instrument_types: str | Unset = UNSET,
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

    params: dict[str, Any] = {}

    json_file_date: str | Unset = UNSET
    if not isinstance(file_date, Unset):
        json_file_date = file_date.isoformat()
    params["file_date"] = json_file_date

    params["force"] = force

    params["file_name"] = file_name

    json_mode: str | Unset = UNSET
    if not isinstance(mode, Unset):
        json_mode = mode.value

    params["mode"] = json_mode

    params["priority"] = priority

    params["exchanges"] = exchanges

    params["segments"] = segments

    params["instrument_types"] = instrument_types

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/internal/instrument-registry/brokers/{broker_id}/ingest".format(
            broker_id=quote(str(broker_id), safe=""),
        ),
        "params": params,
    }

    if isinstance(body, IngestBody):
        if not isinstance(body, Unset):
            _kwargs["json"] = body.to_dict()

        headers["Content-Type"] = "application/json"
    if isinstance(body, File):
        if not isinstance(body, Unset):
            _kwargs["content"] = body.payload
        headers["Content-Type"] = "application/octet-stream"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> IngestAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = IngestAnswer.from_dict(response.json())

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
) -> Response[IngestAnswer | Problem]:
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
    body: IngestBody | File | Unset = UNSET,
    file_date: datetime.date | Unset = UNSET,
    force: bool | Unset = False,
    file_name: str | Unset = UNSET,
    mode: IngestMode | Unset = UNSET,
    priority: str | Unset = UNSET,
    exchanges: str | Unset = UNSET,
    segments: str | Unset = UNSET,
    instrument_types: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[IngestAnswer | Problem]:
    """Ingest a file of a broker

     Queues a job that ingests a file of the broker: the source in the JSON body, or the file that is
    sent as `application/octet-stream`. The file replaces the last load of the broker only if every gate
    accepts it. The scope of an `Idempotency-Key` is the broker. The repeated response is the job as it
    was queued.

    Args:
        broker_id (FileBroker): A broker whose files the service reads.
        file_date (datetime.date | Unset):
        force (bool | Unset):  Default: False.
        file_name (str | Unset):
        mode (IngestMode | Unset): The way in which a file replaces the last load of a broker.
            `full_catalog`: instruments that the file lacks become inactive. `incremental`: the file
            adds and updates instruments. `on_demand`: as `full_catalog`, limited to the instruments
            that the filters select.
        priority (str | Unset):
        exchanges (str | Unset):
        segments (str | Unset):
        instrument_types (str | Unset):
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (IngestBody | Unset): The file to ingest and its options. Every field may be absent
            or null.
        body (File | Unset): A file of a broker, plain, gzipped or in a zip archive.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[IngestAnswer | Problem]
    """

    kwargs = _get_kwargs(
        broker_id=broker_id,
        body=body,
        file_date=file_date,
        force=force,
        file_name=file_name,
        mode=mode,
        priority=priority,
        exchanges=exchanges,
        segments=segments,
        instrument_types=instrument_types,
        idempotency_key=idempotency_key,
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
    body: IngestBody | File | Unset = UNSET,
    file_date: datetime.date | Unset = UNSET,
    force: bool | Unset = False,
    file_name: str | Unset = UNSET,
    mode: IngestMode | Unset = UNSET,
    priority: str | Unset = UNSET,
    exchanges: str | Unset = UNSET,
    segments: str | Unset = UNSET,
    instrument_types: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> IngestAnswer | Problem | None:
    """Ingest a file of a broker

     Queues a job that ingests a file of the broker: the source in the JSON body, or the file that is
    sent as `application/octet-stream`. The file replaces the last load of the broker only if every gate
    accepts it. The scope of an `Idempotency-Key` is the broker. The repeated response is the job as it
    was queued.

    Args:
        broker_id (FileBroker): A broker whose files the service reads.
        file_date (datetime.date | Unset):
        force (bool | Unset):  Default: False.
        file_name (str | Unset):
        mode (IngestMode | Unset): The way in which a file replaces the last load of a broker.
            `full_catalog`: instruments that the file lacks become inactive. `incremental`: the file
            adds and updates instruments. `on_demand`: as `full_catalog`, limited to the instruments
            that the filters select.
        priority (str | Unset):
        exchanges (str | Unset):
        segments (str | Unset):
        instrument_types (str | Unset):
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (IngestBody | Unset): The file to ingest and its options. Every field may be absent
            or null.
        body (File | Unset): A file of a broker, plain, gzipped or in a zip archive.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        IngestAnswer | Problem
    """

    return sync_detailed(
        broker_id=broker_id,
        client=client,
        body=body,
        file_date=file_date,
        force=force,
        file_name=file_name,
        mode=mode,
        priority=priority,
        exchanges=exchanges,
        segments=segments,
        instrument_types=instrument_types,
        idempotency_key=idempotency_key,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    broker_id: FileBroker,
    *,
    client: AuthenticatedClient,
    body: IngestBody | File | Unset = UNSET,
    file_date: datetime.date | Unset = UNSET,
    force: bool | Unset = False,
    file_name: str | Unset = UNSET,
    mode: IngestMode | Unset = UNSET,
    priority: str | Unset = UNSET,
    exchanges: str | Unset = UNSET,
    segments: str | Unset = UNSET,
    instrument_types: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[IngestAnswer | Problem]:
    """Ingest a file of a broker

     Queues a job that ingests a file of the broker: the source in the JSON body, or the file that is
    sent as `application/octet-stream`. The file replaces the last load of the broker only if every gate
    accepts it. The scope of an `Idempotency-Key` is the broker. The repeated response is the job as it
    was queued.

    Args:
        broker_id (FileBroker): A broker whose files the service reads.
        file_date (datetime.date | Unset):
        force (bool | Unset):  Default: False.
        file_name (str | Unset):
        mode (IngestMode | Unset): The way in which a file replaces the last load of a broker.
            `full_catalog`: instruments that the file lacks become inactive. `incremental`: the file
            adds and updates instruments. `on_demand`: as `full_catalog`, limited to the instruments
            that the filters select.
        priority (str | Unset):
        exchanges (str | Unset):
        segments (str | Unset):
        instrument_types (str | Unset):
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (IngestBody | Unset): The file to ingest and its options. Every field may be absent
            or null.
        body (File | Unset): A file of a broker, plain, gzipped or in a zip archive.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[IngestAnswer | Problem]
    """

    kwargs = _get_kwargs(
        broker_id=broker_id,
        body=body,
        file_date=file_date,
        force=force,
        file_name=file_name,
        mode=mode,
        priority=priority,
        exchanges=exchanges,
        segments=segments,
        instrument_types=instrument_types,
        idempotency_key=idempotency_key,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    broker_id: FileBroker,
    *,
    client: AuthenticatedClient,
    body: IngestBody | File | Unset = UNSET,
    file_date: datetime.date | Unset = UNSET,
    force: bool | Unset = False,
    file_name: str | Unset = UNSET,
    mode: IngestMode | Unset = UNSET,
    priority: str | Unset = UNSET,
    exchanges: str | Unset = UNSET,
    segments: str | Unset = UNSET,
    instrument_types: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> IngestAnswer | Problem | None:
    """Ingest a file of a broker

     Queues a job that ingests a file of the broker: the source in the JSON body, or the file that is
    sent as `application/octet-stream`. The file replaces the last load of the broker only if every gate
    accepts it. The scope of an `Idempotency-Key` is the broker. The repeated response is the job as it
    was queued.

    Args:
        broker_id (FileBroker): A broker whose files the service reads.
        file_date (datetime.date | Unset):
        force (bool | Unset):  Default: False.
        file_name (str | Unset):
        mode (IngestMode | Unset): The way in which a file replaces the last load of a broker.
            `full_catalog`: instruments that the file lacks become inactive. `incremental`: the file
            adds and updates instruments. `on_demand`: as `full_catalog`, limited to the instruments
            that the filters select.
        priority (str | Unset):
        exchanges (str | Unset):
        segments (str | Unset):
        instrument_types (str | Unset):
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (IngestBody | Unset): The file to ingest and its options. Every field may be absent
            or null.
        body (File | Unset): A file of a broker, plain, gzipped or in a zip archive.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        IngestAnswer | Problem
    """

    return (
        await asyncio_detailed(
            broker_id=broker_id,
            client=client,
            body=body,
            file_date=file_date,
            force=force,
            file_name=file_name,
            mode=mode,
            priority=priority,
            exchanges=exchanges,
            segments=segments,
            instrument_types=instrument_types,
            idempotency_key=idempotency_key,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
