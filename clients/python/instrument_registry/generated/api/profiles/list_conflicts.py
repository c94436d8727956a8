from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.conflict_list_answer import ConflictListAnswer
from ...models.conflict_status import ConflictStatus
from ...models.conflict_type import ConflictType
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    user_id: str,
    *,
    status: ConflictStatus | Unset = UNSET,
    conflict_type: ConflictType | Unset = UNSET,
    limit: int | Unset = 100,
    offset: int | Unset = 0,
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

    json_status: str | Unset = UNSET
    if not isinstance(status, Unset):
        json_status = status.value

    params["status"] = json_status

    json_conflict_type: str | Unset = UNSET
    if not isinstance(conflict_type, Unset):
        json_conflict_type = conflict_type.value

    params["conflict_type"] = json_conflict_type

    params["limit"] = limit

    params["offset"] = offset

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/subscription-profiles/conflicts/users/{user_id}".format(
            user_id=quote(str(user_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ConflictListAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = ConflictListAnswer.from_dict(response.json())

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
) -> Response[ConflictListAnswer | Problem]:
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
    status: ConflictStatus | Unset = UNSET,
    conflict_type: ConflictType | Unset = UNSET,
    limit: int | Unset = 100,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ConflictListAnswer | Problem]:
    """List the conflicts of a user

     Returns a page of the conflicts that match every filter, newest first. A page that `cursor` selects
    ends before its documents exceed 4 MiB.

    Args:
        user_id (str): The id of a user of profiles.
        status (ConflictStatus | Unset): The status of a conflict.
        conflict_type (ConflictType | Unset): The type of a conflict of a profile.
        limit (int | Unset):  Default: 100.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ConflictListAnswer | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        status=status,
        conflict_type=conflict_type,
        limit=limit,
        offset=offset,
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
    status: ConflictStatus | Unset = UNSET,
    conflict_type: ConflictType | Unset = UNSET,
    limit: int | Unset = 100,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ConflictListAnswer | Problem | None:
    """List the conflicts of a user

     Returns a page of the conflicts that match every filter, newest first. A page that `cursor` selects
    ends before its documents exceed 4 MiB.

    Args:
        user_id (str): The id of a user of profiles.
        status (ConflictStatus | Unset): The status of a conflict.
        conflict_type (ConflictType | Unset): The type of a conflict of a profile.
        limit (int | Unset):  Default: 100.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ConflictListAnswer | Problem
    """

    return sync_detailed(
        user_id=user_id,
        client=client,
        status=status,
        conflict_type=conflict_type,
        limit=limit,
        offset=offset,
        cursor=cursor,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    status: ConflictStatus | Unset = UNSET,
    conflict_type: ConflictType | Unset = UNSET,
    limit: int | Unset = 100,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ConflictListAnswer | Problem]:
    """List the conflicts of a user

     Returns a page of the conflicts that match every filter, newest first. A page that `cursor` selects
    ends before its documents exceed 4 MiB.

    Args:
        user_id (str): The id of a user of profiles.
        status (ConflictStatus | Unset): The status of a conflict.
        conflict_type (ConflictType | Unset): The type of a conflict of a profile.
        limit (int | Unset):  Default: 100.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ConflictListAnswer | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        status=status,
        conflict_type=conflict_type,
        limit=limit,
        offset=offset,
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
    status: ConflictStatus | Unset = UNSET,
    conflict_type: ConflictType | Unset = UNSET,
    limit: int | Unset = 100,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ConflictListAnswer | Problem | None:
    """List the conflicts of a user

     Returns a page of the conflicts that match every filter, newest first. A page that `cursor` selects
    ends before its documents exceed 4 MiB.

    Args:
        user_id (str): The id of a user of profiles.
        status (ConflictStatus | Unset): The status of a conflict.
        conflict_type (ConflictType | Unset): The type of a conflict of a profile.
        limit (int | Unset):  Default: 100.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ConflictListAnswer | Problem
    """

    return (
        await asyncio_detailed(
            user_id=user_id,
            client=client,
            status=status,
            conflict_type=conflict_type,
            limit=limit,
            offset=offset,
            cursor=cursor,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
