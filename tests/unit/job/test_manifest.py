from tests.support.manifests import make_manifest


def test_a_manifest_is_cut_in_its_order() -> None:
    manifest = make_manifest([3, 5, 8], labels=["a", None, "c"])
    part = manifest.only([8, 3, 99])
    assert (part.ids.tolist(), part.labels.tolist()) == ([3, 8], ["a", "c"])
    assert len(manifest.only([])) == 0


def test_the_hash_changes_with_episodes_and_values_alone() -> None:
    one = make_manifest([1], readings=[5], digests=[7])
    assert one.hash() == make_manifest([1], ["other"], labels=["x"], digests=[7]).hash()
    others = [
        make_manifest([1], digests=[8]),
        make_manifest([1], readings=[6], digests=[7]),
        make_manifest([2], digests=[7]),
        make_manifest([]),
    ]
    assert one.hash() not in {other.hash() for other in others}
