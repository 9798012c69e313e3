"""What objects show of themselves in a notebook: escaped, aligned, rounded, and in no colour of their own."""

import re

import numpy as np
import pytest

from patron._core.showing import number, page, table

HOSTILE = "<script>alert('1')</script>"


def test_everything_is_escaped():
    told = page(HOSTILE, [HOSTILE], [table([HOSTILE], [[HOSTILE]], caption=HOSTILE)], [HOSTILE])
    assert "<script>" not in told
    assert told.count("&lt;script&gt;") == 6


def test_text_stands_left_and_numbers_right_head_and_all():
    told = table(["who", "paid"], [["Ann", 1.5], ["Bob", None]])
    assert re.findall(r"text-align:(\w+)[^>]*>([^<]*)<", told) == [
        ("left", "who"), ("right", "paid"), ("left", "Ann"), ("right", "1.500"), ("left", "Bob"), ("right", ""),
    ]  # fmt: skip


def test_an_interval_stands_under_its_estimate_and_none_where_there_is_none():
    told = table(["Brier"], [[(0.0888, 0.0871, 0.0905)], [(0.5, np.nan, np.nan)]], strong={(0, 0)})
    assert "<strong>0.0888</strong><br><small>(0.0871 to 0.0905)</small>" in told
    assert ">0.500</td>" in told


@pytest.mark.parametrize(
    ("value", "told"),
    [(1_234_567, "1,234,567"), (12, "12"), (0.0, "0.000"), (12.0, "12.00"), (999.96, "1,000"), (-np.inf, "-infinite")],
)
def test_numbers_are_rounded_to_what_can_be_read(value, told):
    assert number(value) == told


def test_nothing_brings_colours_scripts_or_empty_lines():
    told = page("Plan", [], [table(["group"], [])], ["", "note", ""])
    assert not re.search(r"color|background|<script|<style", told)
    assert told.count("<p>") == 2
