"""Finds the newest file of a broker, and completes Dhan's."""

import csv
import datetime
import gzip
import io
import os
import pathlib

SHARED = pathlib.Path(os.environ.get("REGISTRY_SHARED", "../shared")) / "data"


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
