"""The SQL that reads episodes: aggregation where the data is.

All readings of a statement are those of the given episodes. Statements hold no parameters,
because COPY takes none: ids are integers, and names of sensors are quoted here.
"""

from collections.abc import Iterable, Sequence

from trainer_job.moments import LARGEST, NUMBER

RESERVED = ("episode", "timestamp")
"""Columns of the model's input, which no sensor can be named after."""

_SMALLEST = 1e-300
"""Numbers closer to zero are zero: those below 2.2e-308 would be an error."""

NAME_BYTES = 63
"""PostgreSQL cuts longer names of columns, with which nothing would be found any more."""


def nameable(names: Iterable[str]) -> bool:
    """Say whether all names can be those of columns."""
    return all(0 < len(name.encode()) <= NAME_BYTES for name in names)


_LEVEL = (
    "count({x})",
    "coalesce(avg({x}), 'NaN')",
    "coalesce(var_pop({x}) * count({x}), 'NaN')",
    "coalesce(min({x}), 'NaN')",
    "coalesce(max({x}), 'NaN')",
)
# PostgreSQL has no log1p: ln(1+x) of a small x would lose all its digits but those of the 1. This
# is exact there, since log(1+x) = 2 artanh(x / (2+x)).
_SIGNED_LOG = (
    "(CASE WHEN abs({x}) < 0.01 THEN 2 * atanh({x} / (2 + abs({x}))) "
    "ELSE sign({x}) * ln(1 + abs({x})) END)"
)
_LOG = tuple(each.replace("{x}", _SIGNED_LOG) for each in _LEVEL[1:3])
_ORDER = (
    "coalesce(max({x}) FILTER (WHERE place = 1), 'NaN')",
    "coalesce(max({x}) FILTER (WHERE following IS NULL), 'NaN')",
    "coalesce(sum(({x} - {x}_before) * ({x} - {x}_before)), 0)",
    "coalesce(regr_sxy({x}, place), 'NaN')",
)
KINDS = {"level": _LEVEL, "log": _LOG, "order": _ORDER}
"""Kinds of moments, in the order of their names in :mod:`trainer_job.moments`."""

_OBJECT = """
    CASE WHEN jsonb_typeof(r."values"::jsonb) = 'object' THEN r."values"::jsonb ELSE '{}' END
""".strip()
# Values as well as times, whatever their order; the sum of hashes is cut to what a bigint holds.
_FACTS = """
    r.failure::bigint AS failure, count(*) AS readings,
    coalesce(max(r."timestamp") FILTER (WHERE isfinite(r."timestamp")), '2000-01-01')::timestamptz
        AS latest,
    (coalesce(sum(jsonb_hash_extended(
        coalesce(r."values"::jsonb, 'null'),
        hashfloat8extended(coalesce(date_part('epoch', r."timestamp"), 0), 0)
    )), 0) % 9223372036854775807)::bigint AS digest,
    count(r."timestamp") AS timed, array_agg(r."timestamp") AS times
""".strip()
# How many readings have the time of another one: an array a group costs less than another sort.
_ROW = """
    SELECT failure, readings, latest, digest, unusable,
        timed - (SELECT count(DISTINCT t) FROM unnest(times) t), moments
""".strip()


def array(ids: Iterable[int]) -> str:
    """Return ids as an array of PostgreSQL."""
    return f"'{{{','.join(str(int(each)) for each in ids)}}}'::bigint[]"


def chosen(condition: str) -> str:
    """Return the query of the closed failures, as arrays: an object a value would cost more."""
    return f"""
        SELECT array_agg(f.id::bigint ORDER BY f.id), array_agg(f.machine ORDER BY f.id),
            array_agg(date_part('epoch', f.start_time) ORDER BY f.id),
            array_agg(date_part('epoch', f.end_time) ORDER BY f.id),
            array_agg(l.label ORDER BY f.id)
        FROM failures f LEFT JOIN trainer.episode_labels l
            ON l.failure = f.id AND l.source = 'human'
        WHERE NOT f.is_active AND {condition}
    """  # noqa: S608 - conditions are written in this project


def amount(ids: Iterable[int]) -> str:
    """Return the query of the number of readings."""
    return f"SELECT count(*) FROM readings r WHERE r.failure = ANY ({array(ids)})"  # noqa: S608


def sensors(ids: Iterable[int], step: int) -> str:
    """Return the query of the names in every `step`-th reading, the same ones each time."""
    return f"""
        SELECT DISTINCT name FROM readings r CROSS JOIN LATERAL jsonb_object_keys({_OBJECT}) name
        WHERE r.failure = ANY ({array(ids)}) AND hashint8extended(r.id, 0) % {step} = 0
            AND name NOT IN ({", ".join(map(_literal, RESERVED))})
    """  # noqa: S608


def first_sensors(ids: Iterable[int]) -> str:
    """Return the query of the names in one reading of each episode, whichever is found first."""
    return f"""
        SELECT DISTINCT name FROM unnest({array(ids)}) episode
        CROSS JOIN LATERAL (
            SELECT {_OBJECT} AS v FROM readings r WHERE r.failure = episode LIMIT 1
        ) one CROSS JOIN LATERAL jsonb_object_keys(v) name
        WHERE name NOT IN ({", ".join(map(_literal, RESERVED))})
    """  # noqa: S608


