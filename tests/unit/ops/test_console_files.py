"""How files of the console are served, and what a release uploads, in which order, and leaves."""

from __future__ import annotations

import pytest

from ops.console_files import Release, headers_of, plan, release_of, text_of
from ops.errors import CommandError

OLD = {"index.html": "p1", "config.json": "c", "icon.svg": "i", "assets/index-1.js": "a1", "assets/same-1.css": "s"}
NEW = {"index.html": "p2", "config.json": "c", "icon.svg": "i", "assets/index-2.js": "a2", "assets/same-1.css": "s"}
NEWER = {"index.html": "p3", "config.json": "c", "icon.svg": "i", "assets/index-3.js": "a3", "assets/same-1.css": "s"}


def release(stored: dict[str, str], built: dict[str, str], last: Release) -> tuple[dict[str, str], Release]:
    """What is stored after a release that got through."""
    done = plan(built, stored, last)
    after = {**stored, **{key: built[key] for key in done.uploads}, "release.json": "r"}
    return {key: digest for key, digest in after.items() if key not in done.deletions}, done.release


@pytest.mark.parametrize(
    ("key", "content_type", "kept"),
    [
        ("index.html", "text/html; charset=utf-8", False),
        ("config.json", "application/json", False),
        ("icon.svg", "image/svg+xml", False),
        ("assets/index-B2ye8pkD.js", "text/javascript; charset=utf-8", True),
        ("assets/index-iWvHG-bB.css", "text/css; charset=utf-8", True),
        ("other/assets/a.js", "text/javascript; charset=utf-8", False),
    ],
)
def test_only_what_changes_its_name_with_its_content_is_kept(key: str, content_type: str, kept: bool) -> None:  # noqa: FBT001
    assert headers_of(key) == (content_type, "public, max-age=31536000, immutable" if kept else "no-cache")


@pytest.mark.parametrize("key", ["assets/index.js.map", "notes.md", "LICENSE", "assets/a.JS"])
def test_file_that_a_browser_would_have_to_guess_is_refused(key: str) -> None:
    with pytest.raises(CommandError, match="nobody has said"):
        headers_of(key)


def test_assets_are_there_before_the_page_that_names_them() -> None:
    done = plan({**NEW, "assets/z-9.js": "z"}, {}, Release({}))
    assert done.uploads == (
        *("assets/index-2.js", "assets/same-1.css", "assets/z-9.js"),
        *("config.json", "icon.svg", "index.html"),
    )


def test_only_what_has_changed_is_uploaded_and_renewed() -> None:
    done = plan(NEW, {**OLD, "release.json": "r"}, Release(OLD))
    assert done.uploads == ("assets/index-2.js", "index.html")
    assert done.told == ("/", "/index.html")
    told = plan({**OLD, "config.json": "c2"}, OLD, Release(OLD))
    assert (told.uploads, told.told) == (("config.json",), ("/config.json",))


def test_files_of_the_release_before_stay_and_older_ones_go() -> None:
    stored, last = release({}, OLD, Release({}))
    stored, last = release(stored, NEW, last)
    assert "assets/index-1.js" in stored
    done = plan(NEWER, stored, last)
    assert done.deletions == ("assets/index-1.js",)
    stored, last = release(stored, NEWER, last)
    assert set(stored) == {*NEWER, "assets/index-2.js", "release.json"}


def test_release_that_is_sent_again_does_nothing_and_keeps_what_was_before() -> None:
    stored, last = release({}, OLD, Release({}))
    stored, last = release(stored, NEW, last)
    again = plan(NEW, stored, last)
    assert (again.uploads, again.told, again.deletions) == ((), (), ())
    assert again.release == last
    assert "assets/index-1.js" in again.release.before


def test_new_settings_alone_are_no_release_and_take_no_file_away() -> None:
    stored, last = release({}, OLD, Release({}))
    stored, last = release(stored, NEW, last)
    stored, last = release(stored, {**NEW, "config.json": "c2"}, last)
    assert "assets/index-1.js" in stored
    assert "assets/index-1.js" in last.before


def test_release_that_broke_off_before_cloudfront_was_told_is_made_whole() -> None:
    stored, last = release({}, OLD, Release({}))
    everything_is_there = plan(NEW, {**stored, **NEW}, last)
    assert everything_is_there.uploads == ()
    assert everything_is_there.told == ("/", "/index.html")
    assert set(everything_is_there.release.before) == set(OLD)


def test_what_was_changed_by_hand_is_put_back() -> None:
    stored, last = release({}, OLD, Release({}))
    assert plan(OLD, {**stored, "index.html": "by hand"}, last).uploads == ("index.html",)
    missing = {key: digest for key, digest in stored.items() if key != "assets/index-1.js"}
    assert plan(OLD, missing, last).uploads == ("assets/index-1.js",)


def test_console_without_its_page_or_with_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(CommandError, match=r"index\.html"):
        plan({"assets/index-1.js": "a"}, {}, Release({}))
    with pytest.raises(CommandError, match=r"release\.json"):
        plan({**OLD, "release.json": "r"}, {}, Release({}))


def test_release_is_read_as_it_was_written_and_a_broken_one_is_refused() -> None:
    written = Release(OLD, ("assets/index-0.js",))
    assert release_of(text_of(written)) == written
    for broken in (b"", b"[]", b"{}", b'{"files": 1, "before": []}'):
        with pytest.raises(CommandError, match="cannot be read"):
            release_of(broken)
