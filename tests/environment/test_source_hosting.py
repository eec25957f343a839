"""What git pushes can be read, searched and built; what is merged is in the next clone."""

import json

import pytest

REPO = "vasterby/website"
URL = f"https://git.example/{REPO}.git"
ISSUES = [
    ("github_create_issue", {"repo": REPO, "title": "Dark mode", "body": "Please."}),
    ("gitlab_create_issue", {"project_id": URL, "title": "Dark mode", "description": "Please."}),
    ("gitea_create_issue", {"repository": REPO, "subject": "Dark mode", "content": "Please."}),
]
PULLS = [
    ("github_create_pull_request", {"repo": REPO, "title": "Dark mode", "head": "dark"}),
    ("gitlab_create_merge_request", {"project_id": REPO, "title": "Dark mode", "source_branch": "dark"}),
]  # fmt: skip
MERGES = [
    ("github_merge_pull_request", {"repo": REPO, "pull_number": 5}),
    ("gitlab_merge_merge_request", {"project_id": REPO, "merge_request_iid": 5}),
]
NOTES = [
    ("github_add_issue_comment", {"repo": REPO, "issue_number": 3, "body": "On it."}),
    ("gitlab_create_note", {"project_id": REPO, "noteable_iid": 3, "note": "On it."}),
]
RUNS = [
    ("github_run_workflow", {"repo": REPO, "workflow_id": "deploy.yml"}),
    ("gitlab_create_pipeline", {"project_id": REPO, "pipeline": "deploy.yml"}),
]
SECRETS = [
    ("github_set_actions_secret", {"repo": REPO, "secret_name": "TOKEN", "secret_value": "abc-example"}),
    ("gitlab_set_variable", {"project_id": REPO, "key": "TOKEN", "value": "abc-example"}),
]  # fmt: skip


def code(answer):
    return answer.get("error", {}).get("code")


@pytest.mark.parametrize("said", [REPO, URL, URL.removesuffix(".git"), "website", f"git@git.example:{REPO}.git"])  # fmt: skip
def test_a_repository_can_be_said_in_many_ways(world, call, said):
    file = call(world, "github_get_file_contents", repo=said, path="README.md")
    assert file["repository"] == REPO
    assert call(world, "gitlab_get_file", project_id=said, file_path="/README.md") == file


def test_what_git_pushes_can_be_read_and_found(world, call):
    path = call(world, "git_clone", url="choir/songbook")["directory"]
    world.devices["files"].write(f"{path}/songs/alto.txt", "la la\nsol fa mi\n")
    call(world, "git_commit", repo_path=path, message="Add a song")
    asked = {"repo": "choir/songbook", "path": "songs/alto.txt"}
    assert code(call(world, "github_get_file_contents", **asked)) == "not_found"
    call(world, "git_push", repo_path=path)
    assert call(world, "github_get_file_contents", **asked)["content"] == "la la\nsol fa mi\n"
    for tool, query in {"github_search_code": "q", "gitlab_search_blobs": "search"}.items():
        (hit,) = call(world, tool, **{query: "SOL fa"})["results"]
        assert (hit["repository"], hit["path"], hit["line"]) == ("choir/songbook", "songs/alto.txt", 2)  # fmt: skip
        assert call(world, tool, **{query: "repo:vasterby/website sol fa"})["total"] == 0


def test_reading_makes_no_repository_up_though_a_clone_does(world, call):
    gone = {"repo": "choir/songbook", "path": "README.md"}
    error = call(world, "github_get_file_contents", **gone)["error"]
    assert (error["code"], error["field"]) == ("not_found", "repo")
    call(world, "git_clone", url="https://git.example/choir/songbook.git")
    assert call(world, "github_get_file_contents", **gone)["size"] > 10
    for tool, arguments in [*ISSUES, *PULLS, *MERGES, *NOTES, *RUNS, *SECRETS]:
        first = next(iter(arguments))
        error = call(world, tool, **{**arguments, first: "no/where"})["error"]
        assert error["code"] == "not_found"


@pytest.mark.parametrize(("tool", "arguments"), ISSUES)
@pytest.mark.parametrize(("noter", "note"), NOTES)
def test_an_issue_and_its_comments_have_a_page(world, call, tool, arguments, noter, note):
    made = call(world, tool, **arguments)
    assert (made["number"], made["status"]) == (6, "open")
    number = next(name for name in note if name.endswith(("number", "iid")))
    said = call(world, noter, **{**note, number: 6})
    assert said["url"] == made["url"]
    page = call(world, "fetch_webpage", url=made["url"])
    assert page["title"] == "Dark mode #6"
    assert "Please." in page["text"]
    assert "anaruiz: On it." in page["text"]
    error = call(world, noter, **{**note, number: 77})["error"]
    assert (error["code"], error["field"]) == ("not_found", number)


