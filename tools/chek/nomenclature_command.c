/* SPDX-License-Identifier: MIT */
/*
 * nomenclature_command.c - chek nomenclature load: what registers sell, out of a file.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "engine/base/civil.h"
#include "engine/base/limits.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/nomenclature_read.h"
#include "tools/chek/nomenclature_whose.h"

#define ORGANISATION_SIZE_MAX 32

#define POINT_SIZE_MAX 64
#define CHEK__WHOSE_USAGE "--org ORG, --org ORG with --point POINT, or --device ID"

/* ---- load ------------------------------------------------------------------------------------- */

static int
fault_tell(struct chek__run *run, const struct chek__goods_fault *fault)
{
    char text[160];
    const char *said = fault->text != NULL ? fault->text : chek_error_text(fault->code);
    (void)snprintf(text, sizeof text, "line %u: %s", fault->line, said);
    return chek__error(run, fault->code, fault->field, text);
}

/* What is wrong with an element, told with the line that it came from. */
static int
element_tell(struct chek__run *run, const struct chek__goods *goods, int code, uint16_t field,
             uint16_t index, const char *text)
{
    struct chek__goods_fault fault = {.code = code, .text = text};
    fault.line = index < goods->what->elements_count ? goods->lines[index] : 0;
    (void)snprintf(fault.field, sizeof fault.field, "%s", chek_field_name(field));
    return fault_tell(run, &fault);
}

static bool
is_of_element(uint16_t field)
{
    return field / 64 == CHEK_RECORD_NOMENCLATURE_ELEMENT;
}

/* The local time of this machine. */
static int64_t
civil_now(void)
{
    time_t now = time(NULL);
    struct tm local;
    int64_t civil = 0;
    if (localtime_r(&now, &local) != NULL) {
        struct chek_civil_parts parts = {.year = local.tm_year + 1900,
                                         .month = (uint8_t)(local.tm_mon + 1),
                                         .day = (uint8_t)local.tm_mday,
                                         .hour = (uint8_t)local.tm_hour,
                                         .minute = (uint8_t)local.tm_min,
                                         .second = (uint8_t)(local.tm_sec % 60)};
        if (chek_civil_from_parts(&parts, &civil) != CHEK_OK) {
            civil = 0;
        }
    }
    return civil;
}

struct loading {
    struct chek__run *run;
    uint32_t count;
};

static int
on_loaded(void *context, struct chek_bytes_view body)
{
    const struct loading *loading = context;
    struct chek__run *run = loading->run;
    char text[CHEK__WHOSE_TEXT_SIZE];
    struct chek_nomenclature told;
    int error = CHEK__DECODE(run, nomenclature, body, &told);
    if (error != CHEK_OK) {
        return error;
    }
    if (run->json) {
        chek__json_open(run);
        chek__whose_json(run, &told);
        chek__json_number(run, "version", (int64_t)told.version);
        chek__json_number(run, "elements", loading->count);
        chek__json_close(run);
        chek__json_end(run);
    } else {
        (void)printf("version %llu, for %s: %u groups and items\n",
                     (unsigned long long)told.version, chek__whose_text(&told, text),
                     loading->count);
    }
    return CHEK_OK;
}

/* Encode, look at it as the server will, and send it. */
static int
goods_send(struct chek__run *run, const struct chek__goods *goods)
{
    struct chek_nomenclature again;
    struct chek_fault fault = {0};
    struct loading loading = {run, goods->what->elements_count};
    uint8_t *bytes = chek_arena_take(&run->kept, CHEK_COMMAND_BODY_SIZE_MAX);
    if (bytes == NULL) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    struct chek_writer out = chek_writer_over(bytes, CHEK_COMMAND_BODY_SIZE_MAX);
    chek_nomenclature_encode(&out, goods->what);
    if (out.full) {
        return chek__error(run, CHEK_E_LIMIT, "file", "it has more than 224 KiB of values in it");
    }
    int error = chek_nomenclature_decode_whole(bytes, out.size, &run->kept, &again, &fault);
    if (error != CHEK_OK) {
        return element_tell(run, goods, error, fault.field, fault.index, NULL);
    }
    int stop = chek__connect(run);
    if (stop != CHEK_OK) {
        return stop;
    }
    error = chek_client_request(run->client, CHEK_OPCODE_NOMENCLATURE_LOAD,
                                chek_bytes_view_of(bytes, out.size), on_loaded, &loading);
    if (error == CHEK_OK) {
        return CHEK_OK;
    }
    const struct chek_failure *failure = chek_client_failure(run->client);
    if (failure->code == CHEK_E_LIMIT && failure->field == CHEK_FIELD_NOMENCLATURE_ELEMENTS) {
        return chek__error(run, CHEK_E_LIMIT, "file",
                           "the list does not fit one answer of 240 KiB to a register");
    }
    return is_of_element(failure->field) ? element_tell(run, goods, failure->code, failure->field,
                                                        failure->index, failure->text)
                                         : chek__failure(run, failure);
}

