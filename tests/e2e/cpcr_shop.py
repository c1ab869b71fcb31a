# SPDX-License-Identifier: MIT
"""Kazakh registers of fresh organisations, and running tests of one server with them."""
from cpcr_register import Register
from server import Server

devices = iter(range(5001, 9999))
organisations = iter(range(700000000001, 700000009999))


def wants(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, not {want!r}")


def register(server, organisation, point="main"):
    device = next(devices)
    added = server.json("kkm", "add", "--device", device, "--factory", f"SWK{device}", "--org",
                        organisation, "--point", point)
    return Register(server.cpcr, device, added["token"])


def run(tests, bin_folder, names):
    """Run the test_* of a module's globals, each with the server; what main() exits with."""
    tests = [(name, test) for name, test in sorted(tests.items())
             if name.startswith("test_") and (not names or name in names)]
    failed = 0
    with Server(bin_folder, ["--cpcr", "127.0.0.1:0", "--log-file-mib", "4"]) as server:
        for name, test in tests:
            print(f"[ RUN      ] {name}", flush=True)
            try:
                test(server)
                print(f"[       OK ] {name}", flush=True)
            except Exception as error:  # the next tests have their own registers
                failed += 1
                print(f"{type(error).__name__}: {error}\n[  FAILED  ] {name}", flush=True)
                if server.process is None or server.process.poll() is not None:
                    print(server.log.read_text()[-3000:])
                    break
                if len(names) > 0:
                    raise
    return 1 if failed or not tests else 0
