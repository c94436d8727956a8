from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.import_status import ImportStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.fault import Fault
    from ..models.rejected_row import RejectedRow


T = TypeVar("T", bound="ImportResult")


@_attrs_define
class ImportResult:
    """The result for a profile.

    Attributes:
        rejected_count (int): The number of rows that were rejected.
        row (int): The start of the profile: the line of the CSV file, or the position in the JSON array, from 1.
        status (ImportStatus): The result for the profile. `deactivated`: created, then deactivated because of a later
            profile in the file.
        code (str | Unset): The code of the problem. Absent if the profile was created.
        conflicts_resolved (int | Unset): The number of conflicts that were resolved.
        deactivated_profiles (list[str] | Unset): The profiles that were deactivated to resolve conflicts.
        detail (str | Unset): The cause of the problem and, if there is one, the remedy. Absent if the profile was
            created.
        errors (list[Fault] | Unset): The validation errors of the profile. Absent if there are none.
        instrument_count (int | Unset): The number of instruments of the profile. Absent if the profile was not created.
        profile_id (str | Unset): The id of a profile.
        profile_name (str | Unset): The name of the profile. Absent if the file has no readable name for it.
        rejected_rows (list[RejectedRow] | Unset): The first 100 rejected rows.
    """

    rejected_count: int
    row: int
    status: ImportStatus
    code: str | Unset = UNSET
    conflicts_resolved: int | Unset = UNSET
    deactivated_profiles: list[str] | Unset = UNSET
    detail: str | Unset = UNSET
    errors: list[Fault] | Unset = UNSET
    instrument_count: int | Unset = UNSET
    profile_id: str | Unset = UNSET
    profile_name: str | Unset = UNSET
    rejected_rows: list[RejectedRow] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        rejected_count = self.rejected_count

        row = self.row

        status = self.status.value

        code = self.code

        conflicts_resolved = self.conflicts_resolved

        deactivated_profiles: list[str] | Unset = UNSET
        if not isinstance(self.deactivated_profiles, Unset):
            deactivated_profiles = self.deactivated_profiles

        detail = self.detail

        errors: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.errors, Unset):
            errors = []
            for errors_item_data in self.errors:
                errors_item = errors_item_data.to_dict()
                errors.append(errors_item)

        instrument_count = self.instrument_count

        profile_id = self.profile_id

        profile_name = self.profile_name

        rejected_rows: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.rejected_rows, Unset):
            rejected_rows = []
            for rejected_rows_item_data in self.rejected_rows:
                rejected_rows_item = rejected_rows_item_data.to_dict()
                rejected_rows.append(rejected_rows_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "rejected_count": rejected_count,
                "row": row,
                "status": status,
            }
        )
        if code is not UNSET:
            field_dict["code"] = code
        if conflicts_resolved is not UNSET:
            field_dict["conflicts_resolved"] = conflicts_resolved
        if deactivated_profiles is not UNSET:
            field_dict["deactivated_profiles"] = deactivated_profiles
        if detail is not UNSET:
            field_dict["detail"] = detail
        if errors is not UNSET:
            field_dict["errors"] = errors
        if instrument_count is not UNSET:
            field_dict["instrument_count"] = instrument_count
        if profile_id is not UNSET:
            field_dict["profile_id"] = profile_id
        if profile_name is not UNSET:
            field_dict["profile_name"] = profile_name
        if rejected_rows is not UNSET:
            field_dict["rejected_rows"] = rejected_rows

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.fault import Fault
        from ..models.rejected_row import RejectedRow

        d = dict(src_dict)
        rejected_count = d.pop("rejected_count")

        row = d.pop("row")

        status = ImportStatus(d.pop("status"))

        code = d.pop("code", UNSET)

        conflicts_resolved = d.pop("conflicts_resolved", UNSET)

        deactivated_profiles = cast(list[str], d.pop("deactivated_profiles", UNSET))

        detail = d.pop("detail", UNSET)

        _errors = d.pop("errors", UNSET)
        errors: list[Fault] | Unset = UNSET
        if _errors is not UNSET:
            errors = []
            for errors_item_data in _errors:
                errors_item = Fault.from_dict(errors_item_data)

                errors.append(errors_item)

        instrument_count = d.pop("instrument_count", UNSET)

        profile_id = d.pop("profile_id", UNSET)

        profile_name = d.pop("profile_name", UNSET)

        _rejected_rows = d.pop("rejected_rows", UNSET)
        rejected_rows: list[RejectedRow] | Unset = UNSET
        if _rejected_rows is not UNSET:
            rejected_rows = []
            for rejected_rows_item_data in _rejected_rows:
                rejected_rows_item = RejectedRow.from_dict(rejected_rows_item_data)

                rejected_rows.append(rejected_rows_item)

        import_result = cls(
            rejected_count=rejected_count,
            row=row,
            status=status,
            code=code,
            conflicts_resolved=conflicts_resolved,
            deactivated_profiles=deactivated_profiles,
            detail=detail,
            errors=errors,
            instrument_count=instrument_count,
            profile_id=profile_id,
            profile_name=profile_name,
            rejected_rows=rejected_rows,
        )

        import_result.additional_properties = d
        return import_result

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