static int
nomenclature_load(struct chek__run *run, int count, char **words)
{
    struct chek__whose whose = {"", "", ""};
    const char *created = "";
    struct chek__list names = {0};
    struct chek__goods goods;
    struct chek__goods_fault fault;
    int64_t time_civil = civil_now();
    const struct chek__option options[] = {{"created", CHEK__OPTION_TEXT, (void *)&created},
                                           CHEK__WHOSE_OPTIONS(whose)};
    struct chek_nomenclature of = {0};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (names.count != 1 || chek__whose_read(&whose, &of) != CHEK_OK) {
        return chek__usage(run, "FILE, and " CHEK__WHOSE_USAGE);
    }
    if (created[0] != 0 && chek_civil_read(chek_bytes_view_text(created), &time_civil) != CHEK_OK) {
        return chek__usage(run, "--created is a date, or YYYY-MM-DDTHH:MM:SS");
    }
    FILE *file = fopen(names.values[0], "re");
    if (file == NULL) {
        return chek__error(run, -errno, "file", NULL);
    }
    int error = chek__goods_read(file, &run->kept, &goods, &fault);
    (void)fclose(file);
    if (error != CHEK_OK) {
        return fault_tell(run, &fault);
    }
    if (goods.what->elements_count == 0) { /* a list of nothing would remove what is there */
        return chek__error(run, CHEK_E_FIELD_MISSING, "nomenclature.elements", NULL);
    }
    goods.what->organisation = of.organisation;
    goods.what->point = of.point;
    goods.what->device = of.device;
    goods.what->created = time_civil;
    return goods_send(run, &goods);
}

const struct chek__command chek__command_nomenclature_load = {
    "nomenclature load", "what registers sell, in the place of what they did",
    "  chek nomenclature load FILE (--org ORG [--point POINT] | --device ID) [--created TIME]\n\n"
    "  Registers of Kazakhstan fetch it by NOMENCLATURE. FILE takes the place of the whole list that\n"
    "  was there, or, when anything is wrong with it, of nothing. An organisation has a list for all\n"
    "  its registers, one for each trade point and one for each register; a register is told its\n"
    "  own, else that of its point, else that of all. A list gets the organisation's next version,\n"
    "  unless it is the same. It has at most 4,096 groups and items, and fits one answer of 240\n"
    "  KiB: some 2,000 items. --created is shown to registers; without it, it is now.\n\n"
    "  FILE is CSV whose first line names the columns, or JSON lines, an object a line:\n"
    "    id title                    of every element; ids differ\n"
    "    kind                        item (what is said without it) or group\n"
    "    parent                      id of the group that it is in, which stands before it\n"
    "    title_kk article barcode description ntin measure_title measure_unit\n"
    "    purchase_price sell_price discount_sum markup_sum        in tiyn\n"
    "    discount_percent markup_percent measure_count            as registers take them\n"
    "    taxes                       at most 8: in CSV TAXATION_TYPE/TAX_TYPE/TAX_PERCENT with blanks\n"
    "                                between, in JSON a list of objects with these names in small\n"
    "                                letters; percents in thousandths\n"
    "    measure_fractional marked social                         true or false\n"
    "  What is empty or not there is not told to registers. An administrator's rights are needed.\n\n"
    "Examples\n"
    "  chek nomenclature load goods.csv --org 123456789012\n"
    "    kind,id,parent,title,barcode,sell_price,measure_unit\n"
    "    group,1,,Bakery,,,\n"
    "    item,10,1,\"Bread, white\",4870001234567,25000,796\n"
    "  chek nomenclature load goods.jsonl --org 123456789012 --point main --json\n"
    "    {\"id\":10,\"title\":\"Bread\",\"sell_price\":25000,\"marked\":true,\n"
    "     \"taxes\":[{\"taxation_type\":101,\"tax_type\":100,\"tax_percent\":16000}]}\n",
    nomenclature_load};
