/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - is this text?
 *
 *   Source  RFC 3629, section 4
 */
#ifndef CHEK_BASE_UTF8_H
#define CHEK_BASE_UTF8_H

#include "engine/base/bytes.h"

/* Whether bytes are well-formed UTF-8 without a NUL. Runs up to 32 bytes a step. */
bool chek_utf8_is_valid(struct chek_bytes_view text);

/* Columns a terminal uses for valid UTF-8 text: code points, which is right for our alphabets. */
size_t chek_utf8_width(struct chek_bytes_view text);

/* The longest prefix of at most `size_max` bytes that does not cut a code point. */
struct chek_bytes_view chek_utf8_clip(struct chek_bytes_view text, size_t size_max);

#endif
