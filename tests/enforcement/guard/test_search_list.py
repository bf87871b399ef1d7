"""Names tried with a domain, and names that are meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.enforcement.guard.search_list import SearchList, SearchMemory, parse_search_list

CONTAINER = SearchList(("ns.svc.cluster.local", "svc.cluster.local", "cluster.local"), 5)


def resolve(name, search_list, is_attempt):
    """Return what a resolver that is told a name ends up with, as res_search(3) goes about it."""
    tried = [f"{name}.{domain}" for domain in search_list.domains]
    order = [name, *tried] if name.count(".") >= search_list.dots else [*tried, name]
    return next((each for each in order if not is_attempt(each)), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", SearchList()),
        ("nameserver 192.0.2.1\n", SearchList()),
        ("search A.example. b.example\n", SearchList(("a.example", "b.example"))),
        ("domain a.example b.example", SearchList(("a.example",))),
        ("search a\nsearch b", SearchList(("b",))),
        ("search .", SearchList()),
        ("options timeout:1 ndots:5 rotate", SearchList((), 5)),
        ("options ndots:99999", SearchList((), 15)),
        ("options ndots: ndots:x ndots:-1", SearchList()),
        ("options\nsearch\n#search a\n;search b", SearchList()),
    ],
)
def test_lines_are_read_as_the_resolver_reads_them(text, expected):
    assert parse_search_list(text) == expected


@settings(deadline=None)
@given(st.text())
def test_no_text_is_too_strange_to_be_read(text):
    assert 0 <= parse_search_list(text).dots <= 15


@pytest.mark.parametrize("name", ["www.example.com", "db.other", "example.com", "a.ns.svc.cluster.local"])
@pytest.mark.parametrize("search_list", [SearchList(), SearchList(("corp.example",)), CONTAINER])
def test_name_with_dots_is_what_it_is(name, search_list):
    memory = SearchMemory(search_list)
    for _ in range(2):
        assert resolve(name, search_list, memory.is_attempt) == name


@pytest.mark.parametrize("search_list", [SearchList(("corp.example",)), CONTAINER])
def test_name_without_a_dot_belongs_to_the_first_domain(search_list):
    memory = SearchMemory(search_list)
    assert resolve("intranet", search_list, memory.is_attempt) == f"intranet.{search_list.domains[0]}"


def test_name_of_the_domain_is_what_it_is_where_one_dot_is_enough():
    search_list = SearchList(("corp.example",))
    assert resolve("www.intranet.corp.example", search_list, SearchMemory(search_list).is_attempt) == (
        "www.intranet.corp.example"
    )


def test_memory_of_names_is_bounded():
    memory = SearchMemory(CONTAINER)
    for number in range(5000):
        assert memory.is_attempt(f"a.n{number}.cluster.local")
    assert not memory.is_attempt("a.n4999")
    assert len(memory._meant) == 4096
