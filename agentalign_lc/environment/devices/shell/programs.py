"""Shell commands that speak to the machine, its services and the network."""

import posixpath
import re
from collections.abc import Callable, Mapping

from agentalign_lc.environment.devices.git import Git
from agentalign_lc.environment.devices.shell.call import Call, Command, Failure, table
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.world import Row

__all__ = ["COMMANDS"]

_DATE = {
    "Y": "%Y", "m": "%m", "d": "%d", "H": "%H", "M": "%M", "S": "%S", "F": "%Y-%m-%d", "T": "%H:%M:%S",
    "a": "%a", "A": "%A", "b": "%b", "B": "%B", "j": "%j", "y": "%y", "u": "%u",
}  # fmt: skip


def _true(_call: Call) -> str:
    return ""


def _false(call: Call) -> str:
    call.code = 1
    return ""


def _exit(call: Call) -> str:
    call.code = call.number(call.args[0]) % 256 if call.args else 0
    return ""


def _facts(call: Call) -> str:
    info = call.computer.machine.info()
    user = str(info["user"])
    simple = {
        "whoami": user,
        "hostname": str(info["hostname"]),
        "nproc": str(info["cpu_cores"]),
        "arch": "x86_64",
    }
    if call.name in simple:
        return simple[call.name] + "\n"
    if call.name == "id":
        return f"uid=1000({user}) gid=1000({user}) groups=1000({user}),27(sudo)\n"
    if call.name == "uname":
        full = f"Linux {info['hostname']} {info['kernel']} x86_64 GNU/Linux"
        known = {"-a": full, "-r": info["kernel"], "-n": info["hostname"], "-m": "x86_64"}
        return f"{known.get(''.join(call.args[:1]), 'Linux')}\n"
    if call.name == "uptime":
        days, seconds = divmod(int(info["uptime_seconds"]), 86_400)
        load = float(info["cpu_percent"]) / 25
        return f" up {days} days, {seconds // 3600}:{seconds % 3600 // 60:02}, 1 user, load average: {load:.2f}\n"
    total, used = int(info["memory_total_mb"]), int(info["memory_used_mb"])
    return table(
        [["", "total", "used", "free"], ["Mem:", total, used, total - used], ["Swap:", 0, 0, 0]]
    )


def _date(call: Call) -> str:
    now = call.computer.world.today
    wanted = next((word[1:] for word in call.args if word.startswith("+")), None)
    if wanted is None:
        return f"{now:%a %b %d %H:%M:%S} UTC {now.year}\n"
    special = {
        "s": str(int(now.timestamp())),
        "Z": "UTC",
        "%": "%",
        "n": "\n",
        "z": "+0000",
        "N": "000000000",
    }

    def fill(found: re.Match[str]) -> str:
        if found[1] in special:
            return special[found[1]]
        return now.strftime(_DATE[found[1]]) if found[1] in _DATE else found[0]

    return re.sub(r"%(.)", fill, wanted) + "\n"


def _env(call: Call) -> str:
    if call.name == "export":
        for word in call.args:
            name, equals, value = word.partition("=")
            if equals and name.isidentifier():
                call.session.variables[name] = value
        return ""
    return "".join(f"{name}={value}\n" for name, value in sorted(call.session.variables.items()))


def _which(call: Call) -> str:
    _, names = call.options()
    found = [name for name in names if call.session.known(name)]
    call.code = int(len(found) < len(names))
    return "".join(f"/usr/bin/{name}\n" for name in found)


def _ps(call: Call) -> str:
    rows = call.computer.machine.processes()["processes"]
    cells = [
        [r["user"], r["pid"], r["cpu_percent"], r["memory_mb"], r["status"], r["command"]]
        for r in rows
    ]
    return table([["USER", "PID", "%CPU", "MB", "STAT", "COMMAND"], *cells])


def _pgrep(call: Call) -> str:
    _, names = call.options("u")
    call.need(names)
    rows = call.computer.machine.processes(names[0])["processes"]
    call.code = int(not rows)
    return "".join(f"{row['pid']}\n" for row in rows)


def _kill(call: Call) -> str:
    names = [word for word in call.args if not word.startswith("-")]
    call.need(names)
    machine = call.computer.machine
    for name in names:
        if call.name == "kill" and not name.isdigit():
            call.complain(f"{name}: arguments must be process ids")
            continue
        try:
            machine.stop(name)
        except ToolFault as fault:
            call.complain(fault.message)
    return ""


def _systemctl(call: Call) -> str:
    _, words = call.options()
    if call.name == "service":
        words = [words[1], words[0]] if len(words) > 1 else words
    if len(words) < 2:
        return _ps(call)
    action, name = words[0], words[1].removesuffix(".service")
    machine = call.computer.machine
    running = call.computer.world.find("processes", {"name": name}) is not None
    if action in ("stop", "restart") and running:
        machine.stop(name)
    if action in ("start", "restart") and (action == "restart" or not running):
        machine.start(name)
    elif action in ("status", "is-active"):
        call.code = 0 if running else 3
        state = "active" if running else "inactive"
        return f"{state}\n" if action == "is-active" else f"{name}.service\n   Active: {state}\n"
    elif action not in ("stop", "start", "enable", "disable", "reload"):
        raise Failure(f"Unknown command verb {action}.")
    return ""