def moments(ids: Iterable[int], names: Sequence[str], kinds: Sequence[str]) -> str:
    """Return the query of facts and moments where every value is a number, or its text.

    It is the fast one: the server turns an object into columns in one go. A value that is no
    number, and a reading that is no object, end it with an error of class 22. One difference
    to what counts as a number elsewhere: it reads texts of hexadecimal numbers.

    Columns: failure, number of readings, latest time, digest, unusable values (none), readings
    with the time of another one, moments (float8[]: sensor by sensor, kind by kind).
    """
    columns = ", ".join(f"{_identifier(name)} float8" for name in names)
    values = ", ".join(_expressions(f"v.{_identifier(name)}", kinds) for name in names)
    return f"""
        {_ROW} FROM (
            SELECT {_FACTS}, 0::bigint AS unusable, ARRAY[{values}]::float8[] AS moments
            FROM readings r CROSS JOIN LATERAL jsonb_to_record(r."values"::jsonb) v ({columns})
            WHERE r.failure = ANY ({array(ids)}) GROUP BY r.failure
        ) episodes
    """  # noqa: S608


def careful_moments(ids: Iterable[int], names: Sequence[str], kinds: Sequence[str]) -> str:
    """Return the query of the same where values may be anything.

    A value that is no number, or none that a double holds, drops out and fails nothing: CASE
    decides before it casts.
    """
    numbers = ", ".join(_number(name, place) for place, name in enumerate(names))
    doubles = ", ".join(
        f"CASE WHEN abs(n{place}) < {_SMALLEST} THEN 0 "
        f"WHEN abs(n{place}) <= {LARGEST} THEN n{place}::float8 END AS x{place}"
        for place in range(len(names))
    )
    present = " + ".join(f"(p{place} AND x{place} IS NULL)::int" for place in range(len(names)))
    held = "".join(f", p{place}" for place in range(len(names)))
    values = ", ".join(_expressions(f"x{place}", kinds) for place in range(len(names)))
    # OFFSET 0 keeps the levels apart: merged into one, each mention would compute a value again.
    return f"""
        {_ROW} FROM (
            SELECT {_FACTS}, sum({present or "0"})::bigint AS unusable,
                ARRAY[{values}]::float8[] AS moments
            FROM (
                SELECT failure, "timestamp", "values"{held}{", " if doubles else ""}{doubles} FROM (
                    SELECT r.failure, r."timestamp", r."values"{", " if numbers else ""}{numbers}
                    FROM (SELECT r.failure, r."timestamp", r."values", {_OBJECT} AS v
                          FROM readings r WHERE r.failure = ANY ({array(ids)}) OFFSET 0) r OFFSET 0
                ) n OFFSET 0
            ) r GROUP BY r.failure
        ) episodes
    """  # noqa: S608


def ordered_moments(ids: Iterable[int], names: Sequence[str]) -> str:
    """Return the query of the moments in order of time, where each reading has every sensor.

    Columns: failure, moments (float8[]). Of an episode with gaps they are wrong.
    """
    columns = ", ".join(f"{_identifier(name)} float8" for name in names)
    own = ", ".join(f"v.{_identifier(name)} AS x{place}" for place, name in enumerate(names))
    before = ", ".join(f"lag(x{place}) OVER turn AS x{place}_before" for place in range(len(names)))
    held = ", ".join(f"x{place}" for place in range(len(names)))
    values = ", ".join(_expressions(f"x{place}", ["order"]) for place in range(len(names)))
    return f"""
        SELECT failure::bigint, ARRAY[{values}]::float8[] FROM (
            SELECT failure, row_number() OVER turn AS place, lead(id) OVER turn AS following,
                {held}, {before}
            FROM (SELECT r.failure, r.id, r."timestamp", {own}
                  FROM readings r CROSS JOIN LATERAL jsonb_to_record({_OBJECT}) v ({columns})
                  WHERE r.failure = ANY ({array(ids)})) own
            WINDOW turn AS (PARTITION BY failure ORDER BY "timestamp", id)
        ) ordered GROUP BY failure
    """  # noqa: S608


def readings(ids: Iterable[int]) -> str:
    """Return the query of whole readings in order of episode, time and id."""
    return f"""
        SELECT r.failure, CASE WHEN isfinite(r."timestamp") THEN
            date_part('epoch', r."timestamp") END, {_OBJECT}
        FROM readings r
        WHERE r.failure = ANY ({array(ids)}) ORDER BY r.failure, r."timestamp", r.id
    """  # noqa: S608


def _number(name: str, place: int) -> str:
    """Return a value as numeric, NULL where it is none, and whether there is one at all."""
    value = f"(r.v -> {_literal(name)})"
    text = f"(r.v ->> {_literal(name)})"
    pattern = _literal(f"^{NUMBER}$")
    return f"""
        CASE jsonb_typeof({value}) WHEN 'number' THEN {value}::numeric
            WHEN 'string' THEN CASE WHEN {text} ~ {pattern} THEN {text}::numeric END
        END AS n{place}, coalesce(jsonb_typeof({value}) <> 'null', false) AS p{place}"""


def _expressions(column: str, kinds: Sequence[str]) -> str:
    return ", ".join(each.replace("{x}", column) for kind in kinds for each in KINDS[kind])


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
