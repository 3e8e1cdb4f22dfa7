"""`docs` can serve the site to other machines, at the addresses of this machine."""

import ipaddress
import socket

import pytest

from tutorial.commands import docs
from tutorial.commands.arguments import Commands, Parser
from tutorial.problem import Problem
from tutorial.runtime import addresses
from tutorial.runtime.exclusive import check_port

# No machine has this address: RFC 5737 reserves it for documentation.
FOREIGN = "203.0.113.77"


def test_a_server_can_listen_on_each_address_of_this_machine():
    for address in addresses.own_addresses():
        assert not ipaddress.IPv4Address(address).is_loopback
        addresses.check_address(address)
    addresses.check_address(addresses.HERE)
    addresses.check_address(addresses.EVERYWHERE)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(Problem) as refused:
        addresses.check_address(FOREIGN)
    said = str(refused.value)
    assert f"This machine has no address {FOREIGN}. It has 127.0.0.1" in said
    assert "--host 0.0.0.0" in said


def test_the_urls_for_other_machines_come_first():
    assert addresses.urls("127.0.0.1", 81) == ["http://127.0.0.1:81/"]
    *others, last = addresses.urls("0.0.0.0", 81)
    assert last == "http://127.0.0.1:81/"
    assert others == [f"http://{one}:81/" for one in addresses.own_addresses()]


@pytest.fixture
def parser() -> Parser:
    """Return a parser that knows only the command `docs`."""
    parser = Parser()
    docs.add(Commands(parser.add_subparsers(parser_class=Parser)))
    return parser


def test_without_the_option_host_only_this_machine_can_read_the_site(parser):
    assert parser.parse_args(["docs"]).host == "127.0.0.1"


@pytest.mark.parametrize("text", ["foo", "1.2.3", "::1", "http://127.0.0.1"])
def test_only_an_ipv4_address_is_accepted(parser, text, capsys):
    with pytest.raises(SystemExit):
        parser.parse_args(["docs", "--host", text])
    assert "is not an IPv4 address. Use one such as" in capsys.readouterr().err


def test_a_port_is_refused_if_it_is_taken_on_one_of_the_addresses():
    for address in addresses.own_addresses()[:1]:
        with socket.socket() as other:
            other.bind((address, 0))
            other.listen()
            port = other.getsockname()[1]
            with pytest.raises(Problem, match=f"Port {port} is not available"):
                check_port(port, host=addresses.EVERYWHERE)
