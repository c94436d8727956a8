"""Creates a plan with the generated client and reads it by its id.

Usage: plan.py URL KEY, with the client's package on PYTHONPATH
"""

import sys

from instrument_registry_client import AuthenticatedClient
from instrument_registry_client.api.plans import create_plan, get_plan
from instrument_registry_client.models import (
    OptimizationLevel,
    PlanAnswer,
    PlanOfInstruments,
    Problem,
    ReadAnswer,
    SubscriptionType,
)


def main():
    url, key = sys.argv[1:]
    client = AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="X-Internal-API-Key")
    keys = ["NSE:TCS", "NSE:RELIANCE", "NSE:TCS"]
    body = PlanOfInstruments(
        plan_name="Generated client",
        subscription_type=SubscriptionType.LIVE_FEED,
        instruments=keys,
        optimization_level=OptimizationLevel.MODERATE,
    )

    created = create_plan.sync(client=client, body=body, user_id="generated-client")
    assert isinstance(created, PlanAnswer), created
    plan = created.plan_data
    assert plan.instruments == ["NSE:RELIANCE", "NSE:TCS"], plan.instruments
    assert [rejection.reason.value for rejection in plan.rejected] == ["duplicate"], plan.rejected

    read = get_plan.sync(created.plan_id, client=client)
    assert isinstance(read, ReadAnswer), read
    assert read.plan == plan, (read.plan, plan)

    unknown = get_plan.sync("plan_" + "0" * 32, client=client)
    assert isinstance(unknown, Problem) and unknown.code == "not_found", unknown
    print(f"generated client: ok, created and read {created.plan_id}")


if __name__ == "__main__":
    main()
