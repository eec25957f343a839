"""What the system tools change can be read back, and what cannot be done is said."""

import pytest

SUITE = "system_tools."


def code(answer):
    return answer["error"]["code"]


def test_every_action_has_two_tools(catalog):
    for name, capability in catalog.capabilities.items():
        for action in capability.actions if name.startswith(SUITE) else ():
            tools = [t for t in catalog.tools.values() if t.capability == name]
            assert sum(action in catalog.actions(tool) for tool in tools) >= 2, (name, action)


def test_a_file_that_is_written_can_be_read_moved_and_deleted(world, call):
    call(world, "write_text_file", file_path="~/a/plan.txt", text="one\ntwo\n")
    call(world, "file_operation", operation="append", path="a/plan.txt", content="three\n")
    assert call(world, "execute_command", command="tail -1 a/plan.txt")["stdout"] == "three\n"
    call(world, "move_path", source="a/plan.txt", destination="b.txt")
    assert call(world, "read_text_file", file_path="b.txt", head=1)["content"] == "one"
    assert code(call(world, "file_operation", operation="read", path="a/plan.txt")) == "not_found"
    assert call(world, "search_files", root="~", pattern="TWO")["total"] == 1
    call(world, "delete_path", path="b.txt")
    assert code(call(world, "delete_path", path="b.txt")) == "not_found"


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        ("file_operation", {"operation": "write", "path": "x"}, "content"),
        ("file_operation", {"operation": "copy", "path": "x"}, "destination"),
        ("process_management", {"operation": "stop"}, "process"),
        ("git_operation", {"operation": "clone"}, "repository"),
        ("git_operation", {"operation": "commit", "path": "x"}, "message"),
        ("docker_operation", {"operation": "run"}, "image"),
        ("package_operation", {"operation": "install"}, "package"),
        ("http_request", {"method": "POST", "url": "https://a.example/"}, "body"),
        (
            "ssh_operation",
            {"operation": "upload", "host": "web1.example", "path": "x"},
            "destination",
        ),
    ],
)
def test_what_an_operation_needs_is_named(world, call, tool, arguments, field):
    error = call(world, tool, **arguments)["error"]
    assert (error["code"], error["field"]) == ("missing_argument", field)


def test_a_stopped_process_is_gone_with_its_connections(world, call):
    assert call(world, "stop_process", target="nginx")["stopped"] == [
        {"pid": "812", "name": "nginx"}
    ]
    assert call(world, "list_processes", filter="nginx")["total"] == 0
    listening = call(world, "network_info", info_type="connections")["connections"]
    assert "nginx" not in {row["process"] for row in listening}
    assert code(call(world, "process_management", operation="stop", process="812")) == "not_found"
    assert code(call(world, "stop_process", target="1")) == "permission_denied"


def test_a_container_is_stopped_or_running(world, call):
    assert code(call(world, "start_container", container_id="web")) == "conflict"
    assert call(world, "stop_container", container_id="web")["status"] == "stopped"
    assert code(call(world, "docker_operation", operation="stop", container="web")) == "conflict"
    made = call(world, "run_container", image_name="redis", name="cache")
    assert made["image"] == "redis:latest"
    running = call(world, "list_containers", running_only=True)["containers"]
    assert {row["name"] for row in running} == {"db", "cache"}
    assert call(world, "fetch_container_logs", container_id=made["id"])["lines"]
    assert code(call(world, "fetch_container_logs", container_id="nothing")) == "not_found"


def test_a_package_comes_and_goes(world, call):
    first = call(world, "install_package", name="htop")
    assert first["status"] == "installed"
    again = call(world, "package_operation", operation="install", package="htop")
    assert again == {**first, "status": "already_installed"}
    call(world, "uninstall_package", name="htop")
    assert "htop" not in {row["name"] for row in call(world, "list_packages")["packages"]}
    assert code(call(world, "uninstall_package", name="htop")) == "not_found"


def test_a_push_is_seen_by_the_next_clone(world, call):
    url = "https://git.example/choir/songbook.git"
    path = call(world, "git_clone", url=url)["directory"]
    assert code(call(world, "git_commit", repo_path=path, message="x")) == "nothing_to_commit"
    call(world, "write_text_file", file_path=f"{path}/songs.txt", text="Morning\n")
    made = call(world, "git_commit", repo_path=path, message="Add a song")
    assert call(world, "git_log", repo_path=path)["commits"][0]["sha"] == made["sha"]
    assert call(world, "git_push", repo_path=path)["commits_pushed"] == 1
    pushed = call(world, "git_operation", operation="push", path=path)
    assert pushed["status"] == "up_to_date"
    call(world, "git_operation", operation="clone", repository=url, path="second")
    log = call(world, "git_operation", operation="log", path="second")
    assert log["commits"][0]["message"] == "Add a song"
    assert call(world, "read_text_file", file_path="second/songs.txt")["content"] == "Morning\n"
    elsewhere = "https://elsewhere.example/a/b.git"
    assert code(call(world, "git_clone", url=elsewhere)) == "not_found"
    assert code(call(world, "git_log", repo_path="~/Documents")) == "not_found"


