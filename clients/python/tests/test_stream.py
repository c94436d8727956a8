import json
import tracemalloc

import httpx
import pytest

from instrument_registry import Client
from instrument_registry.stream import ArrayItems

DOCUMENT = {
    "before": {"a": [1, "]"]},
    "items": [{"key": 'NSE:"{[', "at": 12}, {"key": "ü", "inner": {"items": [1]}}, 7],
    "after": -12.5,
    "last": None,
}


def parse(pieces, name="items"):
    parser, items = ArrayItems(name), []
    for piece in pieces:
        items += parser.feed(piece)
    items += parser.finish()
    return items, parser.fields


@pytest.mark.parametrize("indent", [None, 2])
def test_items_do_not_depend_on_the_pieces(indent):
    text = json.dumps(DOCUMENT, indent=indent, ensure_ascii=False)
    fields = {name: value for name, value in DOCUMENT.items() if name != "items"}
    for size in range(1, len(text) + 1):
        items, others = parse(text[at : at + size] for at in range(0, len(text), size))
        assert items == DOCUMENT["items"], size
        assert others == fields, size


def test_items_arrive_before_the_end():
    assert ArrayItems("items").feed('{"items": [{"a": 1}, {"a"') == [{"a": 1}]


def test_memory_holds_one_piece():
    parser = ArrayItems("items")
    parser.feed('{"items": [')
    held = 0
    for number in range(1000):
        parser.feed(json.dumps({"number": number}) + ", ")
        held = max(held, len(parser._text))
    assert held < 100


@pytest.mark.parametrize("size", range(len(json.dumps(DOCUMENT))))
def test_incomplete_objects_are_errors(size):
    with pytest.raises(ValueError, match="ended before"):
        parse([json.dumps(DOCUMENT)[:size]])


INVALID = [
    "[1]",
    '{"a" 1}',
    '{"items": []}{',
    "{}",
    '{"items": null}',
    '{"items": "oops"}',
    '{"items": {}}',
    '{"items": [{} {}]}',
    '{"items": [1 2]}',
    '{"items": [,,,]}',
    '{"items": [1,]}',
    '{"items": [,1]}',
    '{"items": [1], "items": [2]}',
    '{"a": 1, "a": 2, "items": []}',
    '{"items": []"a": 1}',
    '{,"items": []}',
    '{"items": [],}',
    '{1: 2, "items": []}',
    '{"items": [NaN]}',
    '{"items": [tru]}',
    '{"items": [1.]}',
    '{"items": [{"a": 1]}',
    '{"items":\u00a0[]}',
    '{"code": "not_found", "detail": "a problem document"}',
]


@pytest.mark.parametrize("text", INVALID)
def test_other_texts_are_errors(text):
    for size in range(1, len(text) + 1):
        with pytest.raises(ValueError):
            parse(text[at : at + size] for at in range(0, len(text), size))


def test_an_array_can_be_empty():
    assert parse(['{"items": []}'])[0] == []


def test_a_syntax_error_is_reported_before_the_end():
    parser = ArrayItems("items")
    with pytest.raises(ValueError, match="Expecting ':' delimiter"):
        parser.feed('{"items": [{"a": 1}, {"a" 1}, {"a": 1}, {"a": 1}')
    parser = ArrayItems("items")
    parser.feed('{"items": [{"a": "1}, ')
    with pytest.raises(ValueError, match="Expecting ',' delimiter"):
        parser.feed('{"a": 2}, {"a": 3}, {"a": 4}, {"a": 5}, {"a": 6}')


def test_deep_nesting_is_an_error():
    with pytest.raises(ValueError, match="nested"):
        parse(['{"items": [' + "[" * 100_000])


def test_an_item_of_many_pieces_is_parsed_seldom(monkeypatch):
    parsed = []
    decode = json.JSONDecoder.raw_decode

    def counted(decoder, text, at):
        parsed.append(len(text) - at)
        return decode(decoder, text, at)

    monkeypatch.setattr(json.JSONDecoder, "raw_decode", counted)
    text = json.dumps({"items": ["x" * 100_000]})
    assert len(parse(text[at : at + 100] for at in range(0, len(text), 100))[0][0]) == 100_000
    assert sum(parsed) < 5 * len(text)


COUNT = 25_000


class LongAnswer(httpx.BaseTransport, httpx.SyncByteStream):
    """Answers with as many subscriptions, in pieces that do not end with an entry."""

    def __init__(self):
        entry = {"instrument": "NFO:NIFTY26DEC24000CE", "broker_token": "1", "segment": "NSE_FO", "mode": "full"}
        entry |= {"connection": 1, "account": "default", "endpoint": "market"}
        self.text = json.dumps({"broker": "kite", "subscriptions": [entry] * COUNT, "response_time_ms": 1}).encode()

    def handle_request(self, request):
        return httpx.Response(200, headers={"Content-Type": "application/json"}, stream=self)

    def __iter__(self):
        return (self.text[at : at + 65536] for at in range(0, len(self.text), 65536))


def test_a_long_answer_is_never_whole_in_memory():
    answer = LongAnswer()
    with Client("http://service", "key", transport=answer) as registry:
        tracemalloc.start()
        count = sum(1 for _ in registry.subscriptions("plan_1"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == COUNT
    assert peak < len(answer.text) / 3
