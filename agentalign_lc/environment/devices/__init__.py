"""Devices: the parts of the world that YAML cannot say."""

from agentalign_lc.environment.devices.blocks import Blocks
from agentalign_lc.environment.devices.browser import Browser
from agentalign_lc.environment.devices.calendars import Calendar
from agentalign_lc.environment.devices.chain import Chain
from agentalign_lc.environment.devices.contracts import Contracts
from agentalign_lc.environment.devices.database import Database
from agentalign_lc.environment.devices.directory import Directory
from agentalign_lc.environment.devices.docker import Docker
from agentalign_lc.environment.devices.drive import Drive
from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.devices.git import Git
from agentalign_lc.environment.devices.hosting import Hosting
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
from agentalign_lc.environment.devices.wallets import Wallets
from agentalign_lc.environment.devices.web import Web
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import World
from agentalign_lc.seeds import derive_seed

__all__ = [
    "COLLECTIONS",
    "DEVICES",
    "Blocks",
    "Browser",
    "Calendar",
    "Chain",
    "Contracts",
    "Database",
    "Directory",
    "Docker",
    "Drive",
    "FileSystem",
    "Git",
    "Hosting",
    "Ledger",
    "Machine",
    "Market",
    "Media",
    "Network",
    "Orders",
    "Shell",
    "Social",
    "Town",
    "Wallets",
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
    | type[Wallets]
    | type[Blocks]
    | type[Chain]
    | type[Contracts]
    | type[Browser]
    | type[Directory]
    | type[Hosting]
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
    "social": Social,
    "media": Media,
    "ledger": Ledger,
    "orders": Orders,
    "market": Market,
    "town": Town,
    "wallets": Wallets,
    "blocks": Blocks,
    "chain": Chain,
    "contracts": Contracts,
    "browser": Browser,
    "directory": Directory,
    "hosting": Hosting,
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
    wallets = Wallets(world)
    blocks = Blocks(world, wallets)
    chain, contracts = Chain(world, wallets, blocks), Contracts(world, wallets, blocks)
    world.devices.update(wallets=wallets, blocks=blocks, chain=chain, contracts=contracts)
    world.devices["browser"] = Browser(world, files, web)
    world.devices["directory"] = Directory(world)
    world.devices["hosting"] = Hosting(world, git)
    world.devices.update(
        database=Database(world, files), drive=Drive(world, files), calendar=Calendar(world)
    )
    return world
