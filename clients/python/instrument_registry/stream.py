"""Reads the items of one array of a JSON object while the object arrives."""

from __future__ import annotations

import json
import re
from typing import Any

_SPACES = re.compile(r"[ \t\r\n]*")
_DELIMITERS = tuple(",]} \t\r\n")
# An incomplete word, number or escape is shorter. An error further from the end of the text is final.
_WORD_MAX = 16


def _reject_constant(name: str) -> None:
    raise ValueError(f"expected a JSON value, got `{name}`")


_DECODER = json.JSONDecoder(parse_constant=_reject_constant)


class ArrayItems:
    """Parses a JSON object piece by piece. `fields` has the fields of the object other than the array.

    The memory holds one piece of the text and its items, and at most twice the text of an item that has several pieces.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, Any] = {}
        self.is_complete = self.has_array = False
        self._text, self._at = "", 0
        self._pieces: list[str] = []
        # The number of characters that must arrive before an incomplete value is parsed again.
        self._missing = 0
        self._step, self._field = self._start, ""

    def feed(self, text: str) -> list[Any]:
        """Returns items that are complete with this piece. One that has several pieces can follow later."""
        self._pieces.append(text)
        self._missing -= len(text)
        items: list[Any] = []
        if self._missing <= 0:
            self._text, self._at, self._pieces = self._text[self._at :] + "".join(self._pieces), 0, []
            while (start := self._next_character()) and self._step(start, items):
                pass
        return items

    def finish(self) -> list[Any]:
        """Returns the last items. Raises `ValueError` if the object is incomplete or has no such array."""
        self._missing = 0
        items = self.feed("")
        if not self.is_complete:
            raise ValueError(f"the response ended before the end of `{self.name}` and its other fields")
        if not self.has_array:
            raise ValueError(f"expected the array `{self.name}`, got an object without it")
        return items

    # Each step returns whether it made progress. Otherwise it needs more text.

    def _start(self, start: str, _: list[Any]) -> bool:
        return self._expect("{", start, self._name_or_end)

    def _name_or_end(self, start: str, items: list[Any]) -> bool:
        return self._end_object() if start == "}" else self._name(start, items)

    def _name(self, start: str, _: list[Any]) -> bool:
        if start != '"':
            raise ValueError(f"expected the name of a field, got `{start}`")
        done, value = self._value(start)
        if done:
            if value in self.fields or (value == self.name and self.has_array):
                raise ValueError(f"expected one field `{value}`, got two")
            self._field, self._step = value, self._colon
        return done

    def _colon(self, start: str, _: list[Any]) -> bool:
        return self._expect(":", start, self._content)

    def _content(self, start: str, _: list[Any]) -> bool:
        if self._field == self.name:
            self.has_array = True
            return self._expect("[", start, self._item_or_end)
        done, value = self._value(start)
        if done:
            self.fields[self._field], self._step = value, self._after_field
        return done

    def _after_field(self, start: str, _: list[Any]) -> bool:
        return self._end_object() if start == "}" else self._expect(",", start, self._name)

    def _item_or_end(self, start: str, items: list[Any]) -> bool:
        return self._goto(self._after_field) if start == "]" else self._item(start, items)

    def _item(self, start: str, items: list[Any]) -> bool:
        done, value = self._value(start)
        if done:
            items.append(value)
            self._step = self._after_item
        return done

    def _after_item(self, start: str, _: list[Any]) -> bool:
        return self._goto(self._after_field) if start == "]" else self._expect(",", start, self._item)

    def _end_object(self) -> bool:
        self.is_complete = True
        return self._goto(self._end)

    def _end(self, start: str, _: list[Any]) -> bool:
        raise ValueError(f"unexpected `{start}` after the JSON object")

    def _expect(self, character: str, start: str, step: Any) -> bool:
        if start != character:
            raise ValueError(f"expected `{character}`, got `{start}`")
        return self._goto(step)

    def _goto(self, step: Any) -> bool:
        self._at += 1
        self._step = step
        return True

    def _next_character(self) -> str:
        """Returns the next character that is not a space, or an empty string at the end of the text."""
        spaces = _SPACES.match(self._text, self._at)
        self._at = spaces.end() if spaces else self._at
        return self._text[self._at : self._at + 1]

    def _value(self, start: str) -> tuple[bool, Any]:
        """Returns whether a value is complete, and the value."""
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as fault:
            if not fault.msg.startswith("Unterminated string") and len(self._text) - fault.pos > _WORD_MAX:
                raise
            return self._incomplete()
        except RecursionError:
            raise ValueError("expected fewer nested arrays and objects") from None
        # A number ends where something else begins. `12.` can become `12.5`.
        if start not in '"{[' and self._text[end : end + 1] not in _DELIMITERS:
            if len(self._text) - end > _WORD_MAX:
                raise ValueError(f"expected the end of a value, got `{self._text[end]}`")
            return self._incomplete()
        self._at = end
        return True, value

    def _incomplete(self) -> tuple[bool, Any]:
        # Each attempt has twice the text of the last one, so that the time is linear.
        self._missing = len(self._text) - self._at
        return False, None
