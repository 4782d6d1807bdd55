"""What each of PostgreSQL's errors means for a run; the real ones are in the integration tests."""

import pytest
from sqlalchemy.exc import OperationalError

from trainer_job import reasons
from trainer_job.database.faults import Disturbed, translate
from trainer_job.errors import BadConfiguration, JobError, Unavailable
from trainer_job.settings import DatabaseSettings

SETTINGS = DatabaseSettings(host="db", password="s3cret", name="plant")


class Driver(Exception):
    """An error as psycopg2 raises it; while connecting it has no code."""

    def __init__(self, message: str, pgcode: str | None) -> None:
        super().__init__(message)
        self.pgcode = pgcode


def fault(message: str, code: str | None = None) -> JobError:
    return translate(OperationalError("SELECT 1", {}, Driver(message, code)), SETTINGS)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('FATAL:  password authentication failed for user "sensor_user"', None),
        ("fe_sendauth: no password supplied", None),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', None),
        ('FATAL:  role "sensor_user" does not exist', None),
        ('FATAL:  role "sensor_user" is not permitted to log in', None),
        ("whatever", "28P01"),
        ("whatever", "28000"),
    ],
)
def test_a_refused_user_is_bad_configuration(message: str, code: str | None) -> None:
    error = fault(message, code)
    assert isinstance(error, BadConfiguration)
    assert error.reason == reasons.BAD_CREDENTIALS
    assert "POSTGRES_PASSWORD" in error.message
    assert "password" in error.message
    assert "s3cret" not in error.message


@pytest.mark.parametrize(
    ("message", "code", "reason", "words"),
    [
        ('FATAL:  database "plant" does not exist', None, reasons.DATABASE_MISSING, "POSTGRES_DB"),
        ("whatever", "3D000", reasons.DATABASE_MISSING, "no database plant"),
        ("permission denied for table failures", "42501", reasons.MISSING_GRANT, "failures"),
        (
            'relation "failures" does not exist',
            "42P01",
            reasons.NOT_MIGRATED,
            "trainer-job migrate",
        ),
        ('column "values" does not exist', "42703", reasons.NOT_MIGRATED, "values"),
        ('schema "trainer" does not exist', "3F000", reasons.NOT_MIGRATED, "trainer"),
    ],
)
def test_what_no_retry_mends_is_bad_configuration(
    message: str, code: str | None, reason: str, words: str
) -> None:
    error = fault(message, code)
    assert isinstance(error, BadConfiguration)
    assert error.reason == reason
    assert words in error.message


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('could not translate host name "db" to address: Name or service not known', None),
        ('connection to server at "db", port 5432 failed: Connection refused', None),
        ("server closed the connection unexpectedly", None),
        ("", None),
        ("the database system is starting up", "57P03"),
        ("terminating connection due to administrator command", "57P01"),
        ("sorry, too many clients already", "53300"),
        ("connection failure", "08006"),
    ],
)
def test_a_server_that_is_away_is_unavailable(message: str, code: str | None) -> None:
    error = fault(message, code)
    assert isinstance(error, Unavailable)
    assert error.reason == reasons.DATABASE_UNAVAILABLE
    assert "db:5432/plant" in error.message
    assert "POSTGRES_HOST" in error.message


def test_a_lock_held_by_another_says_where_to_look() -> None:
    error = fault("canceling statement due to lock timeout", "55P03")
    assert isinstance(error, Unavailable)
    assert "pg_stat_activity" in error.message
    assert "POSTGRES_HOST" not in error.message


@pytest.mark.parametrize("code", [None, "08P01"])
def test_a_pooler_cannot_stand_between(code: str | None) -> None:
    words = "FATAL:  unsupported startup parameter in options: tcp_keepalives_idle"
    error = fault(words, code)
    assert isinstance(error, BadConfiguration)
    assert "PostgreSQL itself" in error.message


def test_any_other_error_is_ours() -> None:
    error = fault("division by zero", "22012")
    assert type(error) is JobError
    assert "22012: division by zero" in error.message


