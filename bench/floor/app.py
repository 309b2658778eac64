"""The physical limit of the stack: Flask + SQLAlchemy Core + orjson over two fixed tables, statements prebuilt.

No metadata, no rights, no history; a key looked up in a dict. Same server, same database settings as the product.
"""

import os
from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import sqlalchemy as sa
from flask import Flask, Response, abort, request

from trellis.storage.engines import Database
from trellis.storage.types import ScaledDecimal, UtcDateTime, text_column

KEY = "floor-key"
PICKS = ("stage", "source", "priority")
md = sa.MetaData()
account = sa.Table("account", md, sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("name", text_column(200)))
deal = sa.Table(
    "deal",
    md,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("modified_at", UtcDateTime()),
    sa.Column("version", sa.Integer),
    *(sa.Column(f"text_{i}", text_column(200)) for i in range(6)),
    sa.Column("notes", text_column()),
    sa.Column("amount", ScaledDecimal(18, 2)),
    sa.Column("cost", ScaledDecimal(18, 2)),
    sa.Column("quantity", sa.BigInteger),
    sa.Column("probability", ScaledDecimal(9, 4)),
    sa.Column("close_date", sa.Date),
    sa.Column("start_date", sa.Date),
    sa.Column("hot", sa.Boolean),
    sa.Column("stage", text_column(40)),
    sa.Column("source", text_column(40)),
    sa.Column("priority", text_column(40)),
    sa.Column("account", sa.BigInteger),
    sa.Column("partner", sa.BigInteger),
    sa.Index("ix_deal_stage_close", "stage", "close_date", "id"),
    sa.Index("ix_deal_account", "account"),
)
FIELDS = ["".join(c.name) for c in deal.c if c.name not in ("id", "modified_at", "version")]
DATES = {"close_date", "start_date"}
DECIMALS = {"amount", "cost", "probability"}
INSERT = deal.insert()
GET = sa.select(*deal.c).where(deal.c.id == sa.bindparam("one"))
LIST_COLUMNS = [deal.c[n] for n in ("id", "text_0", "amount", "stage", "close_date", "source", "hot", "probability")]
WHERE = (deal.c.stage == sa.bindparam("stage"), deal.c.amount > sa.bindparam("amount"))
LIST = (
    sa.select(*LIST_COLUMNS, account.c.name)
    .select_from(deal.outerjoin(account, account.c.id == deal.c.account))
    .where(*WHERE)
    .order_by(deal.c.close_date.desc().nulls_last(), deal.c.id.desc())
    .limit(50)
)
COUNT = sa.select(sa.func.count()).select_from(deal).where(*WHERE)
SUMS = sa.select(deal.c.stage, sa.func.count(), sa.func.sum(deal.c.amount)).group_by(deal.c.stage)
_updates = {}


def parse(raw):
    out = {}
    for name, value in raw.items():
        if name not in FIELDS:
            abort(422)
        if value is None:
            out[name] = None
        elif name in DATES:
            out[name] = date.fromisoformat(value)
        elif name in DECIMALS:
            out[name] = Decimal(value)
        else:
            out[name] = value
    return out


def plain(value):
    return str(value) if isinstance(value, Decimal) else value.isoformat()


def answer(body, status=200):
    return Response(orjson.dumps(body, default=plain), status, mimetype="application/json")


def create_app(url, schema=None):
    database = Database(url, schema=schema)
    app = Flask("floor", static_folder=None)
    users = {f"Bearer {KEY}": 1}

    @app.before_request
    def authenticate():
        if request.headers.get("Authorization") not in users:
            abort(401)

    names = ["".join(c.name) for c in deal.c]

    @app.post("/deal")
    def create():
        row = parse(orjson.loads(request.get_data()))
        row.update(modified_at=datetime.now(UTC), version=1)
        with database.writing() as c:
            row["id"] = c.execute(INSERT, row).inserted_primary_key[0]
        return answer(row, 201)

    @app.get("/deal/<int:one>")
    def get(one):
        with database.reading() as c:
            row = c.execute(GET, {"one": one}).first()
        return answer(dict(zip(names, row, strict=True))) if row else abort(404)

    @app.patch("/deal/<int:one>")
    def change(one):
        row = parse(orjson.loads(request.get_data()))
        key = tuple(row)
        if key not in _updates:
            _updates[key] = (
                deal.update()
                .where(deal.c.id == sa.bindparam("one"))
                .values(
                    {
                        **{n: sa.bindparam(f"v_{n}") for n in key},
                        "modified_at": sa.bindparam("v_at"),
                        "version": deal.c.version + 1,
                    }
                )
            )
        with database.writing() as c:
            c.execute(_updates[key], {"one": one, "v_at": datetime.now(UTC), **{f"v_{k}": v for k, v in row.items()}})
            found = c.execute(GET, {"one": one}).first()
        return answer(dict(zip(names, found, strict=True)))

    labels = ["id", "text_0", "amount", "stage", "close_date", "source", "hot", "probability", "account.name"]

    @app.get("/deal")
    def listing():
        params = {"stage": request.args["stage"], "amount": Decimal(request.args["amount"])}
        with database.reading() as c:
            rows = c.execute(LIST, params).all()
            body = {"records": [dict(zip(labels, r, strict=True)) for r in rows]}
            if request.args.get("total"):
                body["total"] = c.execute(COUNT, params).scalar()
        return answer(body)

    @app.get("/sums")
    def sums():
        with database.reading() as c:
            return answer([[s, n, a] for s, n, a in c.execute(SUMS).all()])

    @app.post("/bulk")
    def bulk():
        now = datetime.now(UTC)
        rows = [
            {**parse(orjson.loads(line)), "modified_at": now, "version": 1} for line in request.get_data().splitlines()
        ]
        with database.writing() as c:
            for start in range(0, len(rows), 1000):
                c.execute(INSERT, rows[start : start + 1000])
        return answer({"count": len(rows)})

    return app


def from_environment():
    return create_app(os.environ["FLOOR_URL"], os.environ.get("FLOOR_SCHEMA") or None)