def test_a_checkout_of_a_scenario_has_something_to_commit(make_world, call):
    world = make_world(checkouts=[{"path": "~/projects/choir"}])
    assert world.changes == []
    made = call(world, "git_commit", repo_path="~/projects/choir", message="Note what is next")
    assert made["files"] == ["TODO.md"]


def test_a_host_remembers(world, call):
    call(world, "write_text_file", file_path="site/index.html", text="hello")
    call(world, "scp_upload", server="web1.example", local_path="site", remote_path="/var/www/")
    shown = call(
        world, "ssh_execute", server="ana@web1.example", cmd="hostname; cat /var/www/site/*"
    )
    assert shown["output"] == "web1.example\nhello"
    assert code(call(world, "file_operation", operation="list", path="/var/www")) == "not_found"
    assert "web1.example:files" in {change["collection"] for change in world.changes}
    run = {"operation": "execute", "command": "ls"}
    assert code(call(world, "ssh_operation", **run, host="gone.example")) == "unknown_host"
    assert code(call(world, "ssh_operation", **run, host="example.com")) == "connection_refused"


def test_a_host_of_a_scenario_needs_only_a_name(make_world, call):
    world = make_world(hosts=[{"name": "choir.example", "files": {"songs.txt": "Morning"}}])
    shown = call(world, "ssh_execute", server="choir.example", cmd="cat songs.txt")
    assert shown["output"] == "Morning"
    assert call(world, "list_open_ports", target="choir.example")["open_ports"][0]["port"] == 22


def test_rows_of_a_scenario_may_be_all_text(make_world, call):
    world = make_world(
        hosts=[{"name": "choir.example", "ports": "22, 443", "files": "none"}],
        containers=[
            {"name": "rig", "image": "choir/rig:1", "status": "exited", "logs": "one\ntwo"}
        ],
        processes=[{"name": "organ", "cpu_percent": "3.5", "memory_mb": "much"}],
        repositories=[{"url": "https://other.example/a/b.git", "files": "none"}],
    )
    ports = call(world, "list_open_ports", target="choir.example")["open_ports"]
    assert [row["service"] for row in ports] == ["ssh", "https"]
    assert call(world, "start_container", container_id="rig")["status"] == "running"
    assert call(world, "fetch_container_logs", container_id="rig")["lines"][:2] == ["one", "two"]
    assert call(world, "list_processes", filter="organ")["processes"][0]["cpu_percent"] == 3.5
    assert call(world, "system_info")["processes"] == 10
    assert call(world, "git_clone", url="https://other.example/a/b.git")["files"] == 3


def test_the_network_is_of_one_piece(world, call):
    found = call(world, "dns_lookup", domain="nas.lan.example")["addresses"][0]
    assert found in {row["address"] for row in call(world, "list_lan_devices")["devices"]}
    assert call(world, "ping_host", hostname=found)["host"] == "nas.lan.example"
    hops = call(world, "trace_route", target="db1.example")["hops"]
    assert [hops[0]["name"], hops[-1]["name"]] == ["gateway.lan.example", "db1.example"]
    assert (
        code(call(world, "network_diagnostic", operation="ping", host="gone.example"))
        == "not_found"
    )
    interfaces = call(world, "list_network_interfaces", include_loopback=False)["interfaces"]
    assert [row["name"] for row in interfaces] == ["eth0"]


def test_what_was_posted_can_be_fetched(world, call):
    made = call(world, "http_post", uri="https://api.example/notes", data='{"a": 1}')
    got = call(world, "http_request", method="GET", url=made["content"]["url"])
    assert got == {"status": 200, "body": '{"a": 1}'}
    assert call(world, "http_get", uri="https://api.example/none")["status_code"] == 404


def test_the_machine_says_the_same_in_two_ways(world, call):
    info = call(world, "system_info", info_type="memory")
    status = call(world, "get_system_status", unit="mb")
    assert status["memory"]["total"] == info["memory_total_mb"]
    assert call(world, "run_shell", cmd="whoami")["output"] == "anaruiz\n"
