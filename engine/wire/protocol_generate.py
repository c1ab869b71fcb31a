#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""protocol_generate.py - make everything that speaks the protocol from its one definition.

    protocol_generate.py DEFINITION ERROR_HEADER OUTPUT_FOLDER PYTHON_FOLDER

What each output is stands at the top of its emitter in generator/. Files that would not change are
left alone, so that a build makes anew only what depends on a change.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "generator"))

import definition  # noqa: E402
import emit_c  # noqa: E402
import emit_python  # noqa: E402
import emit_reference  # noqa: E402
import emit_shape  # noqa: E402


def read_text(*path):
    with open(os.path.join(HERE, *path), encoding="utf-8") as file:
        return file.read()


def write_if_changed(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def outputs(protocol, errors, folder, python_folder):
    """(path, text) of each file."""
    wire = os.path.join(folder, "engine", "wire")
    preamble = read_text("generator", "protocol_head.h.in").replace(
        "@FIELDS_A_RECORD@", str(definition.FIELDS_A_RECORD))
    runtime = read_text("generator", "protocol_runtime.py")
    yield os.path.join(wire, "protocol.h"), emit_c.header(protocol, preamble)
    yield os.path.join(wire, "protocol.c"), emit_c.source(protocol)
    yield os.path.join(wire, "protocol_shape.c"), emit_shape.source(protocol)
    yield os.path.join(wire, "protocol_tables.md"), emit_reference.tables(protocol, errors)
    yield os.path.join(wire, "protocol.dict"), emit_reference.dictionary(protocol)
    yield (os.path.join(python_folder, "chek", "protocol.py"),
           emit_python.module(protocol, errors, runtime))


def main(arguments):
    if len(arguments) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        protocol = definition.read(arguments[0])
        errors = emit_python.read_errors(arguments[1])
    except definition.DefinitionError as error:
        print(error, file=sys.stderr)
        return 1
    for path, text in outputs(protocol, errors, *arguments[2:]):
        write_if_changed(path, text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
