"""Accounts move along legal edges, and the audit log knows who did what."""

import json

import pytest

USER = {
    "okta": "user_id", "entra": "user_principal_name", "workspace": "user_key",
}  # fmt: skip
CREATE = {"okta_create_user": "login", "entra_create_user": "user_principal_name", "iam_create_user": "user_name"}  # fmt: skip
LIST = {"okta_list_users": "q", "entra_list_users": "search", "workspace_list_users": "query"}
LOG = {"okta_get_system_log": "q", "entra_list_audit_logs": "search", "cloudtrail_lookup_events": "lookup_value"}  # fmt: skip
ROLES = [
    ("okta_assign_role", "okta_unassign_role", "user_id", "role"),
    ("entra_add_role_assignment", "entra_remove_role_assignment", "principal", "role_name"),
    ("iam_attach_user_policy", "iam_detach_user_policy", "user_name", "policy"),
]
RESET = [f"{vendor}_reset_password" for vendor in USER]
DISABLE = ["okta_user_lifecycle", "entra_update_user_state", "workspace_suspend_user"]


def code(answer):
    return answer.get("error", {}).get("code")


def who(tool, user):
    return {USER[tool.partition("_")[0]]: user}


@pytest.mark.parametrize(("tool", "parameter"), CREATE.items())
@pytest.mark.parametrize("user", ["k.brandt", "k.brandt@post.example", "Kai Brandt"])
def test_a_new_account_is_listed_and_logged(world, call, tool, parameter, user):
    made = call(world, tool, **{parameter: user})
    assert made["status"] == "active"
    for reader, query in LIST.items():
        (found,) = call(world, reader, **{query: "brandt"})["users"]
        assert found["user"] == made["user"]
    for reader, query in LOG.items():
        (entry,) = call(world, reader, **{query: "who created brandt"})["entries"]
        assert (entry["action"], entry["actor"]) == ("user.created", "anaruiz")
        assert entry["time"] == made["created"]
    assert code(call(world, tool, **{parameter: user})) == "already_exists"


@pytest.mark.parametrize("said", ["lenaosei", "@lenaosei", "lena.osei@mail.example", "Lena Osei"])
@pytest.mark.parametrize(("grant", "revoke", "user", "role"), ROLES)
def test_a_contact_has_an_account_that_can_be_given_a_role(
    world, call, said, grant, revoke, user, role
):
    arguments = {user: said, role: "Report Editor"}
    assert call(world, grant, **arguments)["roles"] == ["member", "Report Editor"]
    assert call(world, "okta_list_users", q="report editor")["users"][0]["user"] == "lenaosei"
    assert call(world, grant, **arguments)["error"]["field"] == role
    assert call(world, revoke, **arguments)["roles"] == ["member"]
    assert code(call(world, revoke, **arguments)) == "not_found"
    actions = [e["action"] for e in call(world, "okta_get_system_log", q="lena")["entries"]]
    assert actions == ["role.revoked", "role.granted"]


def test_nobody_is_not_found(world, call):
    calls = [(tool, who(tool, "nobody")) for tool in (*RESET, *DISABLE)]
    calls += [(tool, {user: "nobody", role: "x"}) for pair in ROLES for tool, user, role in [(pair[0], *pair[2:])]]  # fmt: skip
    for tool, arguments in calls:
        error = call(world, tool, **arguments)["error"]
        assert error["code"] == "not_found"
        assert error["field"] in arguments, "the tool's own name for it"
    assert world.changes == []


@pytest.mark.parametrize("tool", DISABLE)
def test_an_account_moves_along_legal_edges(world, call, tool):
    def cycle(operation):
        answer = call(world, "okta_user_lifecycle", user_id="lenaosei", operation=operation)
        return answer.get("status") or code(answer)

    assert cycle("delete") == "conflict"
    assert call(world, tool, **who(tool, "lenaosei"))["status"] == "disabled"
    assert code(call(world, tool, **who(tool, "lenaosei"))) == "conflict"
    assert code(call(world, "okta_reset_password", user_id="lenaosei")) == "conflict"
    (found,) = call(world, "okta_list_users", status="SUSPENDED")["users"]
    assert found["name"] == "Lena Osei"
    assert [cycle(o) for o in ("reactivate", "deactivate", "delete")] == ["active", "disabled", "deleted"]  # fmt: skip
    assert cycle("reactivate") == "not_found"


@pytest.mark.parametrize("tool", RESET)
def test_a_temporary_password_is_invented_and_shown_once(world, call, tool):
    secret = call(world, tool, **who(tool, "lenaosei"))["temporary_password"]
    assert secret.startswith("Example-")
    assert secret.endswith("-not-real")
    assert secret not in json.dumps([call(world, "entra_list_users"), world.snapshot(), world.changes])  # fmt: skip
    assert call(world, "okta_get_system_log", q="password resets")["entries"][0]["target"] == "lenaosei"  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("okta_create_api_token", {"name": "reports", "scope": "users.read"}),
        ("iam_create_access_key", {"key_name": "reports", "permissions": ["users.read"]}),
        ("google_create_api_key", {"display_name": "reports", "restricted_to": "users.read"}),
    ],
)
def test_a_key_is_invented_and_shown_once(world, call, tool, arguments):
    made = call(world, tool, **arguments)
    assert made["secret"].startswith("example-key-not-real-")
    assert made["secret"] not in json.dumps([world.snapshot(), world.changes])
    (entry,) = call(world, "cloudtrail_lookup_events", lookup_value="key reports")["entries"]
    assert entry["detail"] == "scope users.read"
    assert code(call(world, tool, **arguments)) == "already_exists"


def test_accounts_of_a_scenario_need_only_what_matters(make_world, call):
    rows = [
        {"user": "lenaosei", "roles": "finance, approver"},
        {"user": "old.account", "status": "suspended"},
    ]
    world = make_world(directory_users=rows)
    (lena,) = call(world, "okta_list_users", q="approver")["users"]
    assert lena["user"] == "lenaosei"
    call(world, "okta_unassign_role", user_id="lenaosei", role="Finance")
    (old,) = call(world, "entra_list_users", account_enabled=False)["users"]
    assert old["name"] == "Old Account"
    assert len(call(world, "okta_list_users", q="lena")["users"]) == 1


@pytest.mark.parametrize("user", ["lenaosei", "lena.osei@mail.example", "Lena Osei"])
def test_an_account_of_a_scenario_belongs_to_the_contact_that_it_names(make_world, call, user):
    world = make_world(directory_users=[{"user": user, "role": "billing-admin"}])
    for said in ("lenaosei", "lena.osei@mail.example", "Lena Osei"):
        call(world, "okta_assign_role", user_id=said, role=f"reader {said}")
    (lena,) = call(world, "okta_list_users", q="osei")["users"]
    assert len(lena["roles"]) == 4


def test_the_log_can_be_read_from_a_moment_on(world, call):
    now = world.now
    call(world, "okta_reset_password", user_id="lenaosei")
    assert call(world, "okta_get_system_log", since=now)["total"] == 1
    assert call(world, "okta_get_system_log", since=now.replace("Z", "-02:00"))["total"] == 0
    assert call(world, "okta_get_system_log", since=now.replace("Z", "+02:00"))["total"] > 0
    assert call(world, "cloudtrail_lookup_events", start_date=now[:10])["total"] >= 1


def test_one_seed_one_directory(make_world, call):
    def story(seed):
        world = make_world(seed)
        call(world, "okta_reset_password", user_id="teoakana")
        return json.dumps([call(world, "okta_list_users"), call(world, "okta_get_system_log")])

    assert story("one") == story("one") != story("two")
