from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.list_answer import ListAnswer
from ...models.plan_status import PlanStatus
from ...models.problem import Problem
from ...models.subscription_type import SubscriptionType
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    user_id: str | Unset = UNSET,
    subscription_type: SubscriptionType | Unset = UNSET,
    status: PlanStatus | Unset = UNSET,
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

    params["user_id"] = user_id

    json_subscription_type: str | Unset = UNSET
    if not isinstance(subscription_type, Unset):
        json_subscription_type = subscription_type.value

    params["subscription_type"] = json_subscription_type

    json_status: str | Unset = UNSET
    if not isinstance(status, Unset):
        json_status = status.value

    params["status"] = json_status

    params["limit"] = limit

    params["offset"] = offset

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/subscriptions/plans",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ListAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = ListAnswer.from_dict(response.json())

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
) -> Response[ListAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    user_id: str | Unset = UNSET,
    subscription_type: SubscriptionType | Unset = UNSET,
    status: PlanStatus | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ListAnswer | Problem]:
    """List plans

     Returns a page of the plans that match every filter, newest first.

    Args:
        user_id (str | Unset): The id of a user.
        subscription_type (SubscriptionType | Unset): The use of the instruments.
        status (PlanStatus | Unset): The status of a plan.
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
        Response[ListAnswer | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        subscription_type=subscription_type,
        status=status,
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
    *,
    client: AuthenticatedClient,
    user_id: str | Unset = UNSET,
    subscription_type: SubscriptionType | Unset = UNSET,
    status: PlanStatus | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ListAnswer | Problem | None:
    """List plans

     Returns a page of the plans that match every filter, newest first.

    Args:
        user_id (str | Unset): The id of a user.
        subscription_type (SubscriptionType | Unset): The use of the instruments.
        status (PlanStatus | Unset): The status of a plan.
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
        ListAnswer | Problem
    """

    return sync_detailed(
        client=client,
        user_id=user_id,
        subscription_type=subscription_type,
        status=status,
        limit=limit,
        offset=offset,
        cursor=cursor,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    user_id: str | Unset = UNSET,
    subscription_type: SubscriptionType | Unset = UNSET,
    status: PlanStatus | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ListAnswer | Problem]:
    """List plans

     Returns a page of the plans that match every filter, newest first.

    Args:
        user_id (str | Unset): The id of a user.
        subscription_type (SubscriptionType | Unset): The use of the instruments.
        status (PlanStatus | Unset): The status of a plan.
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
        Response[ListAnswer | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        subscription_type=subscription_type,
        status=status,
        limit=limit,
        offset=offset,
        cursor=cursor,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    user_id: str | Unset = UNSET,
    subscription_type: SubscriptionType | Unset = UNSET,
    status: PlanStatus | Unset = UNSET,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
    cursor: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ListAnswer | Problem | None:
    """List plans

     Returns a page of the plans that match every filter, newest first.

    Args:
        user_id (str | Unset): The id of a user.
        subscription_type (SubscriptionType | Unset): The use of the instruments.
        status (PlanStatus | Unset): The status of a plan.
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
        ListAnswer | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            user_id=user_id,
            subscription_type=subscription_type,
            status=status,
            limit=limit,
            offset=offset,
            cursor=cursor,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
