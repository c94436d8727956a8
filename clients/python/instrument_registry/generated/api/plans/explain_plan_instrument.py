from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.explain_answer import ExplainAnswer
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    plan_id: str,
    *,
    instrument: str,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    params: dict[str, Any] = {}

    params["instrument"] = instrument

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/explain".format(
            plan_id=quote(str(plan_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ExplainAnswer | Problem | None:
    if response.status_code == 200:
        response_200 = ExplainAnswer.from_dict(response.json())

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
) -> Response[ExplainAnswer | Problem]:
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
    instrument: str,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ExplainAnswer | Problem]:
    """Explain the decision about an instrument of a plan

     Returns why a plan contains a key of its request, or why it was left out: the reason, the limit that
    decided with its figures, the instrument that it would have displaced, the connection, mode, cost
    and expected rates, the nearest alternatives, and whether the catalog has changed since. If the plan
    names a broker and the catalog and the limits are those of the plan, the fit is repeated for the
    explanation.

    Args:
        plan_id (str): The id of a plan.
        instrument (str): An instrument as the caller sends it, usually `EXCHANGE:SYMBOL`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExplainAnswer | Problem]
    """

    kwargs = _get_kwargs(
        plan_id=plan_id,
        instrument=instrument,
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
    instrument: str,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ExplainAnswer | Problem | None:
    """Explain the decision about an instrument of a plan

     Returns why a plan contains a key of its request, or why it was left out: the reason, the limit that
    decided with its figures, the instrument that it would have displaced, the connection, mode, cost
    and expected rates, the nearest alternatives, and whether the catalog has changed since. If the plan
    names a broker and the catalog and the limits are those of the plan, the fit is repeated for the
    explanation.

    Args:
        plan_id (str): The id of a plan.
        instrument (str): An instrument as the caller sends it, usually `EXCHANGE:SYMBOL`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExplainAnswer | Problem
    """

    return sync_detailed(
        plan_id=plan_id,
        client=client,
        instrument=instrument,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    instrument: str,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[ExplainAnswer | Problem]:
    """Explain the decision about an instrument of a plan

     Returns why a plan contains a key of its request, or why it was left out: the reason, the limit that
    decided with its figures, the instrument that it would have displaced, the connection, mode, cost
    and expected rates, the nearest alternatives, and whether the catalog has changed since. If the plan
    names a broker and the catalog and the limits are those of the plan, the fit is repeated for the
    explanation.

    Args:
        plan_id (str): The id of a plan.
        instrument (str): An instrument as the caller sends it, usually `EXCHANGE:SYMBOL`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExplainAnswer | Problem]
    """

    kwargs = _get_kwargs(
        plan_id=plan_id,
        instrument=instrument,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    instrument: str,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> ExplainAnswer | Problem | None:
    """Explain the decision about an instrument of a plan

     Returns why a plan contains a key of its request, or why it was left out: the reason, the limit that
    decided with its figures, the instrument that it would have displaced, the connection, mode, cost
    and expected rates, the nearest alternatives, and whether the catalog has changed since. If the plan
    names a broker and the catalog and the limits are those of the plan, the fit is repeated for the
    explanation.

    Args:
        plan_id (str): The id of a plan.
        instrument (str): An instrument as the caller sends it, usually `EXCHANGE:SYMBOL`.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExplainAnswer | Problem
    """

    return (
        await asyncio_detailed(
            plan_id=plan_id,
            client=client,
            instrument=instrument,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
