"""What PostgreSQL's errors mean for a run: whether a retry can help, and what people must do.

Errors of a statement carry a code (SQLSTATE). Those of a connection that is refused come as words
only, in the server's language: its `lc_messages` is a superuser's to set, and what a session asks
for counts from after the password. So what the words name is looked for, and a few stems of words.
"""

import re

from sqlalchemy.exc import DBAPIError

from trainer_job import reasons
from trainer_job.errors import BadConfiguration, JobError, Unavailable
from trainer_job.settings import DatabaseSettings

_REFUSED = (
    "no password supplied",
    "pg_hba.conf",  # written so in every language
    "authentication failed",
    "is not permitted to log in",
)
# In the languages that PostgreSQL 17 speaks: en de fr es it pt sv tr pl cs ru uk ka ja ko zh.
_AUTHENTICATION = re.compile(
    "authenti|autent|uwierzyteln|ověř|passwor|mot de passe|contraseñ|senha|lösen|parola|şifre|hasł|"
    "hesl|парол|подлинност|автентиф|პაროლ|認証|パスワード|인증|암호|认证|口令|密码|驗證|密碼"
)
_NOT_THERE = re.compile(
    "does not exist|existiert nicht|existe pas|no existe|non esiste|não existe|finns inte|"
    "existerar inte|mevcut değil|yoktur|nie istnieje|neexistuje|не существует|не існує|არ არსებობს|"
    "存在しません|없음|없습니다|不存在"
)

_FOUND_ANOTHER = frozenset({"40001", "40P01"})
_LIMITS = {
    "57014": "statement_timeout",
    "25P03": "idle_in_transaction_session_timeout",
    "25P04": "transaction_timeout",
}
"""Code → the setting that limits how long something may take."""
_AWAY = re.compile("08|53|55|57|58")


class Disturbed(Unavailable):
    """The database is away, or gave up what it was asked: from its start the work may succeed."""


def translate(error: DBAPIError, settings: DatabaseSettings) -> JobError:
    """Return what a PostgreSQL error means for the run; never with the password."""
    code = getattr(error.orig, "pgcode", None)
    said = str(error.orig).strip().splitlines()
    first = said[0] if said else type(error.orig).__name__
    return (
        _refusal(code, first, " ".join(said).lower(), settings)
        or _disturbance(code, first, settings)
        or JobError(reasons.INTERNAL_ERROR, f"Database {settings} answered {code}: {first}.")
    )


def _disturbance(code: str | None, first: str, settings: DatabaseSettings) -> Disturbed | None:
    """Return what may be gone with the next try."""
    where = f"Database {settings}"
    if code == "55P03":
        words = (
            f"{where}: another process held a lock for too long: {first}. The next attempt tries "
            "again; pg_stat_activity shows who holds it."
        )
    elif code in _FOUND_ANOTHER:
        words = (
            f"{where} gave up a transaction for another one, time and again: {first}. The next "
            "attempt tries again; the server's log shows both."
        )
    elif code in _LIMITS:
        limit = _LIMITS[code]
        words = (
            f"{where} ended work of this run: {first}. If it was the limit {limit}, raise that for "
            f"user {settings.user} (ALTER ROLE {settings.user} SET {limit}), or let the run read "
            "less (spec.source.data). The next attempt tries again."
        )
    elif code == "25006":
        words = (
            f"{where} takes no writes: {first}. If this is a standby, point POSTGRES_HOST and "
            "POSTGRES_PORT at the primary; after a failover the next attempt finds it."
        )
    elif code is None or _AWAY.match(code):
        words = (
            f"{where} is unavailable: {first}. Check POSTGRES_HOST and POSTGRES_PORT, and that "
            "the server runs and can be reached from here."
        )
    else:
        return None
    return Disturbed(reasons.DATABASE_UNAVAILABLE, words)


def _refusal(
    code: str | None, first: str, lowered: str, settings: DatabaseSettings
) -> BadConfiguration | None:
    """Return what no retry mends."""
    where = f"Database {settings}"
    if code in {"28P01", "28000"} or (code is None and _user_refused(lowered, settings)):
        return BadConfiguration(
            reasons.BAD_CREDENTIALS,
            f"{where} refused user {settings.user} or its password. Check POSTGRES_USER and "
            "POSTGRES_PASSWORD in the database Secret.",
        )
    if code == "3D000" or (code is None and _missing(settings.name, lowered)):
        return BadConfiguration(
            reasons.DATABASE_MISSING,
            f"The server at {settings.host}:{settings.port} has no database {settings.name}. "
            "Create it, or correct POSTGRES_DB.",
        )
    if "unsupported startup parameter" in lowered:
        return BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            f"{where} is behind a connection pooler that takes no settings of a session: {first}. "
            "Point POSTGRES_HOST and POSTGRES_PORT at PostgreSQL itself: the locks that keep a run "
            "from being trained twice need a session of their own.",
        )
    if code == "42501":
        return BadConfiguration(
            reasons.MISSING_GRANT,
            f"{where}: user {settings.user} lacks a right: {first}. Grant it.",
        )
    if code in {"42P01", "42703", "3F000"}:
        return BadConfiguration(
            reasons.NOT_MIGRATED,
            f"{where}: {first}. Run trainer-job migrate, and check that the installation's "
            "tables are the documented ones.",
        )
    return None


def _user_refused(lowered: str, settings: DatabaseSettings) -> bool:
    if any(words in lowered for words in _REFUSED):
        return True
    named = _names(settings.user, lowered)
    return named and bool(_AUTHENTICATION.search(lowered) or _NOT_THERE.search(lowered))


def _missing(database: str, lowered: str) -> bool:
    return _names(database, lowered) and bool(_NOT_THERE.search(lowered))


def _names(name: str, lowered: str) -> bool:
    """Say whether words hold a name in quotes, those of any language."""
    return bool(re.search(rf'["»«„“「]\s?{re.escape(name.lower())}\s?["»«“”」]', lowered))
