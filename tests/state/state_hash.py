# SPDX-License-Identifier: MIT
"""State hashes do not depend on who compiled the engine, nor how (ARCHITECTURE.md, invariant I3).

    state_hash.py BUILD_FOLDER ROOT MARCH MAP

Compiles the program state_hash, and those sources of the engine that the linker took into it (MAP,
its list), by gcc without optimisation and by clang at both ends; each program exits with 0 only when
its hashes are the constants. gcc -O3 is the release build, which runs it too (tools/test), and gcc -O1 is
this build.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

BUILD, ROOT, MARCH, MAP = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), *sys.argv[3:5]
WAYS = (("gcc", "-O0"), ("clang-14", "-O0"), ("clang-14", "-O3"))
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-fno-common", "-w", f"-march={MARCH}", f"-I{ROOT}",
         f"-I{BUILD / 'generated'}"]
OWN = [ROOT / "tests" / name for name in ("state/state_hash.c", "prop/partition_history.c")]


def sources():
    """What of our libraries is in the program: the source of each member that was linked."""
    text = pathlib.Path(MAP).read_text(encoding="utf-8", errors="replace")
    for folder, name in sorted(set(re.findall(r"^(\S*/)?libchek_\w+\.a\((\w+\.c)\.o\)", text,
                                              re.MULTILINE))):
        places = [path for base in (ROOT / folder, BUILD / "generated" / folder)
                  for path in [base / name] if path.exists()]
        if len(places) != 1:
            sys.exit(f"{folder}{name}: no source, or several")
        yield places[0]


def main():
    engine = list(sources())
    if len(engine) < 40:
        sys.exit(f"only {len(engine)} sources were found in {MAP}")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "state_hash"
        for compiler, level in WAYS:
            subprocess.run([compiler, *FLAGS, level, *OWN, *engine, "-o", program, "-lxxhash",
                            "-lsodium", "-lzstd"], check=True, cwd=folder)
            done = subprocess.run([program], capture_output=True, text=True)
            print(f"{compiler} {level}: {done.stdout.strip()} {done.stderr.strip()}")
            failed += done.returncode != 0
    sys.exit(failed != 0)


main()
