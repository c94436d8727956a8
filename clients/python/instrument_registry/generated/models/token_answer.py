from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.token_mapping import TokenMapping


T = TypeVar("T", bound="TokenAnswer")


@_attrs_define
class TokenAnswer:
    """The token of one instrument.

    Attributes:
        correlation_id (str): The correlation id of the request.
        response_time_ms (int): The time from the arrival of the request to the response, in milliseconds.
        token_mapping (TokenMapping): The token that identifies an instrument in the feed of a broker.
    """

    correlation_id: str
    response_time_ms: int
    token_mapping: TokenMapping
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        correlation_id = self.correlation_id

        response_time_ms = self.response_time_ms

        token_mapping = self.token_mapping.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "correlation_id": correlation_id,
                "response_time_ms": response_time_ms,
                "token_mapping": token_mapping,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.token_mapping import TokenMapping

        d = dict(src_dict)
        correlation_id = d.pop("correlation_id")

        response_time_ms = d.pop("response_time_ms")

        token_mapping = TokenMapping.from_dict(d.pop("token_mapping"))

        token_answer = cls(
            correlation_id=correlation_id,
            response_time_ms=response_time_ms,
            token_mapping=token_mapping,
        )

        token_answer.additional_properties = d
        return token_answer

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
