"""How much of the published contract our document declares: measured and said, not judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recording import census


@pytest.mark.contract
def test_the_contract_is_compared_with_our_document(contract_dir: Path) -> None:
    measure = contract_dir.parent / "bin" / "contract-coverage"
    if not measure.is_file():
        pytest.xfail(f"there is no {measure.name} beside the contract")
    document = json.dumps(census.described.document)
    done = subprocess.run(
        [sys.executable, str(measure), "-"], input=document, capture_output=True, text=True, check=True
    )
    figure = done.stdout.strip().splitlines()[-1]
    assert figure.startswith("tier 1: operations ")
    census.notes.append(f"contract coverage: {figure}")
