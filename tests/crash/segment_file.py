# SPDX-License-Identifier: MIT
"""Where things are in a segment's file, for tests that damage them."""

HEAD = 64  # of a file, in front of the segment


def front_size(segment):
    """Head and directories: what a start reads of a segment."""
    def number(at, size):
        return int.from_bytes(segment[at:at + size], "little")
    rows, page_rows, runs = number(12, 4), number(20, 4), number(24, 4)
    pages, hours = -(-rows // page_rows), -(-number(48, 4) // page_rows)
    hour_columns = 14 if hours else 0
    return (56 + runs * 12 + number(10, 2) * (4 + pages * 40) + hour_columns * (4 + hours * 40) + 8)
