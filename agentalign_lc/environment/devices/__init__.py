"""Devices: the parts of the world that YAML cannot say."""

from agentalign_lc.environment.devices.calendars import Calendar
from agentalign_lc.environment.devices.database import Database
from agentalign_lc.environment.devices.docker import Docker
from agentalign_lc.environment.devices.drive import Drive
from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.devices.git import Git
from agentalign_lc.environment.devices.machine import Machine
from agentalign_lc.environment.devices.network import Network
from agentalign_lc.environment.devices.shell.call import Computer
from agentalign_lc.environment.devices.shell.shell import Shell
from agentalign_lc.environment.devices.web import Web
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import World
from agentalign_lc.seeds import derive_seed

__all__ = [
    "COLLECTIONS",
    "DEVICES",
    "Calendar",
    "Database",
    "Docker",
    "Drive",
    "FileSystem",
    "Git",
    "Machine",
    "Network",
    "Shell",
    "Web",
    "attach",
]

_Kind = (
    type[FileSystem]
    | type[Web]
    | type[Machine]
    | type[Docker]
    | type[Git]
    | type[Network]
    | type[Shell]
    | type[Database]
    | type[Drive]
    | type[Calendar]
)

DEVICES: dict[str, _Kind] = {
    "files": FileSystem,
    "web": Web,
    "machine": Machine,
    "docker": Docker,
    "git": Git,
    "network": Network,
    "shell": Shell,
    "database": Database,
    "drive": Drive,
    "calendar": Calendar,
}
COLLECTIONS: dict[str, CollectionSpec] = {
    name: spec for device in DEVICES.values() for name, spec in device.collections.items()
}
"""What the devices keep in the world."""


def attach(world: World, remotes: dict[str, World] | None = None) -> World:
    """Give a world its devices.

    Args:
        world: The world, with its start rows and fixtures.
        remotes: Worlds of ssh hosts that exist already, when this is one of them.
    """
    files, web, docker = FileSystem(world), Web(world), Docker(world)
    machine, git = Machine(world, files), Git(world, files)

    def build(host: str) -> World:
        remote = World(derive_seed(world.seed, "host", host), world.user, COLLECTIONS)
        remote.clock = world.clock
        remote.me["host"] = host
        for row in world.rows("hosts"):
            remote.place("hosts", row)
        return attach(remote, network.remotes)

    network = Network(world, files, build, remotes)
    shell = Shell(Computer(world, files, web, machine, docker, git, network))
    world.devices.update(
        files=files, web=web, machine=machine, docker=docker, git=git, network=network, shell=shell
    )
    world.devices.update(
        database=Database(world, files), drive=Drive(world, files), calendar=Calendar(world)
    )
    return world
