import pytest

from trainer_job.arguments import parse
from trainer_job.contract import RunDocument
from trainer_job.flags import FLAGS, given, spoken, values


def test_tells_which_flags_stand_there() -> None:
    assert given(parse(["run"])) == []
    assert given(parse(["promote"])) == []
    flags = ["--min-f1", "0", "--rebuild", "--machine", "a", "--embedded"]
    assert given(parse(["run", *flags])) == ["--machine", "--rebuild", "--min-f1", "--embedded"]


def test_a_flag_has_one_value_none_or_many() -> None:
    found = values(parse(["run", "--seed", "7", "--rebuild", "--machine", "a", "--machine", "b"]))
    assert {value.name: value.value for value in found.values()} == {
        "--machine": ["a", "b"],
        "--rebuild": True,
        "--seed": "7",
    }


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_has_its_place_in_the_document(flag: str) -> None:
    schema = RunDocument.model_json_schema(by_alias=True)
    node = schema
    for part in FLAGS[flag].place:
        reference = node.get("$ref") or next(
            (one["$ref"] for one in node.get("anyOf", []) if "$ref" in one), None
        )
        node = schema["$defs"][reference.rpartition("/")[2]] if reference else node
        node = node["properties"][part]


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("3 needed (spec.source.data.minEpisodes).", "3 needed (--min-episodes)."),
        ("Widen spec.source.data.lookback.", "Widen --lookback."),
        ("Widen spec.source.data.since and until.", "Widen --since and --until."),
        ("for spec.model.clusters", "for --clusters"),
        ("for spec.model.clusterRange", "for --cluster-range"),
        ("at http://x (spec.tracking.uri)", "at http://x (--tracking-uri)"),
        ("Check X in the Secret of spec.tracking.secretRef, and", "Check X, and"),
        ("spec.model.clustersize and spec.promotion.policy", None),
    ],
)
def test_messages_name_flags_where_there_is_no_training_run(
    sentence: str, words: str | None
) -> None:
    assert spoken(sentence) == (sentence if words is None else words)


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["run", "--help"])
    text = capsys.readouterr().out
    assert [flag for flag in FLAGS if flag not in text] == []
    assert "catch22" in text
    assert "gaussianMixture" in text
