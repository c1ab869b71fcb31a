/* SPDX-License-Identifier: MIT */
/*
 * warning_text.h - names of warnings, and what they mean.
 */
#ifndef CHEK_TOOLS_CHEK_WARNING_TEXT_H
#define CHEK_TOOLS_CHEK_WARNING_TEXT_H

#include <stdint.h>

/* The name that protocol.def gives, and what it means; `warning` is below CHEK_WARNING_COUNT. */
const char *chek__warning_name(uint32_t warning);
const char *chek__warning_text(uint32_t warning);

/* The warning of a name; -1: there is none. */
int chek__warning_find(const char *name);

/* The names of `warnings`, with commas; into `text`, which holds all of them. Returns `text`. */
#define CHEK__WARNING_NAMES_MAX 512
const char *chek__warning_names(uint32_t warnings, char text[CHEK__WARNING_NAMES_MAX]);

#endif
