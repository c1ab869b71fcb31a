/* SPDX-License-Identifier: MIT */
/*
 * kkm_command.c - chek kkm list, show, add: registers.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/money.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/kkm_device.h"
#include "tools/chek/report_print.h"
#include "tools/chek/text_table.h"

#define KEY_COUNT_MAX 8
#define POLICY_END 16 /* of the bits of a policy: ingest/CPCR.md R16 */

CHEK__ENCODER(ask_registers)
CHEK__ENCODER(claim)

/* ---- list ------------------------------------------------------------------------------------- */

struct kkm_list {
    struct chek__run *run;
    struct chek__table table;
};

static const char *const kkm_titles[] = {"id",
                                         "<registration number",
                                         "<factory number",
                                         "<fiscal drive",
                                         "<organisation",
                                         "<called",
                                         "<point",
                                         "<currency",
                                         "partition",
                                         "<revoked"};

static void
registered_row(struct kkm_list *list, const struct chek_registered *registered)
{
    const struct chek_register *what = registered->profile;
    uint16_t currency = chek__register_currency(what);
    chek__cell_number(&list->table, registered->registration);
    chek__cell(&list->table, chek__register_key(what, CHEK_KEY_KIND_REGISTRATION_NUMBER));
    chek__cell(&list->table, chek__register_key(what, CHEK_KEY_KIND_FACTORY_NUMBER));
    chek__cell(&list->table, chek__register_key(what, CHEK_KEY_KIND_FISCAL_DRIVE));
    chek__cell(&list->table, what->organisation);
    chek__cell(&list->table, what->organisation_name);
    chek__cell(&list->table, what->point_name.size != 0 ? what->point_name : what->point);
    chek__cell_text(&list->table, chek_currency_name(currency));
    chek__cell_number(&list->table, registered->partition);
    chek__cell_text(&list->table, registered->revoked ? "yes" : "");
}

static int
on_registers(void *context, struct chek_bytes_view body)
{
    struct kkm_list *list = context;
    struct chek_registers answer;
    int error = CHEK__DECODE(list->run, registers, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.registers_count; i++) {
        if (answer.registers[i].profile == NULL) {
            return CHEK_E_FIELD_MISSING;
        }
        if (list->run->json) {
            chek__json_record(list->run, NULL, CHEK_RECORD_REGISTERED, &answer.registers[i]);
            chek__json_end(list->run);
        } else {
            registered_row(list, &answer.registers[i]);
        }
    }
    return error;
}

