"""Everything that would be applied is what its kind allows: by Kubernetes' schemas, and by small ones of ours for kinds
that others bring. Ours know the fields that we use, and no other: a slip of the pen is not one of them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest

from tests.k8s.rendered import KUSTOMIZATIONS, Manifest, rendered

#: The oldest Kubernetes that README names, and the newest that there are schemas for.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
SCHEMAS = {file.stem: json.loads(file.read_text()) for file in Path(__file__).parent.glob("schemas/*.json")}


def key_of(manifest: Manifest) -> str:
    group, _, _version = manifest["apiVersion"].rpartition("/")
    return f"{manifest['kind']}.{group}"


def check(manifest: Manifest) -> None:
    if (schema := SCHEMAS.get(key_of(manifest))) is not None:
        jsonschema.Draft202012Validator(schema).validate(manifest)
    else:
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_every_object_is_valid(kustomization: str) -> None:
    for manifest in rendered(kustomization):
        check(manifest)


def test_no_two_objects_are_the_same() -> None:
    for kustomization in KUSTOMIZATIONS:
        names = [(key_of(each), each["metadata"]["name"]) for each in rendered(kustomization)]
        assert len(names) == len(set(names))


def test_each_schema_of_ours_has_an_object_and_refuses_a_slip() -> None:
    everything = {key_of(each): each for path in KUSTOMIZATIONS for each in rendered(path)}
    for key in SCHEMAS:
        slip = {**everything[key], "spec": {**everything[key]["spec"], "replica": 1}}
        with pytest.raises(jsonschema.ValidationError):
            check(slip)


def test_a_slip_in_kubernetes_own_kinds_is_seen() -> None:
    [deployment] = [each for each in rendered("base") if each["kind"] == "Deployment"]
    with pytest.raises(kubernetes_validate.ValidationError):
        check({**deployment, "spec": {**deployment["spec"], "replica": 1}})
