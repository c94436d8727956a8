from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.verification_answer import VerificationAnswer
from ...types import UNSET, Response, Unset


def _get_kwargs(
    plan_id: str,
    *,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_correlation_id, Unset):
        headers["X-Correlation-ID"] = x_correlation_id

    if not isinstance(traceparent, Unset):
        headers["traceparent"] = traceparent

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/verify".format(
            plan_id=quote(str(plan_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | VerificationAnswer | None:
    if response.status_code == 200:
        response_200 = VerificationAnswer.from_dict(response.json())

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
) -> Response[Problem | VerificationAnswer]:
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
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Problem | VerificationAnswer]:
    """Verify a plan

     Compares the identities, tokens and terms that a plan stored with the current catalog, and returns
    one verdict for each instrument, with everything that changed. Of several verdicts, the first in the
    order of `Verdict` applies. A plan without identities, because it names no broker or is for
    historical data, is compared by its keys. `replan` is what the same request would change now.

    Args:
        plan_id (str): The id of a plan.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | VerificationAnswer]
    """

    kwargs = _get_kwargs(
        plan_id=plan_id,
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
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Problem | VerificationAnswer | None:
    """Verify a plan

     Compares the identities, tokens and terms that a plan stored with the current catalog, and returns
    one verdict for each instrument, with everything that changed. Of several verdicts, the first in the
    order of `Verdict` applies. A plan without identities, because it names no broker or is for
    historical data, is compared by its keys. `replan` is what the same request would change now.

    Args:
        plan_id (str): The id of a plan.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | VerificationAnswer
    """

    return sync_detailed(
        plan_id=plan_id,
        client=client,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    ).parsed


async def asyncio_detailed(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Response[Problem | VerificationAnswer]:
    """Verify a plan

     Compares the identities, tokens and terms that a plan stored with the current catalog, and returns
    one verdict for each instrument, with everything that changed. Of several verdicts, the first in the
    order of `Verdict` applies. A plan without identities, because it names no broker or is for
    historical data, is compared by its keys. `replan` is what the same request would change now.

    Args:
        plan_id (str): The id of a plan.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | VerificationAnswer]
    """

    kwargs = _get_kwargs(
        plan_id=plan_id,
        x_correlation_id=x_correlation_id,
        traceparent=traceparent,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    plan_id: str,
    *,
    client: AuthenticatedClient,
    x_correlation_id: str | Unset = UNSET,
    traceparent: str | Unset = UNSET,
) -> Problem | VerificationAnswer | None:
    """Verify a plan

     Compares the identities, tokens and terms that a plan stored with the current catalog, and returns
    one verdict for each instrument, with everything that changed. Of several verdicts, the first in the
    order of `Verdict` applies. A plan without identities, because it names no broker or is for
    historical data, is compared by its keys. `replan` is what the same request would change now.

    Args:
        plan_id (str): The id of a plan.
        x_correlation_id (str | Unset):
        traceparent (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | VerificationAnswer
    """

    return (
        await asyncio_detailed(
            plan_id=plan_id,
            client=client,
            x_correlation_id=x_correlation_id,
            traceparent=traceparent,
        )
    ).parsed
