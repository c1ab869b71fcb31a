/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/decimal.h"

#define MILLION 1000000
#define CUT_PER_MILLION_MAX 900000 /* some sends must get through */

static const char help[] =
    "chek-kkm - play cash registers of Kazakhstan to an OFD server\n"
    "\n"
    "  chek-kkm --cpcr HOST:PORT --registers N --shifts N [options]\n"
    "\n"
    "  --cpcr HOST:PORT       where the server speaks CPCR\n"
    "  --registers N          1..10,000 (1)\n"
    "  --shifts N             each register's, a day each (1)\n"
    "  --tickets N            a shift (20)\n"
    "  --protocol 202|203     (203)\n"
    "  --seed N               of everything the registers do (1)\n"
    "  --date YYYY-MM-DD      of the first shift (2025-12-30: VAT changes with the third)\n"
    "  --offline P            documents at which the connection is lost for a while (0)\n"
    "  --cut P                sends whose connection is cut at a random byte (0)\n"
    "  --forget P             documents after which the newest token is lost (0)\n"
    "                         P is a part as 0.05, or 5%; a number above 1 is percent\n"
    "  --operators N          of each organisation (0): registers ask AUTH\n"
    "  --nomenclature N       groups and items (0): registers ask NOMENCLATURE\n"
    "  --connection-per-ticket  a connection for every request; without: one a register\n"
    "  --at-once N            registers at work at the same time (all)\n"
    "  --timeout-ms N         a server silent for so long is taken for gone (5000)\n"
    "  --patience N           seconds without any answer until the run is given up (60)\n"
    "  --first-device N       device id of the first register; the others follow (100001)\n"
    "  --csv FILE             write the registers as CSV for `chek kkm add --file`, and stop;\n"
    "                         - is stdout\n"
    "  --csv-operators FILE   the same of operators, for `chek kkm operator add --file`,\n"
    "  --csv-nomenclature FILE  and of the list, for `chek nomenclature load`\n"
    "  --added                the registers have been added, with operators and lists\n"
    "  --server HOST:PORT     or CHEK_SERVER (127.0.0.1:7420): where they are added\n"
    "  --token-file FILE      or CHEK_TOKEN_FILE: by whom\n"
    "  --json                 one JSON document\n"
    "  --help\n"
    "\n"
    "  Each register counts its own X and Z and compares them with the server's. Exit 0 = all are\n"
    "  equal and nothing was refused, 1 = not so, or a failure, 2 = wrong usage.\n"
    "\n"
    "Examples\n"
    "  chek-kkm --token-file DIR/admin.token --cpcr 127.0.0.1:7430 --registers 1000 --shifts 3\n"
    "  chek-kkm --csv registers.csv --registers 1000\n"
    "  chek kkm add --file registers.csv\n"
    "  chek-kkm --added --cpcr 127.0.0.1:7430 --registers 1000 --shifts 3 --cut 2% --offline 5%\n";

enum option_number {
    OPTION_CPCR = 256,
    OPTION_REGISTERS,
    OPTION_SHIFTS,
    OPTION_TICKETS,
    OPTION_PROTOCOL,
    OPTION_SEED,
    OPTION_DATE,
    OPTION_OFFLINE,
    OPTION_CUT,
    OPTION_FORGET,
    OPTION_OPERATORS,
    OPTION_NOMENCLATURE,
    OPTION_CONNECTION_PER_TICKET,
    OPTION_AT_ONCE,
    OPTION_TIMEOUT_MS,
    OPTION_PATIENCE,
    OPTION_FIRST_DEVICE,
    OPTION_CSV,
    OPTION_CSV_OPERATORS,
    OPTION_CSV_NOMENCLATURE,
    OPTION_ADDED,
    OPTION_SERVER,
    OPTION_TOKEN_FILE,
    OPTION_JSON,
    OPTION_HELP,
};

