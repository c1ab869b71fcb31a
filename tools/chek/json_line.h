/* SPDX-License-Identifier: MIT */
/*
 * json_line.h - a line of a file that is a JSON object of values by their names.
 */
#ifndef CHEK_TOOLS_CHEK_JSON_LINE_H
#define CHEK_TOOLS_CHEK_JSON_LINE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

/* A value as text: of numbers their digits, of flags "true" or "false". Any error ends the line. */
typedef int (*chek__json_value_fn)(void *context, struct chek_bytes_view name,
                                   struct chek_bytes_view text);

/*
 * Give every value but those that are null.
 *
 *   Errors     MAGIC: it is no object of values; -ENOMEM; what on_value returned
 */
CHEK_MUST_USE int chek__json_line_read(struct chek_bytes_view line, chek__json_value_fn on_value,
                                       void *context);

#endif
