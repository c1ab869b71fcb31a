/* SPDX-License-Identifier: MIT */
/*
 * kkm_device_command.c - registers that speak their country's protocol: chek kkm add --device and
 * --file, chek kkm token, block, unblock, device.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "query/client/kkm_adder.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/csv_row.h"
#include "tools/chek/json.h"
#include "tools/chek/kkm_device.h"
#include "tools/chek/report_print.h"

#define COLUMN_COUNT 6

CHEK__ENCODER(kkm_change)
CHEK__ENCODER(ask_kkm)

/* ---- one -------------------------------------------------------------------------------------- */

static void
added_show(struct chek__run *run, uint32_t line, uint32_t device,
           const struct chek_kkm_added *added)
{
    if (run->json) {
        chek__json_open(run);
        if (line != 0) {
            chek__json_number(run, "line", line);
        }
        chek__json_number(run, "device", device);
        chek__json_number(run, "registration", added->registration);
        chek__json_number(run, "token", added->token);
        chek__json_close(run);
        chek__json_end(run);
    } else {
        (void)printf("device %u register %u token %u\n", device, added->registration, added->token);
    }
}

struct device_added {
    struct chek__run *run;
    uint32_t device;
};

static int
on_added(void *context, struct chek_bytes_view body)
{
    struct device_added *added = context;
    struct chek_kkm_added answer;
    int error = CHEK__DECODE(added->run, kkm_added, body, &answer);
    if (error == CHEK_OK) {
        added_show(added->run, 0, added->device, &answer);
    }
    return error;
}

CHEK__ENCODER(kkm_add)

int
chek__device_add(struct chek__run *run, const struct chek_kkm_add *what)
{
    struct device_added added = {run, what->device};
    return chek__ask(run, CHEK_OPCODE_KKM_ADD, kkm_add_encode, what, on_added, &added);
}

int
chek__device_read(const char *text, uint32_t *ret)
{
    uint64_t number;
    if (chek_decimal_read_u64(chek_bytes_view_text(text), &number) != CHEK_OK || number == 0 ||
        number > UINT32_MAX) {
        return CHEK_E_NUMBER;
    }
    *ret = (uint32_t)number;
    return CHEK_OK;
}

/* ---- many ------------------------------------------------------------------------------------- */

static const char *const columns[COLUMN_COUNT] = {"device",  "token", "rnm",
                                                  "factory", "org",   "point"};

struct bulk {
    struct chek__run *run;
    FILE *file;
    uint32_t line;
    uint32_t failed_count;
    struct chek_kkm_adder adder;
};

/* A row's number is its line and its device. */
static uint64_t
row_number(uint32_t line, uint32_t device)
{
    return (uint64_t)line << 32 | device;
}

bool
chek__row_split(char *line, const char **values, unsigned count)
{
    struct chek_bytes_view cells[CHEK__COLUMN_COUNT_MAX];
    uint32_t found = 0;
    if (chek__csv_cut(line, strcspn(line, "\r\n"), cells, count, &found) != CHEK_OK ||
        found != count) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) { /* a comma, a quote or the line's end is behind each */
        char *cell = line + ((const char *)cells[i].bytes - line);
        cell[cells[i].size] = 0;
        values[i] = cell;
    }
    return true;
}

static void
row_failed(struct bulk *bulk, uint32_t line, uint32_t device, int code, const char *field,
           const char *text)
{
    bulk->failed_count += 1;
    if (bulk->run->json) {
        chek__json_open(bulk->run);
        chek__json_number(bulk->run, "line", line);
        chek__json_number(bulk->run, "device", device);
        chek__json_text(bulk->run, "code", chek_bytes_view_text(chek_error_name(code)));
        chek__json_text(bulk->run, "field", chek_bytes_view_text(field));
        chek__json_text(bulk->run, "text", chek_bytes_view_text(text));
        chek__json_close(bulk->run);
        chek__json_end(bulk->run);
    } else {
        (void)printf("line %u device %u: %s %s: %s\n", line, device, chek_error_name(code), field,
                     text);
    }
}

static int
on_row(void *context, uint64_t number, const struct chek_kkm_added *added,
       const struct chek_failure *failure)
{
    struct bulk *bulk = context;
    uint32_t line = (uint32_t)(number >> 32);
    if (added != NULL) {
        added_show(bulk->run, line, (uint32_t)number, added);
    } else {
        row_failed(bulk, line, (uint32_t)number, failure->code, chek_field_name(failure->field),
                   failure->text);
    }
    return CHEK_OK;
}

