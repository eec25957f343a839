"""Devices: the parts of the world that YAML cannot say."""

from agentalign_lc.environment.devices.docker import Docker
from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.devices.git import Git
from agentalign_lc.environment.devices.ledger import Ledger
from agentalign_lc.environment.devices.machine import Machine
from agentalign_lc.environment.devices.market import Market
from agentalign_lc.environment.devices.media import Media
from agentalign_lc.environment.devices.network import Network
from agentalign_lc.environment.devices.orders import Orders
from agentalign_lc.environment.devices.shell.call import Computer
from agentalign_lc.environment.devices.shell.shell import Shell
from agentalign_lc.environment.devices.social import Social
from agentalign_lc.environment.devices.town import Town
from agentalign_lc.environment.devices.web import Web
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import World
from agentalign_lc.seeds import derive_seed

__all__ = [
    "COLLECTIONS",
    "DEVICES",
    "Docker",
    "FileSystem",
    "Git",
    "Ledger",
    "Machine",
    "Market",
    "Media",
    "Network",
    "Orders",
    "Shell",
    "Social",
    "Town",
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
    | type[Social]
    | type[Media]
    | type[Ledger]
    | type[Orders]
    | type[Market]
    | type[Town]
)

DEVICES: dict[str, _Kind] = {
    "files": FileSystem,
    "web": Web,
    "machine": Machine,
    "docker": Docker,
    "git": Git,
    "network": Network,
    "shell": Shell,
    "social": Social,
    "media": Media,
    "ledger": Ledger,
    "orders": Orders,
    "market": Market,
    "town": Town,
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
        remote.clock, remote.began = world.clock, world.began
        remote.me["host"] = host
        for row in world.rows("hosts"):
            remote.place("hosts", row)
        return attach(remote, network.remotes)

    network = Network(world, files, build, remotes)
    shell = Shell(Computer(world, files, web, machine, docker, git, network))
    world.devices.update(
        files=files, web=web, machine=machine, docker=docker, git=git, network=network, shell=shell
    )
    world.devices.update(social=Social(world), media=Media(world, files))
    ledger = Ledger(world)
    orders = Orders(world, ledger)
    market, town = Market(world, orders), Town(world, orders)
    world.devices.update(ledger=ledger, orders=orders, market=market, town=town)
    return world
