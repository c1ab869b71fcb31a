/* SPDX-License-Identifier: MIT */
#include "tools/chekd_options.h"

#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/limits.h"

static const char help[] =
    "chekd - store fiscal receipts durably, exactly once, and answer about them\n"
    "\n"
    "  chekd --data DIR [options]\n"
    "\n"
    "  --data DIR             the data folder; made when it is not there. A fresh one gets an\n"
    "                         administrator's token in DIR/admin.token\n"
    "  --listen HOST:PORT     the native protocol (127.0.0.1:7420; port 0: chosen by the system)\n"
    "  --cpcr HOST:PORT       Kazakh registers, protocol 2.0.2 and 2.0.3 (off)\n"
    "  --qr-url URL           what the QR codes of their tickets begin with\n"
    "                         (http://consumer.oofd.kz)\n"
    "  --ffd HOST:PORT        Russian registers: messages of fiscal drives, not encrypted (off)\n"
    "  --ffd-inn INN          the operator's INN in what they are answered (left away)\n"
    "  --metrics HOST:PORT    answer GET /metrics for Prometheus (off)\n"
    "  --shards N             threads that serve (as many as processors); may differ every start\n"
    "  --partitions N         of a fresh folder (64)\n"
    "  --log-file-mib N       log files grow up to this size (256)\n"
    "  --snapshot-log-mib N   take a snapshot after so much log (4096)\n"
    "  --page-cache N         MiB of stored receipts in memory; others are read when they are asked\n"
    "                         for. 0: whatever came or was read stays (0)\n"
    "  --retention-days N     remove receipts that were received longer ago, once their totals are\n"
    "                         proved: shift reports, sums by hour and day, and which documents there\n"
    "                         were stay. The law may want five years (1827). 0: keep all (0)\n"
    "  --insecure-listen      allow --listen, --cpcr, --ffd and --metrics on an address that is not\n"
    "                         this machine: tokens then travel in clear; put stunnel in front instead\n"
    "  --config FILE          the same names as keys: listen = 127.0.0.1:7420\n"
    "  --help, --version\n"
    "\n"
    "  Ready is the line on stdout\n"
    "    chekd ready listen=HOST:PORT cpcr=HOST:PORT|- ffd=HOST:PORT|- metrics=HOST:PORT|-\n"
    "  SIGTERM: answer what came in, take a snapshot, stop.\n"
    "\n"
    "Examples\n"
    "  chekd --data /var/lib/chek\n"
    "  chekd --data ./data --listen 127.0.0.1:0 --shards 2 --metrics 127.0.0.1:9420\n";

enum chekd_option {
    OPTION_DATA = 256,
    OPTION_LISTEN,
    OPTION_CPCR,
    OPTION_QR_URL,
    OPTION_FFD,
    OPTION_FFD_INN,
    OPTION_METRICS,
    OPTION_SHARDS,
    OPTION_PARTITIONS,
    OPTION_LOG_FILE_MIB,
    OPTION_SNAPSHOT_LOG_MIB,
    OPTION_PAGE_CACHE,
    OPTION_RETENTION_DAYS,
    OPTION_INSECURE_LISTEN,
    OPTION_CONFIG,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option names[] = {
    {"data", required_argument, NULL, OPTION_DATA},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"cpcr", required_argument, NULL, OPTION_CPCR},
    {"qr-url", required_argument, NULL, OPTION_QR_URL},
    {"ffd", required_argument, NULL, OPTION_FFD},
    {"ffd-inn", required_argument, NULL, OPTION_FFD_INN},
    {"metrics", required_argument, NULL, OPTION_METRICS},
    {"shards", required_argument, NULL, OPTION_SHARDS},
    {"partitions", required_argument, NULL, OPTION_PARTITIONS},
    {"log-file-mib", required_argument, NULL, OPTION_LOG_FILE_MIB},
    {"snapshot-log-mib", required_argument, NULL, OPTION_SNAPSHOT_LOG_MIB},
    {"page-cache", required_argument, NULL, OPTION_PAGE_CACHE},
    {"retention-days", required_argument, NULL, OPTION_RETENTION_DAYS},
    {"insecure-listen", no_argument, NULL, OPTION_INSECURE_LISTEN},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

static bool
read_text(const char *value, char *into, size_t size)
{
    size_t length = strlen(value);
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(into, value, length + 1);
    return true;
}

static bool
read_number(const char *value, uint64_t min, uint64_t max, uint64_t *ret)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno != 0 || end == value || *end != 0 || value[0] == '-' || number < min ||
        number > max) {
        return false;
    }
    *ret = number;
    return true;
}

/* An INN of an organisation or of a person; its control digits are the operator's own care. */
static bool
is_inn(const char *value)
{
    size_t size = strspn(value, "0123456789");
    return value[size] == 0 && (size == 10 || size == 12);
}

