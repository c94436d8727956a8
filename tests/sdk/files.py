"""Finds the newest file of a broker, and writes those of other brokers from it."""

import csv
import datetime
import gzip
import io
import json
import os
import pathlib

SHARED = pathlib.Path(os.environ.get("REGISTRY_SHARED", "../shared")).resolve() / "data"


def newest(prefix):
    """Returns the file of a broker with the latest date in its name, or None."""
    dated = [(file.name.split(".")[0].rsplit("_", 1)[-1], file) for file in SHARED.glob(f"{prefix}_*.csv.gz")]
    return max(dated)[1] if dated else None


def rows_of(file):
    with gzip.open(file, "rt", newline="") as text:
        yield from csv.DictReader(text)


def complete_dhan_file(cash, contracts):
    """Returns a compact file of Dhan with the securities of one file and the contracts of a file of Kite.

    Dhan's ids of contracts are the numbers of the exchange, which Kite's file has as exchange_token.
    """
    with gzip.open(cash, "rt", newline="") as text:
        content = text.read().rstrip("\n") + "\n"
    columns = next(csv.reader(io.StringIO(content)))
    out = io.StringIO(content)
    out.seek(0, io.SEEK_END)
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    for row in rows_of(contracts):
        if row["exchange"] in ("NFO", "BFO"):
            writer.writerow(dhan_row(row))
    return gzip.compress(out.getvalue().encode())


def dhan_row(row):
    kind, expiry = row["instrument_type"], datetime.date.fromisoformat(row["expiry"])
    strike = "" if kind == "FUT" else f"{float(row['strike']):g}"
    terms = ["FUT"] if kind == "FUT" else [strike, kind]
    symbol = "-".join([row["name"], expiry.strftime("%b%Y"), *terms])
    return {
        "SEM_EXM_EXCH_ID": row["exchange"][0] + "SE",
        "SEM_SEGMENT": "D",
        "SEM_SMST_SECURITY_ID": row["exchange_token"],
        "SEM_INSTRUMENT_NAME": "FUTSTK" if kind == "FUT" else "OPTSTK",
        "SEM_EXPIRY_CODE": "0",
        "SEM_TRADING_SYMBOL": symbol,
        "SEM_LOT_UNITS": row["lot_size"],
        "SEM_CUSTOM_SYMBOL": symbol,
        "SEM_EXPIRY_DATE": f"{expiry} 14:30:00",
        "SEM_STRIKE_PRICE": strike or "-0.01",
        "SEM_OPTION_TYPE": "XX" if kind == "FUT" else kind,
        "SEM_TICK_SIZE": f"{float(row['tick_size']) * 100:g}",
    }


def upstox_file(contracts):
    """Returns a CSV of Upstox with the contracts of a file of Kite: it has Kite's symbols and the numbers of the exchange."""
    out = io.StringIO()
    columns = ("instrument_key", "tradingsymbol", "name", "expiry", "strike", "tick_size", "lot_size", "instrument_type",
               "option_type", "exchange")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows_of(contracts):
        segment, kind = f"{row['exchange'][0]}SE_FO", row["instrument_type"]
        key = f"{segment}|{row['exchange_token']}"
        instrument_type, option_type = ("FUTSTK", "FF") if kind == "FUT" else ("OPTSTK", kind)
        writer.writerow([key, row["tradingsymbol"], "", row["expiry"], row["strike"], row["tick_size"], row["lot_size"],
                         instrument_type, option_type, segment])
    return gzip.compress(out.getvalue().encode())


def angel_file(contracts):
    """Returns a file of Angel One with the contracts of a file of Kite. Strikes and steps of the price are in paise."""
    elements = []
    for row in rows_of(contracts):
        kind, expiry = row["instrument_type"], datetime.date.fromisoformat(row["expiry"])
        terms = "FUT" if kind == "FUT" else f"{float(row['strike']):g}{kind}"
        elements.append({
            "token": row["exchange_token"],
            "symbol": f"{row['name']}{expiry.strftime('%d%b%y').upper()}{terms}",
            "name": row["name"],
            "expiry": expiry.strftime("%d%b%Y").upper(),
            "strike": f"{float(row['strike']) * 100:.6f}",
            "lotsize": row["lot_size"],
            "instrumenttype": "FUTSTK" if kind == "FUT" else "OPTSTK",
            "exch_seg": row["exchange"],
            "tick_size": f"{float(row['tick_size']) * 100:.6f}",
        })
    return gzip.compress(json.dumps(elements).encode())
