"""`rotations/access.yaml`: roles of people, and what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from incident_bot.core.access import Access, Permission, Role
from tests.config.sets import BASE, problems_of, revision_of

ACCESS = "rotations/access.yaml"


def test_without_the_file_everybody_may_act(tmp_path: Path) -> None:
    assert revision_of(tmp_path, BASE).access == Access(written=False, default=Role.RESPONDER)


def test_what_is_written_counts(tmp_path: Path) -> None:
    text = "default: viewer\nroles:\n  alice: admin\n  bob: {core: manager, '*': responder}\n"
    text += "needs: {status.publish: manager}\n"
    found = revision_of(tmp_path, {**BASE, ACCESS: text}).access
    assert found == Access(
        written=True,
        default=Role.VIEWER,
        roles={"alice": {"*": Role.ADMIN}, "bob": {"core": Role.MANAGER, "*": Role.RESPONDER}},
        needs={Permission.STATUS_PUBLISH: Role.MANAGER},
    )
    assert revision_of(tmp_path / "empty", {**BASE, ACCESS: "roles: {}\n"}).access.default is Role.VIEWER


@pytest.mark.parametrize(
    "text, line, said",
    [
        ("default: owner\n", 1, 'unknown role "owner"'),
        ("default: 3\n", 1, 'unknown role "3"'),
        ("roles:\n  alise: admin\n", 2, 'unknown person "alise"; did you mean "alice"?'),
        ("roles:\n  bob: {kore: admin}\n", 2, 'unknown team "kore"; did you mean "core"?'),
        ("roles:\n  bob: {core: boss}\n", 2, 'unknown role "boss"'),
        ("needs:\n  status.publsh: manager\n", 2, 'did you mean "status.publish"?'),
        ("defaults: viewer\n", 1, 'unknown key; did you mean "default"?'),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, line: int, said: str) -> None:
    found = [str(one) for one in problems_of(tmp_path, {**BASE, ACCESS: text})]
    assert any(one.startswith(f"{ACCESS}:{line}: ") and said in one for one in found), found