/* Set one option; false when its value cannot be. */
static bool
option_set(struct chekd_options *options, int option, const char *value)
{
    uint64_t number = 0;
    switch (option) {
    case OPTION_DATA:
        return read_text(value, options->data, sizeof options->data);
    case OPTION_LISTEN:
        return read_text(value, options->listen, sizeof options->listen);
    case OPTION_CPCR:
        return read_text(value, options->cpcr, sizeof options->cpcr);
    case OPTION_QR_URL:
        return read_text(value, options->qr_url, sizeof options->qr_url);
    case OPTION_FFD:
        return read_text(value, options->ffd, sizeof options->ffd);
    case OPTION_FFD_INN:
        return is_inn(value) && read_text(value, options->ffd_inn, sizeof options->ffd_inn);
    case OPTION_METRICS:
        return read_text(value, options->metrics, sizeof options->metrics);
    case OPTION_SHARDS:
        if (!read_number(value, 1, CHEK_SHARD_COUNT_MAX, &number)) {
            return false;
        }
        options->shard_count = (unsigned)number;
        return true;
    case OPTION_PARTITIONS:
        if (!read_number(value, 1, CHEK_PARTITION_COUNT_MAX, &number)) {
            return false;
        }
        options->partition_count = (unsigned)number;
        return true;
    case OPTION_LOG_FILE_MIB:
        if (!read_number(value, 4, 65536, &number)) {
            return false;
        }
        options->log_file_size = number << 20;
        return true;
    case OPTION_SNAPSHOT_LOG_MIB:
        if (!read_number(value, 1, 1 << 20, &number)) {
            return false;
        }
        options->snapshot_log_size = number << 20;
        return true;
    case OPTION_PAGE_CACHE:
        if (!read_number(value, 0, UINT64_C(1) << 24, &number)) {
            return false;
        }
        options->page_cache_size = number << 20;
        return true;
    case OPTION_RETENTION_DAYS:
        if (!read_number(value, 0, 36525, &number)) {
            return false;
        }
        options->retention_us = number * UINT64_C(86400000000);
        return true;
    default:
        options->insecure_listen = true;
        return true;
    }
}

/* The command line is read twice: for --config first, then over what the file says. */
struct file_context {
    struct chekd_options *options;
    char text[256]; /* what is wrong */
};

static int
on_key(void *user, const char *section, const char *name, const char *value)
{
    struct file_context *context = user;
    for (const struct option *known = names; known->name != NULL; known++) {
        if (known->val >= OPTION_CONFIG || section[0] != 0 || strcmp(known->name, name) != 0) {
            continue;
        }
        if (known->val == OPTION_INSECURE_LISTEN && strcmp(value, "yes") != 0) {
            (void)snprintf(context->text, sizeof context->text, "%s can only be 'yes'", name);
            return 0;
        }
        if (!option_set(context->options, known->val, value)) {
            (void)snprintf(context->text, sizeof context->text, "%s cannot be '%s'", name, value);
            return 0;
        }
        return 1;
    }
    (void)snprintf(context->text, sizeof context->text, "the key '%s%s%s' is not known", section,
                   section[0] != 0 ? "." : "", name);
    return 0;
}

static int
file_read(struct chekd_options *options, const char *path)
{
    struct file_context context = {.options = options};
    int line = ini_parse(path, on_key, &context);
    if (line == -1) {
        (void)fprintf(stderr, "chekd: cannot read %s: %s\n", path, strerror(errno));
        return 2;
    }
    if (line != 0) {
        (void)fprintf(stderr, "chekd: %s, line %d: %s; keys are the options without dashes\n", path,
                      line, context.text[0] != 0 ? context.text : "not name = value");
        return 2;
    }
    return -1;
}

static int
line_read(struct chekd_options *options, int argc, char **argv, bool only_config)
{
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == OPTION_HELP) {
            (void)fputs(help, stdout);
            return 0;
        }
        if (option == OPTION_VERSION) {
            (void)puts("chekd 0.1");
            return 0;
        }
        if (option == '?') {
            (void)fprintf(stderr, "chekd: see chekd --help\n");
            return 2;
        }
        if ((option == OPTION_CONFIG) != only_config) {
            continue;
        }
        int left = only_config ? file_read(options, optarg) : -1;
        if (left >= 0) {
            return left;
        }
        if (!only_config && !option_set(options, option, optarg)) {
            (void)fprintf(stderr, "chekd: --%s cannot be '%s'; see chekd --help\n",
                          names[option - OPTION_DATA].name, optarg);
            return 2;
        }
    }
    if (optind != argc) {
        (void)fprintf(stderr, "chekd: '%s' is not an option; see chekd --help\n", argv[optind]);
        return 2;
    }
    return -1;
}

static bool
is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]:", 6) == 0 ||
           strncmp(address, "localhost:", 10) == 0;
}

static int
check(const struct chekd_options *options)
{
    if (options->data[0] == 0) {
        (void)fprintf(stderr, "chekd: --data DIR is needed; see chekd --help\n");
        return 2;
    }
    bool open = !is_loopback(options->listen) ||
                (options->cpcr[0] != 0 && !is_loopback(options->cpcr)) ||
                (options->ffd[0] != 0 && !is_loopback(options->ffd)) ||
                (options->metrics[0] != 0 && !is_loopback(options->metrics));
    if (open && !options->insecure_listen) {
        (void)fprintf(stderr,
                      "chekd: an address outside of this machine would carry tokens in clear; "
                      "listen on 127.0.0.1 behind stunnel, or say --insecure-listen\n");
        return 2;
    }
    return -1;
}

int
chekd__options_read(struct chekd_options *ret, int argc, char **argv)
{
    struct chekd_options options = {.listen = "127.0.0.1:7420"};
    long processor_count = sysconf(_SC_NPROCESSORS_ONLN);
    options.shard_count = processor_count > 1 ? (unsigned)processor_count : 1;
    if (options.shard_count > CHEK_SHARD_COUNT_MAX) {
        options.shard_count = CHEK_SHARD_COUNT_MAX;
    }
    int left = line_read(&options, argc, argv, true);
    if (left < 0) {
        left = line_read(&options, argc, argv, false);
    }
    if (left < 0) {
        left = check(&options);
    }
    if (left < 0) {
        *ret = options;
    }
    return left;
}
