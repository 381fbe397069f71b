"""Forked kernels: clean, quick to come, and gone with whoever asked for them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from gamerec.kernels import pool
from gamerec.kernels.fork import ForkServer
from gamerec.kernels.pool import Kernels
from gamerec.kernels.preload import WARM, modules_of

pytestmark = pytest.mark.skipif(not pool.CAN_FORK, reason="kernels are forked on Linux only")


def run_cells(kernels: Kernels, *cells: str) -> list[str]:
    """What each cell printed, in a new kernel."""
    from gamerec.pipeline.notebook import execute
    from gamerec.redaction import Redactor

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    source = kernels._folder / "source.ipynb"
    nbformat.write(notebook, source)
    execute(source, kernels._folder / "target.ipynb", {}, kernels, Redactor([]))
    done = nbformat.read(kernels._folder / "target.ipynb", 4)
    return ["".join(o.get("text", "") for o in c.outputs).strip() for c in done.cells]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """A pool whose server has imported a module of the standard library."""
    env = os.environ | {"ONLY_THERE": "yes"}
    folder = tmp_path_factory.mktemp("cwd")
    with Kernels(folder, env, ["colorsys", "no_such_module", "numpy"]) as pool_:
        pool_.prepare()
        server = psutil.Process(pool_._server._process.pid)
        deadline = time.monotonic() + 120  # patience for a machine under load
        while not server.children():  # a kernel is forked ahead when all is imported
            assert time.monotonic() < deadline, server.status()
            time.sleep(0.02)
        yield pool_


def test_a_kernel_comes_with_the_imported_modules_the_folder_and_the_environment(kernels):
    [seen] = run_cells(
        kernels,
        "import os, sys\nprint('colorsys' in sys.modules, os.getcwd(), os.environ['ONLY_THERE'])",
    )
    assert seen == f"True {kernels.cwd} yes"


def test_each_notebook_has_a_process_of_its_own_with_other_random_numbers(kernels):
    code = "import os, random, numpy\nprint(os.getpid(), random.random(), numpy.random.rand())"
    seen = [run_cells(kernels, code)[0].split() for _ in range(3)]
    for values in zip(*seen, strict=True):
        assert len(set(values)) == 3


def test_a_kernel_leads_a_session_so_that_ctrl_c_in_the_terminal_is_not_for_it(kernels):
    [seen] = run_cells(kernels, "import os\nprint(os.getsid(0) == os.getpid())")
    assert seen == "True"


def test_exit_functions_are_called_and_threads_waited_for(kernels, tmp_path):
    path = str(tmp_path / "said")
    run_cells(
        kernels,
        "import atexit, threading, time\n"
        f"atexit.register(lambda: open({path!r}, 'a').write('atexit'))\n"
        f"threading.Thread(target=lambda: (time.sleep(.3), open({path!r}, 'a').write('thread '))"
        ").start()",
    )
    deadline = time.monotonic() + 10
    while not (Path(path).exists() and "atexit" in Path(path).read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert Path(path).read_text() == "thread atexit"


def test_the_server_has_no_thread_when_it_forks(tmp_path):
    folder = Path(pool._private_folder())
    server = ForkServer(folder, os.environ, ["gamerec.runs"])
    process = psutil.Process(server._process.pid)
    server.poll(1)  # answered: it has begun to serve
    time.sleep(1.5)
    assert process.num_threads() == 1
    server.close()
    assert not folder.exists()


def test_a_kernel_that_is_only_announced_is_not_left_behind(tmp_path):
    kernels = Kernels(tmp_path, os.environ)
    kernels.prepare(2)
    server = psutil.Process(kernels._server._process.pid)
    deadline = time.monotonic() + 20
    while len(server.children()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = server.children()
    kernels.close()
    _, alive = psutil.wait_procs([server, *children], timeout=60)
    assert not alive


def test_server_and_kernels_end_when_the_runner_is_killed(tmp_path):
    code = (
        "import os, time\nfrom pathlib import Path\nfrom gamerec.kernels.pool import Kernels\n"
        f"k = Kernels(Path({str(tmp_path)!r}), os.environ, ['gamerec.runs'])\nk.prepare(1)\n"
        "print(k._server._process.pid, k._folder, flush=True)\ntime.sleep(60)"
    )
    runner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid, folder = runner.stdout.readline().split()
    server = psutil.Process(int(pid))
    deadline = time.monotonic() + 20
    while not server.children():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    family = [server, *server.children()]
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
    assert not Path(folder).exists()


def test_a_folder_with_a_long_path_is_not_used_for_sockets(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    folder = pool._private_folder()
    assert len(str(folder)) < 80
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()


def test_the_modules_to_import_are_those_that_the_notebooks_import(tmp_path):
    cells = ["import numpy as np, json\nfrom gamerec.models import recipes", "%time x", "# text"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.cells.append(nbformat.v4.new_markdown_cell("import pandas"))
    nbformat.write(notebook, tmp_path / "a.ipynb")
    second = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import json, csv")])
    nbformat.write(second, tmp_path / "b.ipynb")
    expected = ["numpy", "json", "gamerec.models", "gamerec.models.recipes", WARM, "csv", WARM]
    assert modules_of([tmp_path / "a.ipynb", tmp_path / "b.ipynb"]) == expected