def test_only_the_first_line_is_told() -> None:
    assert "HINT" not in fault("refused\nHINT: is it there?").message


REFUSED_IN_OTHER_LANGUAGES = [
    "Passwort-Authentifizierung für Benutzer »sensor_user« fehlgeschlagen",
    "authentification par mot de passe échouée pour l'utilisateur «\u00a0sensor_user\u00a0»",
    "la autentificación password falló para el usuario «sensor_user»",
    'autenticazione con password fallita per l\'utente "sensor_user"',
    'falha na autenticação do tipo senha do usuário "sensor_user"',
    'lösenordsautentisering misslyckades för användare "sensor_user"',
    '"sensor_user" kullanıcısı için şifre doğrulaması başarısız oldu',  # noqa: RUF001 - Turkish
    'autoryzacja hasłem nie powiodła się dla użytkownika "sensor_user"',
    'пользователь "sensor_user" не прошёл проверку подлинности (по паролю)',
    'помилка автентифікації за паролем для користувача "sensor_user"',
    'ユーザー"sensor_user"のパスワード認証に失敗しました',
    '사용자 "sensor_user"의 password 인증을 실패했습니다',
    '用户 "sensor_user" Password 认证失败',
    "kein pg_hba.conf-Eintrag für Host »10.0.0.1«, Benutzer »sensor_user«, Datenbank »plant«",
    "Rolle »sensor_user« existiert nicht",
]


@pytest.mark.parametrize("words", REFUSED_IN_OTHER_LANGUAGES)
def test_a_refused_user_is_known_in_every_language(words: str) -> None:
    error = fault(f'connection to server at "db", port 5432 failed: FATAL:  {words}')
    assert error.reason == reasons.BAD_CREDENTIALS


@pytest.mark.parametrize(
    "words",
    [
        "Datenbank »plant« existiert nicht",
        "la base de données «\u00a0plant\u00a0» n'existe pas",
        "no existe la base de datos «plant»",
        'il database "plant" non esiste',
        'база данных "plant" не существует',
        'データベース"plant"は存在しません',
        '数据库 "plant" 不存在',
    ],
)
def test_a_missing_database_is_known_in_every_language(words: str) -> None:
    assert fault(f"failed: FATAL:  {words}").reason == reasons.DATABASE_MISSING


@pytest.mark.parametrize(
    "words",
    [
        "das Datenbanksystem startet",
        "le système de bases de données se lance",
        "tut mir leid, schon zu viele Verbindungen",
        "zu viele Verbindungen für Rolle »sensor_user«",
        'too many connections for role "sensor_user"',
        'too many connections for database "plant"',
        "canceling authentication due to timeout",
        "storniere Authentifizierung wegen Zeitüberschreitung",
        "система баз данных запускается",
    ],
)
def test_a_server_that_is_busy_is_not_taken_for_one_that_refuses(words: str) -> None:
    error = fault(f'connection to server at "db", port 5432 failed: FATAL:  {words}')
    assert isinstance(error, Disturbed)


@pytest.mark.parametrize(
    ("code", "words"),
    [("40P01", "gave up"), ("40001", "gave up"), ("25006", "the primary")],
)
def test_a_transaction_that_was_given_up_may_be_repeated(code: str, words: str) -> None:
    error = fault("deadlock detected", code)
    assert isinstance(error, Disturbed)
    assert words in error.message


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        ("57014", "statement_timeout"),
        ("25P03", "idle_in_transaction_session_timeout"),
        ("25P04", "transaction_timeout"),
    ],
)
def test_a_limit_of_time_names_its_setting_and_the_next_step(code: str, setting: str) -> None:
    error = fault("canceling statement due to statement timeout", code)
    assert isinstance(error, Disturbed)
    assert f"ALTER ROLE sensor_user SET {setting}" in error.message
    assert "spec.source.data" in error.message
    assert "unavailable" not in error.message
    assert "POSTGRES_HOST" not in error.message
