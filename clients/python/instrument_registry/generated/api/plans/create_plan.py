from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.include_word import IncludeWord
from ...models.plan_answer import PlanAnswer
from ...models.plan_of_instruments import PlanOfInstruments
from ...models.plan_of_items import PlanOfItems
from ...models.plan_of_profile import PlanOfProfile
from ...models.plan_of_selectors import PlanOfSelectors
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: PlanOfInstruments | PlanOfItems | PlanOfProfile | PlanOfSelectors,
    user_id: str,
    include: IncludeWord | Unset = UNSET,
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

    params["user_id"] = user_id

    json_include: str | Unset = UNSET
    if not isinstance(include, Unset):
        json_include = include.value

    params["include"] = json_include

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/internal/instrument-registry/subscriptions/plan",
        "params": params,
    }

    if (
        isinstance(body, PlanOfInstruments)
        or isinstance(body, PlanOfItems)
        or isinstance(body, PlanOfProfile)
    ):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PlanAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = PlanAnswer.from_dict(response.json())

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
) -> Response[PlanAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: PlanOfInstruments | PlanOfItems | PlanOfProfile | PlanOfSelectors,
    user_id: str,
    include: IncludeWord | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[PlanAnswer | Problem]:
    """Create a plan

     Returns the plan for a set of instruments: a new one, which is stored before the response is sent,
    or the one that was created for an equal request and is still in a cache. Exactly one of
    `instruments`, `items`, `profile_id` and `selectors` provides the set. A body with `items` may have
    4 MiB, any other one 2 MiB. Options that are absent or null come from the settings. The scope of an
    `Idempotency-Key` is the user. The repeated response has the `status`, `cache_hit` and `duration_ms`
    of the first one, and requires the database even if the plan is cached.

    Args:
        user_id (str): The id of a user.
        include (IncludeWord | Unset): A part of a plan that is returned on request.
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (PlanOfInstruments | PlanOfItems | PlanOfProfile | PlanOfSelectors): A plan request.
            It provides the instruments in one of four ways.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PlanAnswer | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        user_id=user_id,
        include=include,
        idempotency_key=idempotency_key,
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
    body: PlanOfInstruments | PlanOfItems | PlanOfProfile | PlanOfSelectors,
    user_id: str,
    include: IncludeWord | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> PlanAnswer | Problem | None:
    """Create a plan

     Returns the plan for a set of instruments: a new one, which is stored before the response is sent,
    or the one that was created for an equal request and is still in a cache. Exactly one of
    `instruments`, `items`, `profile_id` and `selectors` provides the set. A body with `items` may have
    4 MiB, any other one 2 MiB. Options that are absent or null come from the settings. The scope of an
    `Idempotency-Key` is the user. The repeated response has the `status`, `cache_hit` and `duration_ms`
    of the first one, and requires the database even if the plan is cached.

    Args:
        user_id (str): The id of a user.
        include (IncludeWord | Unset): A part of a plan that is returned on request.
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (PlanOfInstruments | PlanOfItems | PlanOfProfile | PlanOfSelectors): A plan request.
            It provides the instruments in one of four ways.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PlanAnswer | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        user_id=user_id,
        include=include,
        idempotency_key=idempotency_key,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: PlanOfInstruments | PlanOfItems | PlanOfProfile | PlanOfSelectors,
    user_id: str,
    include: IncludeWord | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[PlanAnswer | Problem]:
    """Create a plan

     Returns the plan for a set of instruments: a new one, which is stored before the response is sent,
    or the one that was created for an equal request and is still in a cache. Exactly one of
    `instruments`, `items`, `profile_id` and `selectors` provides the set. A body with `items` may have
    4 MiB, any other one 2 MiB. Options that are absent or null come from the settings. The scope of an
    `Idempotency-Key` is the user. The repeated response has the `status`, `cache_hit` and `duration_ms`
    of the first one, and requires the database even if the plan is cached.

    Args:
        user_id (str): The id of a user.
        include (IncludeWord | Unset): A part of a plan that is returned on request.
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (PlanOfInstruments | PlanOfItems | PlanOfProfile | PlanOfSelectors): A plan request.
            It provides the instruments in one of four ways.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PlanAnswer | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        user_id=user_id,
        include=include,
        idempotency_key=idempotency_key,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: PlanOfInstruments | PlanOfItems | PlanOfProfile | PlanOfSelectors,
    user_id: str,
    include: IncludeWord | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> PlanAnswer | Problem | None:
    """Create a plan

     Returns the plan for a set of instruments: a new one, which is stored before the response is sent,
    or the one that was created for an equal request and is still in a cache. Exactly one of
    `instruments`, `items`, `profile_id` and `selectors` provides the set. A body with `items` may have
    4 MiB, any other one 2 MiB. Options that are absent or null come from the settings. The scope of an
    `Idempotency-Key` is the user. The repeated response has the `status`, `cache_hit` and `duration_ms`
    of the first one, and requires the database even if the plan is cached.

    Args:
        user_id (str): The id of a user.
        include (IncludeWord | Unset): A part of a plan that is returned on request.
        idempotency_key (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):
        body (PlanOfInstruments | PlanOfItems | PlanOfProfile | PlanOfSelectors): A plan request.
            It provides the instruments in one of four ways.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PlanAnswer | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            user_id=user_id,
            include=include,
            idempotency_key=idempotency_key,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
