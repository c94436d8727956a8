from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.include_word import IncludeWord
from ...models.problem import Problem
from ...models.read_answer import ReadAnswer
from ...types import UNSET, Response, Unset


def _get_kwargs(
    plan_id: str,
    *,
    include: IncludeWord | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_none_match, Unset):
        headers["If-None-Match"] = if_none_match

    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    params: dict[str, Any] = {}

    json_include: str | Unset = UNSET
    if not isinstance(include, Unset):
        json_include = include.value

    params["include"] = json_include

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}".format(
            plan_id=quote(str(plan_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Problem | ReadAnswer | None:
    if response.status_code == 200:
        response_200 = ReadAnswer.from_dict(response.json())

        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

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
) -> Response[Any | Problem | ReadAnswer]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    include: IncludeWord | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Any | Problem | ReadAnswer]:
    """Get a plan

     Returns a stored plan, expired or not. A plan never changes, so its `ETag` stays valid. If a plan at
    a broker is read after the catalog has changed, `metadata.catalogue` compares the two, and the
    `ETag` belongs to the comparison.

    Args:
        plan_id (str): The id of a plan.
        include (IncludeWord | Unset): A part of a plan that is returned on request.
        if_none_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem | ReadAnswer]
    """

    kwargs = _get_kwargs(
        plan_id=plan_id,
        include=include,
        if_none_match=if_none_match,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    include: IncludeWord | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Any | Problem | ReadAnswer | None:
    """Get a plan

     Returns a stored plan, expired or not. A plan never changes, so its `ETag` stays valid. If a plan at
    a broker is read after the catalog has changed, `metadata.catalogue` compares the two, and the
    `ETag` belongs to the comparison.

    Args:
        plan_id (str): The id of a plan.
        include (IncludeWord | Unset): A part of a plan that is returned on request.
        if_none_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem | ReadAnswer
    """

    return sync_detailed(
        plan_id=plan_id,
        client=client,
        include=include,
        if_none_match=if_none_match,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    include: IncludeWord | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Any | Problem | ReadAnswer]:
    """Get a plan

     Returns a stored plan, expired or not. A plan never changes, so its `ETag` stays valid. If a plan at
    a broker is read after the catalog has changed, `metadata.catalogue` compares the two, and the
    `ETag` belongs to the comparison.

    Args:
        plan_id (str): The id of a plan.
        include (IncludeWord | Unset): A part of a plan that is returned on request.
        if_none_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem | ReadAnswer]
    """

    kwargs = _get_kwargs(
        plan_id=plan_id,
        include=include,
        if_none_match=if_none_match,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    include: IncludeWord | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Any | Problem | ReadAnswer | None:
    """Get a plan

     Returns a stored plan, expired or not. A plan never changes, so its `ETag` stays valid. If a plan at
    a broker is read after the catalog has changed, `metadata.catalogue` compares the two, and the
    `ETag` belongs to the comparison.

    Args:
        plan_id (str): The id of a plan.
        include (IncludeWord | Unset): A part of a plan that is returned on request.
        if_none_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem | ReadAnswer
    """

    return (
        await asyncio_detailed(
            plan_id=plan_id,
            client=client,
            include=include,
            if_none_match=if_none_match,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
