#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the reader of protocol.def refuses: a definition that passes can be coded in C and Python.

    test_protocol_definition.py SOURCE_FOLDER
"""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv[1])
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "engine/wire/generator"))
import definition  # noqa: E402

GOOD = """\
version 1
revision 2
# What it is.
enum color
  0 red
  1 blue  # not green
record 1 inner 8
  1 name text 10 required
record 2 outer 16
  1 color enum color
  3 inners list inner 5
  16 sum number 300
opcode 1 put read none 64 outer -> inner stream
"""

# name, text of GOOD that is replaced, what by, a word of the message
ROWS = (
    ("right_missing", "put read none 64", "put none 64", "opcode NUMBER"),
    ("right_unknown", "put read", "put reed", "'reed' is not a right"),
    ("scope_unknown", "read none 64", "read all 64", "'all' is not a scope"),
    ("body_size_above_a_frame", "none 64", "none 1048577", "1..1048576"),
    ("body_size_below_the_request", "none 64", "none 1", "no request fits"),
    ("request_unknown", "outer ->", "order ->", "no record 'order'"),
    ("answer_unknown", "-> inner", "-> order", "no record 'order'"),
    ("opcode_twice", "opcode 1 put", "opcode 1 get any none 9 outer -> inner\nopcode 1 put",
     "is there already"),
    ("enum_with_a_hole", "1 blue", "2 blue", "without holes"),
    ("enum_value_twice", "1 blue", "1 red", "'red' is there already"),
    ("record_number_twice", "record 2", "record 1", "number 1 is taken"),
    ("record_name_of_an_enum", "record 2 outer", "record 2 color", "defined twice"),
    ("record_number_0", "record 1", "record 0", "1..1023"),
    ("mask_of_24_bits", "outer 16", "outer 24", "8, 16 or 32 bits"),
    ("field_beyond_the_mask", "16 sum", "17 sum", "1..16"),
    ("fields_out_of_order", "16 sum", "2 sum", "order of their numbers"),
    ("field_number_twice", "3 inners", "1 inners", "order of their numbers"),
    ("field_name_twice", "16 sum", "16 color", "'color' is there already"),
    ("field_name_is_a_keyword", "16 sum", "16 register", "name of a field in C"),
    ("field_name_with_a_capital", "16 sum", "16 Sum", "is not a name"),
    ("type_unknown", "sum number 300", "sum float", "NUMBER NAME TYPE"),
    ("bound_missing", "text 10 required", "text", "wants 1 words"),
    ("bound_of_zero", "text 10", "text 0", "1.."),
    ("attribute_unknown", "10 required", "10 wanted", "not an attribute of a field"),
    ("record_attribute_unknown", "outer 16", "outer 16 row", "not an attribute of a record"),
    ("required_flag", "sum number 300", "sum flag required", "says nothing"),
    ("enum_of_a_field_unknown", "enum color\n  3", "enum shade\n  3", "there is no 'shade'"),
    ("record_of_a_list_unknown", "list inner", "list order", "there is no 'order'"),
    ("record_contains_itself", "list inner", "list outer", "contains itself"),
    ("version_missing", "version 1\n", "", "a version and opcodes"),
    ("word_unknown", "revision 2", "review 2", "is not understood"),
    ("field_outside_of_a_record", "# What", "  1 lost u8\n# What", "outside of a block"),
)


def read(text):
    with tempfile.NamedTemporaryFile("w", suffix=".def") as file:
        file.write(text)
        file.flush()
        return definition.read(file.name)


class Definition(unittest.TestCase):
    def test_good_definition(self):
        protocol = read(GOOD)
        self.assertEqual((protocol.version, protocol.revision), (1, 2))
        inner, outer = protocol.records["inner"], protocol.records["outer"]
        self.assertEqual((inner.size_min, inner.size_max), (2, 12))
        self.assertEqual((outer.size_min, outer.size_max), (2, 2 + 1 + 1 + 5 * 12 + 2))
        self.assertEqual(outer.known_mask, 0x8005)
        self.assertEqual(inner.required_mask, 1)
        self.assertEqual(outer.fields[2].reference, 2 * 64 + 16)
        self.assertEqual([r.name for r in protocol.records_inner_first()], ["inner", "outer"])
        self.assertEqual(protocol.enums["color"].comment, "What it is.")
        self.assertTrue(protocol.opcodes[0].stream)

    def test_the_projects_own_definition(self):
        protocol = definition.read(ROOT / "engine/wire/protocol.def")
        for opcode in protocol.opcodes:
            # Only the handshake comes before it is known who asks.
            self.assertEqual(opcode.right == "none", opcode.name == "hello")


def refusal(old, new, message):
    def test(self):
        self.assertEqual(GOOD.count(old), 1)
        with self.assertRaises(definition.DefinitionError) as caught:
            read(GOOD.replace(old, new))
        self.assertIn(message, str(caught.exception))
    return test


for row in ROWS:
    setattr(Definition, f"test_{row[0]}_is_refused", refusal(*row[1:]))

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