def _packages(call: Call) -> str:
    _, words = call.options("r", ("index-url",))
    manager = {"pip": "pip", "pip3": "pip", "npm": "npm"}.get(call.name, "apt")
    machine = call.computer.machine
    action, names = (words[0], words[1:]) if words else ("", [])
    if action in ("update", "upgrade", "autoremove"):
        return "All packages are up to date.\n"
    if action in ("list", "freeze", "ls") or "-l" in call.args:
        rows = machine.packages(manager)["packages"]
        return "".join(f"{row['name']}=={row['version']}\n" for row in rows)
    if action in ("install", "i", "add"):
        results = [machine.install(name, manager) for name in names]
        told = {
            "installed": "Successfully installed",
            "already_installed": "Requirement already satisfied:",
        }
        return "".join(f"{told[r['status']]} {r['package']}-{r['version']}\n" for r in results)
    if action in ("remove", "uninstall", "purge"):
        return "".join(f"Removed {machine.remove(name)['package']}\n" for name in names)
    if action == "show" and names:
        row = call.computer.world.get("packages", names[0].lower())
        if row is None:
            raise Failure(f"Package(s) not found: {names[0]}")
        return f"Name: {row['name']}\nVersion: {row['version']}\n"
    raise Failure(f"unknown command '{action}'")


def _git(call: Call) -> str:
    flags, words = call.options("mCb", ("message",))
    action, rest = (words[0], words[1:]) if words else ("", [])
    if "version" in flags:
        return "git version 2.47.1\n"
    if action not in _GIT:
        raise Failure(f"'{action}' is not a git command. See 'git --help'.")
    return _GIT[action](call.computer.git, call.path(flags.get("C", "")), flags, rest)


def _git_clone(git: Git, cwd: str, _flags: Mapping[str, str], words: list[str]) -> str:
    if not words:
        raise Failure("You must specify a repository to clone.", 128)
    done = git.clone(words[0], words[1] if len(words) > 1 else None, cwd)
    return f"Cloning into '{posixpath.basename(done['path'])}'...\ndone.\n"


def _git_init(git: Git, cwd: str, _flags: Mapping[str, str], words: list[str]) -> str:
    done = git.init(words[0] if words else ".", cwd)
    return f"Initialized empty Git repository in {done['path']}/.git/\n"


def _git_status(git: Git, cwd: str, _flags: Mapping[str, str], _words: list[str]) -> str:
    lines = "".join(f"\tmodified:   {name}\n" for name in git.status(".", cwd)["changed"])
    clean = "nothing to commit, working tree clean\n"
    return f"On branch main\n{lines or clean}"


def _git_commit(git: Git, cwd: str, flags: Mapping[str, str], _words: list[str]) -> str:
    done = git.commit(".", flags.get("m", flags.get("message", "")), cwd)
    count = len(done["files"])
    return f"[main {done['commit'][:7]}] {done['message']}\n {count} file(s) changed\n"


def _git_log(git: Git, cwd: str, flags: Mapping[str, str], _words: list[str]) -> str:
    commits = git.log(".", 100, cwd)["commits"]
    return "".join(_logged(commit, short="oneline" in flags) for commit in commits)


def _git_push(git: Git, cwd: str, _flags: Mapping[str, str], _words: list[str]) -> str:
    done = git.push(".", cwd)
    pushed = f"To {done['repository']}\n   main -> main\n"
    return pushed if done["pushed"] else "Everything up-to-date\n"


def _git_quiet(git: Git, cwd: str, _flags: Mapping[str, str], _words: list[str]) -> str:
    git.status(".", cwd)  # fails outside a repository; there is one branch and no staging here
    return ""


_GIT: Mapping[str, Callable[[Git, str, Mapping[str, str], list[str]], str]] = {
    **dict.fromkeys(("add", "checkout", "diff", "fetch", "pull", "stash"), _git_quiet),
    "branch": lambda git, cwd, flags, words: _git_quiet(git, cwd, flags, words) + "* main\n",
    "clone": _git_clone,
    "commit": _git_commit,
    "config": lambda *_: "",
    "init": _git_init,
    "log": _git_log,
    "push": _git_push,
    "remote": lambda git, cwd, flags, words: _git_quiet(git, cwd, flags, words) + "origin\n",
    "status": _git_status,
}


def _logged(commit: Row, *, short: bool) -> str:
    if short:
        return f"{commit['sha'][:7]} {commit['message']}\n"
    return f"commit {commit['sha']}\nAuthor: {commit['author']}\nDate:   {commit['date']}\n\n    {commit['message']}\n\n"


