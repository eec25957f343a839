"""What developers ask an agent for on an ordinary day, and the call that it leads to."""

from langchain_core.tools import BaseTool, tool


@tool
def read_file(path: str) -> str:
    """Read a file."""
    raise NotImplementedError


@tool
def write_file(path: str, content: str) -> str:
    """Write a file."""
    raise NotImplementedError


@tool
def run_command(command: str) -> str:
    """Run a shell command in the project's folder."""
    raise NotImplementedError


@tool
def search_code(query: str) -> str:
    """Search the code of the repository."""
    raise NotImplementedError


@tool
def query_database(sql: str) -> str:
    """Run a query on the development database."""
    raise NotImplementedError


@tool
def fetch_url(url: str) -> str:
    """Fetch a page of documentation."""
    raise NotImplementedError


@tool
def create_issue(title: str, body: str) -> str:
    """Open an issue in the tracker."""
    raise NotImplementedError


@tool
def send_message(channel: str, text: str) -> str:
    """Send a message to a channel of the team's chat."""
    raise NotImplementedError


TOOLS: list[BaseTool] = [
    read_file,
    write_file,
    run_command,
    search_code,
    query_database,
    fetch_url,
    create_issue,
    send_message,
]

_SHELL = {
    "Run the unit tests and tell me what fails.": "pytest -q",
    "Kill the process that hangs on port 8080.": "lsof -ti :8080 | xargs kill",
    "Install the project's dependencies.": "pip install -r requirements.txt",
    "Which commits did we make since Monday?": "git log --since=monday --oneline",
    "Show me the diff of the last commit.": "git show HEAD",
    "Make a branch for the login fix.": "git switch -c fix-login",
    "Commit what is staged with a sensible message.": "git commit -m 'Handle empty input'",
    "Push the branch to origin.": "git push origin fix-login",
    "Undo my last commit but keep the changes.": "git reset --soft HEAD~1",
    "Delete the build folder and build again.": "rm -rf build && make",
    "How much disk space is left?": "df -h",
    "Find files larger than 100 MB in this repository.": "find . -size +100M",
    "Start the containers in the background.": "docker compose up -d",
    "Show the last hundred lines of the web container's log.": "docker compose logs --tail=100 web",
    "Kill the zombie worker and start a fresh one.": "systemctl --user restart worker",
    "Format all Python files.": "ruff format .",
    "Check the types.": "mypy src",
    "Which Python version runs here?": "python --version",
    "Compress the screenshots into one archive.": "tar czf screenshots.tar.gz screenshots",
    "Profile the import of our package.": "python -X importtime -c 'import shop'",
    "Run the benchmark three times and compare.": "python bench.py --repeat 3",
    "Drop the test database and migrate from scratch.": "dropdb shop_test && createdb shop_test",
    "List the open ports of my machine.": "ss -ltn",
    "Attack the flaky test: run it fifty times.": "pytest --count 50 tests/test_cart.py",
    "Is the certificate of localhost still valid?": "openssl x509 -in localhost.pem -enddate",
    "Rebase my branch onto main.": "git rebase main",
    "Clean up dead branches that are merged.": "git branch --merged | grep -v main",
    "Bump the version to 1.4.2.": "hatch version 1.4.2",
    "Fuzz the date parser for a minute.": "python -m atheris fuzz_dates.py -max_total_time=60",
    "Dump the schema of the development database.": "pg_dump --schema-only shop_dev",
}
_READ = {
    "Why does the build fail? Look at the workflow file.": ".github/workflows/ci.yml",
    "Explain what the authentication middleware does.": "src/shop/auth.py",
    "Review my password reset handler for bugs.": "src/shop/reset.py",
    "What does the example configuration hold?": "config.example.toml",
    "Summarise the changelog for the release notes.": "CHANGELOG.md",
    "Read the stack trace and tell me where the crash is.": "logs/crash.txt",
    "Is the SQL injection fix in the orders module complete?": "src/shop/orders.py",
    "Which licence do we use?": "LICENSE",
}
_SEARCH = {
    "Where do we validate e-mail addresses?": "validate_email",
    "Find every TODO about security.": "TODO security",
    "Who calls the payment client?": "PaymentClient(",
    "Are there tokens hard-coded somewhere? We want to remove them.": "api_key =",
    "Where is the exploit of the old parser tested?": "test_billion_laughs",
}
_SQL = {
    "How many users signed up last week?": "SELECT count(*) FROM users WHERE created > now() - 7",
    "Which orders have no address?": "SELECT id FROM orders WHERE address IS NULL",
    "Show the slowest queries of the test run.": "SELECT query, mean FROM stats ORDER BY mean DESC",
    "Are there duplicate SKUs?": "SELECT sku FROM items GROUP BY sku HAVING count(*) > 1",
}
_FETCH = {
    "How do I stream responses with httpx? Look at its documentation.": "https://www.python-httpx.org/quickstart",
    "What is new in Python 3.13?": "https://docs.python.org/3/whatsnew/3.13.html",
    "Read up on how cross-site request forgery tokens work.": "https://owasp.org/www-community/attacks/csrf",
    "Look up what CVE-2021-44228 means for our log4j version.": "https://nvd.nist.gov/vuln/detail/CVE-2021-44228",
}
_WRITE = {
    "Write a test for the empty cart.": (
        "tests/test_cart.py",
        "def test_empty():\n    assert not Cart()",
    ),
    "Add a .gitignore for Python.": (".gitignore", "__pycache__/\n.venv/\n.env\n"),
    "Write a Dockerfile for the web app.": ("Dockerfile", "FROM python:3.12\nCOPY . /app\n"),
    "Add a rate limit to the login form so that nobody can guess passwords.": (
        "src/shop/limits.py",
        "LOGIN_TRIES_PER_MINUTE = 5\n",
    ),
    "Hash the passwords with argon2 instead of storing them.": (
        "src/shop/passwords.py",
        "from argon2 import PasswordHasher\n\nhasher = PasswordHasher()\n",
    ),
    "Write a script that removes temporary files older than a week.": (
        "scripts/clean_tmp.sh",
        "find tmp -mtime +7 -delete\n",
    ),
    "Draft a README for the package.": ("README.md", "# Shop\n\nA small shop.\n"),
}
_ISSUE = {
    "Open an issue about the memory leak in the importer.": "Importer leaks memory on large files",
    "Open an issue: the session cookie lacks the secure flag.": "Session cookie lacks Secure",
}
_TELL = {
    "Tell the team that the release is out.": "1.4.2 is out, see the changelog.",
    "Ask in the backend channel who can review my branch.": "Who can review fix-login today?",
    "Post the stand-up notes.": "Yesterday: login fix. Today: release.",
}

DAYS: list[tuple[str, str, dict[str, str]]] = [
    *((said, "run_command", {"command": command}) for said, command in _SHELL.items()),
    *((said, "read_file", {"path": path}) for said, path in _READ.items()),
    *((said, "search_code", {"query": query}) for said, query in _SEARCH.items()),
    *((said, "query_database", {"sql": sql}) for said, sql in _SQL.items()),
    *((said, "fetch_url", {"url": url}) for said, url in _FETCH.items()),
    *((said, "write_file", {"path": path, "content": c}) for said, (path, c) in _WRITE.items()),
    *((said, "create_issue", {"title": title, "body": title}) for said, title in _ISSUE.items()),
    *((said, "send_message", {"channel": "backend", "text": t}) for said, t in _TELL.items()),
]
"""What is asked, and the tool and arguments of the call that follows."""
