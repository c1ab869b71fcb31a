/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line of chek-load.
 */
#ifndef CHEK_LOAD_OPTIONS_H
#define CHEK_LOAD_OPTIONS_H

#include "tools/load/workload.h"

#define CHEK_LOAD_TEXT_SIZE 1024

struct chek_load_options {
    struct chek_workload_options workload;
    uint64_t rate;
    uint32_t frame_bytes, frame_receipts, connections, window, shards, repeat, warm_up_s;
    bool send_each, prepared, spawn, keep, json;
    char server[CHEK_LOAD_TEXT_SIZE];
    char token_file[CHEK_LOAD_TEXT_SIZE];
    char data[CHEK_LOAD_TEXT_SIZE]; /* parent of the temporary folder */
};

/* Returns the exit code when there is nothing to do (--help) or the usage is wrong, else -1. */
int chek_load_options_read(struct chek_load_options *options, int argc, char **argv);

#endif
