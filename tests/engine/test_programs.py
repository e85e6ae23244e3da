"""Counts of programs, compiles and executions: what recording must and must not do."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import pytest

import torchax_lite as torch
from torchax_lite import engine
from torchax_lite.engine import observe


@pytest.fixture(autouse=True)
def fresh_stats():
    engine.flush_all("test start")
    engine.reset_stats()


def run_python(code: str, **env: str) -> str:
    """Output of a fresh interpreter."""
    full = {**os.environ, **env}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env=full,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_runs_before_a_value_is_read():
    x = torch.ones(3)
    y = (x + 1) * 2
    assert engine.stats().executions == 0
    assert engine.stats().pending >= 2
    assert y.tolist() == [4.0, 4.0, 4.0]
    assert engine.stats().flushes == 1 and engine.stats().executions >= 1


def test_changing_numbers_do_not_make_new_programs():
    x = torch.rand(5)
    for i in range(6):
        (x * (1.5 + i) + i).tolist()
    assert engine.stats().programs >= 1
    assert engine.stats().cache_hits >= 4


def test_a_changing_index_becomes_an_input():
    x = torch.rand(50, 3)
    total = [float(x[i].sum()) for i in range(30)]
    assert np.allclose(total, x.sum(1)[:30].tolist(), rtol=1e-5)
    assert engine.stats().cache_hits >= 20


def test_a_changing_slice_start_becomes_an_input():
    x = torch.rand(64, 3)
    for i in range(0, 48, 2):
        assert np.allclose(x[i : i + 4].numpy(), x.numpy()[i : i + 4])
    hits = engine.stats().cache_hits
    for i in range(1, 40, 2):
        (x[i : i + 4] * 2).tolist()
    assert engine.stats().cache_hits - hits >= 14


def test_dead_results_are_no_outputs():
    x = torch.rand(4)
    y = (x + 1).exp()
    z = y * 2
    del y
    z.tolist()
    entry = next(reversed(engine.recorder.EXECUTABLES._entries.values()))
    assert len(entry.program.live) == 1


def test_a_loop_without_reads_settles_into_few_programs():
    x = torch.ones(8)
    with torch.no_grad():
        for _ in range(3000):
            x = x * 1.0001 + 0.5
    x.tolist()
    stats = engine.stats()
    assert stats.pending == 0
    assert stats.compiles + stats.disk_hits <= 4
    assert stats.executions >= 10


def test_a_manual_update_loop_is_one_program_a_step():
    w = torch.zeros(3, requires_grad=True)
    x, y = torch.rand(8, 3), torch.rand(8)
    for step in range(30):
        loss = ((x @ w - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
            w.grad = None
        if step == 9:
            engine.flush_all("measure")
            before = engine.stats()
    engine.flush_all("measure")
    after = engine.stats()
    assert after.compiles == before.compiles
    assert after.executions - before.executions == 20


def test_inputs_nobody_can_reach_are_donated():
    w = torch.zeros(300, 300)
    w.tolist()
    for _ in range(4):
        w.add_(1.0)
        engine.flush_all("cut")
    entry = next(reversed(engine.recorder.EXECUTABLES._entries.values()))
    assert entry.donated


def test_a_value_somebody_holds_is_never_overwritten():
    w = torch.zeros(300)
    for _ in range(3):
        w.add_(1.0)
        engine.flush_all("cut")
    old = torch.interop.to_jax(w) if hasattr(torch, "interop") else w._jax_array()
    for _ in range(3):
        w.add_(1.0)
        engine.flush_all("cut")
    assert float(old[0]) == 3.0
    assert w[0].item() == 6.0


def test_explain_names_the_line_and_what_changed():
    for n in (3, 4):
        (torch.rand(n) * 2 + torch.rand(n) - torch.rand(n) / 3 + 1).exp().tolist()
    compiles = engine.explain()
    if len(compiles) >= 2:
        assert __file__ in compiles[-1].line
        assert "inputs changed" in compiles[-1].why


def test_threads_record_safely():
    results: dict[int, float] = {}

    def work(k: int) -> None:
        x = torch.full((10,), float(k))
        for _ in range(50):
            x = x + 1
        results[k] = x.sum().item()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {k: (k + 50) * 10.0 for k in range(4)}


def test_a_failing_program_is_reported_with_the_users_line():
    bad = engine.Site(
        lambda x: (_ for _ in ()).throw(ValueError("broken body")),
        (torch.ones(2)._aval,), "", (torch.ones(2)._aval,), "bad", None,
    )  # fmt: skip
    fine = torch.ones(2) + 2
    node = bad.record(bad, [torch.ones(2)._sync()])
    with pytest.raises(ValueError, match="broken body") as info:
        engine.flush_all("test")
    assert any(__file__ in note for note in info.value.__notes__)
    assert node.value is None
    assert fine.tolist() == [3.0, 3.0]
    assert (torch.ones(2) + 1).tolist() == [2.0, 2.0]


def test_an_interrupt_while_compiling_loses_nothing(monkeypatch):
    from torchax_lite.engine import executor

    w = torch.ones(3)
    w.tolist()
    w.mul_(5.0).add_(1.25).div_(3.0)

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(executor, "compile_program", interrupted)
        patch.setattr(executor.disk, "load", lambda key: None)
        with pytest.raises(KeyboardInterrupt):
            w.tolist()
    assert w.tolist() == pytest.approx([6.25 / 3] * 3)


def test_sync_mode_warns_with_the_line(monkeypatch):
    monkeypatch.setattr(observe, "SYNC_MODE", "warn")
    x = torch.ones(2) + 1
    with pytest.warns(RuntimeWarning, match="host read .* at .*test_programs.py"):
        x.tolist()


def test_eager_mode_runs_op_by_op():
    out = run_python(
        """
        import torchax_lite as torch
        x = torch.ones(3) + 1
        y = x * 2
        s = torch.engine.stats()
        print(y.tolist(), s.pending, s.executions >= 3)
        """,
        TORCHAX_LITE_EAGER="1",
    )
    assert out.split("\n")[0] == "[4.0, 4.0, 4.0] 0 True"


def test_a_second_process_compiles_nothing(tmp_path):
    code = """
        import torchax_lite as torch
        x = torch.arange(6.).reshape(2, 3)
        print((x.exp() @ x.T).tolist(), torch.engine.stats().compiles)
        """
    first = run_python(code, TORCHAX_LITE_CACHE_DIR=str(tmp_path / "c"))
    second = run_python(code, TORCHAX_LITE_CACHE_DIR=str(tmp_path / "c"))
    assert first.split("]] ")[0] == second.split("]] ")[0]
    assert int(first.split()[-1]) >= 1
    assert int(second.split()[-1]) == 0


def test_a_cached_program_that_calls_lapack_runs_in_a_second_process(tmp_path):
    code = "import torchax_lite as torch; print(torch.linalg.inv(torch.eye(3) * 2).tolist())"
    for _ in range(2):
        out = run_python(code, TORCHAX_LITE_CACHE_DIR=str(tmp_path / "c"))
        assert out.strip() == "[[0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.5]]"


def test_a_second_run_of_a_script_traces_nothing(tmp_path):
    code = """
        import jax
        traced, eval_shape = [], jax.eval_shape
        jax.eval_shape = lambda *a: traced.append(a) or eval_shape(*a)
        import torchax_lite as torch
        x = torch.arange(6.).reshape(SHAPE)
        print(torch.nn.functional.log_softmax(x, 1).sum().item(), len(traced))
        """
    cache = str(tmp_path / "c")
    first, second = (run_python(code.replace("SHAPE", "2, 3"), TORCHAX_LITE_CACHE_DIR=cache).split() for _ in range(2))
    assert first[0] == second[0]
    assert int(first[1]) > 0
    assert int(second[1]) == 0
    (file,) = (tmp_path / "c").rglob("*.shapes")
    file.write_bytes(file.read_bytes()[:-5])  # a run was killed while it wrote
    assert run_python(code.replace("SHAPE", "2, 3"), TORCHAX_LITE_CACHE_DIR=cache).split()[0] == first[0]
    other = run_python(code.replace("SHAPE", "3, 2"), TORCHAX_LITE_CACHE_DIR=cache).split()
    assert int(other[1]) > 0


def test_an_op_of_the_program_itself_is_never_taken_from_disk(tmp_path):
    code = """
        import torchax_lite as torch, jax.numpy as jnp
        from torchax_lite.ops.registry import FLOAT, op
        from torchax_lite.tensor import dispatch

        @op("mine(Tensor self) -> Tensor", promote=FLOAT, registry={})
        def mine(self):
            return jnp.repeat(self, COUNT) * COUNT

        print(dispatch.call(mine, (torch.ones(2),), (), ()).tolist())
        """
    cache = str(tmp_path / "c")
    assert run_python(code.replace("COUNT", "1"), TORCHAX_LITE_CACHE_DIR=cache).strip() == "[1.0, 1.0]"
    assert run_python(code.replace("COUNT", "2"), TORCHAX_LITE_CACHE_DIR=cache).strip() == "[2.0, 2.0, 2.0, 2.0]"


def test_a_damaged_cache_file_is_ignored(tmp_path):
    code = "import torchax_lite as torch; print((torch.ones(2) + 1).tolist())"
    cache = tmp_path / "c"
    run_python(code, TORCHAX_LITE_CACHE_DIR=str(cache))
    files = [f for f in cache.rglob("*") if f.is_file()]
    assert files
    for f in files:
        f.write_bytes(b"not an executable")
    assert run_python(code, TORCHAX_LITE_CACHE_DIR=str(cache)).strip() == "[2.0, 2.0]"


def test_where_jax_keeps_compiled_programs_itself_no_second_copy_is_kept(tmp_path):
    code = "import torchax_lite as torch; x = torch.ones(8, 8); print((x @ x + 1).sin().cos().sum().tolist())"
    own, jax_folder = tmp_path / "own", tmp_path / "jax"
    settings = {
        "TORCHAX_LITE_CACHE_DIR": str(own),
        "JAX_COMPILATION_CACHE_DIR": str(jax_folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    results = {run_python(code, **settings) for _ in range(3)}
    assert len(results) == 1
    assert any(jax_folder.iterdir())
    assert not [f for f in own.rglob("*") if f.is_file()]


def test_a_cache_folder_open_to_others_is_not_used(tmp_path):
    shared = tmp_path / "open"
    shared.mkdir()
    shared.chmod(0o777)
    run_python("import torchax_lite as torch; (torch.ones(2) + 1).tolist()", TORCHAX_LITE_CACHE_DIR=str(shared))
    assert not list(shared.iterdir())


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="sets up glibc's malloc")
def test_freed_memory_serves_the_next_step_unless_the_user_says_otherwise():
    code = """
        import resource
        import torchax_lite as torch
        x = torch.ones(1 << 20)
        faults = []
        for i in range(120):
            results = [x * k for k in range(8)]
            torch.engine.flush_all("step")
            results = None
            faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
        print(faults[-1] - faults[19])
        """
    asked = {"TORCHAX_LITE_KEEP_FREED": "1", "TORCHAX_LITE_CACHE_DIR": "0"}
    pages = 100 * 8 * (4 << 20) // os.sysconf("SC_PAGE_SIZE")
    assert int(run_python(code, **asked)) < pages / 3
    assert int(run_python(code, **asked | {"MALLOC_MMAP_THRESHOLD_": "131072"})) > pages / 2  # glibc's default
    asks = "from torchax_lite.engine import freed_memory; print(freed_memory.keep())"
    assert run_python(asks, **asked).strip() == "True"
    assert run_python(asks, **asked | {"TORCHAX_LITE_KEEP_FREED": "0"}).strip() == "False"


def test_import_changes_no_jax_setting_and_starts_no_backend():
    out = run_python(
        """
        import jax
        from jax._src import xla_bridge
        before = dict(jax.config.values)
        import jax.numpy as jnp
        f = jax.jit(lambda x: jnp.sin(x) * 2)
        import torchax_lite
        print(dict(jax.config.values) == before, bool(xla_bridge._backends))
        import torchax_lite as torch
        a = f(jnp.arange(3.0))
        (torch.ones(3, dtype=torch.float64) + 1).tolist()
        b = f(jnp.arange(3.0))
        print(a.dtype, (a == b).all(), jnp.arange(3).dtype, dict(jax.config.values) == before)
        """
    )
    assert out.splitlines() == ["True False", "float32 True int32 True"]


def test_many_programs_at_one_line_warn_once_and_fall_back():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for n in range(2, 16):
            x = torch.ones(n)
            ((x + 1) * 2 - x.exp() / 3 + x.sin() * x.cos() - 1).tolist()
    storms = [w for w in seen if "different programs" in str(w.message)]
    assert len(storms) == 1
    assert "torchax_lite.engine.explain()" in str(storms[0].message)


def test_executables_are_dropped_before_memory_mappings_run_out(monkeypatch):
    from torchax_lite.engine import executor

    for n in range(3, 9):
        (torch.ones(n) * 3 + 1).tolist()
    held = len(executor.EXECUTABLES)
    monkeypatch.setattr(executor, "mappings_used", lambda: 0.9)
    monkeypatch.setattr(executor, "CHECK_EVERY", 1)
    executor.EXECUTABLES.made_one()
    assert len(executor.EXECUTABLES) == held - held // 2
    assert (torch.ones(3) * 3 + 1).tolist() == [4.0, 4.0, 4.0]


def test_memory_stays_flat_over_a_long_loop():
    import resource

    def resident() -> int:
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * resource.getpagesize()

    x = torch.ones(256)
    with torch.no_grad():
        for i in range(10_000):
            x = (x * 1.0001 + 0.5).sin()
            if i == 500:
                gc.collect()
                start = resident()
    assert resident() < start * 1.05


def test_a_mask_drawn_with_a_tensor_of_probabilities_stays_in_the_program():
    torch.manual_seed(3)
    wanted = torch.bernoulli(torch.tensor([0.1, 0.4, 0.6, 0.9] * 8))
    base = torch.tensor([0.05, 0.2, 0.3, 0.45] * 8)
    engine.flush_all("test start")
    engine.reset_stats()
    torch.manual_seed(3)
    drawn = torch.bernoulli(base * 2)
    assert engine.stats().executions == 0
    assert drawn.tolist() == wanted.tolist()


def test_batches_of_a_view_of_data_are_one_program():
    data = torch.arange(24.0).view(12, 2).sin()
    engine.flush_all("data")
    rows = data.unsqueeze(1)
    seen = []
    for start in range(0, 12, 3):
        engine.reset_stats()
        seen.append((rows[start : start + 3] * 2).exp().sum().item())
        if start:
            assert {made.why for made in engine.explain()} <= {"it came back and is compiled thoroughly"}
    expected = np.exp(2 * np.sin(np.arange(24.0)).reshape(4, 6)).sum(1)
    np.testing.assert_allclose(seen, expected, rtol=1e-5)
