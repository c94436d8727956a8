from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.api_version import ApiVersion
from ..models.verification_basis import VerificationBasis
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.replan_diff import ReplanDiff
    from ..models.verification_counts import VerificationCounts
    from ..models.verified_catalogue import VerifiedCatalogue
    from ..models.verified_instrument import VerifiedInstrument


T = TypeVar("T", bound="VerificationAnswer")


@_attrs_define
class VerificationAnswer:
    """The verification of a plan.

    Attributes:
        as_of (datetime.date): The trading date of the verification, in Asia/Kolkata.
        basis (VerificationBasis): The data of the plan that were compared with the catalog.
        catalogue (VerifiedCatalogue): The catalog of a plan and the current one.
        counts (VerificationCounts): The number of instruments by verdict; every verdict is present.
        instruments (list[VerifiedInstrument]): The instruments, in the order of the plan.
        plan_id (str): The id of the plan.
        stale_instruments (int): The number of instruments whose verdict is not `unchanged`.
        api_version (ApiVersion): The version of the API.
        correlation_id (str): The correlation id of the request.
        duration_ms (int): The time that it took to verify the plan, in milliseconds.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        replan (ReplanDiff | Unset): The difference of a new plan to the stored one.
    """

    as_of: datetime.date
    basis: VerificationBasis
    catalogue: VerifiedCatalogue
    counts: VerificationCounts
    instruments: list[VerifiedInstrument]
    plan_id: str
    stale_instruments: int
    api_version: ApiVersion
    correlation_id: str
    duration_ms: int
    response_time_ms: int
    replan: ReplanDiff | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        as_of = self.as_of.isoformat()

        basis = self.basis.value

        catalogue = self.catalogue.to_dict()

        counts = self.counts.to_dict()

        instruments = []
        for instruments_item_data in self.instruments:
            instruments_item = instruments_item_data.to_dict()
            instruments.append(instruments_item)

        plan_id = self.plan_id

        stale_instruments = self.stale_instruments

        api_version = self.api_version.value

        correlation_id = self.correlation_id

        duration_ms = self.duration_ms

        response_time_ms = self.response_time_ms

        replan: dict[str, Any] | Unset = UNSET
        if not isinstance(self.replan, Unset):
            replan = self.replan.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "as_of": as_of,
                "basis": basis,
                "catalogue": catalogue,
                "counts": counts,
                "instruments": instruments,
                "plan_id": plan_id,
                "stale_instruments": stale_instruments,
                "api_version": api_version,
                "correlation_id": correlation_id,
                "duration_ms": duration_ms,
                "response_time_ms": response_time_ms,
            }
        )
        if replan is not UNSET:
            field_dict["replan"] = replan

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.replan_diff import ReplanDiff
        from ..models.verification_counts import VerificationCounts
        from ..models.verified_catalogue import VerifiedCatalogue
        from ..models.verified_instrument import VerifiedInstrument

        d = dict(src_dict)
        as_of = datetime.date.fromisoformat(d.pop("as_of"))

        basis = VerificationBasis(d.pop("basis"))

        catalogue = VerifiedCatalogue.from_dict(d.pop("catalogue"))

        counts = VerificationCounts.from_dict(d.pop("counts"))

        instruments = []
        _instruments = d.pop("instruments")
        for instruments_item_data in _instruments:
            instruments_item = VerifiedInstrument.from_dict(instruments_item_data)

            instruments.append(instruments_item)

        plan_id = d.pop("plan_id")

        stale_instruments = d.pop("stale_instruments")

        api_version = ApiVersion(d.pop("api_version"))

        correlation_id = d.pop("correlation_id")

        duration_ms = d.pop("duration_ms")

        response_time_ms = d.pop("response_time_ms")

        _replan = d.pop("replan", UNSET)
        replan: ReplanDiff | Unset
        if isinstance(_replan, Unset):
            replan = UNSET
        else:
            replan = ReplanDiff.from_dict(_replan)

        verification_answer = cls(
            as_of=as_of,
            basis=basis,
            catalogue=catalogue,
            counts=counts,
            instruments=instruments,
            plan_id=plan_id,
            stale_instruments=stale_instruments,
            api_version=api_version,
            correlation_id=correlation_id,
            duration_ms=duration_ms,
            response_time_ms=response_time_ms,
            replan=replan,
        )

        verification_answer.additional_properties = d
        return verification_answer

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
