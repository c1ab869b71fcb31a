/* SPDX-License-Identifier: MIT */
/*
 * chekd_options.h - what chekd is told: options of the command line, keys of a configuration file.
 *
 * Both have the same names; the command line wins. A key that is not known is an error: a setting
 * that is silently ignored is worse than none.
 */
#ifndef CHEK_TOOLS_CHEKD_OPTIONS_H
#define CHEK_TOOLS_CHEKD_OPTIONS_H

#include "engine/io/io.h"

#define CHEKD_PATH_MAX 4096

struct chekd_options {
    char data[CHEKD_PATH_MAX];
    char listen[CHEK_ADDRESS_TEXT_MAX];
    char cpcr[CHEK_ADDRESS_TEXT_MAX];    /* "" = none */
    char ffd[CHEK_ADDRESS_TEXT_MAX];     /* "" = none */
    char ffd_inn[13];                    /* "" = none */
    char qr_url[256];                    /* "" = the default */
    char metrics[CHEK_ADDRESS_TEXT_MAX]; /* "" = none */
    unsigned shard_count;
    unsigned partition_count;   /* of a fresh folder; 0 = the default */
    uint64_t log_file_size;     /* 0 = the default */
    uint64_t snapshot_log_size; /* 0 = the default */
    uint64_t page_cache_size;   /* 0 = everything stays in memory */
    uint64_t retention_us;      /* 0 = receipts are kept for ever */
    bool insecure_listen;
};

/*
 * Read the command line and the file that it names.
 *
 *   Returns    -1: go on with *ret; otherwise the exit code: 0 after --help or --version, 2 for
 *              wrong usage, which was said on stderr
 */
int chekd__options_read(struct chekd_options *ret, int argc, char **argv);

#endif
