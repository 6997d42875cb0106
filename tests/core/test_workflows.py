"""The rules of the workflows that run strangers' code: rights, secrets, caches, and whose code runs where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"
WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))
}
JOBS = {f"{name}/{job}": body for name, workflow in WORKFLOWS.items() for job, body in workflow["jobs"].items()}

RIGHTS = {
    "comment/comment": {"actions": "read", "contents": "read", "pull-requests": "write"},
    "leaderboard/measure": {"contents": "read"},
    "leaderboard/keep": {"contents": "write"},
    "leaderboard/site": {"contents": "read", "pages": "write", "id-token": "write"},
    "preview/preview": {"contents": "read"},
    "tests/tests": {"contents": "read"},
    "tests/portability": {"contents": "read"},
}
"""The rights of each job's token: another one has to be written here first."""

STRANGERS = {"leaderboard/measure", "preview/preview", "tests/tests", "tests/portability"}
"""Jobs in which submitted code or code of a pull request runs."""

TRUSTED = set(RIGHTS) - STRANGERS

RUNS_SUBMISSIONS = re.compile(
    r"rtsr-bench (run|check|realtime|compare|measure)\b|\.ci/run|make (test|demo|official)|pytest"
)


def steps(job: str, action: str = "") -> list[dict[str, Any]]:
    """The steps of a job, or those that use an action."""
    return [step for step in JOBS[job]["steps"] if not action or step.get("uses", "").startswith(f"{action}@")]


def text(job: str) -> str:
    return yaml.safe_dump(JOBS[job])


def test_every_job_is_known() -> None:
    assert set(JOBS) == set(RIGHTS)


@pytest.mark.parametrize("job", RIGHTS)
def test_a_job_has_the_rights_it_needs_and_no_others(job: str) -> None:
    workflow = WORKFLOWS[job.partition("/")[0]]
    assert isinstance(workflow.get("permissions"), dict), "without this line a job has every right"
    assert JOBS[job].get("permissions", workflow["permissions"]) == RIGHTS[job]


@pytest.mark.parametrize("job", sorted(STRANGERS))
def test_where_strangers_code_runs_there_is_nothing_to_take(job: str) -> None:
    assert set(RIGHTS[job].values()) == {"read"}
    assert not re.search(r"secrets|github\.token|GITHUB_TOKEN|GH_TOKEN", text(job))
    assert "environment" not in JOBS[job]
    assert steps(job, "actions/checkout")
    for step in steps(job, "actions/checkout"):
        assert step["with"]["persist-credentials"] is False, "else the token stays in .git/config"


@pytest.mark.parametrize("job", sorted(TRUSTED))
def test_where_there_is_something_to_take_no_strangers_code_runs(job: str) -> None:
    commands = "\n".join(step.get("run", "") for step in steps(job))
    assert not RUNS_SUBMISSIONS.search(commands)
    for step in steps(job, "actions/checkout"):
        settings = step.get("with", {})
        assert set(settings) <= {"ref", "persist-credentials"}, "no other repository"
        assert settings.get("ref", "main") == "main", "neither a commit nor a branch of a pull request"
    for step in steps(job):
        assert not step.get("uses", "").startswith("actions/cache"), "a job of strangers may have written it"
        assert not any("cache" in name for name in step.get("with", {}))


def test_only_the_job_that_pushes_keeps_the_credentials_of_git() -> None:
    pushing = {job for job in JOBS if any("git push" in step.get("run", "") for step in steps(job))}
    keeping = {
        job
        for job in JOBS
        if any(step.get("with", {}).get("persist-credentials", True) for step in steps(job, "actions/checkout"))
    }
    assert pushing == keeping == {"leaderboard/keep"}


def test_what_comes_from_a_job_of_strangers_is_checked_before_anything_else() -> None:
    checks = {"leaderboard/keep": "records check received --into", "comment/comment": "records table received"}
    for job, check in checks.items():
        commands = [step.get("run", "") for step in steps(job)]
        (download,) = steps(job, "actions/download-artifact")
        place = steps(job).index(download)
        assert download["with"]["path"] == "received"
        assert check in commands[place + 1]
        assert not any("received" in command for command in commands[:place])


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_event_of_a_pull_request_has_rights(name: str) -> None:
    events = WORKFLOWS[name].get("on", WORKFLOWS[name].get(True))  # YAML 1.1 reads `on` as true
    assert isinstance(events, dict)
    assert "pull_request_target" not in events
    assert "issue_comment" not in events
    if "pull_request" in events:
        assert all(set(RIGHTS[job].values()) == {"read"} for job in RIGHTS if job.startswith(f"{name}/"))


def test_the_preview_runs_the_base_branch_at_the_commit_that_was_labelled() -> None:
    base, entry = steps("preview/preview", "actions/checkout")
    assert base["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert entry["with"]["ref"] == "${{ github.event.pull_request.head.sha }}"
    assert (entry["with"]["path"], entry["with"]["sparse-checkout"]) == ("entry", "submissions")
    assert "label.name == 'measure'" in JOBS["preview/preview"]["if"]
    events = WORKFLOWS["preview"].get("on", WORKFLOWS["preview"].get(True))
    assert events == {"pull_request": {"types": ["labeled"], "paths": ["submissions/**"]}}


@pytest.mark.parametrize("job", RIGHTS)
def test_scripts_hold_no_expressions_and_actions_are_githubs_own(job: str) -> None:
    for step in steps(job):
        assert "${{" not in step.get("run", ""), "a branch may be called `$(curl ...)`"
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/none@v0"))


def test_strangers_code_is_measured_in_the_sandbox_or_not_at_all() -> None:
    for job in ("leaderboard/measure", "preview/preview"):
        (measuring,) = (step["run"] for step in steps(job) if "rtsr-bench run" in step.get("run", ""))
        assert measuring.count("rtsr-bench run") == measuring.count("--require-isolation bubblewrap") == 1
