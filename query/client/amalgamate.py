#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make one header of many: what chek.h is to users outside the project.

    amalgamate.py RESULT FOLDER.. -- HEADER..

Every `#include "PATH"` is replaced by that header, found below one of the FOLDERs, the first time
it is met. Includes of the system are gathered on top, licence lines and guards go.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'#\s*include\s+(["<])([^">]+)[">]')
LICENCE = "/* SPDX-License-Identifier: MIT */"
HEAD = LICENCE + """
/*
 * chek.h - libchek, the client of the chek server, in one header.
 *
 * Made of the project's own headers, in the order in which they need each other; the guide to them
 * is client.h and feeder.h, the last two. Link with the flags that `pkg-config --libs chek` gives.
 *
 * It needs gcc or clang, C17 with their extensions, on a little-endian machine.
 */
#ifndef CHEK_H
#define CHEK_H
"""


class Amalgam:
    def __init__(self, folders):
        self.folders = [pathlib.Path(folder) for folder in folders]
        self.seen, self.system, self.parts = set(), [], []

    def find(self, name):
        """The one file that is called `name` below the folders."""
        for folder in self.folders:
            if (folder / name).is_file():
                return folder / name
        raise FileNotFoundError(name)

    def add(self, name):
        """Append a header behind what it includes, once."""
        if name in self.seen:
            return
        self.seen.add(name)
        lines = self.find(name).read_text(encoding="utf-8").splitlines()
        body = []
        for line in lines:
            match = INCLUDE.match(line)
            if not match:
                body.append(line)
            elif match[1] == '"':
                self.add(match[2])
            elif match[2] not in self.system:
                self.system.append(match[2])
        self.parts.append((name, self.without_guard(name, body)))

    @staticmethod
    def without_guard(name, lines):
        """The lines of a header between #ifndef, #define and the last #endif."""
        lines = [line for line in lines if line != LICENCE]
        guards = [i for i, line in enumerate(lines) if line.startswith("#ifndef ")]
        if not guards or not lines[guards[0] + 1].startswith("#define "):
            raise ValueError(f"{name} has no guard")
        end = max(i for i, line in enumerate(lines) if line.startswith("#endif"))
        return lines[:guards[0]] + lines[guards[0] + 2:end]

    def text(self):
        includes = "".join(f"#include <{name}>\n" for name in sorted(self.system))
        text = HEAD + "\n" + includes
        for name, lines in self.parts:
            body = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
            text += f"\n/* ==== {name} ==== */\n\n{body}\n"
        return text + "\n#endif\n"


def main(arguments):
    cut = arguments.index("--")
    amalgam = Amalgam(arguments[1:cut])
    for name in arguments[cut + 1:]:
        amalgam.add(name)
    result = pathlib.Path(arguments[0])
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(amalgam.text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