/* A row as a request; false: it is no row, which was told. */
static bool
row_make(struct bulk *bulk, const char *const values[COLUMN_COUNT],
         struct chek_register_key keys[2], struct chek_register *profile, struct chek_kkm_add *ret)
{
    uint64_t token = 0;
    *ret = (struct chek_kkm_add){.profile = profile};
    *profile = (struct chek_register){.keys = keys,
                                      .organisation = chek_bytes_view_text(values[4]),
                                      .point = chek_bytes_view_text(values[5])};
    if (chek__device_read(values[0], &ret->device) != CHEK_OK) {
        row_failed(bulk, bulk->line, 0, CHEK_E_NUMBER, "device", "it is no device id");
        return false;
    }
    if (values[1][0] != 0 &&
        (chek_decimal_read_u64(chek_bytes_view_text(values[1]), &token) != CHEK_OK || token == 0 ||
         token > UINT32_MAX)) {
        row_failed(bulk, bulk->line, ret->device, CHEK_E_NUMBER, "token", "it is no token");
        return false;
    }
    ret->token = (uint32_t)token;
    for (unsigned i = 2; i < 4; i++) {
        if (values[i][0] != 0) {
            keys[profile->keys_count++] = (struct chek_register_key){
                .kind = i == 2 ? CHEK_KEY_KIND_REGISTRATION_NUMBER : CHEK_KEY_KIND_FACTORY_NUMBER,
                .value = chek_bytes_view_text(values[i])};
        }
    }
    if (profile->keys_count == 0 || profile->organisation.size == 0) {
        row_failed(bulk, bulk->line, ret->device, CHEK_E_FIELD_MISSING, "rnm",
                   "rnm or factory, and org are needed");
        return false;
    }
    return true;
}

/* Send the next row of the file. 1: sent or refused here; 0: the file is over; below: an error. */
static int
row_send(struct bulk *bulk)
{
    char line[CHEK__LINE_SIZE_MAX];
    const char *values[COLUMN_COUNT];
    struct chek_register_key keys[2];
    struct chek_register profile;
    struct chek_kkm_add what;
    if (fgets(line, sizeof line, bulk->file) == NULL) {
        return 0;
    }
    bulk->line += 1;
    if (line[0] == '\n' || line[0] == '\r') {
        return 1;
    }
    if (!chek__row_split(line, values, COLUMN_COUNT)) {
        row_failed(bulk, bulk->line, 0, CHEK_E_RANGE, "", "a row has six values");
        return 1;
    }
    if (!row_make(bulk, values, keys, &profile, &what)) {
        return 1;
    }
    int error = chek_kkm_adder_add(&bulk->adder, row_number(bulk->line, what.device), &what);
    return error == CHEK_OK ? 1 : error;
}

static int
bulk_run(struct bulk *bulk)
{
    int error = 1;
    bulk->adder =
        (struct chek_kkm_adder){.client = bulk->run->client, .on_added = on_row, .context = bulk};
    while (error == 1) {
        error = row_send(bulk);
    }
    return error == 0 ? chek_kkm_adder_finish(&bulk->adder) : error;
}

bool
chek__head_is_right(FILE *file, const char *const *names, unsigned count)
{
    char line[CHEK__LINE_SIZE_MAX];
    const char *values[CHEK__COLUMN_COUNT_MAX];
    if (fgets(line, sizeof line, file) == NULL || !chek__row_split(line, values, count)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(values[i], names[i]) != 0) {
            return false;
        }
    }
    return true;
}

int
chek__devices_add(struct chek__run *run, const char *path)
{
    struct bulk bulk = {.run = run, .line = 1, .file = fopen(path, "re")};
    if (bulk.file == NULL) {
        return chek__error(run, -errno, "file", NULL);
    }
    int stop = CHEK_OK;
    if (!chek__head_is_right(bulk.file, columns, COLUMN_COUNT)) {
        stop = chek__error(run, CHEK_E_RANGE, "file",
                           "the first line is device,token,rnm,factory,org,point");
    }
    if (stop == CHEK_OK) {
        stop = chek__connect(run);
    }
    if (stop == CHEK_OK) {
        int error = bulk_run(&bulk);
        stop = error != CHEK_OK ? chek__error(run, error, NULL, NULL) : CHEK_OK;
    }
    (void)fclose(bulk.file);
    return stop == CHEK_OK && bulk.failed_count != 0 ? CHEK__EXIT_REFUSED : stop;
}

