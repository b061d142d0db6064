"""The notebooks run from end to end, and are kept without their outputs."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_kept(path):
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "figures"), [("first_look", 3), ("new_feature", 0)])
def test_a_notebook_runs(name, figures):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}})
    client.execute(env={**environment, "PYTHONPATH": str(ROOT)})
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pictures = [output for output in shown if "image/png" in output.get("data", {})]
    text = " ".join(each.get("data", {}).get("text/plain", "") for each in shown)
    assert len(pictures) >= figures  # shap shows one of its own
    assert all(len(each["data"]["image/png"]) > 10_000 for each in pictures)
    assert "calibration_slope" in text
    assert figures or "no difference" in text
    assert not [each for each in shown if "Warning" in each.get("text", "")]
