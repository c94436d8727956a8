from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.decision import Decision
from ..models.explanation_basis import ExplanationBasis
from ..models.reason import Reason
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.alternative import Alternative
    from ..models.catalogue_comparison import CatalogueComparison
    from ..models.displaced import Displaced
    from ..models.explained_connection import ExplainedConnection
    from ..models.explained_mode import ExplainedMode
    from ..models.used_limit import UsedLimit


T = TypeVar("T", bound="Explanation")


@_attrs_define
class Explanation:
    """The explanation of the decision about a key of the request of a plan.

    Attributes:
        alternatives (list[Alternative]): Other requests that would get the data, the nearest first.
        basis (ExplanationBasis): The source of an explanation.
        catalogue (CatalogueComparison): The catalog of a plan compared with the current one.
        decision (Decision): The decision about a key of a request.
        detail (str): The decision as a sentence.
        instrument (str): The key as the request has it.
        plan_id (str): The id of the plan.
        repeats (int): The number of further occurrences of the key in the request.
        broker_token (str | Unset): The broker's token of the instrument in the plan. Absent if the broker has none.
        bytes_per_second (int | Unset): The expected bandwidth, in bytes per second. Present together with
            `messages_per_second`.
        connections (list[ExplainedConnection] | Unset): The connections that carry the instrument. Absent if the plan
            has no connections or does not contain the instrument.
        cost_per_day (float | Unset): The configured cost of the instrument for a trading day, in USD. Absent if the key
            was left out.
        limit (UsedLimit | Unset): A limit of a broker or of the settings, and its use by the plan.
        messages_per_second (float | Unset): The expected number of messages in a second. Absent for historical data,
            and if the instrument has no subscription.
        mode (ExplainedMode | Unset): The mode of an instrument of a plan.
        pinned (bool | Unset): Whether the instrument is pinned. Present together with `priority`.
        priority (int | Unset): The priority of the instrument. Present only if the basis is `recomputed` and the
            instrument passed all checks before the
            limits.
        reason (Reason | Unset): The reason why a key was left out.
        represented_by (str | Unset): The key that represents the instrument. The fields about the subscription are
            those of this key. Present only if the
            reason is `alias`.
        would_displace (Displaced | Unset): An instrument that would be left out or lowered.
    """

    alternatives: list[Alternative]
    basis: ExplanationBasis
    catalogue: CatalogueComparison
    decision: Decision
    detail: str
    instrument: str
    plan_id: str
    repeats: int
    broker_token: str | Unset = UNSET
    bytes_per_second: int | Unset = UNSET
    connections: list[ExplainedConnection] | Unset = UNSET
    cost_per_day: float | Unset = UNSET
    limit: UsedLimit | Unset = UNSET
    messages_per_second: float | Unset = UNSET
    mode: ExplainedMode | Unset = UNSET
    pinned: bool | Unset = UNSET
    priority: int | Unset = UNSET
    reason: Reason | Unset = UNSET
    represented_by: str | Unset = UNSET
    would_displace: Displaced | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        alternatives = []
        for alternatives_item_data in self.alternatives:
            alternatives_item = alternatives_item_data.to_dict()
            alternatives.append(alternatives_item)

        basis = self.basis.value

        catalogue = self.catalogue.to_dict()

        decision = self.decision.value

        detail = self.detail

        instrument = self.instrument

        plan_id = self.plan_id

        repeats = self.repeats

        broker_token = self.broker_token

        bytes_per_second = self.bytes_per_second

        connections: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.connections, Unset):
            connections = []
            for connections_item_data in self.connections:
                connections_item = connections_item_data.to_dict()
                connections.append(connections_item)

        cost_per_day = self.cost_per_day

        limit: dict[str, Any] | Unset = UNSET
        if not isinstance(self.limit, Unset):
            limit = self.limit.to_dict()

        messages_per_second = self.messages_per_second

        mode: dict[str, Any] | Unset = UNSET
        if not isinstance(self.mode, Unset):
            mode = self.mode.to_dict()

        pinned = self.pinned

        priority = self.priority

        reason: str | Unset = UNSET
        if not isinstance(self.reason, Unset):
            reason = self.reason.value

        represented_by = self.represented_by

        would_displace: dict[str, Any] | Unset = UNSET
        if not isinstance(self.would_displace, Unset):
            would_displace = self.would_displace.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "alternatives": alternatives,
                "basis": basis,
                "catalogue": catalogue,
                "decision": decision,
                "detail": detail,
                "instrument": instrument,
                "plan_id": plan_id,
                "repeats": repeats,
            }
        )
        if broker_token is not UNSET:
            field_dict["broker_token"] = broker_token
        if bytes_per_second is not UNSET:
            field_dict["bytes_per_second"] = bytes_per_second
        if connections is not UNSET:
            field_dict["connections"] = connections
        if cost_per_day is not UNSET:
            field_dict["cost_per_day"] = cost_per_day
        if limit is not UNSET:
            field_dict["limit"] = limit
        if messages_per_second is not UNSET:
            field_dict["messages_per_second"] = messages_per_second
        if mode is not UNSET:
            field_dict["mode"] = mode
        if pinned is not UNSET:
            field_dict["pinned"] = pinned
        if priority is not UNSET:
            field_dict["priority"] = priority
        if reason is not UNSET:
            field_dict["reason"] = reason
        if represented_by is not UNSET:
            field_dict["represented_by"] = represented_by
        if would_displace is not UNSET:
            field_dict["would_displace"] = would_displace

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.alternative import Alternative
        from ..models.catalogue_comparison import CatalogueComparison
        from ..models.displaced import Displaced
        from ..models.explained_connection import ExplainedConnection
        from ..models.explained_mode import ExplainedMode
        from ..models.used_limit import UsedLimit

        d = dict(src_dict)
        alternatives = []
        _alternatives = d.pop("alternatives")
        for alternatives_item_data in _alternatives:
            alternatives_item = Alternative.from_dict(alternatives_item_data)

            alternatives.append(alternatives_item)

        basis = ExplanationBasis(d.pop("basis"))

        catalogue = CatalogueComparison.from_dict(d.pop("catalogue"))

        decision = Decision(d.pop("decision"))

        detail = d.pop("detail")

        instrument = d.pop("instrument")

        plan_id = d.pop("plan_id")

        repeats = d.pop("repeats")

        broker_token = d.pop("broker_token", UNSET)

        bytes_per_second = d.pop("bytes_per_second", UNSET)

        _connections = d.pop("connections", UNSET)
        connections: list[ExplainedConnection] | Unset = UNSET
        if _connections is not UNSET:
            connections = []
            for connections_item_data in _connections:
                connections_item = ExplainedConnection.from_dict(connections_item_data)

                connections.append(connections_item)

        cost_per_day = d.pop("cost_per_day", UNSET)

        _limit = d.pop("limit", UNSET)
        limit: UsedLimit | Unset
        if isinstance(_limit, Unset):
            limit = UNSET
        else:
            limit = UsedLimit.from_dict(_limit)

        messages_per_second = d.pop("messages_per_second", UNSET)

        _mode = d.pop("mode", UNSET)
        mode: ExplainedMode | Unset
        if isinstance(_mode, Unset):
            mode = UNSET
        else:
            mode = ExplainedMode.from_dict(_mode)

        pinned = d.pop("pinned", UNSET)

        priority = d.pop("priority", UNSET)

        _reason = d.pop("reason", UNSET)
        reason: Reason | Unset
        if isinstance(_reason, Unset):
            reason = UNSET
        else:
            reason = Reason(_reason)

        represented_by = d.pop("represented_by", UNSET)

        _would_displace = d.pop("would_displace", UNSET)
        would_displace: Displaced | Unset
        if isinstance(_would_displace, Unset):
            would_displace = UNSET
        else:
            would_displace = Displaced.from_dict(_would_displace)

        explanation = cls(
            alternatives=alternatives,
            basis=basis,
            catalogue=catalogue,
            decision=decision,
            detail=detail,
            instrument=instrument,
            plan_id=plan_id,
            repeats=repeats,
            broker_token=broker_token,
            bytes_per_second=bytes_per_second,
            connections=connections,
            cost_per_day=cost_per_day,
            limit=limit,
            messages_per_second=messages_per_second,
            mode=mode,
            pinned=pinned,
            priority=priority,
            reason=reason,
            represented_by=represented_by,
            would_displace=would_displace,
        )

        explanation.additional_properties = d
        return explanation

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
