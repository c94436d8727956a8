from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.export_answer import ExportAnswer
from ...models.export_format import ExportFormat
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    user_id: str,
    *,
    format_: ExportFormat | Unset = UNSET,
    is_active: bool | Unset = True,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    params: dict[str, Any] = {}

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_.value

    params["format"] = json_format_

    params["is_active"] = is_active

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/subscription-profiles/users/{user_id}/export".format(
            user_id=quote(str(user_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ExportAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = ExportAnswer.from_dict(response.json())

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
) -> Response[ExportAnswer | Problem]:
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
    format_: ExportFormat | Unset = UNSET,
    is_active: bool | Unset = True,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ExportAnswer | Problem]:
    """Export the profiles of a user

     Returns up to 1000 profiles, newest first, in a format that can be imported. A page that `cursor`
    selects ends before its documents exceed 4 MiB.

    Args:
        user_id (str): The id of a user of profiles.
        format_ (ExportFormat | Unset): The format of a file of profiles.
        is_active (bool | Unset):  Default: True.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExportAnswer | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        format_=format_,
        is_active=is_active,
        cursor=cursor,
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
    format_: ExportFormat | Unset = UNSET,
    is_active: bool | Unset = True,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ExportAnswer | Problem | None:
    """Export the profiles of a user

     Returns up to 1000 profiles, newest first, in a format that can be imported. A page that `cursor`
    selects ends before its documents exceed 4 MiB.

    Args:
        user_id (str): The id of a user of profiles.
        format_ (ExportFormat | Unset): The format of a file of profiles.
        is_active (bool | Unset):  Default: True.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExportAnswer | Problem
    """

    return sync_detailed(
        user_id=user_id,
        client=client,
        format_=format_,
        is_active=is_active,
        cursor=cursor,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    format_: ExportFormat | Unset = UNSET,
    is_active: bool | Unset = True,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ExportAnswer | Problem]:
    """Export the profiles of a user

     Returns up to 1000 profiles, newest first, in a format that can be imported. A page that `cursor`
    selects ends before its documents exceed 4 MiB.

    Args:
        user_id (str): The id of a user of profiles.
        format_ (ExportFormat | Unset): The format of a file of profiles.
        is_active (bool | Unset):  Default: True.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExportAnswer | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        format_=format_,
        is_active=is_active,
        cursor=cursor,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user_id: str,
    *,
    client: AuthenticatedClient,
    format_: ExportFormat | Unset = UNSET,
    is_active: bool | Unset = True,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ExportAnswer | Problem | None:
    """Export the profiles of a user

     Returns up to 1000 profiles, newest first, in a format that can be imported. A page that `cursor`
    selects ends before its documents exceed 4 MiB.

    Args:
        user_id (str): The id of a user of profiles.
        format_ (ExportFormat | Unset): The format of a file of profiles.
        is_active (bool | Unset):  Default: True.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExportAnswer | Problem
    """

    return (
        await asyncio_detailed(
            user_id=user_id,
            client=client,
            format_=format_,
            is_active=is_active,
            cursor=cursor,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