/* ---- change ----------------------------------------------------------------------------------- */

static int
device_change(struct chek__run *run, int count, char **words, uint8_t change)
{
    struct chek__list names = {0};
    struct chek_kkm_change what = {.change = change};
    int stop = chek__arguments_read(run, count, words, NULL, 0, &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (names.count != 1 || chek__device_read(names.values[0], &what.device) != CHEK_OK) {
        return chek__usage(run, "chek %s DEVICE, the number that the register sends",
                           run->command->words);
    }
    struct device_added added = {run, what.device};
    return chek__ask(run, CHEK_OPCODE_KKM_CHANGE, kkm_change_encode, &what, on_added, &added);
}

static int
kkm_token(struct chek__run *run, int count, char **words)
{
    return device_change(run, count, words, CHEK_DEVICE_CHANGE_RESET);
}

static int
kkm_block(struct chek__run *run, int count, char **words)
{
    return device_change(run, count, words, CHEK_DEVICE_CHANGE_BLOCK);
}

static int
kkm_unblock(struct chek__run *run, int count, char **words)
{
    return device_change(run, count, words, CHEK_DEVICE_CHANGE_UNBLOCK);
}

const struct chek__command chek__command_kkm_token = {
    "kkm token", "give a register a new token, to be typed into it",
    "  chek kkm token DEVICE\n\n"
    "  The token that it had is good for nothing any more, but to ask again for the answer to its\n"
    "  last document.\n\n"
    "Examples\n  chek kkm token 201873\n",
    kkm_token};

const struct chek__command chek__command_kkm_block = {
    "kkm block", "refuse what a register sends",
    "  chek kkm block DEVICE\n\nExamples\n  chek kkm block 201873\n", kkm_block};

const struct chek__command chek__command_kkm_unblock = {
    "kkm unblock", "take what a register sends again",
    "  chek kkm unblock DEVICE\n\nExamples\n  chek kkm unblock 201873\n", kkm_unblock};

/* ---- show ------------------------------------------------------------------------------------- */

static void
device_print(const struct chek_kkm_device *device)
{
    char text[96];
    (void)snprintf(text, sizeof text, "%u%s", device->device, device->blocked ? ", blocked" : "");
    chek__strip("Device", text);
    (void)snprintf(text, sizeof text, "%u", device->registration);
    chek__strip("Register", text);
    (void)snprintf(text, sizeof text, "%llu, the last one with request number %u",
                   (unsigned long long)device->documents, device->request);
    chek__strip("Documents", text);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)device->retries_differing);
    chek__strip("Repeats that differed", text);
    (void)snprintf(text, sizeof text, "%u", device->resets);
    chek__strip("Tokens reset", text);
    (void)snprintf(text, sizeof text, "%u", device->policy);
    chek__strip("Policy", text);
    (void)snprintf(text, sizeof text, "%u", device->shift);
    chek__strip("Open shift", device->shift != 0 ? text : "none");
    size_t size = chek_decimal_write(device->cash, 2, text);
    chek__strip_view("Cash", chek_bytes_view_of(text, size));
}

static int
on_device(void *context, struct chek_bytes_view body)
{
    struct chek__run *run = context;
    struct chek_kkm_device device;
    int error = CHEK__DECODE(run, kkm_device, body, &device);
    if (error == CHEK_OK && run->json) {
        chek__json_record(run, NULL, CHEK_RECORD_KKM_DEVICE, &device);
        chek__json_end(run);
    } else if (error == CHEK_OK) {
        device_print(&device);
    }
    return error;
}

static int
kkm_device(struct chek__run *run, int count, char **words)
{
    struct chek__list names = {0};
    struct chek_ask_kkm question = {0};
    int stop = chek__arguments_read(run, count, words, NULL, 0, &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (names.count != 1 || chek__device_read(names.values[0], &question.device) != CHEK_OK) {
        return chek__usage(run, "chek kkm device DEVICE, the number that the register sends");
    }
    return chek__ask(run, CHEK_OPCODE_ASK_KKM, ask_kkm_encode, &question, on_device, run);
}

const struct chek__command chek__command_kkm_device = {
    "kkm device", "how the engine stands with a register that speaks to it",
    "  chek kkm device DEVICE\n\nExamples\n  chek kkm device 201873 --json\n", kkm_device};
