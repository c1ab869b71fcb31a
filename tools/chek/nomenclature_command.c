/* SPDX-License-Identifier: MIT */
/*
 * nomenclature_command.c - chek nomenclature load, show: what registers of an organisation sell.
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
#include "tools/chek/report_print.h"
#include "tools/chek/text_table.h"

#define ORGANISATION_SIZE_MAX 32

CHEK__ENCODER(nomenclature)

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
    struct chek_nomenclature told;
    int error = CHEK__DECODE(run, nomenclature, body, &told);
    if (error != CHEK_OK) {
        return error;
    }
    if (run->json) {
        chek__json_open(run);
        chek__json_text(run, "organisation", told.organisation);
        chek__json_number(run, "version", (int64_t)told.version);
        chek__json_number(run, "elements", loading->count);
        chek__json_close(run);
        chek__json_end(run);
    } else {
        (void)printf("version %llu of what %.*s sells: %u groups and items\n",
                     (unsigned long long)told.version, (int)told.organisation.size,
                     (const char *)told.organisation.bytes, loading->count);
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
    const char *organisation = "";
    const char *created = "";
    struct chek__list names = {0};
    struct chek__goods goods;
    struct chek__goods_fault fault;
    int64_t time_civil = civil_now();
    const struct chek__option options[] = {
        {"org", CHEK__OPTION_TEXT, (void *)&organisation},
        {"created", CHEK__OPTION_TEXT, (void *)&created},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (names.count != 1 || organisation[0] == 0 || strlen(organisation) > ORGANISATION_SIZE_MAX) {
        return chek__usage(run, "FILE, and --org ORG");
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
    goods.what->organisation = chek_bytes_view_text(organisation);
    goods.what->created = time_civil;
    return goods_send(run, &goods);
}

const struct chek__command chek__command_nomenclature_load = {
    "nomenclature load", "what registers of an organisation sell, in the place of what they did",
    "  chek nomenclature load FILE --org ORG [--created TIME]\n\n"
    "  Registers of Kazakhstan fetch it by NOMENCLATURE. FILE takes the place of the whole list that\n"
    "  was there, or, when anything is wrong with it, of nothing. The version rises by one, unless\n"
    "  the list is the same. A list has at most 4,096 groups and items, and fits one answer of 240\n"
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
    "  chek nomenclature load goods.jsonl --org 123456789012 --json\n"
    "    {\"id\":10,\"title\":\"Bread\",\"sell_price\":25000,\"marked\":true,\n"
    "     \"taxes\":[{\"taxation_type\":101,\"tax_type\":100,\"tax_percent\":16000}]}\n",
    nomenclature_load};

/* ---- remove ----------------------------------------------------------------------------------- */

static int
on_removed(void *context, struct chek_bytes_view body)
{
    struct chek__run *run = context;
    struct chek_nomenclature told;
    int error = CHEK__DECODE(run, nomenclature, body, &told);
    if (error == CHEK_OK && run->json) {
        chek__json_open(run);
        chek__json_text(run, "organisation", told.organisation);
        chek__json_text(run, "status", chek_bytes_view_text("removed"));
        chek__json_close(run);
        chek__json_end(run);
    } else if (error == CHEK_OK) {
        (void)printf("registers of %.*s have no list any more\n", (int)told.organisation.size,
                     (const char *)told.organisation.bytes);
    }
    return error;
}

static int
nomenclature_remove(struct chek__run *run, int count, char **words)
{
    const char *organisation = "";
    struct chek__list names = {0};
    const struct chek__option options[] = {{"org", CHEK__OPTION_TEXT, (void *)&organisation}};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (names.count != 0 || organisation[0] == 0 || strlen(organisation) > ORGANISATION_SIZE_MAX) {
        return chek__usage(run, "--org ORG");
    }
    struct chek_nomenclature nothing = {.organisation = chek_bytes_view_text(organisation)};
    return chek__ask(run, CHEK_OPCODE_NOMENCLATURE_LOAD, nomenclature_encode, &nothing, on_removed,
                     run);
}

const struct chek__command chek__command_nomenclature_remove = {
    "nomenclature remove", "registers of an organisation have no list any more",
    "  chek nomenclature remove --org ORG\n\n"
    "  Registers that ask hear that there is none. A list that is loaded later has a version that none\n"
    "  had before. To remove what is not there is no error. An administrator's rights are needed.\n\n"
    "Examples\n"
    "  chek nomenclature remove --org 123456789012\n",
    nomenclature_remove};

/* ---- show ------------------------------------------------------------------------------------- */

static const char *const titles[] = {"id", "<kind", "parent", "<title", "<barcode", "price"};

static void
number_cell(struct chek__table *table, uint64_t number)
{
    if (number != 0) {
        chek__cell_number(table, number);
    } else {
        chek__cell_text(table, "");
    }
}

static void
goods_print(struct chek__table *table, const struct chek_nomenclature *goods)
{
    char text[32];
    chek__strip_view("Organisation", goods->organisation);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)goods->version);
    chek__strip("Version", text);
    (void)chek__time_text(goods->created, text);
    chek__strip("Created", text);
    for (uint32_t i = 0; i < goods->elements_count; i++) {
        const struct chek_nomenclature_element *element = &goods->elements[i];
        bool is_group = element->kind == CHEK_NOMENCLATURE_KIND_GROUP;
        chek__cell_number(table, element->id);
        chek__cell_text(table, is_group ? "group" : "item");
        number_cell(table, element->parent);
        chek__cell(table, element->title);
        chek__cell(table, element->barcode);
        if (element->sell_price != 0) {
            chek__cell_money(table, element->sell_price, RUN_CURRENCY_DEFAULT);
        } else {
            chek__cell_text(table, "");
        }
    }
}

struct showing {
    struct chek__run *run;
    struct chek__table table;
};

static int
on_shown(void *context, struct chek_bytes_view body)
{
    struct showing *showing = context;
    struct chek_nomenclature goods;
    int error = CHEK__DECODE(showing->run, nomenclature, body, &goods);
    if (error == CHEK_OK && showing->run->json) {
        chek__json_record(showing->run, NULL, CHEK_RECORD_NOMENCLATURE, &goods);
        chek__json_end(showing->run);
    } else if (error == CHEK_OK) {
        goods_print(&showing->table, &goods);
    }
    return error;
}

static int
nomenclature_show(struct chek__run *run, int count, char **words)
{
    static struct showing showing;
    const char *organisation = "";
    struct chek__list names = {0};
    const struct chek__option options[] = {{"org", CHEK__OPTION_TEXT, (void *)&organisation}};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (names.count != 0 || organisation[0] == 0 || strlen(organisation) > ORGANISATION_SIZE_MAX) {
        return chek__usage(run, "--org ORG");
    }
    struct chek_nomenclature question = {.organisation = chek_bytes_view_text(organisation)};
    showing.run = run;
    if (!run->json &&
        chek__table_open(&showing.table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    stop = chek__ask(run, CHEK_OPCODE_ASK_NOMENCLATURE, nomenclature_encode, &question, on_shown,
                     &showing);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&showing.table);
    }
    return stop;
}

const struct chek__command chek__command_nomenclature_show = {
    "nomenclature show", "what registers of an organisation sell, and its version",
    "  chek nomenclature show --org ORG\n\n"
    "  With --json one document: version, created and elements, each as it would be a line of a file\n"
    "  that is loaded. An administrator's rights are needed.\n\n"
    "Examples\n"
    "  chek nomenclature show --org 123456789012 --json\n",
    nomenclature_show};
