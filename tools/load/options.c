/* SPDX-License-Identifier: MIT */
#include "tools/load/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/decimal.h"
#include "engine/base/limits.h"
#include "tools/load/sender.h"

static const char help[] =
    "chek-load - send the reference workload to a chek server and measure it\n"
    "\n"
    "  chek-load --receipts N [options]\n"
    "\n"
    "  --receipts N           different receipts; copies and closes of shifts come on top\n"
    "  --profile a|b          a: for comparisons; b: closer to life (a)\n"
    "  --registers N          2,000 of profile a, 100,000 of b\n"
    "  --days N               that the receipts are spread over: 30 of a, 5 of b\n"
    "  --seed N               of the stream (1)\n"
    "  --rate R               receipts a second on a schedule fixed before the run (open loop);\n"
    "                         latency counts from the schedule. Without: as fast as it goes\n"
    "  --warm-up S            also tell the latency of what came later than S seconds\n"
    "  --frame-bytes N        size of a frame (32768)\n"
    "  --frame-receipts N     documents of a frame at most (4096)\n"
    "  --send-each            every frame is a send of its own; else those that are ready go at once\n"
    "  --connections N        (16)\n"
    "  --window N             frames in flight on a connection (4)\n"
    "  --prepared             make all frames before the first is sent\n"
    "  --repeat N             runs; the fastest is told, and the rates of all\n"
    "  --server HOST:PORT     or CHEK_SERVER (127.0.0.1:7420)\n"
    "  --token-file FILE      or CHEK_TOKEN_FILE\n"
    "  --spawn                a server of its own for each run: start, load, check, stop\n"
    "  --shards N             of that server\n"
    "  --data DIR             where its temporary folder is made (TMPDIR, or /var/tmp)\n"
    "  --keep                 leave the folder\n"
    "  --json                 one JSON document\n"
    "  --help\n"
    "\n"
    "  Afterwards counts and sums of every register, and X and Z of a few, are compared with what\n"
    "  was acknowledged. Exit 0 = equal, 1 = a difference or a failure, 2 = wrong usage.\n"
    "\n"
    "Examples\n"
    "  chek-load --receipts 5000000 --spawn\n"
    "  chek-load --receipts 2000000 --spawn --rate 300000 --warm-up 1\n"
    "  chek-load --receipts 1000000 --spawn --frame-receipts 1 --window 64\n"
    "  chek-load --receipts 100000 --server 127.0.0.1:7420 --token-file data/admin.token --json\n";

enum option_number {
    OPTION_RECEIPTS = 256,
    OPTION_PROFILE,
    OPTION_REGISTERS,
    OPTION_DAYS,
    OPTION_SEED,
    OPTION_RATE,
    OPTION_WARM_UP,
    OPTION_FRAME_BYTES,
    OPTION_FRAME_RECEIPTS,
    OPTION_SEND_EACH,
    OPTION_CONNECTIONS,
    OPTION_WINDOW,
    OPTION_PREPARED,
    OPTION_REPEAT,
    OPTION_SERVER,
    OPTION_TOKEN_FILE,
    OPTION_SPAWN,
    OPTION_SHARDS,
    OPTION_DATA,
    OPTION_KEEP,
    OPTION_JSON,
    OPTION_HELP,
};

static const struct option names[] = {
    {"receipts", required_argument, NULL, OPTION_RECEIPTS},
    {"profile", required_argument, NULL, OPTION_PROFILE},
    {"registers", required_argument, NULL, OPTION_REGISTERS},
    {"days", required_argument, NULL, OPTION_DAYS},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"warm-up", required_argument, NULL, OPTION_WARM_UP},
    {"frame-bytes", required_argument, NULL, OPTION_FRAME_BYTES},
    {"frame-receipts", required_argument, NULL, OPTION_FRAME_RECEIPTS},
    {"send-each", no_argument, NULL, OPTION_SEND_EACH},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"window", required_argument, NULL, OPTION_WINDOW},
    {"prepared", no_argument, NULL, OPTION_PREPARED},
    {"repeat", required_argument, NULL, OPTION_REPEAT},
    {"server", required_argument, NULL, OPTION_SERVER},
    {"token-file", required_argument, NULL, OPTION_TOKEN_FILE},
    {"spawn", no_argument, NULL, OPTION_SPAWN},
    {"shards", required_argument, NULL, OPTION_SHARDS},
    {"data", required_argument, NULL, OPTION_DATA},
    {"keep", no_argument, NULL, OPTION_KEEP},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static bool
read_number(const char *value, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t number;
    if (chek_decimal_read_u64(chek_bytes_view_text(value), &number) != CHEK_OK || number < min ||
        number > max) {
        return false;
    }
    *ret = number;
    return true;
}

static bool
read_number_32(const char *value, uint32_t min, uint32_t max, uint32_t *ret)
{
    uint64_t number;
    if (!read_number(value, min, max, &number)) {
        return false;
    }
    *ret = (uint32_t)number;
    return true;
}

