"""Signals in pieces, as RFC 9110 section 14 has them: players seek by asking for ranges."""

from __future__ import annotations

import io

import pytest
import soundfile
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from listening.views.audio import wanted_range
from tests.factories import stored_tone


@pytest.fixture
def signal(db):
    return stored_tone(440, duration=0.5)


@pytest.fixture
def whole(signal):
    with signal.file.open("rb") as file:
        return file.read()


def asked(client, signal, header=None):
    headers = {"Range": header} if header else {}
    return client.get(reverse("signal", args=[signal.sha256]), headers=headers)


def test_the_whole_signal_is_the_wav_that_was_stored(researcher, signal, whole):
    response = asked(researcher, signal)
    assert response.status_code == 200
    assert response["Content-Type"] == "audio/wav"
    assert response["Accept-Ranges"] == "bytes"
    body = response.getvalue()
    assert body == whole
    samples, rate = soundfile.read(io.BytesIO(body))
    assert (len(samples), rate) == (24_000, 48_000)


# the examples of RFC 9110, 14.1.2, on a file of another length
@pytest.mark.parametrize(
    ("header", "first", "length"),
    [("bytes=0-499", 0, 500), ("bytes=500-999", 500, 500), ("bytes=-500", -500, 500)],
)
def test_a_range_is_answered_with_its_bytes(researcher, signal, whole, header, first, length):
    response = asked(researcher, signal, header)
    assert response.status_code == 206
    start = first % len(whole)
    assert response.getvalue() == whole[start : start + length]
    assert response["Content-Length"] == str(length)
    assert response["Content-Range"] == f"bytes {start}-{start + length - 1}/{len(whole)}"


def test_a_range_to_the_end_may_be_open_or_too_long(researcher, signal, whole):
    for header in ("bytes=1000-", "bytes=1000-999999999"):
        response = asked(researcher, signal, header)
        assert response.status_code == 206
        assert response.getvalue() == whole[1000:]


def test_a_range_beyond_the_end_is_refused_with_the_length(researcher, signal, whole):
    for header in (f"bytes={len(whole)}-", "bytes=-0"):
        response = asked(researcher, signal, header)
        assert response.status_code == 416
        assert response["Content-Range"] == f"bytes */{len(whole)}"


@pytest.mark.parametrize(
    "header",
    ["bytes=-", "bytes=9-5", "bytes=a-b", "items=0-5", "bytes=0-1,5-6", "bytes=" + "9" * 999],
)
def test_a_range_that_is_none_is_ignored(researcher, signal, whole, header):
    response = asked(researcher, signal, header)
    assert response.status_code == 200
    assert response.getvalue() == whole


@given(header=st.text(), size=st.integers(1, 10**9))
def test_no_header_breaks_the_parser(header, size):
    for text in (header, f"bytes={header}"):
        found = wanted_range(text, size)
        assert found is None or (found[0] >= 0 and found[1] < size)


@given(first=st.integers(0, 2000), length=st.integers(1, 2000), size=st.integers(1, 2000))
def test_ranges_lie_within_the_file(first, length, size):
    found = wanted_range(f"bytes={first}-{first + length - 1}", size)
    assert found == (first, min(first + length, size) - 1)