/* Ask something that registers answer, and show them. */
static int
registers_show(struct chek__run *run, uint16_t opcode, chek__encode encode, const void *question)
{
    static struct kkm_list list;
    list.run = run;
    if (chek__table_open(&list.table, kkm_titles, CHEK_COUNT(kkm_titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    int stop = chek__ask(run, opcode, encode, question, on_registers, &list);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&list.table);
    }
    return stop;
}

static int
kkm_list(struct chek__run *run, int count, char **words)
{
    const char *organisation = "";
    const char *point = "";
    const char *key = "";
    const struct chek__option options[] = {
        {"org", CHEK__OPTION_TEXT, (void *)&organisation},
        {"point", CHEK__OPTION_TEXT, (void *)&point},
        {"key", CHEK__OPTION_TEXT, (void *)&key},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    struct chek_ask_registers question = {.organisation = chek_bytes_view_text(organisation),
                                          .point = chek_bytes_view_text(point),
                                          .key = chek_bytes_view_text(key)};
    return registers_show(run, CHEK_OPCODE_ASK_REGISTERS, ask_registers_encode, &question);
}

const struct chek__command chek__command_kkm_list = {
    "kkm list", "the registers that the token may see",
    "  chek kkm list [--org ORG] [--point POINT] [--key KEY]\n\n"
    "Examples\n"
    "  chek kkm list --org 7825706086\n"
    "  chek kkm list --key 9280440300671993 --json\n",
    kkm_list};

/* ---- show ------------------------------------------------------------------------------------- */

static void
registered_print(const struct chek_registered *registered)
{
    static const char *const kinds[] = {"Registration number", "Factory number",
                                        "Fiscal drive (FN)", "Device", "Called"};
    const struct chek_register *what = registered->profile;
    char text[32];
    (void)snprintf(text, sizeof text, "%u", registered->registration);
    chek__strip("Register", text);
    for (uint32_t i = 0; i < what->keys_count; i++) {
        chek__strip_view(kinds[what->keys[i].kind % CHEK_COUNT(kinds)], what->keys[i].value);
    }
    chek__strip_view("Organisation", what->organisation);
    chek__strip_view("", what->organisation_name);
    chek__strip_view("Trade point", what->point);
    chek__strip_view("", what->point_name);
    chek__strip_view("Address", what->address);
    chek__strip_view("Model", what->model);
    chek__strip("Currency", chek_currency_name(chek__register_currency(what)));
    (void)snprintf(text, sizeof text, "%u", registered->partition);
    chek__strip("Partition", text);
    if (registered->revoked) {
        chek__strip("Revoked", "yes");
    }
}

static int
kkm_show(struct chek__run *run, int count, char **words)
{
    struct chek__list names = {0};
    struct chek_registered found;
    const char *name = NULL;
    const struct chek__option options[] = {{"kkm", CHEK__OPTION_TEXT, (void *)&name}};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    name = name == NULL && names.count == 1 ? names.values[0] : name;
    if (name == NULL || names.count > 1) {
        return chek__usage(run, "chek kkm show K");
    }
    stop = chek__register_find(run, name, &found);
    if (stop == CHEK_OK && run->json) {
        chek__json_record(run, NULL, CHEK_RECORD_REGISTERED, &found);
        chek__json_end(run);
    } else if (stop == CHEK_OK) {
        registered_print(&found);
    }
    return stop;
}

const struct chek__command chek__command_kkm_show = {
    "kkm show", "one register", "  chek kkm show K\n\nExamples\n  chek kkm show 0001581560009059\n",
    kkm_show};

/* ---- add -------------------------------------------------------------------------------------- */

/* The answer to a claim has ids alone: what is known of the register is asked for by it. */
struct kkm_claimed {
    struct chek__run *run;
    uint32_t registration;
};

static int
on_claimed(void *context, struct chek_bytes_view body)
{
    struct kkm_claimed *claimed = context;
    struct chek_registers answer;
    int error = CHEK__DECODE(claimed->run, registers, body, &answer);
    if (error == CHEK_OK && answer.registers_count != 1) {
        return CHEK_E_RANGE;
    }
    claimed->registration = error == CHEK_OK ? (uint32_t)answer.registers[0].registration : 0;
    return error;
}

static int
claim_and_show(struct chek__run *run, const struct chek_register *what)
{
    struct kkm_claimed claimed = {.run = run};
    struct chek_claim question = {.registers = what, .registers_count = 1};
    int stop = chek__ask(run, CHEK_OPCODE_CLAIM, claim_encode, &question, on_claimed, &claimed);
    if (stop != CHEK_OK) {
        return stop;
    }
    if ((chek_client_welcome(run->client)->rights & 1u << CHEK_RIGHT_READ) == 0) {
        if (run->json) {
            chek__json_open(run);
            chek__json_number(run, "registration", claimed.registration);
            chek__json_close(run);
            chek__json_end(run);
        } else {
            (void)printf("register %u\n", claimed.registration);
        }
        return CHEK_OK;
    }
    struct chek_ask_registers known = {.registration = claimed.registration};
    return registers_show(run, CHEK_OPCODE_ASK_REGISTERS, ask_registers_encode, &known);
}

static int
zone_read(const char *text, int64_t *ret)
{
    return text[0] == 0 ? CHEK_OK : chek_decimal_read(chek_bytes_view_text(text), 0, ret);
}

/* A register with a device id speaks to the engine itself: it gets a token. */
static int
device_and_show(struct chek__run *run, const struct chek_register *what, const char *device,
                const char *token, uint64_t policy)
{
    struct chek_kkm_add question = {.profile = what};
    if (device == NULL || chek__device_read(device, &question.device) != CHEK_OK ||
        (token != NULL && chek__device_read(token, &question.token) != CHEK_OK)) {
        return chek__usage(run, "--device and --token are numbers of 1..4294967295");
    }
    if (policy != UINT64_MAX && policy >= POLICY_END) {
        return chek__usage(run, "--policy is a sum of 1, 2, 4 and 8");
    }
    question.policy = policy != UINT64_MAX ? (uint32_t)policy + 1 : 0;
    return chek__device_add(run, &question);
}

static int
kkm_add(struct chek__run *run, int count, char **words)
{
    const char *keys[KEY_COUNT_MAX] = {0}; /* by enum chek_key_kind */
    const char *texts[6] = {"", "", "", "", "", ""};
    const char *currency = "";
    const char *zone = "";
    const char *token = NULL;
    const char *file = NULL;
    uint64_t country = 0;
    uint64_t policy = UINT64_MAX;
    const struct chek__option options[] = {
        {"rnm", CHEK__OPTION_TEXT, (void *)&keys[CHEK_KEY_KIND_REGISTRATION_NUMBER]},
        {"factory", CHEK__OPTION_TEXT, (void *)&keys[CHEK_KEY_KIND_FACTORY_NUMBER]},
        {"fn", CHEK__OPTION_TEXT, (void *)&keys[CHEK_KEY_KIND_FISCAL_DRIVE]},
        {"device", CHEK__OPTION_TEXT, (void *)&keys[CHEK_KEY_KIND_DEVICE]},
        {"name", CHEK__OPTION_TEXT, (void *)&keys[CHEK_KEY_KIND_NAME]},
        {"org", CHEK__OPTION_TEXT, (void *)&texts[0]},
        {"org-name", CHEK__OPTION_TEXT, (void *)&texts[1]},
        {"point", CHEK__OPTION_TEXT, (void *)&texts[2]},
        {"point-name", CHEK__OPTION_TEXT, (void *)&texts[3]},
        {"address", CHEK__OPTION_TEXT, (void *)&texts[4]},
        {"model", CHEK__OPTION_TEXT, (void *)&texts[5]},
        {"currency", CHEK__OPTION_TEXT, (void *)&currency},
        {"zone", CHEK__OPTION_TEXT, (void *)&zone},
        {"country", CHEK__OPTION_NUMBER, &country},
        {"token", CHEK__OPTION_TEXT, (void *)&token},
        {"policy", CHEK__OPTION_NUMBER, &policy},
        {"file", CHEK__OPTION_TEXT, (void *)&file},
    };
    struct chek_register_key list[KEY_COUNT_MAX];
    struct chek_register what = {.keys = list};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (file != NULL) {
        return chek__devices_add(run, file);
    }
    for (uint8_t i = 0; i < KEY_COUNT_MAX; i++) {
        if (keys[i] != NULL) {
            list[what.keys_count++] =
                (struct chek_register_key){.kind = i, .value = chek_bytes_view_text(keys[i])};
        }
    }
    what.organisation = chek_bytes_view_text(texts[0]);
    what.organisation_name = chek_bytes_view_text(texts[1]);
    what.point = chek_bytes_view_text(texts[2]);
    what.point_name = chek_bytes_view_text(texts[3]);
    what.address = chek_bytes_view_text(texts[4]);
    what.model = chek_bytes_view_text(texts[5]);
    what.currency = chek_currency_find(currency);
    what.country = (uint16_t)country;
    if (what.keys_count == 0 || what.organisation.size == 0) {
        return chek__usage(run, "--org and one of --rnm, --factory, --fn, --device, --name");
    }
    if ((currency[0] != 0 && what.currency == 0) || country > 999 ||
        zone_read(zone, &what.zone_minutes) != CHEK_OK) {
        return chek__usage(run, "--currency as KZT or RUB, --zone in minutes, --country by number");
    }
    return keys[CHEK_KEY_KIND_DEVICE] != NULL || token != NULL
               ? device_and_show(run, &what, keys[CHEK_KEY_KIND_DEVICE], token, policy)
               : claim_and_show(run, &what);
}

const struct chek__command chek__command_kkm_add = {
    "kkm add", "make a register before its first receipt",
    "  chek kkm add --org ORG [--org-name TEXT] [--point CODE] [--point-name TEXT]\n"
    "               [--rnm N] [--factory N] [--fn N] [--device ID] [--name TEXT]\n"
    "               [--address TEXT] [--model TEXT] [--currency KZT] [--zone MINUTES]\n"
    "               [--country NUMBER] [--token N] [--policy BITS]\n"
    "  chek kkm add --file FILE.csv\n\n"
    "  One of the register's own names is needed. It needs a trusted token; a register that is\n"
    "  there already is told.\n\n"
    "  With --device, a number, it speaks to the engine itself (chekd --cpcr): its token is shown,\n"
    "  the one given or one that the engine makes, and an administrator's rights are needed. A file\n"
    "  of such has the head device,token,rnm,factory,org,point; each row is answered by a line.\n\n"
    "Examples\n"
    "  chek kkm add --org 123456789012 --rnm 010101234567 --factory SWK00012345 --point main\n",
    kkm_add};