@pytest.mark.parametrize(("tool", "arguments"), PULLS)
@pytest.mark.parametrize(("merger", "merge"), MERGES)
def test_a_pull_request_is_merged_once_and_cloned(world, call, tool, arguments, merger, merge):
    number = call(world, tool, **arguments)["number"]
    assert code(call(world, tool, **arguments)) == "already_exists"
    merge = {**merge, next(name for name in merge if name.endswith(("number", "iid"))): number}
    assert call(world, merger, **merge)["status"] == "merged"
    error = call(world, merger, **merge)["error"]
    assert error["code"] == "conflict"
    assert error["field"] in merge
    call(world, "git_clone", url=URL, directory="again")
    messages = [c["message"] for c in call(world, "git_log", repo_path="again")["commits"]]
    assert f"Merge pull request #{number} from dark" in messages


def test_a_draft_cannot_be_merged_and_an_issue_is_no_pull_request(world, call):
    number = call(world, "github_create_pull_request", **PULLS[0][1], draft=True)["number"]
    assert (
        code(call(world, "github_merge_pull_request", repo=REPO, pull_number=number)) == "conflict"
    )
    assert code(call(world, "github_merge_pull_request", repo=REPO, pull_number=3)) == "not_found"


@pytest.mark.parametrize(("tool", "arguments"), RUNS)
def test_a_run_moves_along_legal_edges_as_time_goes_by(make_world, call, tool, arguments):
    ends = set()
    for seed in range(12):
        world = make_world(f"seed {seed}")
        run = call(world, tool, **arguments)
        states = [run["status"]]
        for _ in range(40):
            (seen,) = call(world, "github_list_workflow_runs", repo=REPO, run_id=run["run"])["runs"]
            states.append(seen["status"])
        order = list(dict.fromkeys(states))
        assert order in (["queued", "in_progress", order[-1]], ["queued", order[-1]])
        ends.add(order[-1])
        (again,) = call(world, "gitlab_list_pipelines", project_id=REPO, pipeline_id="deploy", scope="finished")["runs"]  # fmt: skip
        assert again["run"] == run["run"]
        assert len(world.changes) == 1
    assert ends == {"success", "failure"}


def test_a_new_run_can_cancel_the_one_before(world, call):
    first = call(world, "gitlab_create_pipeline", **RUNS[1][1])
    call(world, "gitlab_create_pipeline", **RUNS[1][1], cancel_previous=True)
    runs = call(world, "gitlab_list_pipelines", project_id=REPO)["runs"]
    assert [run["status"] for run in runs][1] == "cancelled"
    assert runs[1]["run"] == first["run"]
    error = call(world, "github_list_workflow_runs", repo=REPO, run_id="999")["error"]
    assert (error["code"], error["field"]) == ("not_found", "run_id")


@pytest.mark.parametrize(("tool", "arguments"), SECRETS)
def test_a_secret_is_never_shown(world, call, tool, arguments):
    assert call(world, tool, **arguments)["status"] == "created"
    assert call(world, tool, **arguments)["status"] == "updated"
    assert "abc-example" not in json.dumps([world.changes, world.snapshot()])


def test_rows_of_a_scenario_need_only_what_matters(make_world, call):
    world = make_world(
        repository_files=[{"repository": "weber/app", "path": "conf/.env", "content": "KEY=example-not-real\n"}],
        repositories=[{"url": "https://git.example/weber/tools.git"}],
        pull_requests=[{"repository": "weber/tools", "number": "12", "title": "Faster"}],
        pipeline_runs=[{"run": "4711", "repository": "weber/tools", "workflow": "nightly", "status": "failed"}],
    )  # fmt: skip
    (hit,) = call(world, "github_search_code", q="not-real", repo="weber/app")["results"]
    assert hit["path"] == "conf/.env"
    copy = call(world, "git_clone", url="weber/app")["directory"]
    assert "KEY" in world.devices["files"].read(f"{copy}/conf/.env")["content"]
    assert call(world, "github_merge_pull_request", repo="weber/tools", pull_number=12)["title"] == "Faster"  # fmt: skip
    (run,) = call(world, "github_list_workflow_runs", repo="weber/tools")["runs"]
    assert run["status"] == "failure"


def test_one_seed_one_story(make_world, call):
    def story(seed):
        world = make_world(seed)
        made = [call(world, tool, **arguments) for tool, arguments in (RUNS[0], ISSUES[0], MERGES[0])]  # fmt: skip
        return json.dumps([made, world.changes])

    assert story("one") == story("one") != story("two")
