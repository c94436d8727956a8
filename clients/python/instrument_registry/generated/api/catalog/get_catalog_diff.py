from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.change_kind import ChangeKind
from ...models.diff_answer import DiffAnswer
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    version: int,
    *,
    kind: ChangeKind | Unset = UNSET,
    limit: int | Unset = 100,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    params: dict[str, Any] = {}

    json_kind: str | Unset = UNSET
    if not isinstance(kind, Unset):
        json_kind = kind.value

    params["kind"] = json_kind

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/catalog/versions/{version}/diff".format(
            version=quote(str(version), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> DiffAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = DiffAnswer.from_dict(response.json())

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
) -> Response[DiffAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    version: int,
    *,
    client: AuthenticatedClient,
    kind: ChangeKind | Unset = UNSET,
    limit: int | Unset = 100,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[DiffAnswer | Problem]:
    """Get the changes of a catalog version

     Returns the changes of a version since the previous load of the same broker, sorted by kind, then
    key.

    Args:
        version (int):
        kind (ChangeKind | Unset): The kind of a change between two loads of a broker.
        limit (int | Unset):  Default: 100.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[DiffAnswer | Problem]
    """

    kwargs = _get_kwargs(
        version=version,
        kind=kind,
        limit=limit,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    version: int,
    *,
    client: AuthenticatedClient,
    kind: ChangeKind | Unset = UNSET,
    limit: int | Unset = 100,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> DiffAnswer | Problem | None:
    """Get the changes of a catalog version

     Returns the changes of a version since the previous load of the same broker, sorted by kind, then
    key.

    Args:
        version (int):
        kind (ChangeKind | Unset): The kind of a change between two loads of a broker.
        limit (int | Unset):  Default: 100.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        DiffAnswer | Problem
    """

    return sync_detailed(
        version=version,
        client=client,
        kind=kind,
        limit=limit,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    version: int,
    *,
    client: AuthenticatedClient,
    kind: ChangeKind | Unset = UNSET,
    limit: int | Unset = 100,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[DiffAnswer | Problem]:
    """Get the changes of a catalog version

     Returns the changes of a version since the previous load of the same broker, sorted by kind, then
    key.

    Args:
        version (int):
        kind (ChangeKind | Unset): The kind of a change between two loads of a broker.
        limit (int | Unset):  Default: 100.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[DiffAnswer | Problem]
    """

    kwargs = _get_kwargs(
        version=version,
        kind=kind,
        limit=limit,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    version: int,
    *,
    client: AuthenticatedClient,
    kind: ChangeKind | Unset = UNSET,
    limit: int | Unset = 100,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> DiffAnswer | Problem | None:
    """Get the changes of a catalog version

     Returns the changes of a version since the previous load of the same broker, sorted by kind, then
    key.

    Args:
        version (int):
        kind (ChangeKind | Unset): The kind of a change between two loads of a broker.
        limit (int | Unset):  Default: 100.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        DiffAnswer | Problem
    """

    return (
        await asyncio_detailed(
            version=version,
            client=client,
            kind=kind,
            limit=limit,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
