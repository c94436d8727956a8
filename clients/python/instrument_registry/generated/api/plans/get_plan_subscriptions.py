from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.subscription_format import SubscriptionFormat
from ...models.subscriptions_answer import SubscriptionsAnswer
from ...types import UNSET, Response, Unset


def _get_kwargs(
    plan_id: str,
    *,
    connection: int | Unset = UNSET,
    format_: SubscriptionFormat | Unset = UNSET,
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

    params["connection"] = connection

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_.value

    params["format"] = json_format_

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/subscriptions".format(
            plan_id=quote(str(plan_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Problem | SubscriptionsAnswer | None:
    if response.status_code == 200:
        response_200 = SubscriptionsAnswer.from_dict(response.json())

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
) -> Response[Any | Problem | SubscriptionsAnswer]:
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
    connection: int | Unset = UNSET,
    format_: SubscriptionFormat | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Any | Problem | SubscriptionsAnswer]:
    """Get the subscriptions of a plan

     Returns the instruments of a plan with the broker's tokens, the connections and the modes. With the
    format `json`, it is a list. With the id of the plan's broker as the format, it is the arguments of
    the broker's official Python SDK, grouped by connection and message. The tokens are those of the
    catalog that the plan was created from.

    Args:
        plan_id (str): The id of a plan.
        connection (int | Unset):
        format_ (SubscriptionFormat | Unset): The format of subscriptions: a list, or the
            arguments of the SDK of a broker.
        if_none_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem | SubscriptionsAnswer]
    """

    kwargs = _get_kwargs(
        plan_id=plan_id,
        connection=connection,
        format_=format_,
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
    connection: int | Unset = UNSET,
    format_: SubscriptionFormat | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Any | Problem | SubscriptionsAnswer | None:
    """Get the subscriptions of a plan

     Returns the instruments of a plan with the broker's tokens, the connections and the modes. With the
    format `json`, it is a list. With the id of the plan's broker as the format, it is the arguments of
    the broker's official Python SDK, grouped by connection and message. The tokens are those of the
    catalog that the plan was created from.

    Args:
        plan_id (str): The id of a plan.
        connection (int | Unset):
        format_ (SubscriptionFormat | Unset): The format of subscriptions: a list, or the
            arguments of the SDK of a broker.
        if_none_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem | SubscriptionsAnswer
    """

    return sync_detailed(
        plan_id=plan_id,
        client=client,
        connection=connection,
        format_=format_,
        if_none_match=if_none_match,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    connection: int | Unset = UNSET,
    format_: SubscriptionFormat | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Any | Problem | SubscriptionsAnswer]:
    """Get the subscriptions of a plan

     Returns the instruments of a plan with the broker's tokens, the connections and the modes. With the
    format `json`, it is a list. With the id of the plan's broker as the format, it is the arguments of
    the broker's official Python SDK, grouped by connection and message. The tokens are those of the
    catalog that the plan was created from.

    Args:
        plan_id (str): The id of a plan.
        connection (int | Unset):
        format_ (SubscriptionFormat | Unset): The format of subscriptions: a list, or the
            arguments of the SDK of a broker.
        if_none_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem | SubscriptionsAnswer]
    """

    kwargs = _get_kwargs(
        plan_id=plan_id,
        connection=connection,
        format_=format_,
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
    connection: int | Unset = UNSET,
    format_: SubscriptionFormat | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Any | Problem | SubscriptionsAnswer | None:
    """Get the subscriptions of a plan

     Returns the instruments of a plan with the broker's tokens, the connections and the modes. With the
    format `json`, it is a list. With the id of the plan's broker as the format, it is the arguments of
    the broker's official Python SDK, grouped by connection and message. The tokens are those of the
    catalog that the plan was created from.

    Args:
        plan_id (str): The id of a plan.
        connection (int | Unset):
        format_ (SubscriptionFormat | Unset): The format of subscriptions: a list, or the
            arguments of the SDK of a broker.
        if_none_match (str | Unset):
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem | SubscriptionsAnswer
    """

    return (
        await asyncio_detailed(
            plan_id=plan_id,
            client=client,
            connection=connection,
            format_=format_,
            if_none_match=if_none_match,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
