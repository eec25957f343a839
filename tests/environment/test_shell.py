"""The simulated shell answers like a shell, never breaks, and never leaves its world."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentalign_lc.environment.devices.shell.shell import _COMMANDS

PIECES = st.sampled_from(
    [
        *sorted(_COMMANDS),
        *(
            "|",
            ";",
            "&&",
            "||",
            ">",
            ">>",
            "<",
            "2>&1",
            "2>/dev/null",
            "&",
            "(",
            ")",
            "$(",
            "`",
            "\n",
        ),
        *("'", '"', "\\", "$HOME", "${X:-y}", "~", "*", "?", "[a-", "{a,b}", "<<EOF", "EOF", "<<<"),
        *(
            "-",
            "-n",
            "-r",
            "-c",
            "-5",
            "-rf",
            "-f",
            "--",
            "--x=y",
            "+%F",
            "/",
            ".",
            "..",
            "a.txt",
            "0",
        ),
        *(
            "docs",
            "web1.example",
            "https://a.example/b",
            "s/a/b/",
            "{print $1}",
            "web",
            "commit",
            "99999",
        ),
    ]
)
LINES = st.one_of(
    st.text(max_size=60), st.lists(st.one_of(PIECES, st.text(max_size=4))).map(" ".join)
)


@pytest.fixture
def run(world):
    return world.devices["shell"].run


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("echo hello", "hello\n"),
        ("echo '$HOME' \"$USER\" ~", "$HOME anaruiz /home/anaruiz\n"),
        ('echo "$(whoami) at `hostname`"', "anaruiz at anaruiz-laptop.lan.example\n"),
        ("printf 'b\\na\\nb\\n' | sort | uniq -c | sort -rn | head -1", "      2 b\n"),
        ("mkdir -p a/{b,c} && cd a && ls && pwd", "b\nc\n/home/anaruiz/a\n"),
        ("echo one > x.txt; echo two >> x.txt; wc -l < x.txt; ls *.txt", "2\nx.txt\n"),
        ("touch a.log b.txt; find . -maxdepth 1 -name '*.log'", "./a.log\n"),
        ("cat <<EOF | tr a-z A-Z\nhi $USER\nEOF", "HI ANARUIZ\n"),
        ("echo a,b,c | cut -d, -f2-", "b,c\n"),
        ("echo 'x=1' | sed 's/x=\\(.\\)/y=\\1/'", "y=1\n"),
        ("ps aux | grep nginx | awk '{print $2}'", "812\n"),
        ("false || echo saved; true && echo kept; false && echo lost; true", "saved\nkept\n"),
        ("(cd /tmp; pwd); pwd", "/tmp\n/home/anaruiz\n"),
        ("echo x > f; tar -czf f.tgz f; rm f; tar -xzf f.tgz; cat f", "x\n"),
        ("echo '0 2 * * * backup' | crontab -; crontab -l", "0 2 * * * backup\n"),
        ("sudo apt-get install -y htop > /dev/null; which htop", "/usr/bin/htop\n"),
        ("scp -q .bashrc nas.lan.example:/tmp 2>/dev/null || echo no such file", "no such file\n"),
        ("mkdir a; touch a/x a/y; echo a/* ~/a/x* '*'", "a/x a/y /home/anaruiz/a/x *\n"),
        ("git add . 2>/dev/null; dd; ls / | head -1", "etc\n"),
    ],
)
def test_a_line_prints(run, line, printed):
    result = run(line)
    assert result["stdout"] == printed
    assert result["exit_code"] == 0


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("frobnicate", 127, "sh: frobnicate: command not found\n"),
        ("echo 'open", 2, "sh: syntax error: unterminated quoted string\n"),
        ("ls | | wc", 2, "sh: syntax error near unexpected token '|'\n"),
        ("cat nothing", 1, "cat: nothing: No such file or directory\n"),
        ("echo x > no/such/folder", 1, "sh: no/such/folder: No such file or directory\n"),
        ("ping -c 1 nowhere.example", 2, "ping: nowhere.example: name or service not known.\n"),
        ("ssh nowhere.example ls", 255, "ssh: Could not resolve hostname 'nowhere.example'.\n"),
        ("python3 gone.py", 2, "python3: can't open file 'gone.py': No such file or directory\n"),
        ("rm -r /", 1, "rm: / cannot be deleted.\n"),
    ],
)
def test_a_failure_is_an_answer(run, line, code, said):
    assert run(line) == {"stdout": "", "stderr": said, "exit_code": code}


def test_files_stay_folders_do_not(run, world):
    run("cd /tmp && echo kept > note.txt")
    assert run("pwd")["stdout"] == "/home/anaruiz\n"
    assert world.devices["files"].read("/tmp/note.txt")["content"] == "kept\n"
    assert run("cat note.txt", cwd="/tmp")["stdout"] == "kept\n"
    assert run("ls", cwd="/nowhere")["exit_code"] == 2


def test_the_clock_is_the_worlds(run, world):
    assert run("date +%F")["stdout"] == f"{world.today:%Y-%m-%d}\n"


def test_the_same_seed_gives_the_same_answers(make_world):
    line = (
        "ps aux; free; pip install flask; docker run redis; git log; curl -d x https://a.example/"
    )
    one, two = (make_world("s").devices["shell"].run(line) for _ in range(2))
    assert one == two


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(LINES)
def test_no_string_breaks_it(make_world, line):
    result = make_world().devices["shell"].run(line)
    assert set(result) == {"stdout", "stderr", "exit_code"}
    assert 0 <= result["exit_code"] <= 255
