"""What holds in the time ahead, and what is left when nobody knows the time any more."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.words import Outcome
from console.policy.compiler import compile_policy
from console.policy.image import PAGE, image
from console.policy.periods import periods_ahead
from tests.campaign import examples
from tests.policy.image_reader import Image
from tests.policy.strategies import MOMENTS, policies, requests
from tests.policy.test_image import ACCOUNTS, NUMBERS, answers, held_by_kernel


@settings(max_examples=examples(50), deadline=None)
@given(policy=policies(), asked=requests, moments=st.lists(st.sampled_from(MOMENTS), min_size=1))
def test_what_is_allowed_whatever_the_time_is_allowed_at_every_time(policy, asked, moments):
    compiled = compile_policy(policy, 12)
    timeless = compiled.whatever_the_time()
    for request in asked:
        if timeless.decide(request).outcome is Outcome.ALLOWED:
            assert {compiled.at(moment).decide(request).outcome for moment in moments} == {Outcome.ALLOWED}


@settings(max_examples=examples(15), deadline=None)
@given(
    policy=policies(),
    asked=requests,
    numbers=st.lists(st.sampled_from(NUMBERS), min_size=100, max_size=100),
    moment=st.sampled_from(MOMENTS),
)
def test_pages_of_each_period_answer_as_its_tables(policy, asked, numbers, moment):
    compiled = compile_policy(held_by_kernel(policy), 12)
    now, *later = periods_ahead(compiled, moment, 0)
    pages = image(now.compiled, ACCOUNTS, ends_ns=now.ends_ns, later=later)
    words = struct.unpack(f"<{PAGE // 8}Q", pages[:PAGE])
    assert words[4] == now.ends_ns
    assert [words[96 + 2 * at] for at in range(len(later))] == [part.ends_ns for part in later]
    for at, part in enumerate(later):
        head = words[97 + 2 * at] * PAGE
        read = Image(pages[:128] + pages[head + 128 : head + PAGE] + pages[PAGE:])
        for request, number in zip(asked, numbers, strict=False):
            told, found = answers(part.compiled, read, request, number)
            assert found == told
