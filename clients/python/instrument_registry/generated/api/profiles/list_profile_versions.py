from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.profile_versions_answer import ProfileVersionsAnswer
from ...types import UNSET, Response, Unset


def _get_kwargs(
    profile_id: str,
    *,
    limit: int | Unset = 50,
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

    params["limit"] = limit

    params["offset"] = offset

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/subscription-profiles/{profile_id}/versions".format(
            profile_id=quote(str(profile_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | ProfileVersionsAnswer | None:
    if response.status_code == 200:
        response_200 = ProfileVersionsAnswer.from_dict(response.json())

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
) -> Response[Problem | ProfileVersionsAnswer]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    profile_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Problem | ProfileVersionsAnswer]:
    """List versions of a profile

     Returns a page of the versions of a profile, newest first. A page that `cursor` selects ends before
    its documents exceed 4 MiB.

    Args:
        profile_id (str): The id of a profile.
        limit (int | Unset):  Default: 50.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ProfileVersionsAnswer]
    """

    kwargs = _get_kwargs(
        profile_id=profile_id,
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
    profile_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Problem | ProfileVersionsAnswer | None:
    """List versions of a profile

     Returns a page of the versions of a profile, newest first. A page that `cursor` selects ends before
    its documents exceed 4 MiB.

    Args:
        profile_id (str): The id of a profile.
        limit (int | Unset):  Default: 50.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ProfileVersionsAnswer
    """

    return sync_detailed(
        profile_id=profile_id,
        client=client,
        limit=limit,
        offset=offset,
        cursor=cursor,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    profile_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Problem | ProfileVersionsAnswer]:
    """List versions of a profile

     Returns a page of the versions of a profile, newest first. A page that `cursor` selects ends before
    its documents exceed 4 MiB.

    Args:
        profile_id (str): The id of a profile.
        limit (int | Unset):  Default: 50.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ProfileVersionsAnswer]
    """

    kwargs = _get_kwargs(
        profile_id=profile_id,
        limit=limit,
        offset=offset,
        cursor=cursor,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    profile_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Problem | ProfileVersionsAnswer | None:
    """List versions of a profile

     Returns a page of the versions of a profile, newest first. A page that `cursor` selects ends before
    its documents exceed 4 MiB.

    Args:
        profile_id (str): The id of a profile.
        limit (int | Unset):  Default: 50.
        offset (int | Unset):  Default: 0.
        cursor (str | Unset): The position of a page in a list. Its format may change, so use the
            value of `next_cursor`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ProfileVersionsAnswer
    """

    return (
        await asyncio_detailed(
            profile_id=profile_id,
            client=client,
            limit=limit,
            offset=offset,
            cursor=cursor,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