static bool
read_text(const char *value, char into[CHEK_LOAD_TEXT_SIZE])
{
    size_t size = strlen(value);
    if (size == 0 || size >= CHEK_LOAD_TEXT_SIZE) {
        return false;
    }
    memcpy(into, value, size + 1);
    return true;
}

static bool
read_profile(const char *value, enum chek_workload_profile *ret)
{
    *ret = value[0] == 'b' ? CHEK_WORKLOAD_B : CHEK_WORKLOAD_A;
    return (value[0] == 'a' || value[0] == 'b') && value[1] == 0;
}

/* The options that say what is sent; false when the value cannot be. */
static bool
workload_set(struct chek_workload_options *workload, int option, const char *value)
{
    switch (option) {
    case OPTION_RECEIPTS:
        return read_number(value, 1, UINT64_C(1) << 40, &workload->receipt_count);
    case OPTION_PROFILE:
        return read_profile(value, &workload->profile);
    case OPTION_REGISTERS:
        return read_number_32(value, 1, CHEK_WORKLOAD_REGISTER_COUNT_MAX,
                              &workload->register_count);
    case OPTION_DAYS:
        return read_number_32(value, 1, 3650, &workload->day_count);
    default:
        return read_number(value, 0, UINT64_MAX, &workload->seed);
    }
}

static bool
option_set(struct chek_load_options *options, int option, const char *value)
{
    switch (option) {
    case OPTION_RATE:
        return read_number(value, 1, 1000000000, &options->rate);
    case OPTION_FRAME_BYTES:
        return read_number_32(value, 256, CHEK_FRAME_BODY_SIZE_MAX - 2048, &options->frame_bytes);
    case OPTION_WARM_UP:
        return read_number_32(value, 1, 3600, &options->warm_up_s);
    case OPTION_FRAME_RECEIPTS:
        return read_number_32(value, 1, CHEK_FRAME_RECEIPT_COUNT_MAX, &options->frame_receipts);
    case OPTION_SEND_EACH:
        return options->send_each = true;
    case OPTION_CONNECTIONS:
        return read_number_32(value, 1, CHEK_SENDER_CONNECTION_COUNT_MAX, &options->connections);
    case OPTION_WINDOW:
        return read_number_32(value, 1, 4096, &options->window);
    case OPTION_PREPARED:
        return options->prepared = true;
    case OPTION_REPEAT:
        return read_number_32(value, 1, 100, &options->repeat);
    case OPTION_SERVER:
        return read_text(value, options->server);
    case OPTION_TOKEN_FILE:
        return read_text(value, options->token_file);
    case OPTION_SPAWN:
        return options->spawn = true;
    case OPTION_SHARDS:
        return read_number_32(value, 1, CHEK_SHARD_COUNT_MAX, &options->shards);
    case OPTION_DATA:
        return read_text(value, options->data);
    case OPTION_KEEP:
        return options->keep = true;
    case OPTION_JSON:
        return options->json = true;
    default:
        return workload_set(&options->workload, option, value);
    }
}

static int
usage(const char *text)
{
    (void)fprintf(stderr, "chek-load: %s; chek-load --help tells the options\n", text);
    return 2;
}

static const char *
from_environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != 0 ? value : otherwise;
}

/* What was not said on the command line. */
static bool
defaults_set(struct chek_load_options *options)
{
    return (options->server[0] != 0 ||
            read_text(from_environment("CHEK_SERVER", "127.0.0.1:7420"), options->server)) &&
           (options->token_file[0] != 0 || options->spawn ||
            read_text(from_environment("CHEK_TOKEN_FILE", ""), options->token_file)) &&
           (options->data[0] != 0 ||
            read_text(from_environment("TMPDIR", "/var/tmp"), options->data));
}

int
chek_load_options_read(struct chek_load_options *options, int argc, char **argv)
{
    int option;
    *options = (struct chek_load_options){.workload = {.seed = 1},
                                          .frame_bytes = 32768,
                                          .frame_receipts = CHEK_FRAME_RECEIPT_COUNT_MAX,
                                          .connections = 16,
                                          .window = 4,
                                          .repeat = 1};
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == OPTION_HELP) {
            (void)fputs(help, stdout);
            return 0;
        }
        if (option == '?') {
            return 2;
        }
        if (!option_set(options, option, optarg)) {
            char text[128];
            (void)snprintf(text, sizeof text, "--%s cannot be '%.40s'",
                           names[option - OPTION_RECEIPTS].name, optarg);
            return usage(text);
        }
    }
    if (optind != argc || options->workload.receipt_count == 0) {
        return usage(optind != argc ? "there are only options" : "--receipts is wanted");
    }
    if (!defaults_set(options)) {
        return usage("--token-file or CHEK_TOKEN_FILE is wanted, or --spawn");
    }
    return -1;
}
