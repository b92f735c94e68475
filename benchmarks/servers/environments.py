"""Virtual environments for servers that cannot share ours: they pin other versions of its packages."""

import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[2] / ".model-servers"
#: The servers, and the versions that are compared.
MODEL_SERVERS = {"litserve": "0.2.19", "mlserver": "1.7.1", "bentoml": "1.4.40"}
# What the pickled model needs exactly as we have it.
_SHARED = ("numpy", "scipy", "scikit-learn", "joblib")


class NotInstalled(Exception):
    """The server does not install here; the message says why."""


def python_of(package: str) -> Path:
    """Return the Python of a server's own environment, made where it is not there yet. It sees our packages, too.

    Raises:
        NotInstalled: pip cannot install it beside our versions of what the model needs, or finds no index.
    """
    folder = _FOLDER / f"{package}-{MODEL_SERVERS[package]}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists():
        return python
    _run(sys.executable, "-m", "venv", "--clear", str(folder))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.writelines(f"{name}=={version(name)}\n" for name in _SHARED)
        constraints.flush()
        pip = (str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile")
        _run(*pip, "--constraint", constraints.name, f"{package}=={MODEL_SERVERS[package]}")
    ours = sysconfig.get_path("purelib")
    theirs = _run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    (Path(theirs) / "ours.pth").write_text(f"{ours}\n")  # behind its own packages
    ready.touch()
    return python


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise NotInstalled(last[0]) from None
