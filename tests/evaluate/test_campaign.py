"""A campaign file: strict, relative to itself, and said in one line where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.campaign import read_campaign


def written(folder: Path, body: str, limits: str = "") -> Path:
    for name in ("team10", "team9", "team1.zip"):
        (folder / "entries" / name).mkdir(parents=True, exist_ok=True)
    path = folder / "challenge.toml"
    path.write_text(f"[campaign]\nversion = 1\n{body}\n{limits}")
    return path


def test_paths_are_relative_to_the_file_and_in_the_order_of_numbers(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'title = "RTSR 2026"\nsubmissions = ["entries/team1*", "entries/*"]\ndata_roots = ["../data"]\nmax_hours = 2.5',
        "[limits]\nload = 30\nruntime = 600",
    )
    settings = read_campaign(path)
    assert [one.name for one in settings.selection.paths] == ["team1.zip", "team10", "team9"]
    assert settings.output.records == tmp_path / "reports" / "records"
    assert settings.selection.roots == (tmp_path / "../data",)
    assert settings.pace.max_hours == 2.5
    assert settings.overrides.options == ("--limit load=30", "--limit runtime=600")
    assert settings.title.startswith("RTSR 2026 (campaign ")
    path.write_text(path.read_text() + "\n# reviewed\n")
    assert read_campaign(path).title != settings.title, "another text is another campaign"


def test_an_address_on_a_hub_is_no_pattern_and_what_guests_may_do_is_part_of_the_place(tmp_path: Path) -> None:
    body = 'submissions = ["gh:org/nets@main#x", "entries/team9"]\nstub_missing = true\ndevices = ["cpu", "cuda:0"]'
    settings = read_campaign(written(tmp_path, body))
    assert settings.selection.paths == (Path("gh:org/nets@main#x"), tmp_path / "entries" / "team9")
    assert [place.stub_missing for place in settings.places] == [True, True]
    assert not read_campaign(written(tmp_path, 'submissions = ["entries/*"]')).places[0].stub_missing


def test_natural_order(tmp_path: Path) -> None:
    settings = read_campaign(written(tmp_path, 'submissions = ["entries/team*[0-9]"]'))
    assert [one.name for one in settings.selection.paths] == ["team9", "team10"]


@pytest.mark.parametrize(
    ("body", "limits", "said"),
    [
        ("", "", "submissions: expected an array of paths, found nothing"),
        ('submissions = "entries/*"', "", "submissions: expected an array of texts"),
        ('submissions = ["nothing/*"]', "", "submissions: expected something at 'nothing/*', found nothing in"),
        ('submissions = ["entries/*"]\ntrack = ["x"]', "", "did you mean"),
        ('submissions = ["entries/*"]\ndevices = ["gpu"]', "", "devices: expected cpu, cuda, cuda:N or auto"),
        ('submissions = ["entries/*"]\nthreads = 1.5', "", "threads: expected a whole number"),
        ('submissions = ["entries/*"]\njobs = 0', "", "jobs: expected a whole number from 1"),
        ('submissions = ["entries/*"]\nmax_hours = "ten"', "", "max_hours: expected a number"),
        ('submissions = ["entries/*"]\nfail_fast = 1', "", "fail_fast: expected true or false"),
        ('submissions = ["entries/*"]\nrequire_isolation = "vm"', "", "require_isolation: expected bubblewrap or"),
        ('submissions = ["entries/*"]', "[limits]\nloading = 3", "unknown key"),
        ('submissions = ["entries/*"]\nexecution = "fast"', "", "[campaign] execution 'fast': expected one of "),
        ('submissions = ["entries/*"]', "[limits]\nload = 0", "load: expected a number from 0.001"),
        ('submissions = ["entries/*"]', "[limit]\nload = 1", "unknown key"),
        ("submissions = [", "", "expected TOML"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, body: str, limits: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        read_campaign(written(tmp_path, body, limits))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_or_other_version_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a campaign file"):
        read_campaign(tmp_path / "none.toml")
    path = written(tmp_path, 'submissions = ["entries/*"]')
    path.write_text(path.read_text().replace("version = 1", "version = 2"))
    with pytest.raises(UserError, match="version: expected 1"):
        read_campaign(path)


def test_runtimes_are_shared_unless_the_campaign_says_no(tmp_path: Path) -> None:
    assert read_campaign(written(tmp_path, 'submissions = ["entries/*"]')).pace.share_runtimes
    body = 'submissions = ["entries/*"]\nno_shared_runtime = true'
    assert not read_campaign(written(tmp_path, body)).pace.share_runtimes
