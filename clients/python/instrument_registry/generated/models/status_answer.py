from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.status_actor import StatusActor
    from ..models.status_batches import StatusBatches
    from ..models.status_breaker import StatusBreaker
    from ..models.status_caches import StatusCaches
    from ..models.status_catalog import StatusCatalog
    from ..models.status_endpoint import StatusEndpoint
    from ..models.status_health import StatusHealth
    from ..models.status_history import StatusHistory
    from ..models.status_job import StatusJob
    from ..models.status_lane import StatusLane
    from ..models.status_plans import StatusPlans
    from ..models.status_process import StatusProcess
    from ..models.status_requests import StatusRequests
    from ..models.status_settings import StatusSettings


T = TypeVar("T", bound="StatusAnswer")


@_attrs_define
class StatusAnswer:
    """The status.

    Attributes:
        actors (list[StatusActor]): The actors.
        batches (StatusBatches): The batches of new plans over the last 1 to 2 minutes.
        breakers (list[StatusBreaker]): The circuit breakers of the configured dependencies.
        caches (StatusCaches): The caches.
        catalog (StatusCatalog): The catalog.
        endpoints (list[StatusEndpoint]): The endpoints with requests in the last 10 to 15 minutes, busiest first.
        health (StatusHealth): The state of the service, and its problems.
        history (StatusHistory): The last 15 minutes.
        jobs (list[StatusJob]): The last jobs of all processes on the database, at most 20, newest first. Those of other
            processes are up to 6 s old.
        lanes (list[StatusLane]): The lanes of database calls.
        plans (StatusPlans): The plans.
        process (StatusProcess): The process.
        requests (StatusRequests): The requests to the API.
        settings (StatusSettings): The settings.
        timestamp (datetime.datetime): The time of the document.
        correlation_id (str): The correlation id of the request.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
    """

    actors: list[StatusActor]
    batches: StatusBatches
    breakers: list[StatusBreaker]
    caches: StatusCaches
    catalog: StatusCatalog
    endpoints: list[StatusEndpoint]
    health: StatusHealth
    history: StatusHistory
    jobs: list[StatusJob]
    lanes: list[StatusLane]
    plans: StatusPlans
    process: StatusProcess
    requests: StatusRequests
    settings: StatusSettings
    timestamp: datetime.datetime
    correlation_id: str
    response_time_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        actors = []
        for actors_item_data in self.actors:
            actors_item = actors_item_data.to_dict()
            actors.append(actors_item)

        batches = self.batches.to_dict()

        breakers = []
        for breakers_item_data in self.breakers:
            breakers_item = breakers_item_data.to_dict()
            breakers.append(breakers_item)

        caches = self.caches.to_dict()

        catalog = self.catalog.to_dict()

        endpoints = []
        for endpoints_item_data in self.endpoints:
            endpoints_item = endpoints_item_data.to_dict()
            endpoints.append(endpoints_item)

        health = self.health.to_dict()

        history = self.history.to_dict()

        jobs = []
        for jobs_item_data in self.jobs:
            jobs_item = jobs_item_data.to_dict()
            jobs.append(jobs_item)

        lanes = []
        for lanes_item_data in self.lanes:
            lanes_item = lanes_item_data.to_dict()
            lanes.append(lanes_item)

        plans = self.plans.to_dict()

        process = self.process.to_dict()

        requests = self.requests.to_dict()

        settings = self.settings.to_dict()

        timestamp = self.timestamp.isoformat()

        correlation_id = self.correlation_id

        response_time_ms = self.response_time_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "actors": actors,
                "batches": batches,
                "breakers": breakers,
                "caches": caches,
                "catalog": catalog,
                "endpoints": endpoints,
                "health": health,
                "history": history,
                "jobs": jobs,
                "lanes": lanes,
                "plans": plans,
                "process": process,
                "requests": requests,
                "settings": settings,
                "timestamp": timestamp,
                "correlation_id": correlation_id,
                "response_time_ms": response_time_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.status_actor import StatusActor
        from ..models.status_batches import StatusBatches
        from ..models.status_breaker import StatusBreaker
        from ..models.status_caches import StatusCaches
        from ..models.status_catalog import StatusCatalog
        from ..models.status_endpoint import StatusEndpoint
        from ..models.status_health import StatusHealth
        from ..models.status_history import StatusHistory
        from ..models.status_job import StatusJob
        from ..models.status_lane import StatusLane
        from ..models.status_plans import StatusPlans
        from ..models.status_process import StatusProcess
        from ..models.status_requests import StatusRequests
        from ..models.status_settings import StatusSettings

        d = dict(src_dict)
        actors = []
        _actors = d.pop("actors")
        for actors_item_data in _actors:
            actors_item = StatusActor.from_dict(actors_item_data)

            actors.append(actors_item)

        batches = StatusBatches.from_dict(d.pop("batches"))

        breakers = []
        _breakers = d.pop("breakers")
        for breakers_item_data in _breakers:
            breakers_item = StatusBreaker.from_dict(breakers_item_data)

            breakers.append(breakers_item)

        caches = StatusCaches.from_dict(d.pop("caches"))

        catalog = StatusCatalog.from_dict(d.pop("catalog"))

        endpoints = []
        _endpoints = d.pop("endpoints")
        for endpoints_item_data in _endpoints:
            endpoints_item = StatusEndpoint.from_dict(endpoints_item_data)

            endpoints.append(endpoints_item)

        health = StatusHealth.from_dict(d.pop("health"))

        history = StatusHistory.from_dict(d.pop("history"))

        jobs = []
        _jobs = d.pop("jobs")
        for jobs_item_data in _jobs:
            jobs_item = StatusJob.from_dict(jobs_item_data)

            jobs.append(jobs_item)

        lanes = []
        _lanes = d.pop("lanes")
        for lanes_item_data in _lanes:
            lanes_item = StatusLane.from_dict(lanes_item_data)

            lanes.append(lanes_item)

        plans = StatusPlans.from_dict(d.pop("plans"))

        process = StatusProcess.from_dict(d.pop("process"))

        requests = StatusRequests.from_dict(d.pop("requests"))

        settings = StatusSettings.from_dict(d.pop("settings"))

        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        correlation_id = d.pop("correlation_id")

        response_time_ms = d.pop("response_time_ms")

        status_answer = cls(
            actors=actors,
            batches=batches,
            breakers=breakers,
            caches=caches,
            catalog=catalog,
            endpoints=endpoints,
            health=health,
            history=history,
            jobs=jobs,
            lanes=lanes,
            plans=plans,
            process=process,
            requests=requests,
            settings=settings,
            timestamp=timestamp,
            correlation_id=correlation_id,
            response_time_ms=response_time_ms,
        )

        status_answer.additional_properties = d
        return status_answer

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