static const struct option names[] = {
    {"cpcr", required_argument, NULL, OPTION_CPCR},
    {"registers", required_argument, NULL, OPTION_REGISTERS},
    {"shifts", required_argument, NULL, OPTION_SHIFTS},
    {"tickets", required_argument, NULL, OPTION_TICKETS},
    {"protocol", required_argument, NULL, OPTION_PROTOCOL},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"date", required_argument, NULL, OPTION_DATE},
    {"offline", required_argument, NULL, OPTION_OFFLINE},
    {"cut", required_argument, NULL, OPTION_CUT},
    {"forget", required_argument, NULL, OPTION_FORGET},
    {"operators", required_argument, NULL, OPTION_OPERATORS},
    {"nomenclature", required_argument, NULL, OPTION_NOMENCLATURE},
    {"connection-per-ticket", no_argument, NULL, OPTION_CONNECTION_PER_TICKET},
    {"at-once", required_argument, NULL, OPTION_AT_ONCE},
    {"timeout-ms", required_argument, NULL, OPTION_TIMEOUT_MS},
    {"patience", required_argument, NULL, OPTION_PATIENCE},
    {"first-device", required_argument, NULL, OPTION_FIRST_DEVICE},
    {"csv", required_argument, NULL, OPTION_CSV},
    {"csv-operators", required_argument, NULL, OPTION_CSV_OPERATORS},
    {"csv-nomenclature", required_argument, NULL, OPTION_CSV_NOMENCLATURE},
    {"added", no_argument, NULL, OPTION_ADDED},
    {"server", required_argument, NULL, OPTION_SERVER},
    {"token-file", required_argument, NULL, OPTION_TOKEN_FILE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static bool
read_number_64(const char *value, uint64_t *ret)
{
    return chek_decimal_read_u64(chek_bytes_view_text(value), ret) == CHEK_OK;
}

static bool
read_number(const char *value, uint32_t min, uint32_t max, uint32_t *ret)
{
    uint64_t number;
    if (!read_number_64(value, &number) || number < min || number > max) {
        return false;
    }
    *ret = (uint32_t)number;
    return true;
}

/* "0.05", "5%", and "5", which cannot be a part of a whole, is percent too. */
static bool
read_part(const char *value, uint32_t per_million_max, uint32_t *ret)
{
    size_t size = strlen(value);
    bool is_percent = size > 1 && value[size - 1] == '%';
    int64_t part;
    if (chek_decimal_read(chek_bytes_view_of(value, size - (is_percent ? 1 : 0)), 6, &part) !=
        CHEK_OK) {
        return false;
    }
    if (is_percent || part > MILLION) {
        part /= 100;
    }
    if (part < 0 || part > per_million_max) {
        return false;
    }
    *ret = (uint32_t)part;
    return true;
}

static bool
read_text(const char *value, char into[CHEK_KKM_TEXT_SIZE])
{
    size_t size = strlen(value);
    if (size == 0 || size >= CHEK_KKM_TEXT_SIZE) {
        return false;
    }
    memcpy(into, value, size + 1);
    return true;
}

static bool
read_protocol(const char *value, uint16_t *ret)
{
    uint32_t number;
    if (!read_number(value, 202, 203, &number)) {
        return false;
    }
    *ret = (uint16_t)number;
    return true;
}

/* A day; shifts that follow it stay within what a document may be dated. */
static bool
read_date(const char *value, int64_t *ret)
{
    int64_t begin_s;
    if (chek_civil_read(chek_bytes_view_text(value), &begin_s) != CHEK_OK ||
        begin_s % CHEK_CIVIL_DAY_S != 0 || begin_s < CHEK_CIVIL_MIN ||
        begin_s > CHEK_CIVIL_MAX - INT64_C(12000) * CHEK_CIVIL_DAY_S) {
        return false;
    }
    *ret = begin_s;
    return true;
}

/* The options that say what registers do; false when the value cannot be. */
static bool
life_set(struct chek_kkm_options *options, int option, const char *value)
{
    struct chek_kkm_life_options *life = &options->life;
    switch (option) {
    case OPTION_SHIFTS:
        return read_number(value, 1, 10000, &life->shift_count);
    case OPTION_TICKETS:
        return read_number(value, 1, CHEK_KKM_TICKET_COUNT_MAX, &life->ticket_count);
    case OPTION_DATE:
        return read_date(value, &life->begin_s);
    case OPTION_OFFLINE:
        return read_part(value, MILLION, &life->offline_per_million);
    case OPTION_CUT:
        return read_part(value, CUT_PER_MILLION_MAX, &options->cut_per_million);
    case OPTION_FORGET:
        return read_part(value, MILLION, &options->forget_per_million);
    case OPTION_OPERATORS:
        return read_number(value, 0, CHEK_KKM_PERSON_COUNT_MAX, &options->person_count);
    case OPTION_NOMENCLATURE:
        return read_number(value, 0, CHEK_KKM_GOOD_COUNT_MAX, &options->good_count);
    case OPTION_SEED:
        return read_number_64(value, &options->seed);
    default:
        return read_protocol(value, &options->protocol);
    }
}

static bool
option_set(struct chek_kkm_options *options, int option, const char *value)
{
    switch (option) {
    case OPTION_CPCR:
        return read_text(value, options->cpcr);
    case OPTION_REGISTERS:
        return read_number(value, 1, CHEK_KKM_REGISTER_COUNT_MAX, &options->register_count);
    case OPTION_CONNECTION_PER_TICKET:
        return options->connection_per_ticket = true;
    case OPTION_AT_ONCE:
        return read_number(value, 1, CHEK_KKM_REGISTER_COUNT_MAX, &options->at_once);
    case OPTION_TIMEOUT_MS:
        return read_number(value, 10, 600000, &options->timeout_ms);
    case OPTION_PATIENCE:
        return read_number(value, 1, 86400, &options->patience_s);
    case OPTION_FIRST_DEVICE:
        return read_number(value, 1, INT32_MAX - CHEK_KKM_REGISTER_COUNT_MAX,
                           &options->first_device);
    case OPTION_CSV:
        return read_text(value, options->csv);
    case OPTION_CSV_OPERATORS:
        return read_text(value, options->csv_people);
    case OPTION_CSV_NOMENCLATURE:
        return read_text(value, options->csv_goods);
    case OPTION_ADDED:
        return options->added = true;
    case OPTION_SERVER:
        return read_text(value, options->server);
    case OPTION_TOKEN_FILE:
        return read_text(value, options->token_file);
    case OPTION_JSON:
        return options->json = true;
    default:
        return life_set(options, option, value);
    }
}

static int
usage(const char *text)
{
    (void)fprintf(stderr, "chek-kkm: %s; chek-kkm --help tells the options\n", text);
    return 2;
}

static void
from_environment(const char *name, const char *otherwise, char into[CHEK_KKM_TEXT_SIZE])
{
    const char *value = getenv(name);
    if (into[0] == 0) {
        (void)snprintf(into, CHEK_KKM_TEXT_SIZE, "%s", value != NULL ? value : otherwise);
    }
}

int
chek_kkm_options_read(struct chek_kkm_options *options, int argc, char **argv)
{
    int option;
    *options = (struct chek_kkm_options){
        .life = {.begin_s = INT64_C(1767052800), .ticket_count = 20, .shift_count = 1},
        .seed = 1,
        .register_count = 1,
        .at_once = CHEK_KKM_REGISTER_COUNT_MAX,
        .first_device = 100001,
        .timeout_ms = 5000,
        .patience_s = 60,
        .protocol = 203,
    };
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
                           names[option - OPTION_CPCR].name, optarg);
            return usage(text);
        }
    }
    if (optind != argc) {
        return usage("there are only options");
    }
    bool only_writes =
        options->csv[0] != 0 || options->csv_people[0] != 0 || options->csv_goods[0] != 0;
    if (options->cpcr[0] == 0 && !only_writes) {
        return usage("--cpcr is wanted");
    }
    if (options->at_once > options->register_count) {
        options->at_once = options->register_count;
    }
    from_environment("CHEK_SERVER", "127.0.0.1:7420", options->server);
    from_environment("CHEK_TOKEN_FILE", "", options->token_file);
    return -1;
}
