"""The words of tools: tokens, synonyms, and what a verb does."""

import re
from functools import lru_cache

__all__ = ["FIELD_WORDS", "READING", "VERBS", "is_prose", "tokens", "verb"]

_SYNONYMS = {
    "email": "mail mails emails gmail outlook smtp inbox mailbox",
    "sms": "texting twilio",
    "chat": "slack teams telegram whatsapp discord im dm instant conversation channel messenger",
    "message": "messages msg messaging notification",
    "file": "files document documents filesystem fs disk",
    "folder": "folders directory directories dir",
    "user": "users account accounts",
    "contact": "contacts addressbook address book",
    "web": "internet google bing brave duckduckgo baidu websearch",
    "page": "pages webpage website site url",
    "news": "headline headlines article articles",
    "command": "commands shell bash terminal cmd script",
    "process": "processes proc pid",
    "container": "containers docker podman",
    "package": "packages pip npm apt library dependency",
    "git": "repository repositories repo github gitlab commit commits",
    "network": "networks wifi interface interfaces",
    "ssh": "remote scp",
}
_CANON = {word: name for name, words in _SYNONYMS.items() for word in words.split()}

VERBS = {
    "read": "read get fetch retrieve show view load open cat download check describe inspect info status",
    "search": "search find lookup query look browse discover",
    "list": "list ls enumerate index devices interfaces connections logs log",
    "write": "write create save put add new make store update set edit insert upload patch register "
    "commit clone schedule book generate",
    "append": "append extend",
    "delete": "delete remove rm erase unlink destroy cancel",
    "move": "move mv rename relocate",
    "copy": "copy cp duplicate",
    "send": "send post email mail text sms notify message deliver publish push share reply forward",
    "execute": "run execute exec invoke start stop kill restart install uninstall deploy",
    "transfer": "pay transfer refund withdraw charge purchase buy swap",
}
"""What a tool's verb does."""
_VERB_OF = {word: name for name, words in VERBS.items() for word in words.split()}
READING = frozenset({"read", "search", "list"})
"""Verbs that change nothing."""

FIELD_WORDS = {
    "to": "to recipient recipients addressee email address to_address to_email",
    "subject": "subject title headline",
    "body": "body content text message html data payload json",
    "text": "text message body content msg",
    "content": "content text body data contents",
    "phone": "phone to number recipient phone_number mobile",
    "recipient": "recipient to channel user chat chat_id channel_id handle conversation room",
    "query": "query q search term terms keywords search_query pattern",
    "name": "name query person contact who full_name",
    "url": "url uri link address href",
    "path": "path file filename file_path filepath file_name source src directory folder dir root location",
    "destination": "destination dest target to new_path dst",
    "command": "command cmd line script shell_command",
    "repository": "repository repo url repo_url",
    "message": "message commit_message msg",
    "process": "process pid name process_name",
    "container": "container container_id id name container_name",
    "image": "image image_name",
    "package": "package name package_name",
    "host": "host hostname server address target machine",
    "attachment": "attachment attachments file files",
}
"""Names that parameters have for the fields of capabilities, likeliest first."""

_PROSE = frozenset(
    [
        "text",
        "body",
        "message",
        "content",
        "query",
        "q",
        "subject",
        "title",
        "comment",
        "description",
        "prompt",
        "note",
        "notes",
        "summary",
        "caption",
        "reason",
        "bio",
        "instructions",
        "term",
        "keywords",
        "html",
        "question",
        "answer",
    ]
)
_STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "for",
        "and",
        "or",
        "with",
        "by",
        "from",
        "as",
        "is",
        "it",
        "its",
        "be",
        "this",
        "that",
        "at",
        "your",
        "you",
        "via",
        "given",
        "return",
        "returns",
        "one",
        "all",
        "any",
        "api",
        "v1",
        "v2",
    ]
)


@lru_cache(4096)  # a tool is compared with some hundred steps
def tokens(text: str) -> frozenset[str]:
    """The words of a name or a sentence: lower case, plain, synonyms as one.

    Example:
        >>> sorted(tokens("sendGmail_toContacts"))
        ['contact', 'email', 'send']
    """
    return frozenset(_ordered(text))


def _ordered(text: str) -> list[str]:
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    words = re.findall(r"[a-z]+[0-9]*", split.lower())
    return [
        _CANON.get(word, _CANON.get(word.rstrip("s"), word)) for word in words if word not in _STOP
    ]


@lru_cache(4096)
def verb(name: str) -> str | None:
    """What the first verb of a name does, or None if it has none.

    Example:
        >>> verb("get_user_email"), verb("fileRemove"), verb("weather")
        ('read', 'delete', None)
    """
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    words = re.findall(r"[a-z]+", split.lower())
    return next((_VERB_OF[word] for word in words if word in _VERB_OF), None)


def is_prose(name: str) -> bool:
    """Whether a parameter's value is usually worded by the agent itself.

    Example:
        >>> is_prose("commentBody"), is_prose("user_id")
        (True, False)
    """
    return bool(_PROSE & set(re.findall(r"[a-z]+", re.sub(r"([A-Z])", r" \1", name).lower())))
