from trainer_job.database.locks import lock_key


def test_a_key_is_a_bigint_and_the_same_everywhere() -> None:
    assert lock_key("run", "7d9c") == lock_key("run", "7d9c")
    assert lock_key("run", "7d9c") == 3470956167353033989
    assert all(-(2**63) <= lock_key(str(n)) < 2**63 for n in range(100))


def test_parts_do_not_run_into_each_other() -> None:
    assert lock_key("ab", "c") != lock_key("a", "bc") != lock_key("abc")
