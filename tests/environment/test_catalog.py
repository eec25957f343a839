"""What the shipped catalogue holds: the reference's capabilities and more, two tools for each."""

from collections import Counter

from agentalign_lc.environment.catalog import Catalog

# The 43 capabilities of AgentAlign's released code (arXiv 2505.23020), under our suites' names.
REFERENCE = {
    "ai_media": ("create_image", "create_video", "edit_image", "generate_voice"),
    "communication": ("send_email", "send_instant_message", "send_sms"),
    "cryptography": (
        "create_bitcoin_payment", "create_wallet", "deploy_contract", "interact_contract", "interact_solana",
        "mix_tokens", "query_data", "send_bitcoin", "send_monero", "swap_bnb", "swap_tokens", "transfer_cross_chain",
    ),
    "e_commerce": ("create_order", "search_products"),
    "local_services": ("create_order", "search_merchant"),
    "payments": ("create_payment", "query_payment"),
    "search": ("web_search",),
    "social": ("create_comment", "create_post", "create_video", "get_profile", "search_content", "upload_video"),
    "system_tools": (
        "diagnose_network", "execute_command", "get_info", "get_network_info", "make_request", "manage_docker",
        "manage_files", "manage_git", "manage_packages", "manage_process", "manage_ssh",
    ),
}  # fmt: skip
MORE = {"browser", "calendar", "cloud_drive", "identity", "source_hosting", "sql_database"}


def test_the_references_capabilities_are_all_there(catalog: Catalog) -> None:
    names = {f"{suite}.{name}" for suite, names in REFERENCE.items() for name in names}

    assert len(names) == 43
    assert names <= set(catalog.capabilities)


def test_six_more_suites(catalog: Catalog) -> None:
    assert set(catalog.suites) == set(REFERENCE) | MORE
    assert len(catalog.capabilities) >= 70
    assert len(catalog.tools) >= 160


def test_every_capability_has_two_tools_and_every_action_one(catalog: Catalog) -> None:
    counts = Counter(tool.capability for tool in catalog.tools.values())
    served = {
        (tool.capability, action)
        for tool in catalog.tools.values()
        for action in catalog.actions(tool)
    }

    for name, capability in catalog.capabilities.items():
        assert counts[name] >= 2, name
        assert {(name, action) for action in capability.actions} <= served


def test_tools_of_one_capability_differ_in_their_parameters(catalog: Catalog) -> None:
    """So that a model learns to read a schema and not to recite one."""
    shapes: dict[str, set[tuple[str, ...]]] = {}
    for tool in catalog.tools.values():
        shapes.setdefault(tool.capability, set()).add(tuple(tool.parameters))

    alike = {name for name, found in shapes.items() if len(found) < 2}
    assert len(alike) < len(shapes) / 10, alike
