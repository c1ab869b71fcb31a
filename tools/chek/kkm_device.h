/* SPDX-License-Identifier: MIT */
/*
 * kkm_device.h - adding registers that speak their country's protocol.
 */
#ifndef CHEK_TOOLS_CHEK_KKM_DEVICE_H
#define CHEK_TOOLS_CHEK_KKM_DEVICE_H

#include "tools/chek/run.h"

/* Add one and show its token; CHEK_OK, or an exit code after the error was told. */
CHEK_MUST_USE int chek__device_add(struct chek__run *run, const struct chek_kkm_add *what);

/* Add those of a CSV file and show a line for each; an exit code. */
CHEK_MUST_USE int chek__devices_add(struct chek__run *run, const char *path);

/* A device id or another number of 1..2^32-1. Errors: NUMBER. */
CHEK_MUST_USE int chek__device_read(const char *text, uint32_t *ret);

#endif
