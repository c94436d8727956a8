from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.schedule_answer import ScheduleAnswer
from ...models.subscription_format import SubscriptionFormat
from ...types import UNSET, Response, Unset


def _get_kwargs(
    plan_id: str,
    *,
    from_: str | Unset = UNSET,
    connection: int | Unset = UNSET,
    format_: SubscriptionFormat | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    params: dict[str, Any] = {}

    params["from"] = from_

    params["connection"] = connection

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_.value

    params["format"] = json_format_

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/schedule".format(
            plan_id=quote(str(plan_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | ScheduleAnswer | None:
    if response.status_code == 200:
        response_200 = ScheduleAnswer.from_dict(response.json())

        return response_200

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
) -> Response[Problem | ScheduleAnswer]:
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
    from_: str | Unset = UNSET,
    connection: int | Unset = UNSET,
    format_: SubscriptionFormat | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Problem | ScheduleAnswer]:
    """Get the messages that lead to a plan

     Returns the messages that subscribe the instruments of a plan, with the times at which the pace of
    the broker allows them. With `from`, they lead from an earlier plan of the user at the same broker
    to this one. After each message the open subscriptions are within the limits. With `connection`
    alone, they subscribe that connection again after a reconnect. With the id of the broker as the
    format, each message has the arguments of the broker's official Python SDK. For historical data,
    they are the requests at the broker's pace.

    Args:
        plan_id (str): The id of a plan.
        from_ (str | Unset):
        connection (int | Unset):
        format_ (SubscriptionFormat | Unset): The format of subscriptions: a list, or the
            arguments of the SDK of a broker.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ScheduleAnswer]
    """

    kwargs = _get_kwargs(
        plan_id=plan_id,
        from_=from_,
        connection=connection,
        format_=format_,
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
    from_: str | Unset = UNSET,
    connection: int | Unset = UNSET,
    format_: SubscriptionFormat | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Problem | ScheduleAnswer | None:
    """Get the messages that lead to a plan

     Returns the messages that subscribe the instruments of a plan, with the times at which the pace of
    the broker allows them. With `from`, they lead from an earlier plan of the user at the same broker
    to this one. After each message the open subscriptions are within the limits. With `connection`
    alone, they subscribe that connection again after a reconnect. With the id of the broker as the
    format, each message has the arguments of the broker's official Python SDK. For historical data,
    they are the requests at the broker's pace.

    Args:
        plan_id (str): The id of a plan.
        from_ (str | Unset):
        connection (int | Unset):
        format_ (SubscriptionFormat | Unset): The format of subscriptions: a list, or the
            arguments of the SDK of a broker.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ScheduleAnswer
    """

    return sync_detailed(
        plan_id=plan_id,
        client=client,
        from_=from_,
        connection=connection,
        format_=format_,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    from_: str | Unset = UNSET,
    connection: int | Unset = UNSET,
    format_: SubscriptionFormat | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Problem | ScheduleAnswer]:
    """Get the messages that lead to a plan

     Returns the messages that subscribe the instruments of a plan, with the times at which the pace of
    the broker allows them. With `from`, they lead from an earlier plan of the user at the same broker
    to this one. After each message the open subscriptions are within the limits. With `connection`
    alone, they subscribe that connection again after a reconnect. With the id of the broker as the
    format, each message has the arguments of the broker's official Python SDK. For historical data,
    they are the requests at the broker's pace.

    Args:
        plan_id (str): The id of a plan.
        from_ (str | Unset):
        connection (int | Unset):
        format_ (SubscriptionFormat | Unset): The format of subscriptions: a list, or the
            arguments of the SDK of a broker.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ScheduleAnswer]
    """

    kwargs = _get_kwargs(
        plan_id=plan_id,
        from_=from_,
        connection=connection,
        format_=format_,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    from_: str | Unset = UNSET,
    connection: int | Unset = UNSET,
    format_: SubscriptionFormat | Unset = UNSET,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Problem | ScheduleAnswer | None:
    """Get the messages that lead to a plan

     Returns the messages that subscribe the instruments of a plan, with the times at which the pace of
    the broker allows them. With `from`, they lead from an earlier plan of the user at the same broker
    to this one. After each message the open subscriptions are within the limits. With `connection`
    alone, they subscribe that connection again after a reconnect. With the id of the broker as the
    format, each message has the arguments of the broker's official Python SDK. For historical data,
    they are the requests at the broker's pace.

    Args:
        plan_id (str): The id of a plan.
        from_ (str | Unset):
        connection (int | Unset):
        format_ (SubscriptionFormat | Unset): The format of subscriptions: a list, or the
            arguments of the SDK of a broker.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ScheduleAnswer
    """

    return (
        await asyncio_detailed(
            plan_id=plan_id,
            client=client,
            from_=from_,
            connection=connection,
            format_=format_,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
