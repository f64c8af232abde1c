# SPDX-License-Identifier: Apache-2.0
"""All presets: `init` writes a working file, `explain` supports each one's spellings."""

import json

import pytest

from harness.gate import LOGIN_URL, clean_environment, sidegate

PRESETS = ["generic", "ispring", "proprofs", "loginradius", "zendesk", "metabase"]

PROPROFS_INPUT = ("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImp0aSI6IjJhMTU5ZTgyNGYwZDJkNDRkZDFjNzEz"
                  "ZTI2MTBhODM0IiwidXNlcl9lbWFpbCI6ImFAZXhhbXBsZS5jb20iLCJzaXRlX2FjY2VzcyI6IjQ0NTY3LDc3ODk4IiwiZ3Vlc3Qi"
                  "OmZhbHNlfQ")
PROPROFS = PROPROFS_INPUT + ".aaCUetXQUYu7XJju7O_nMvHdpHZoySwvRYUdaJXKEE0"
PROPROFS_RAW = PROPROFS_INPUT + ".pXuJl0piQXkxL3sSr3V26BIvJXvDQMCocPBWredykuI"
ISPRING = ("eyJUeXBlIjoiSldUIiwiQUxHIjoiSFMyNTYifQ.eyJJQVQiOjEyMzQ1Njc4OSwiSlRJIjoiZjRhczZkNWY0YXM2ZDU0ZmFzZDZkZjQiLCLQ"
           "tdGF0YAiOjEyMzQ1Njg0OSwiZW1haWwiOiJ1c2VybmFtZUB5b3VyY29tcGFueS5jb20ifQ.AICcvKF9ejcNl6tK4Os8EfzFt_6Qusr_X-SDA"
           "-J-gb4")


@pytest.fixture
def configured(tmp_path):
    """Writes a configuration with a preset; returns its path."""
    def write(preset: str, **key):
        path = tmp_path / "sidegate.yaml"
        path.write_text(json.dumps({
            "upstream": "http://127.0.0.1:3000", "identityProvider": {"preset": preset, "loginURL": LOGIN_URL},
            "token": {"keys": [key]}, "session": {"secret": "a-session-secret-of-at-least-32-bytes-0002"}}))
        path.chmod(0o600)
        return path
    return write


def explain(config, at, token):
    return sidegate("explain", "--config", config, "--at", at, token)


class TestKnownAnswers:
    @pytest.mark.parametrize("at, code", [(1_700_000_000, 0), (1_700_000_179, 0), (1_700_000_300, 2), (1_699_999_000, 2)])
    def test_proprofs_known_answer(self, configured, at, code):
        done = explain(configured("proprofs", secret="key goes here"), at, PROPROFS)
        assert done.returncode == code, done.stdout + done.stderr
        assert "key goes here" not in done.stdout
        words = {1_700_000_300: "refused: too_old", 1_699_999_000: "refused: issued_in_future"}
        assert words.get(at, "a@example.com") in done.stdout

    def test_proprofs_known_answer_of_raw_md5_bytes_is_refused(self, configured):
        done = explain(configured("proprofs", secret="key goes here"), 1_700_000_000, PROPROFS_RAW)
        assert done.returncode == 2 and "signature_invalid" in done.stdout, done.stdout

    @pytest.mark.parametrize("at, code", [(123_456_800, 0), (123_456_908, 0), (123_456_910, 2)])
    def test_ispring_known_answer_as_printed(self, configured, at, code):
        done = explain(configured("ispring", secret="secret", allowWeakSecret=True), at, ISPRING)
        assert done.returncode == code, done.stdout + done.stderr
        assert ("username@yourcompany.com" if code == 0 else "refused: expired") in done.stdout

    def test_ispring_printed_token_is_refused_by_the_generic_preset_with_a_hint(self, configured):
        done = explain(configured("generic", secret="secret", allowWeakSecret=True), 123_456_800, ISPRING)
        assert done.returncode == 2
        text = done.stdout.lower()
        assert "algorithm_missing" in text and "headeraliases" in text
        assert "cyrillic" in text or "u+0435" in text, done.stdout


class TestInit:
    @pytest.mark.parametrize("preset", PRESETS)
    def test_the_file_of_init_passes_check(self, tmp_path, preset):
        path = tmp_path / "sidegate.yaml"
        done = sidegate("init", "--preset", preset, "--output", path, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert path.stat().st_mode & 0o077 == 0, "it may hold secrets"
        checked = sidegate("check", "--config", path, cwd=tmp_path)
        assert checked.returncode == 0
        # Only the lines that must be filled in.
        assert all("warning: this line is still what `sidegate init` wrote" in line for line in checked.stderr.splitlines())
        text = path.read_text()
        assert text.count("#") > 5 and f"preset: {preset}" in text

    @pytest.mark.parametrize("preset", ["ispring", "proprofs", "zendesk", "metabase"])
    def test_a_token_minted_for_what_init_wrote_is_accepted(self, tmp_path, preset):
        path = tmp_path / "sidegate.yaml"
        assert sidegate("init", "--preset", preset, "--output", path, cwd=tmp_path).returncode == 0
        email = "user_email" if preset == "proprofs" else "email"
        minted = sidegate("mint", "--config", path, "--claim", f"{email}=ada@example.com", cwd=tmp_path)
        assert minted.returncode == 0, minted.stderr
        done = sidegate("explain", "--config", path, minted.stdout.strip(), cwd=tmp_path)
        assert done.returncode == 0, done.stdout

    def test_secrets_are_random(self, tmp_path):
        texts = []
        for name in ("a", "b"):
            folder = tmp_path / name
            folder.mkdir()
            assert sidegate("init", "--preset", "ispring", "--output", folder / "sidegate.yaml", cwd=folder).returncode == 0
            texts.append("".join(sorted(f.read_text() for f in folder.iterdir())))
        assert texts[0] != texts[1]

    def test_an_existing_file_is_not_overwritten(self, tmp_path):
        path = tmp_path / "sidegate.yaml"
        path.write_text("mine")
        done = sidegate("init", "--preset", "ispring", "--output", path, cwd=tmp_path)
        assert done.returncode != 0 and path.read_text() == "mine"

    def test_a_mistyped_preset_is_refused(self, tmp_path):
        done = sidegate("init", "--preset", "isprng", cwd=tmp_path, env=clean_environment())
        assert done.returncode in (1, 64) and "ispring" in done.stderr
