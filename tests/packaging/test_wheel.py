"""The built wheel does all of the work in an empty folder, without a source file in sight."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import vipreco

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
RECIPE = ROOT / "tests" / "recipes" / "tiny.toml"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Source archive, and from it the wheel: what an index would hand out."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the programs of an environment that holds the wheel, and borrows only the dependencies."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (library,) = (home / "lib").glob("python*/site-packages")
    # A folder that is added this way does not have its own .pth files read: the sources stay out of sight.
    (library / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def run(installed: Path, folder: Path, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    clean["PATH"] = f"{installed}:/usr/bin:/bin"
    finished = subprocess.run(
        arguments, cwd=folder, env=clean, capture_output=True, text=True, check=False, timeout=300
    )
    assert finished.returncode == 0, f"{arguments}\n{finished.stdout}\n{finished.stderr}"
    return finished.stdout


def test_the_wheel_carries_the_reference_project_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    reference = {name.split("/")[2] for name in names if name.startswith("vipreco/reference/")}
    assert reference == {"cluster", "features", "serving", "training", "vipreco.toml"}
    assert {name.split("/")[0] for name in names} == {"vipreco", f"vipreco-{vipreco.__version__}.dist-info"}
    assert [name for name in names if name.endswith((".pyc", ".parquet", ".db"))] == []


def test_the_program_in_use_is_the_installed_one(installed: Path, tmp_path: Path) -> None:
    place = run(installed, tmp_path, "python", "-c", "import vipreco; print(vipreco.__file__)")
    assert Path(place.strip()).is_relative_to(installed.parent)
    assert run(installed, tmp_path, "vipreco", "--version") == f"vipreco {vipreco.__version__}\n"


def test_an_empty_folder_becomes_a_bank_with_offers(installed: Path, tmp_path: Path) -> None:
    assert "offers" in run(installed, tmp_path, "vipreco", "--help")
    options = ["--customers", "400", "--months", "5", "--seed", "3", "--out", "practice"]
    run(installed, tmp_path, "vipreco", "simulate", *options)
    run(installed, tmp_path, "vipreco", "new", "bank")
    bank = tmp_path / "bank"
    files = sorted(str(path) for path in (tmp_path / "practice" / "raw").iterdir() if path.is_file())
    run(installed, bank, "vipreco", "import", "--mapping", "../practice/mapping.toml", *files)
    shutil.copy(RECIPE, bank / "training" / "recipes")
    assert "version 1 is champion" in run(installed, bank, "vipreco", "train", "--recipe", "tiny")
    offers = run(installed, bank, "vipreco", "offers", "--all", "--top", "1", "--format", "csv")
    assert len(offers.splitlines()) > 300


def test_the_environment_of_the_test_sees_no_sources(installed: Path, tmp_path: Path) -> None:
    paths = run(installed, tmp_path, "python", "-c", "import sys; print(*sys.path, sep='\\n')").splitlines()
    assert [path for path in paths if Path(path).is_relative_to(ROOT / "src") or Path(path) == ROOT] == []
