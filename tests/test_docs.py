"""The documents tell what the code does."""

import importlib.util
import re
import tomllib
from pathlib import Path

from gateway.config import from_dict

ROOT = Path(__file__).parents[1]


def test_states_are_drawn_from_the_tables() -> None:
    spec = importlib.util.spec_from_file_location("draw_states", ROOT / "docs" / "draw_states.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "states.md").read_text() == module.page()


def test_the_readmes_configurations_are_valid() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        data = tomllib.loads(block)
        data.get("voipms", {}).pop("password_file", None)  # the loader's, not a setting of its own
        from_dict(data)