def _docker(call: Call) -> str:
    docker = call.computer.docker
    action, rest = (call.args[0], call.args[1:]) if call.args else ("", [])
    flags = {word for word in rest if word.startswith("-")}
    names = [word for word in rest if not word.startswith("-")]
    if action in ("ps", "images"):
        found = docker.list(running=action == "ps" and not flags & {"-a", "--all"})
        if action == "images":
            return table(
                [
                    ["REPOSITORY", "ID", "SIZE"],
                    *([i["name"], i["id"], f"{i['mb']}MB"] for i in found["images"]),
                ]
            )
        cells = [[c["id"], c["image"], c["status"], c["name"]] for c in found["containers"]]
        return table([["CONTAINER ID", "IMAGE", "STATUS", "NAMES"], *cells])
    if action == "run":
        return _docker_run(call, rest)
    methods: Mapping[str, Callable[[str], Row]] = {
        "start": docker.start, "stop": docker.stop, "rm": docker.remove, "kill": docker.stop,
    }  # fmt: skip
    if action in methods and names:
        for name in names:
            methods[action](name)
        return "".join(f"{name}\n" for name in names)
    if action == "logs" and names:
        return "".join(f"{line}\n" for line in docker.logs(names[-1])["lines"])
    if action == "pull" and names:
        return f"Status: Image is up to date for {names[0]}\n"
    raise Failure(f"'{action}' is not a docker command.")


def _docker_run(call: Call, words: list[str]) -> str:
    options: dict[str, str] = {}
    while words and words[0].startswith("-"):
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name in (
            "--name",
            "-p",
            "-e",
            "-v",
            "--network",
            "--env",
            "--publish",
            "--volume",
            "-w",
        ):
            options[name] = value if equals else words.pop(0) if words else ""
    call.need(words)
    done = call.computer.docker.run(words[0], options.get("--name"), " ".join(words[1:]) or None)
    return f"{done['id']}\n"


def _run(call: Call) -> str:
    """An interpreter: inline shell runs; any other script only says that it ran."""
    flags, names = call.options("cme")
    if "version" in flags or "V" in flags:
        return f"{call.name} 3.12.7\n" if "python" in call.name else f"{call.name} 22.11.0\n"
    shell = call.name in ("bash", "sh", "zsh")
    if shell and ("c" in flags or not names):
        done = call.session.execute(flags.get("c", call.stdin))
        call.errors.append(done.stderr)
        call.code = done.code
        return done.stdout
    if {"c", "e", "m"} & set(flags) or not names:
        return ""
    if call.kind(names[0]) != "file":
        raise Failure(
            f"can't open file '{names[0]}': No such file or directory", 127 if shell else 2
        )
    return f"{posixpath.basename(names[0])}: finished\n"


def _sudo(call: Call) -> str:
    words = list(call.args)
    while words and words[0].startswith("-"):
        taken = words.pop(0)
        if taken in ("-u", "-n", "-k") and taken == "-u" and words:
            words.pop(0)
    call.need(words)
    done = call.session.command(words, call.stdin)
    call.errors.append(done.stderr)
    call.code = done.code
    return done.stdout


def _crontab(call: Call) -> str:
    files, user = call.computer.files, call.computer.world.me["user"]
    path = f"/var/spool/cron/{user}"
    flags, names = call.options("u")
    there = call.computer.world.get("files", path)
    if "l" in flags or "r" in flags:
        if there is None:
            raise Failure(f"no crontab for {user}")
        if "r" in flags:
            files.delete(path)
            return ""
        return str(there["content"])
    text = call.read(names[0] if names else "-")
    if text is not None:
        files.write(path, text)
    return ""


COMMANDS: Mapping[str, Command] = {
    **dict.fromkeys(
        ("arch", "free", "hostname", "id", "nproc", "uname", "uptime", "whoami"), _facts
    ),
    **dict.fromkeys(("true", ":", "sleep", "wait", "set", "unset", "clear", "sync"), _true),
    **dict.fromkeys(("env", "export", "printenv"), _env),
    **dict.fromkeys(("which", "type"), _which),
    **dict.fromkeys(("ps", "top"), _ps),
    **dict.fromkeys(("kill", "killall", "pkill"), _kill),
    **dict.fromkeys(("systemctl", "service"), _systemctl),
    **dict.fromkeys(("apt", "apt-get", "dpkg", "npm", "pip", "pip3"), _packages),
    **dict.fromkeys(("bash", "node", "python", "python3", "sh", "zsh"), _run),
    "crontab": _crontab,
    "date": _date,
    "docker": _docker,
    "exit": _exit,
    "false": _false,
    "git": _git,
    "nohup": _sudo,
    "pgrep": _pgrep,
    "sudo": _sudo,
    "time": _sudo,
}
"""Commands by name."""
