from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.broker import Broker

T = TypeVar("T", bound="BrokerChange")


@_attrs_define
class BrokerChange:
    """A change of the broker.

    Attributes:
        from_ (Broker | None):
        to (Broker | None):
    """

    from_: Broker | None
    to: Broker | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from_: None | str
        if isinstance(self.from_, Broker):
            from_ = self.from_.value
        else:
            from_ = self.from_

        to: None | str
        if isinstance(self.to, Broker):
            to = self.to.value
        else:
            to = self.to

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "from": from_,
                "to": to,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_from_(data: object) -> Broker | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                from_type_0 = Broker(data)

                return from_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Broker | None, data)

        from_ = _parse_from_(d.pop("from"))

        def _parse_to(data: object) -> Broker | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                to_type_0 = Broker(data)

                return to_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Broker | None, data)

        to = _parse_to(d.pop("to"))

        broker_change = cls(
            from_=from_,
            to=to,
        )

        broker_change.additional_properties = d
        return broker_change

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
