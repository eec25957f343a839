"""Shell commands that speak to other machines; none of them leaves the world."""

import json
import posixpath
from collections.abc import Mapping

from agentalign_lc.environment.devices.shell.call import Call, Command, Failure, table
from agentalign_lc.environment.faults import ToolFault

__all__ = ["COMMANDS"]


def _host(call: Call) -> str:
    flags, names = call.options("cpW" if call.name == "ping" else "")
    names = [name for name in names if name not in ("A", "MX", "+short")]
    call.need(names)
    network, name = call.computer.network, names[0]
    try:
        if call.name == "ping":
            done = network.ping(name, call.number(flags.get("c", "4")))
            lines = (
                f"{done['sent']} packets transmitted, {done['received']} received, 0% packet loss\n"
            )
            times = f"rtt min/avg/max = {done['min_ms']}/{done['average_ms']}/{done['max_ms']} ms\n"
            return f"PING {done['host']} ({done['address']})\n{lines}{times}"
        if call.name == "traceroute":
            hops = network.trace(name)["hops"]
            return table(
                [[h["hop"], h["name"], f"({h['address']})", f"{h['ms']} ms"] for h in hops]
            )
        if call.name == "nmap":
            ports = network.ports(name)["ports"]
            return table(
                [
                    ["PORT", "STATE", "SERVICE"],
                    *([f"{p['port']}/tcp", "open", p["service"]] for p in ports),
                ]
            )
        done = network.resolve(name)
        return f"{done['host']} has address {done['address']}\n"
    except ToolFault as fault:
        raise Failure(fault.message, 2) from fault


def _sockets(call: Call) -> str:
    network = call.computer.network
    if call.name in ("ss", "netstat"):
        rows = network.connections()["connections"]
        cells = [
            [r["protocol"], r["state"], r.get("local_port"), r["remote"] or "*", r.get("process")]
            for r in rows
        ]
        return table([["PROTO", "STATE", "LOCAL", "PEER", "PROCESS"], *cells])
    if call.name == "arp":
        return table(
            [[d["name"], f"({d['address']})", "at", d["mac"]] for d in network.devices()["devices"]]
        )
    interfaces = network.interfaces()["interfaces"]
    return table(
        [[i["name"], i["state"], i["address"], i["netmask"], i["mac"]] for i in interfaces]
    )


def _curl(call: Call) -> str:
    flags, urls = call.options(
        "XdHouAFbTm", ("data", "header", "output", "request", "user", "json")
    )
    call.need(urls)
    url = urls[0] if "://" in urls[0] else f"http://{urls[0]}"
    body = flags.get("d", flags.get("data", flags.get("json")))
    if body is not None and body.startswith("@"):
        body = call.read(body[1:])
    upload = flags.get("T")
    body = call.read(upload) if upload else body
    method = flags.get("X", flags.get("request", "GET" if body is None else "POST")).upper()
    try:
        done = call.computer.web.request(method, url, body)
    except (ToolFault, ValueError) as fault:
        raise Failure(f"(6) Could not resolve host: {url[:200]}", 6) from fault
    text = done["body"] if isinstance(done["body"], str) else json.dumps(done["body"])
    if "I" in flags:
        return f"HTTP/1.1 {done['status']}\n"
    if ("f" in flags or "fail" in flags) and int(done["status"]) >= 400:
        raise Failure(f"(22) The requested URL returned error: {done['status']}", 22)
    target = flags.get("o") or flags.get("output") or (_leaf(url) if "O" in flags else None)
    if target:
        call.write(target, text)
        return ""
    return text + "\n"


def _wget(call: Call) -> str:
    flags, urls = call.options("OPq")
    call.need(urls)
    url = urls[0] if "://" in urls[0] else f"http://{urls[0]}"
    try:
        done = call.computer.web.request("GET", url)
    except (ToolFault, ValueError) as fault:
        raise Failure(f"unable to resolve host address: {url[:200]}", 4) from fault
    if int(done["status"]) >= 400:
        raise Failure(f"ERROR {done['status']}: Not Found.", 8)
    text = done["body"] if isinstance(done["body"], str) else json.dumps(done["body"])
    target = flags.get("O") or _leaf(url)
    if target == "-":
        return text
    call.write(target, text)
    return f"'{target}' saved [{len(text)}]\n"


def _leaf(url: str) -> str:
    return posixpath.basename(url.split("?", maxsplit=1)[0].rstrip("/")) or "index.html"


def _ssh(call: Call) -> str:
    _, words = (
        call.options("pilo") if call.args and call.args[0].startswith("-") else ({}, call.args)
    )
    call.need(words)
    try:
        done = call.computer.network.run(words[0], " ".join(words[1:]) or "true")
    except ToolFault as fault:
        raise Failure(fault.message, 255) from fault
    call.errors.append(str(done["stderr"]))
    call.code = int(done["exit_code"])
    return str(done["stdout"])


def _scp(call: Call) -> str:
    _, words = call.options("Pio")
    call.need(words, 2)
    (one, colon, from_), (two, other, to) = words[0].partition(":"), words[-1].partition(":")
    try:
        if other:
            call.computer.network.copy_to(two, words[0], to or ".", cwd=call.session.cwd)
        elif colon:
            call.computer.network.copy_to(one, from_, words[-1], back=True, cwd=call.session.cwd)
        else:
            return call.session.command(["cp", "-r", *words]).stdout
    except ToolFault as fault:
        raise Failure(fault.message) from fault
    return ""


COMMANDS: Mapping[str, Command] = {
    **dict.fromkeys(("dig", "host", "nmap", "nslookup", "ping", "traceroute"), _host),
    **dict.fromkeys(("arp", "ifconfig", "ip", "netstat", "ss"), _sockets),
    "curl": _curl,
    "scp": _scp,
    "ssh": _ssh,
    "wget": _wget,
}
"""Commands by name."""
